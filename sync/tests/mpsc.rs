//! The mpsc channels: what is sent is received once and in order, by every way to send and to receive.

mod common;
#[path = "common/counted.rs"]
mod counted;

use common::Hand;
use counted::counter;
use futures_core::Stream;
use futures_lite::future::{block_on, poll_once, yield_now, zip};
use raddle_runtime::prim::atomic::Ordering::SeqCst;
use raddle_runtime::runtime::Builder;
use raddle_runtime::spawn;
use raddle_sync::mpsc::error::{TryRecvError, TrySendError};
use raddle_sync::mpsc::{self, OwnedPermit, Permit, Receiver, Sender, UnboundedReceiver, UnboundedSender};
use std::cell::Cell;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;

#[test]
fn bounds_are_those_of_the_messages() {
    fn is_send_sync<T: Send + Sync>() {}
    fn is_unpin<T: Unpin>() {}
    // Messages that are Send but not Sync, as in tokio.
    is_send_sync::<Sender<Cell<u8>>>();
    is_send_sync::<Receiver<Cell<u8>>>();
    is_send_sync::<UnboundedSender<Cell<u8>>>();
    is_send_sync::<UnboundedReceiver<Cell<u8>>>();
    is_send_sync::<mpsc::WeakSender<Cell<u8>>>();
    is_send_sync::<Permit<'_, Cell<u8>>>();
    is_send_sync::<OwnedPermit<Cell<u8>>>();
    is_unpin::<Receiver<std::marker::PhantomPinned>>();
    is_unpin::<Sender<std::marker::PhantomPinned>>();
}

#[test]
fn messages_arrive_in_order_across_blocks() {
    block_on(async {
        let (sender, mut receiver) = mpsc::channel(100);
        for round in 0..20 {
            for n in 0..100 {
                sender.send(round * 100 + n).await.unwrap();
            }
            assert_eq!(sender.try_send(0), Err(TrySendError::Full(0)));
            for n in 0..100 {
                assert_eq!(receiver.recv().await, Some(round * 100 + n));
            }
            assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        }
        drop(sender);
        assert_eq!(receiver.recv().await, None);
        assert_eq!(receiver.recv().await, None);
    });
}

#[test]
fn a_backlog_of_any_length_is_kept() {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    (0..10_000).for_each(|n| sender.send(n).unwrap());
    assert_eq!(receiver.len(), 10_000);
    assert!((0..10_000).all(|n| receiver.try_recv() == Ok(n)));
    (0..10_000).for_each(|n| sender.send(n).unwrap());
    let mut got = Vec::new();
    assert_eq!(block_on(receiver.recv_many(&mut got, usize::MAX)), 10_000);
    assert!(got.into_iter().eq(0..10_000));
}

#[test]
fn weak_senders_do_not_keep_the_channel_open() {
    let (sender, mut receiver) = mpsc::channel(1);
    let weak = sender.downgrade();
    let weaker = weak.clone();
    assert_eq!((sender.strong_count(), sender.weak_count()), (1, 2));
    drop(weaker);
    let upgraded = weak.upgrade().unwrap();
    assert!(upgraded.same_channel(&sender));
    assert!(!upgraded.same_channel(&mpsc::channel(1).0));
    assert_eq!((receiver.sender_strong_count(), receiver.sender_weak_count()), (2, 1));
    drop(sender);
    upgraded.try_send(1).unwrap();
    let permit = upgraded.try_reserve_owned();
    assert!(matches!(permit, Err(TrySendError::Full(_))), "and gives the sender back");
    drop(permit);
    assert!(weak.upgrade().is_none());
    assert_eq!((weak.strong_count(), weak.weak_count()), (0, 1));
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
}

#[test]
fn owned_permits_keep_the_channel_open() {
    block_on(async {
        let (sender, mut receiver) = mpsc::channel(1);
        let permit = sender.reserve_owned().await.unwrap();
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
        let sender = permit.send(1);
        assert_eq!(receiver.recv().await, Some(1));
        let permit = sender.reserve_owned().await.unwrap();
        assert!(permit.same_channel(&permit));
        let sender = permit.release();
        assert_eq!(sender.capacity(), 1);
        let permit = sender.reserve_owned().await.unwrap();
        let mut end = Hand::new(receiver.recv());
        assert!(!end.poll());
        drop(permit);
        assert!(end.wakes() > 0 && end.poll());
    });
}

#[test]
fn many_permits_at_once() {
    block_on(async {
        let (sender, mut receiver) = mpsc::channel(4);
        assert!(sender.reserve_many(5).await.is_err(), "that many there never are");
        assert!(matches!(sender.try_reserve_many(5), Err(TrySendError::Full(()))));
        assert!(matches!(sender.try_reserve_many(usize::MAX), Err(TrySendError::Full(()))));
        let mut permits = sender.reserve_many(3).await.unwrap();
        assert_eq!((permits.len(), sender.capacity()), (3, 1));
        permits.next().unwrap().send(1);
        permits.next().unwrap().send(2);
        let mut all = pin!(sender.reserve_many(4));
        assert!(poll_once(&mut all).await.is_none());
        drop(permits);
        let mut got = Vec::new();
        assert_eq!(receiver.recv_many(&mut got, 10).await, 2);
        assert_eq!(all.await.unwrap().count(), 4);
        assert_eq!((got, sender.capacity()), (vec![1, 2], 4));
        assert_eq!(sender.reserve_many(0).await.unwrap().count(), 0);
    });
}

#[test]
fn recv_many_takes_what_is_there() {
    block_on(async {
        let (sender, mut receiver) = mpsc::channel(100);
        (0..70).for_each(|n| sender.try_send(n).unwrap());
        let mut got = vec![-1];
        assert_eq!(receiver.recv_many(&mut got, 0).await, 0);
        assert_eq!(receiver.recv_many(&mut got, 40).await, 40);
        assert_eq!((receiver.len(), sender.capacity()), (30, 70));
        assert_eq!(receiver.recv_many(&mut got, usize::MAX).await, 30);
        assert!(got.iter().copied().eq(-1..70));
        let mut waits = Hand::new(receiver.recv_many(&mut got, 10));
        assert!(!waits.poll());
        sender.try_send(70).unwrap();
        assert!(waits.wakes() == 1 && waits.poll());
        drop((waits, sender));
        assert_eq!(receiver.recv_many(&mut got, 10).await, 0);
        assert_eq!(got.last(), Some(&70));
    });
}

#[test]
fn each_producer_keeps_its_order() {
    let (sender, mut receiver) = mpsc::channel(3);
    thread::scope(|scope| {
        for producer in 0..4 {
            let sender = sender.clone();
            scope.spawn(move || (0..2000).for_each(|n| sender.blocking_send((producer, n)).unwrap()));
        }
        drop(sender);
        let mut next = [0; 4];
        while let Some((producer, n)) = receiver.blocking_recv() {
            assert_eq!(n, next[producer]);
            next[producer] += 1;
        }
        assert_eq!(next, [2000; 4]);
    });
}

#[test]
fn many_threads_and_many_blocks_without_a_limit() {
    let (count, message) = counter();
    let (sender, mut receiver) = mpsc::unbounded();
    thread::scope(|scope| {
        for _ in 0..3 {
            let (sender, message) = (sender.clone(), &message);
            scope.spawn(move || (0..5000).for_each(|_| sender.send(message()).unwrap()));
        }
        drop(sender);
        let (mut buffer, mut received) = (Vec::new(), 0);
        loop {
            match receiver.blocking_recv_many(&mut buffer, 7) {
                0 => break,
                n => received += n,
            }
            buffer.clear();
        }
        assert_eq!(received, 15_000);
    });
    assert_eq!(count.load(SeqCst), 15_000);
}

#[test]
fn a_hand_over_with_room_for_one() {
    let (sender, mut receiver) = mpsc::channel(1);
    let sends = async move {
        for n in 0..500 {
            sender.send(n).await.unwrap();
        }
    };
    let receives = async {
        for n in 0..500 {
            assert_eq!(receiver.recv().await, Some(n));
            yield_now().await;
        }
        assert_eq!(receiver.recv().await, None);
    };
    block_on(zip(sends, receives));
}

#[test]
fn a_receiver_is_a_stream() {
    let (sender, mut receiver) = mpsc::unbounded();
    sender.send(1).unwrap();
    drop(sender);
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(pin!(&mut receiver).poll_next(&mut cx), Poll::Ready(Some(1)));
    assert_eq!(pin!(&mut receiver).poll_next(&mut cx), Poll::Ready(None));
}

#[test]
fn messages_of_any_size_and_of_none() {
    let (sender, mut receiver) = mpsc::channel(40);
    (0..40).for_each(|_| sender.try_send(()).unwrap());
    assert_eq!(receiver.len(), 40);
    assert!((0..40).all(|_| receiver.try_recv().is_ok()));

    #[derive(Debug, PartialEq, Clone, Copy)]
    #[repr(align(256))]
    struct Large([u8; 30_000]);
    let (sender, mut receiver) = mpsc::channel(40);
    sender.try_send(Large([7; 30_000])).unwrap();
    assert_eq!(receiver.try_recv().unwrap().0[29_999], 7);
}

#[test]
#[should_panic(expected = "capacity must not be 0")]
fn no_room_at_all() {
    mpsc::channel::<u8>(0);
}

#[test]
#[should_panic(expected = "room for at most")]
fn more_room_than_there_is() {
    mpsc::channel::<u8>(usize::MAX);
}

#[test]
fn errors_say_what_happened() {
    let (sender, mut receiver) = mpsc::channel(1);
    assert!(receiver.try_recv().unwrap_err().to_string().contains("empty"));
    sender.try_send(1).unwrap();
    let full = sender.try_send(2).unwrap_err();
    assert_eq!((full.to_string().contains("full"), full.into_inner()), (true, 2));
    drop(receiver);
    assert!(sender.try_send(2).unwrap_err().to_string().contains("closed"));
    let error = block_on(sender.send(3)).unwrap_err();
    assert_eq!((error.to_string().contains("closed"), error.into_inner()), (true, 3));
}

#[test]
fn a_channel_that_is_never_used_and_its_ends_in_any_order() {
    drop(mpsc::channel::<String>(usize::MAX / 16));
    let (sender, receiver) = mpsc::unbounded::<String>();
    drop(receiver);
    let weak = sender.downgrade();
    drop(sender);
    assert!(weak.upgrade().is_none());
}

/// A task that sends to itself never has to wait: its budget makes it give way.
#[test]
fn f11_a_loop_over_a_channel_that_is_never_empty_lets_other_tasks_run() {
    Builder::new().current_thread().build().unwrap().block_on(async {
        let (stop, mut stopped) = mpsc::unbounded();
        let busy = spawn(async move {
            let (sender, mut receiver) = mpsc::channel(1);
            while stopped.try_recv().is_err() {
                sender.send(1).await.unwrap();
                assert_eq!(receiver.recv().await, Some(1));
            }
        });
        let other = spawn(async move { stop.send(()).unwrap() });
        busy.await.unwrap();
        other.await.unwrap();
    });
}

#[test]
#[should_panic(expected = "mpsc::Receiver::blocking_recv was called inside async code")]
fn a_task_must_not_block() {
    Builder::new().current_thread().build().unwrap().block_on(async {
        mpsc::unbounded::<u8>().1.blocking_recv();
    });
}
