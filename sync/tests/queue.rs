//! The queues: order, bounds, joins, shutdown as in Python 3.13, and what cancelling leaves.
#![allow(clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::Hand;
use futures_lite::future::block_on;
use raddle_sync::{LifoQueue, PriorityQueue, Queue, QueueShutDown, TooManyDone, TryGetError, TryPutError};
use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::thread;

fn filled(maxsize: usize, items: impl IntoIterator<Item = u32>) -> Queue<u32> {
    let queue = Queue::new(maxsize);
    items.into_iter().for_each(|item| queue.put_nowait(item).unwrap());
    queue
}

#[test]
fn each_kind_has_its_order() {
    let (fifo, lifo, smallest) = (Queue::new(0), LifoQueue::new(0), PriorityQueue::new(0));
    for item in [3, 1, 4, 1, 5, 9, 2, 6] {
        fifo.put_nowait(item).unwrap();
        lifo.put_nowait(item).unwrap();
        smallest.put_nowait(item).unwrap();
    }
    let all =
        |get: &dyn Fn() -> Result<u32, TryGetError>| std::iter::from_fn(|| get().ok()).collect::<Vec<_>>();
    assert_eq!(all(&|| fifo.get_nowait()), [3, 1, 4, 1, 5, 9, 2, 6]);
    assert_eq!(all(&|| lifo.get_nowait()), [6, 2, 9, 5, 1, 4, 1, 3]);
    assert_eq!(all(&|| smallest.get_nowait()), [1, 1, 2, 3, 4, 5, 6, 9]);
}

#[test]
fn it_says_how_full_it_is() {
    let queue = filled(2, [1]);
    assert_eq!((queue.qsize(), queue.maxsize(), queue.full(), queue.empty()), (1, 2, false, false));
    queue.put_nowait(2).unwrap();
    assert!(queue.full());
    assert_eq!(queue.put_nowait(3), Err(TryPutError::Full(3)));
    assert_eq!(TryPutError::Full(3).into_inner(), 3);
    assert_eq!(queue.get_nowait(), Ok(1));
    assert_eq!(queue.get_nowait(), Ok(2));
    assert_eq!(queue.get_nowait(), Err(TryGetError::Empty));
    assert!(queue.empty());
    let unbounded = Queue::unbounded();
    (0..10_000).for_each(|item| unbounded.put_nowait(item).unwrap());
    assert_eq!((unbounded.full(), unbounded.maxsize()), (false, 0));
    assert_eq!(format!("{queue:?}"), "Queue { maxsize: 2, qsize: 0, unfinished: 2, is_shut_down: false }");
}

#[test]
fn getters_are_served_in_order_and_not_overtaken() {
    let queue = Queue::new(0);
    let mut getters: Vec<_> = (0..3).map(|_| Hand::new(queue.get())).collect();
    assert!(getters.iter_mut().all(|getter| !getter.poll()));
    queue.put_nowait('a').unwrap();
    assert_eq!([0, 1, 2].map(|i: usize| getters[i].wakes()), [1, 0, 0]);
    assert_eq!(queue.get_nowait(), Err(TryGetError::Empty), "it belongs to the one who was chosen");
    let mut late = Hand::new(queue.get());
    assert!(!late.poll());
    queue.put_nowait('b').unwrap();
    queue.put_nowait('c').unwrap();
    queue.put_nowait('d').unwrap();
    assert!(getters.iter_mut().all(|getter| getter.wakes() == 1 && getter.poll()));
    assert_eq!(late.output(), Some(Ok('d')));
}

#[test]
fn putters_are_served_in_order_and_not_overtaken() {
    let queue = filled(1, [0]);
    let (mut first, mut second) = (Hand::new(queue.put(1)), Hand::new(queue.put(2)));
    assert!(!first.poll() && !second.poll());
    assert_eq!(queue.get_nowait(), Ok(0));
    assert_eq!((first.wakes(), second.wakes()), (1, 0));
    assert_eq!(queue.put_nowait(9), Err(TryPutError::Full(9)), "the slot belongs to the one who was chosen");
    assert!(!queue.full());
    assert!(first.poll() && !second.poll());
    assert_eq!(block_on(queue.get()), Ok(1));
    assert!(second.poll());
    assert_eq!(block_on(queue.get()), Ok(2));
}

#[test]
fn f23_a_chosen_getter_that_goes_passes_its_item_on() {
    let queue = Queue::new(0);
    let (mut first, mut second) = (Hand::new(queue.get()), Hand::new(queue.get()));
    assert!(!first.poll() && !second.poll());
    queue.put_nowait(1).unwrap();
    drop(first);
    assert_eq!(second.wakes(), 1);
    drop(second);
    assert_eq!(queue.get_nowait(), Ok(1), "nobody else waits: it is anybody's");
    assert_eq!(queue.get_nowait(), Err(TryGetError::Empty));
}

#[test]
fn f23_a_chosen_putter_that_goes_passes_its_slot_on() {
    let queue = filled(1, [0]);
    let (mut first, mut second) = (Hand::new(queue.put(1)), Hand::new(queue.put(2)));
    assert!(!first.poll() && !second.poll());
    queue.get_nowait().unwrap();
    drop(first);
    assert_eq!(second.wakes(), 1);
    drop(second);
    queue.put_nowait(3).expect("nobody else waits: the slot is anybody's");
    assert_eq!(queue.put_nowait(4), Err(TryPutError::Full(4)));
    assert_eq!(queue.get_nowait(), Ok(3), "what was not put is not there");
}

#[test]
fn a_cancelled_put_drops_its_item() {
    let queue = Queue::new(1);
    let item = Rc::new(());
    queue.put_nowait(item.clone()).unwrap();
    drop(queue.put(item.clone()));
    let mut waits = Hand::new(queue.put(item.clone()));
    assert!(!waits.poll());
    assert_eq!(Rc::strong_count(&item), 3);
    drop(waits);
    assert_eq!(Rc::strong_count(&item), 2);
    drop(queue);
    assert_eq!(Rc::strong_count(&item), 1);
}

#[test]
fn join_waits_until_all_is_done() {
    let queue = filled(0, [1, 2]);
    let mut join = Hand::new(queue.join());
    assert!(!join.poll());
    queue.get_nowait().unwrap();
    queue.get_nowait().unwrap();
    assert!(!join.poll(), "got is not done");
    queue.task_done().unwrap();
    assert_eq!(join.wakes(), 0);
    queue.task_done().unwrap();
    assert_eq!(join.wakes(), 1);
    queue.put_nowait(3).unwrap();
    assert!(join.poll(), "all was done once");
    assert!(!Hand::new(queue.join()).poll());
    queue.task_done().unwrap();
    assert_eq!(queue.task_done(), Err(TooManyDone));
    assert!(Hand::new(queue.join()).poll());
    assert!(Hand::new(Queue::<u32>::unbounded().join()).poll(), "nothing was put");
}

#[test]
fn shutdown_lets_the_queue_drain() {
    let queue = filled(2, [1, 2]);
    let mut putter = Hand::new(queue.put(3));
    let mut join = Hand::new(queue.join());
    assert!(!putter.poll() && !join.poll());
    queue.shutdown(false);
    queue.shutdown(false);
    assert_eq!(putter.output(), Some(Err(QueueShutDown(3))));
    assert_eq!(queue.put_nowait(4), Err(TryPutError::ShutDown(4)));
    assert_eq!(block_on(queue.put(4)), Err(QueueShutDown(4)));
    assert!(!join.poll());
    assert_eq!(block_on(queue.get()), Ok(1));
    assert_eq!(queue.get_nowait(), Ok(2));
    assert_eq!(block_on(queue.get()), Err(QueueShutDown(())));
    assert_eq!(queue.get_nowait(), Err(TryGetError::ShutDown));
    queue.task_done().unwrap();
    queue.task_done().unwrap();
    assert!(join.poll());
}

#[test]
fn an_immediate_shutdown_drains_and_counts_as_done() {
    let queue = filled(0, [1, 2, 3]);
    let mut join = Hand::new(queue.join());
    queue.get_nowait().unwrap();
    assert!(!join.poll());
    queue.shutdown(true);
    assert_eq!((queue.qsize(), queue.get_nowait()), (0, Err(TryGetError::ShutDown)));
    assert!(!join.poll(), "one was got and is not done");
    queue.task_done().unwrap();
    assert!(join.poll());
    assert_eq!(queue.task_done(), Err(TooManyDone));

    let idle = filled(0, [1]);
    let mut join = Hand::new(idle.join());
    assert!(!join.poll());
    idle.shutdown(false);
    idle.shutdown(true);
    assert!(join.poll(), "an immediate shutdown may come after another");
}

#[test]
fn shutdown_ends_the_waits_of_getters() {
    let queue = Queue::<u32>::new(0);
    let mut getters: Vec<_> = (0..100).map(|_| Hand::new(queue.get())).collect();
    assert!(getters.iter_mut().all(|getter| !getter.poll()));
    queue.put_nowait(1).unwrap();
    queue.shutdown(false);
    assert!(getters.iter().all(|getter| getter.wakes() == 1));
    let got = getters.iter_mut().map(|getter| getter.output().unwrap()).filter(Result::is_ok).count();
    assert_eq!(got, 1);
}

#[test]
fn an_item_does_not_stay_behind_for_a_getter_that_went_at_shutdown() {
    let queue = Queue::new(0);
    let (mut chosen, mut other) = (Hand::new(queue.get()), Hand::new(queue.get()));
    assert!(!chosen.poll() && !other.poll());
    queue.put_nowait(1).unwrap();
    queue.shutdown(false);
    assert_eq!(other.output(), Some(Ok(1)), "after a shutdown an item goes to whoever comes");
    assert_eq!(chosen.output(), Some(Err(QueueShutDown(()))));

    let queue = filled(1, [1]);
    let (mut chosen, mut getter) = (Hand::new(queue.put(2)), Hand::new(queue.get()));
    assert!(!chosen.poll());
    assert_eq!(getter.output(), Some(Ok(1)));
    queue.shutdown(true);
    assert_eq!(chosen.output(), Some(Err(QueueShutDown(2))), "chosen before, but too late");
}

#[test]
fn each_wait_can_be_dropped_after_each_poll() {
    for polls in 0..3 {
        let queue = filled(1, [1]);
        let (mut put, mut join) = (Hand::new(queue.put(2)), Hand::new(queue.join()));
        for poll in 0..polls {
            assert_eq!((put.poll(), join.poll()), (poll == 1, poll == 1));
            if poll == 0 {
                assert_eq!(queue.get_nowait(), Ok(1));
                queue.task_done().unwrap();
            }
        }
        drop((put, join));
        while queue.get_nowait().is_ok() {}
        let mut get = Hand::new(queue.get());
        for poll in 0..polls {
            assert_eq!(get.poll(), poll == 1);
            if poll == 0 {
                queue.put_nowait(3).unwrap();
            }
        }
        drop(get);
        while queue.get_nowait().is_ok() {}
        queue.put_nowait(4).expect("the slot is free again");
        assert!(!Hand::new(queue.put(5)).poll());
    }
}

/// Calls back into the queue when it is dropped, and counts that.
struct CallsBack(Rc<Shared>);

#[derive(Default)]
struct Shared {
    queue: RefCell<Option<Rc<Queue<CallsBack>>>>,
    drops: Cell<u32>,
}

impl Drop for CallsBack {
    fn drop(&mut self) {
        if let Some(queue) = &*self.0.queue.borrow() {
            queue.qsize();
        }
        self.0.drops.set(self.0.drops.get() + 1);
    }
}

#[test]
fn items_are_dropped_with_the_queue_unlocked() {
    let queue = Rc::new(Queue::new(1));
    let shared = Rc::new(Shared::default());
    *shared.queue.borrow_mut() = Some(queue.clone());
    let item = || CallsBack(shared.clone());
    queue.put_nowait(item()).unwrap();
    let mut waits = Hand::new(queue.put(item()));
    assert!(!waits.poll());
    drop(queue.put_nowait(item()));
    queue.shutdown(true);
    drop(waits.output());
    drop(queue.put_nowait(item()));
    assert_eq!(shared.drops.get(), 4);
    *shared.queue.borrow_mut() = None;
}

static CALLED: Queue<u32> = Queue::new(1);

/// Calls back into `CALLED` when woken, and again when dropped.
struct Reentrant;

impl Wake for Reentrant {
    fn wake(self: Arc<Self>) {
        CALLED.qsize();
    }
}

impl Drop for Reentrant {
    fn drop(&mut self) {
        CALLED.qsize();
    }
}

#[test]
fn f27_a_waker_may_call_back_when_woken_replaced_and_dropped() {
    let reentrant = || Waker::from(Arc::new(Reentrant));
    let mut get = Hand::new(CALLED.get());
    assert!(!get.poll_with(&reentrant()) && !get.poll_with(&reentrant()));
    CALLED.put_nowait(1).unwrap();
    let (mut put, mut join) = (Hand::new(CALLED.put(2)), Hand::new(CALLED.join()));
    assert!(!put.poll_with(&reentrant()) && !join.poll_with(&reentrant()));
    assert_eq!(get.output(), Some(Ok(1)));
    assert!(put.poll());
    let mut left = Hand::new(CALLED.put(3));
    assert!(!left.poll_with(&reentrant()));
    drop(left);
    CALLED.shutdown(true);
    assert!(!join.poll_with(&reentrant()), "one was got and is not done");
    CALLED.task_done().unwrap();
    assert!(join.poll());
}

/// Panics when it is compared with the number thirteen.
#[derive(Debug, PartialEq, Eq)]
struct Touchy(u32);

impl PartialOrd for Touchy {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Touchy {
    fn cmp(&self, other: &Self) -> Ordering {
        assert!(self.0 != 13 && other.0 != 13, "unlucky");
        self.0.cmp(&other.0)
    }
}

#[test]
fn a_comparison_that_panics_leaves_the_queue_usable() {
    let queue = PriorityQueue::new(2);
    queue.put_nowait(Touchy(1)).unwrap();
    let unlucky = catch_unwind(AssertUnwindSafe(|| queue.put_nowait(Touchy(13))));
    assert!(unlucky.is_err());
    assert_eq!((queue.qsize(), queue.full()), (2, true));
    let mut waits = Hand::new(queue.put(Touchy(2)));
    assert!(!waits.poll());
    queue.get_nowait().unwrap();
    assert_eq!(waits.wakes(), 1);
    let _ = catch_unwind(AssertUnwindSafe(|| waits.poll()));
    drop(waits);
    queue.shutdown(true);
    assert!(queue.empty());
}

#[test]
fn many_threads_lose_nothing() {
    for maxsize in [0, 1, 3] {
        let queue = Arc::new(Queue::new(maxsize));
        let consumers: Vec<_> = (0..3)
            .map(|_| {
                let queue = queue.clone();
                thread::spawn(move || {
                    let mut got = Vec::new();
                    while let Ok(item) = queue.blocking_get() {
                        got.push(item);
                        queue.task_done().unwrap();
                    }
                    got
                })
            })
            .collect();
        let producers: Vec<_> = (0..2)
            .map(|producer| {
                let queue = queue.clone();
                thread::spawn(move || {
                    (0..2_000).for_each(|i| queue.blocking_put(producer * 2_000 + i).unwrap())
                })
            })
            .collect();
        producers.into_iter().for_each(|producer| producer.join().unwrap());
        block_on(queue.join());
        queue.shutdown(false);
        let mut got: Vec<u32> = consumers.into_iter().flat_map(|consumer| consumer.join().unwrap()).collect();
        got.sort_unstable();
        assert!(got.into_iter().eq(0..4_000));
    }
}

#[test]
fn queues_are_send_and_sync_when_their_items_are_send() {
    fn is_send_and_sync<T: Send + Sync>(_: &T) {}
    fn is_send<T: Send>(_: &T) {}
    let queue = Queue::<Cell<u32>>::new(0);
    is_send_and_sync(&queue);
    is_send_and_sync(&LifoQueue::<Cell<u32>>::new(0));
    is_send_and_sync(&PriorityQueue::<u32>::new(0));
    is_send(&queue.put(Cell::new(1)));
    is_send(&queue.get());
    is_send(&queue.join());
}

#[test]
fn errors_say_what_happened() {
    let said = [
        QueueShutDown(()).to_string(),
        TryPutError::Full(1).to_string(),
        TryPutError::ShutDown(1).to_string(),
        TryGetError::Empty.to_string(),
        TooManyDone.to_string(),
    ];
    assert_eq!(
        said,
        [
            "the queue has been shut down",
            "the queue is full",
            "the queue has been shut down",
            "the queue is empty",
            "task_done() was called more often than items were put into the queue",
        ]
    );
}
