//! The broadcast channel: every receiver gets every message, or is told how many it has missed.

mod hands;

use futures_lite::future::block_on;
use hands::{Census, Wakes, is_send, is_send_and_sync, now, thread};
use raddle_runtime::prim::lock::Mutex;
use raddle_runtime::runtime::Builder;
use raddle_runtime::spawn;
use raddle_sync::broadcast::{self, RecvError, SendError, Sender, TryRecvError};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

#[test]
fn every_receiver_gets_every_message_in_order() {
    let (sender, mut first) = broadcast::channel(4);
    let mut second = sender.subscribe();
    for n in 0..4 {
        assert_eq!(sender.send(n), Ok(2));
    }
    assert_eq!((sender.len(), first.len(), second.len()), (4, 4, 4));
    for n in 0..4 {
        assert_eq!(now(first.recv()), Poll::Ready(Ok(n)));
    }
    assert_eq!((sender.len(), first.len()), (4, 0));
    for n in 0..4 {
        assert_eq!(second.try_recv(), Ok(n));
        assert_eq!(sender.len(), 3 - n);
    }
    assert!(sender.is_empty() && second.is_empty());
    assert_eq!(second.try_recv(), Err(TryRecvError::Empty));
    assert!(now(second.recv()).is_pending());
}

#[test]
fn a_lag_is_told_exactly_and_the_rest_is_received() {
    for capacity in [1, 2, 3, 7, 8] {
        let (sender, mut receiver) = broadcast::channel(capacity);
        for missed in [0, 1, 2, 5, 100] {
            let all = capacity + missed;
            for n in 0..all {
                sender.send(n).unwrap();
            }
            assert_eq!((receiver.len(), sender.len()), (all, capacity));
            if missed > 0 {
                assert_eq!(receiver.try_recv(), Err(TryRecvError::Lagged(missed as u64)));
            }
            for n in missed..all {
                assert_eq!(block_on(receiver.recv()), Ok(n));
            }
        }
    }
}

#[test]
fn a_lag_behind_the_end_is_told_too() {
    let (sender, mut receiver) = broadcast::channel(1);
    sender.send(1).unwrap();
    sender.send(2).unwrap();
    drop(sender);
    assert!(receiver.is_closed());
    assert_eq!(block_on(receiver.recv()), Err(RecvError::Lagged(1)));
    assert_eq!(block_on(receiver.recv()), Ok(2));
    assert_eq!(block_on(receiver.recv()), Err(RecvError::Closed));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn f26_a_send_wakes_each_who_waits_once() {
    let (sender, receiver) = broadcast::channel(4);
    let woken = Wakes::new();
    let mut receivers: Vec<_> = (0..1_000).map(|_| receiver.resubscribe()).collect();
    let mut waits: Vec<_> = receivers.iter_mut().map(|receiver| Box::pin(receiver.recv())).collect();
    waits.iter_mut().for_each(|wait| assert!(woken.poll(wait.as_mut()).is_pending()));
    assert_eq!(sender.send(7), Ok(1_001));
    assert_eq!(woken.count(), 1_000);
    sender.send(8).unwrap();
    assert_eq!(woken.count(), 1_000);
    assert!(waits.iter_mut().all(|wait| woken.poll(wait.as_mut()) == Poll::Ready(Ok(7))));
    assert_eq!(woken.kept(), 0, "f27");
}

#[test]
fn f26_a_channel_without_receivers_can_be_used_again() {
    let (sender, receiver) = broadcast::channel(2);
    let woken = Wakes::new();
    let mut closed = pin!(sender.closed());
    assert!(woken.poll(closed.as_mut()).is_pending());
    drop(receiver);
    assert_eq!(woken.count(), 1);
    assert_eq!(sender.send(1), Err(SendError(1)));
    let mut again = sender.subscribe();
    assert!(woken.poll(closed.as_mut()).is_pending());
    let mut wait = Box::pin(again.recv());
    assert!(woken.poll(wait.as_mut()).is_pending());
    assert_eq!(sender.send(2), Ok(1));
    assert_eq!(woken.poll(wait.as_mut()), Poll::Ready(Ok(2)));
    drop(wait);
    drop(again);
    assert!(woken.poll(closed).is_ready());
    assert!(now(sender.closed()).is_ready());
}

#[test]
fn f23_a_wait_that_is_dropped_has_received_nothing() {
    let (sender, mut receiver) = broadcast::channel(2);
    let woken = Wakes::new();
    {
        let mut wait = pin!(receiver.recv());
        assert!(woken.poll(wait.as_mut()).is_pending());
        sender.send(1).unwrap();
    }
    assert_eq!((woken.count(), woken.kept()), (1, 0));
    assert_eq!(now(receiver.recv()), Poll::Ready(Ok(1)));
    assert!(woken.poll(pin!(receiver.recv())).is_pending());
    assert_eq!(woken.kept(), 0, "f27");
}

#[test]
fn the_last_sender_to_go_ends_the_waits() {
    let (sender, mut receiver) = broadcast::channel::<u32>(2);
    let (other, weak) = (sender.clone(), sender.downgrade());
    assert_eq!(sender.strong_count(), 2);
    let woken = Wakes::new();
    let mut wait = pin!(receiver.recv());
    assert!(woken.poll(wait.as_mut()).is_pending());
    drop(sender);
    drop(weak.upgrade().expect("there is one still"));
    assert_eq!(woken.count(), 0);
    drop(other);
    assert_eq!(woken.count(), 1);
    assert_eq!(woken.poll(wait), Poll::Ready(Err(RecvError::Closed)));
    assert!(weak.clone().upgrade().is_none());
}

#[test]
fn a_message_goes_when_the_last_receiver_has_seen_it_or_has_gone() {
    let census = Census::default();
    let (sender, mut receiver) = broadcast::channel(2);
    let mut slow = sender.subscribe();
    let alive = || census.made() - census.dropped();
    sender.send(census.value()).unwrap();
    drop(receiver.try_recv().unwrap());
    assert_eq!((alive(), census.made()), (1, 2));
    drop(slow.try_recv().unwrap());
    assert_eq!((alive(), census.made()), (0, 2), "the last one got the message itself");
    for _ in 0..5 {
        sender.send(census.value()).unwrap();
    }
    assert_eq!(alive(), 2);
    drop(slow);
    assert_eq!(alive(), 2);
    drop(receiver);
    assert_eq!(alive(), 0);
    let _last = sender.subscribe();
    sender.send(census.value()).unwrap();
    drop(sender);
    assert_eq!(alive(), 1);
}

#[test]
fn a_receiver_gets_nothing_from_before_it_subscribed() {
    let (sender, receiver) = broadcast::channel(4);
    sender.send(1).unwrap();
    let (mut late, mut other) = (sender.subscribe(), receiver.resubscribe());
    sender.send(2).unwrap();
    assert_eq!((late.try_recv(), other.try_recv()), (Ok(2), Ok(2)));
    assert_eq!(sender.receiver_count(), 3);
    assert!(late.same_channel(&receiver) && sender.same_channel(&sender.clone()));
    assert!(!sender.same_channel(&Sender::new(4)));
}

#[test]
fn a_channel_of_no_capacity_is_refused() {
    let panic = catch_unwind(|| broadcast::channel::<u32>(0)).unwrap_err();
    let message = "a broadcast channel holds at least 1 message: its capacity cannot be 0";
    assert_eq!(panic.downcast_ref(), Some(&message));
}

#[derive(Debug)]
struct Brittle(u32);

impl Clone for Brittle {
    fn clone(&self) -> Self {
        assert_ne!(self.0, 1, "a clone fails");
        Self(self.0)
    }
}

#[test]
fn a_clone_that_panics_costs_that_receiver_that_message() {
    let (sender, mut first) = broadcast::channel(4);
    let mut second = sender.subscribe();
    sender.send(Brittle(1)).unwrap();
    sender.send(Brittle(2)).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| first.try_recv())).is_err());
    assert_eq!(first.try_recv().unwrap().0, 2);
    assert_eq!(second.try_recv().unwrap().0, 1, "the last one gets the message itself");
    assert_eq!(second.try_recv().unwrap().0, 2);
    assert!(sender.is_empty());
}

/// Uses the channel when it is woken.
struct Sends(Mutex<Option<Sender<u32>>>);

impl Wake for Sends {
    fn wake(self: Arc<Self>) {
        let sender = self.0.lock().take().expect("it is woken once");
        sender.send(2).unwrap();
        drop(sender.subscribe());
        assert_eq!(sender.len(), 2);
    }
}

#[test]
fn f27_a_waker_may_use_the_channel() {
    let (sender, mut receiver) = broadcast::channel(2);
    let sends = Arc::new(Sends(Mutex::new(Some(sender.clone()))));
    let waker = Waker::from(sends);
    {
        let mut wait = pin!(receiver.recv());
        assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        sender.send(1).unwrap();
        assert_eq!(block_on(wait), Ok(1));
    }
    assert_eq!(receiver.try_recv(), Ok(2));
}

#[test]
fn threads_get_every_message_or_the_exact_number_that_they_missed() {
    const EACH: u64 = 20_000;
    let (sender, receiver) = broadcast::channel(8);
    let receiving = (0..3).map(|_| {
        let mut receiver = receiver.resubscribe();
        thread(move || {
            // By sender, the next that may come; and what was received and missed in all.
            let (mut next, mut all) = ([0; 2], 0);
            loop {
                match receiver.blocking_recv() {
                    Ok((sender, n)) => {
                        assert!(n >= next[sender], "{n} came again");
                        next[sender] = n + 1;
                        all += 1;
                    }
                    Err(RecvError::Lagged(missed)) => all += missed,
                    Err(RecvError::Closed) => return assert_eq!(all, 2 * EACH),
                }
            }
        })
    });
    let mut threads: Vec<_> = receiving.collect();
    drop(receiver);
    for id in 0..2 {
        let sender = sender.clone();
        threads.push(thread(move || (0..EACH).for_each(|n| assert_eq!(sender.send((id, n)), Ok(3)))));
    }
    drop(sender);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn receivers_come_and_go_beside_a_sender() {
    let census = Census::default();
    let (sender, receiver) = broadcast::channel(4);
    let coming = sender.clone();
    let coming = thread(move || {
        for round in 0..5_000 {
            let mut receiver = coming.subscribe();
            for _ in 0..round % 4 {
                drop(receiver.try_recv());
            }
        }
    });
    for _ in 0..5_000 {
        sender.send(census.value()).unwrap();
    }
    coming.join().unwrap();
    assert_eq!((sender.len(), census.made() - census.dropped()), (4, 4));
    drop(receiver);
    assert_eq!((sender.len(), census.dropped()), (0, census.made()));
}

#[test]
fn f11_a_loop_over_messages_that_are_there_lets_other_tasks_run() {
    Builder::new().current_thread().build().unwrap().block_on(async {
        let (stop, mut stopped) = broadcast::channel(1);
        let busy = spawn(async move {
            let (sender, mut receiver) = broadcast::channel(1);
            while stopped.try_recv().is_err() {
                sender.send(()).unwrap();
                receiver.recv().await.unwrap();
            }
        });
        spawn(async move { stop.send(()).unwrap() }).await.unwrap();
        busy.await.unwrap();
    });
}

#[test]
fn ends_may_be_sent_and_shared_if_messages_may_be_sent() {
    let (sender, mut receiver) = broadcast::channel::<Cell<u32>>(2);
    is_send_and_sync(&sender);
    is_send_and_sync(&sender.downgrade());
    is_send_and_sync(&receiver);
    is_send(&sender.closed());
    is_send(&receiver.recv());
    assert!(!format!("{sender:?} {receiver:?} {}", RecvError::Lagged(2)).is_empty());
}
