//! The mpsc channels when somebody goes: a sender, the receiver, or a future before it is ready.
//!
//! Faults: f23 (a cancelled sender passes its room on), f24 (send against the receiver's going, a permit after close,
//! `len`), f27 (the channel does not keep a waker whose owner is gone).

mod common;
#[path = "common/counted.rs"]
mod counted;

use common::Hand;
use counted::{Counted, counter};
use futures_lite::future::{block_on, poll_once};
use raddle_runtime::prim::atomic::Ordering::SeqCst;
use raddle_sync::mpsc::error::{SendError, TryRecvError, TrySendError};
use raddle_sync::mpsc::{self, UnboundedSender};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::thread;

#[test]
fn f24_len_and_capacity_are_exact() {
    block_on(async {
        let (sender, mut receiver) = mpsc::channel(4);
        assert_eq!(
            (receiver.len(), receiver.is_empty(), sender.capacity(), sender.max_capacity()),
            (0, true, 4, 4)
        );
        sender.send(1).await.unwrap();
        let permit = sender.reserve().await.unwrap();
        assert_eq!((receiver.len(), receiver.is_empty(), receiver.capacity()), (1, false, 2));
        permit.send(2);
        assert_eq!((receiver.len(), sender.capacity()), (2, 2));
        drop(sender.try_reserve().unwrap());
        assert_eq!((receiver.len(), sender.capacity()), (2, 2));
        assert_eq!(receiver.recv().await, Some(1));
        assert_eq!((receiver.len(), sender.capacity()), (1, 3));
        receiver.close();
        assert!(sender.try_send(3).is_err());
        assert_eq!((receiver.len(), sender.capacity(), receiver.max_capacity()), (1, 3, 4));
        assert_eq!(receiver.recv().await, Some(2));
        assert_eq!((receiver.len(), receiver.is_empty(), sender.capacity()), (0, true, 4));
    });
}

#[test]
fn f24_len_does_not_count_what_was_refused() {
    let (sender, mut receiver) = mpsc::unbounded();
    sender.send(1).unwrap();
    receiver.close();
    assert_eq!(sender.send(2), Err(SendError(2)));
    assert_eq!(sender.send(3), Err(SendError(3)));
    drop(sender);
    assert_eq!(receiver.len(), 1);
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!((receiver.len(), receiver.is_empty()), (0, true));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
}

#[test]
fn f24_a_permit_stays_good_after_close() {
    let (sender, mut receiver) = mpsc::channel(2);
    let (first, second) = (sender.try_reserve().unwrap(), sender.try_reserve().unwrap());
    receiver.close();
    assert!(receiver.is_closed() && sender.is_closed());
    assert_eq!(sender.try_send(0), Err(TrySendError::Closed(0)));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    first.send(7);
    assert_eq!(block_on(receiver.recv()), Some(7));
    let mut end = Hand::new(receiver.recv());
    assert!(!end.poll());
    drop(second);
    assert_eq!(end.wakes(), 1, "the last permit of a closed channel wakes the receiver");
    assert!(end.poll());
}

#[test]
fn f24_a_message_sent_to_nobody_is_dropped_at_once() {
    let (count, message) = counter();
    let (sender, receiver) = mpsc::channel(2);
    let permit = sender.try_reserve().unwrap();
    drop(receiver);
    permit.send(message());
    assert_eq!(count.load(SeqCst), 1, "it would be kept as long as a sender lives");
    assert_eq!(sender.capacity(), 2);
    let owned = sender.clone().try_reserve_owned();
    assert!(matches!(owned, Err(TrySendError::Closed(_))));
}

#[test]
fn f24_pending_senders_get_their_value_back() {
    for closes in [true, false] {
        let (sender, mut receiver) = mpsc::channel(1);
        sender.try_send(1).unwrap();
        let (mut send, mut reserve) = (pin!(sender.send(2)), pin!(sender.reserve()));
        let mut closed = pin!(sender.closed());
        block_on(async {
            assert!(poll_once(&mut send).await.is_none());
            assert!(poll_once(&mut reserve).await.is_none());
            assert!(poll_once(&mut closed).await.is_none());
        });
        if closes {
            receiver.close();
            assert_eq!(receiver.try_recv(), Ok(1));
            assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
        } else {
            drop(receiver);
        }
        assert_eq!(block_on(send), Err(SendError(2)));
        assert!(block_on(reserve).is_err());
        block_on(closed);
        assert_eq!(sender.capacity(), 1);
    }
}

/// Whatever the order, each message is received, or dropped by the receiver, or handed back: once.
#[test]
fn f24_send_against_the_receivers_going() {
    for round in 0..200 {
        let (count, message) = counter();
        let (sender, mut receiver) = mpsc::unbounded();
        let mut refused = 0;
        thread::scope(|scope| {
            let sending = scope.spawn(|| {
                let results = (0..100).map(|_| sender.send(message()));
                results.filter_map(Result::err).map(std::mem::forget).count()
            });
            for _ in 0..round % 60 {
                drop(receiver.try_recv());
            }
            drop(receiver);
            refused = sending.join().unwrap();
        });
        assert_eq!(count.load(SeqCst) + refused, 100);
    }
}

#[test]
fn what_nobody_received_is_dropped_with_the_receiver() {
    let (count, message) = counter();
    let (sender, mut receiver) = mpsc::channel(100);
    (0..75).for_each(|_| sender.try_send(message()).unwrap());
    drop(receiver.try_recv());
    assert_eq!(count.load(SeqCst), 1);
    drop(receiver);
    assert_eq!((count.load(SeqCst), sender.capacity()), (75, 100));
    drop(sender.try_send(message()));
    assert_eq!(count.load(SeqCst), 76);

    let (sender, receiver) = mpsc::unbounded();
    (0..75).for_each(|_| sender.send(message()).unwrap());
    drop(sender);
    drop(receiver);
    assert_eq!(count.load(SeqCst), 151);
}

/// One destructor panics: the others run all the same, and the channel is closed.
#[test]
fn a_message_that_panics_when_it_is_dropped() {
    struct Bomb(#[expect(dead_code, reason = "counts when it is dropped")] Counted, bool);
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(!self.1, "boom");
        }
    }
    let (count, message) = counter();
    let (sender, receiver) = mpsc::channel(100);
    (0..100).for_each(|n| sender.try_send(Bomb(message(), n == 40)).map_err(drop).unwrap());
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(receiver)));
    assert!(dropped.is_err());
    assert_eq!((count.load(SeqCst), sender.capacity(), sender.is_closed()), (100, 100, true));
    block_on(sender.closed());
}

#[test]
fn the_last_sender_ends_the_channel() {
    let (sender, mut receiver) = mpsc::channel::<u8>(1);
    let other = sender.clone();
    let mut recv = Hand::new(receiver.recv());
    assert!(!recv.poll());
    drop(sender);
    assert_eq!(recv.wakes(), 0);
    drop(other);
    assert_eq!(recv.wakes(), 1);
    assert!(recv.poll());
    drop(recv);
    assert!(receiver.is_closed());
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
}

#[test]
fn f23_a_send_that_is_dropped_after_each_poll() {
    for polls in 0..3 {
        let (count, message) = counter();
        let (sender, mut receiver) = mpsc::channel(1);
        sender.try_send(message()).unwrap();
        let (mut gone, mut next) = (Hand::new(sender.send(message())), Hand::new(sender.send(message())));
        if polls > 0 {
            assert!(!gone.poll());
        }
        assert!(!next.poll());
        drop(receiver.try_recv().unwrap());
        if polls > 1 {
            // Chosen, and polled to its end.
            assert!(gone.poll());
            drop(receiver.try_recv().unwrap());
        }
        drop(gone);
        assert!(next.wakes() == 1 && next.poll(), "the room went to the one behind");
        drop(receiver.try_recv().unwrap());
        assert_eq!((count.load(SeqCst), sender.capacity()), (3, 1));
    }
}

#[test]
fn f23_a_reservation_that_is_dropped_after_each_poll() {
    let (sender, mut receiver) = mpsc::channel(1);
    drop(sender.reserve());
    sender.try_send(1).unwrap();
    let (mut first, mut second) = (Hand::new(sender.reserve()), Hand::new(sender.reserve()));
    assert!(!first.poll() && !second.poll());
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!((first.wakes(), sender.capacity()), (1, 0));
    drop(first);
    assert!(second.wakes() == 1 && second.poll());
    drop(second);
    assert_eq!(sender.capacity(), 1, "the permit went with the future that had it");
}

#[test]
fn f27_a_receive_that_is_dropped_takes_its_waker_along() {
    let (sender, mut receiver) = mpsc::unbounded();
    let first = Arc::new(common::Count::default());
    let waker = Waker::from(first.clone());
    let mut recv = Box::pin(receiver.recv());
    assert!(recv.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(Arc::strong_count(&first), 3);
    drop(recv);
    assert_eq!(Arc::strong_count(&first), 2, "the channel keeps the waker of a future that is gone");
    let mut again = Hand::new(receiver.recv());
    assert!(!again.poll());
    sender.send(1).unwrap();
    assert!(again.wakes() == 1 && again.poll());
    drop(again);
    sender.send(2).unwrap();
    assert_eq!(block_on(receiver.recv()), Some(2));
    assert!(receiver.poll_recv(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(Arc::strong_count(&first), 3);
    drop(receiver);
    assert_eq!(Arc::strong_count(&first), 2, "the channel keeps the waker of a receiver that is gone");
}

#[test]
fn the_task_that_polled_last_is_woken() {
    let (sender, mut receiver) = mpsc::channel(1);
    let old = Arc::new(common::Count::default());
    let mut recv = Hand::new(receiver.recv());
    assert!(!recv.poll_with(&Waker::from(old.clone())));
    assert!(!recv.poll());
    sender.try_send(1).unwrap();
    assert_eq!((recv.wakes(), Arc::strong_count(&old)), (1, 1));
    assert!(recv.poll());
}

/// The waker's destructor uses the channel: it must not meet a lock.
#[test]
fn f27_a_waker_may_use_the_channel() {
    struct Sends(UnboundedSender<u8>);
    impl std::task::Wake for Sends {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for Sends {
        fn drop(&mut self) {
            self.0.send(9).ok();
        }
    }
    let (sender, mut receiver) = mpsc::unbounded();
    let waker = Waker::from(Arc::new(Sends(sender.clone())));
    let mut recv = Hand::new(receiver.recv());
    assert!(!recv.poll_with(&waker));
    drop(waker);
    drop(recv);
    assert_eq!(receiver.try_recv(), Ok(9));
}

/// Room that was handed to a sender in line is what the receiver of a closed channel waits for, too.
#[test]
fn f24_the_receiver_ends_when_the_last_who_was_given_room_is_cancelled() {
    let (sender, mut receiver) = mpsc::channel(1);
    sender.try_send(1).unwrap();
    let mut send = Hand::new(sender.send(2));
    let mut reserve = Hand::new(sender.reserve());
    assert!(!send.poll() && !reserve.poll());
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!((send.wakes(), reserve.wakes()), (1, 0));
    receiver.close();
    let mut recv = Hand::new(receiver.recv());
    assert!(!recv.poll(), "a message may come still");
    drop(send);
    assert_eq!(recv.wakes(), 1);
    assert_eq!(recv.output(), Some(None));
}
