//! The queues: items and slots that belong to those who were chosen, and the count of what is not done.
//!
//! The promise: each item that is put is got once, whoever is cancelled meanwhile; a slot that is freed lets the next
//! putter go on; `join` returns when all that was put is done, and not before; a shutdown ends every wait, and leaves
//! no item behind that somebody waited for.
//!
//! The model plays putters, getters, joiners and a shutdown against each other, and cancels those who wait.
//!
//! Broken on purpose, in `sync/src/queue/`, and seen to fail:
//! - `has_item` does not count `owed`, or `has_slot` not `granted`: somebody overtakes the one who was chosen.
//! - `pass_item_on` or `pass_slot_on` chooses no other, or does not give back when there is none (f23): deadlocks.
//! - `take` chooses no putter; `join` does not look before it enters the line; a shutdown leaves the putters in line:
//!   deadlocks.
//! - A putter that was chosen puts after the shutdown. Joiners are released when one item is left.
#![cfg(loom)]

use loom::thread::{self, JoinHandle};
use loom_tests::{Event, block_on, check, check_within, poll_once};
use raddle_sync::{Queue, QueueShutDown, TryGetError, TryPutError};
use std::sync::Arc;
use std::task::Poll;

fn queue(maxsize: usize) -> Arc<Queue<u32>> {
    Arc::new(Queue::new(maxsize))
}

fn on_thread<R: Send + 'static>(
    queue: &Arc<Queue<u32>>,
    act: impl FnOnce(&Queue<u32>) -> R + Send + 'static,
) -> JoinHandle<R> {
    let queue = queue.clone();
    thread::spawn(move || act(&queue))
}

#[test]
fn join_returns_when_both_items_are_done() {
    check_within(2, || {
        let queue = queue(0);
        queue.put_nowait(1).unwrap();
        queue.put_nowait(2).unwrap();
        let consumers = [(), ()].map(|()| {
            on_thread(&queue, |queue| {
                let item = block_on(queue.get()).unwrap();
                queue.task_done().unwrap();
                item
            })
        });
        block_on(queue.join());
        assert!(queue.empty(), "join returned before all was done");
        assert!(queue.task_done().is_err(), "join returned before all was done");
        let [one, other] = consumers.map(|consumer| consumer.join().unwrap());
        assert_eq!(one + other, 3, "got once each");
    });
}

#[test]
fn nobody_takes_what_another_was_chosen_for() {
    check(|| {
        let (queue, woken) = (queue(0), Event::new());
        let mut first = Box::pin(queue.get());
        assert!(poll_once(&mut first, &woken.waker()).is_pending());
        let producer = on_thread(&queue, |queue| queue.put_nowait(1).unwrap());
        let late = on_thread(&queue, |queue| queue.get_nowait());
        woken.wait();
        assert_eq!(poll_once(&mut first, &woken.waker()), Poll::Ready(Ok(1)));
        assert_eq!(late.join().unwrap(), Err(TryGetError::Empty));
        producer.join().unwrap();
    });
}

#[test]
fn nobody_fills_the_slot_that_another_was_chosen_for() {
    check(|| {
        let (queue, woken) = (queue(1), Event::new());
        queue.put_nowait(0).unwrap();
        let mut first = Box::pin(queue.put(1));
        assert!(poll_once(&mut first, &woken.waker()).is_pending());
        let consumer = on_thread(&queue, |queue| queue.get_nowait().unwrap());
        let late = on_thread(&queue, |queue| queue.put_nowait(2));
        woken.wait();
        assert_eq!(poll_once(&mut first, &woken.waker()), Poll::Ready(Ok(())));
        assert_eq!(late.join().unwrap(), Err(TryPutError::Full(2)));
        consumer.join().unwrap();
        assert_eq!(queue.qsize(), 1);
    });
}

#[test]
fn a_bounded_queue_hands_everything_over_in_order() {
    check(|| {
        let queue = queue(1);
        let producer = on_thread(&queue, |queue| (1..=3).for_each(|item| block_on(queue.put(item)).unwrap()));
        (1..=3).for_each(|item| assert_eq!(block_on(queue.get()), Ok(item)));
        producer.join().unwrap();
        assert_eq!(queue.get_nowait(), Err(TryGetError::Empty));
    });
}

#[test]
fn f23_a_cancelled_getter_passes_its_item_on() {
    check(|| {
        let (queue, woken) = (queue(0), Event::new());
        let mut first = Box::pin(queue.get());
        let mut second = Box::pin(queue.get());
        assert!(poll_once(&mut first, &Event::new().waker()).is_pending());
        assert!(poll_once(&mut second, &woken.waker()).is_pending());
        let producer = on_thread(&queue, |queue| queue.put_nowait(1).unwrap());
        drop(first);
        woken.wait();
        assert_eq!(poll_once(&mut second, &woken.waker()), Poll::Ready(Ok(1)));
        producer.join().unwrap();
    });
}

#[test]
fn f23_a_cancelled_getter_leaves_its_item_to_who_comes() {
    check(|| {
        let queue = queue(0);
        let mut only = Box::pin(queue.get());
        assert!(poll_once(&mut only, &Event::new().waker()).is_pending());
        let producer = on_thread(&queue, |queue| queue.put_nowait(1).unwrap());
        let next = on_thread(&queue, |queue| block_on(queue.get()));
        drop(only);
        assert_eq!(next.join().unwrap(), Ok(1));
        producer.join().unwrap();
    });
}

#[test]
fn f23_a_cancelled_putter_passes_its_slot_on() {
    check(|| {
        let (queue, woken) = (queue(1), Event::new());
        queue.put_nowait(0).unwrap();
        let mut first = Box::pin(queue.put(1));
        let mut second = Box::pin(queue.put(2));
        assert!(poll_once(&mut first, &Event::new().waker()).is_pending());
        assert!(poll_once(&mut second, &woken.waker()).is_pending());
        let consumer = on_thread(&queue, |queue| queue.get_nowait().unwrap());
        drop(first);
        woken.wait();
        assert_eq!(poll_once(&mut second, &woken.waker()), Poll::Ready(Ok(())));
        assert_eq!(consumer.join().unwrap(), 0);
        assert_eq!((queue.get_nowait(), queue.get_nowait()), (Ok(2), Err(TryGetError::Empty)));
    });
}

#[test]
fn f23_a_cancelled_putter_leaves_its_slot_to_who_comes() {
    check(|| {
        let queue = queue(1);
        queue.put_nowait(0).unwrap();
        let mut only = Box::pin(queue.put(1));
        assert!(poll_once(&mut only, &Event::new().waker()).is_pending());
        let consumer = on_thread(&queue, |queue| queue.get_nowait().unwrap());
        let next = on_thread(&queue, |queue| block_on(queue.put(2)));
        drop(only);
        next.join().unwrap().unwrap();
        consumer.join().unwrap();
        assert_eq!(queue.get_nowait(), Ok(2));
    });
}

#[test]
fn a_shutdown_ends_every_wait_and_leaves_no_item_behind() {
    check_within(2, || {
        let queue = queue(0);
        let getters = [(), ()].map(|()| on_thread(&queue, |queue| block_on(queue.get())));
        let was_put = queue.put_nowait(1).is_ok();
        queue.shutdown(false);
        let got = getters.map(|getter| getter.join().unwrap());
        assert!(was_put && got.contains(&Ok(1)) && got.contains(&Err(QueueShutDown(()))));
    });
}

#[test]
fn an_immediate_shutdown_ends_putters_and_joiners() {
    check_within(2, || {
        let queue = queue(1);
        queue.put_nowait(1).unwrap();
        let putter = on_thread(&queue, |queue| block_on(queue.put(2)));
        let joiner = on_thread(&queue, |queue| block_on(queue.join()));
        queue.shutdown(true);
        assert_eq!(putter.join().unwrap(), Err(QueueShutDown(2)));
        joiner.join().unwrap();
        assert_eq!(queue.get_nowait(), Err(TryGetError::ShutDown));
    });
}

#[test]
fn nothing_is_put_after_a_shutdown() {
    check(|| {
        let queue = queue(1);
        queue.put_nowait(1).unwrap();
        let putter = on_thread(&queue, |queue| block_on(queue.put(2)));
        // Now the slot may be the putter's, who does not know it yet.
        assert_eq!(queue.get_nowait(), Ok(1));
        queue.shutdown(true);
        let ended = putter.join().unwrap();
        assert!(matches!(ended, Ok(()) | Err(QueueShutDown(2))));
        assert_eq!(queue.get_nowait(), Err(TryGetError::ShutDown));
    });
}
