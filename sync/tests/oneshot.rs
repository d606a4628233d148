//! The oneshot channel: one value, delivered or given back; the ends in every order.

mod hands;

use futures_lite::future::block_on;
use hands::{Census, Wakes, is_send_and_sync, now, thread};
use raddle_runtime::prim::lock::Mutex;
use raddle_runtime::runtime::Builder;
use raddle_runtime::spawn;
use raddle_sync::oneshot::{self, RecvError, TryRecvError};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

#[test]
fn a_value_that_is_there_is_received_at_once() {
    let (sender, mut receiver) = oneshot::channel();
    assert!(receiver.is_empty() && !sender.is_closed());
    sender.send(7).unwrap();
    assert!(!receiver.is_empty() && !receiver.is_terminated());
    assert_eq!(now(&mut receiver), Poll::Ready(Ok(7)));
    assert!(receiver.is_empty() && receiver.is_terminated());
}

#[test]
fn a_receiver_that_waits_is_woken_once_by_the_value() {
    let (sender, mut receiver) = oneshot::channel();
    let (old, woken) = (Wakes::new(), Wakes::new());
    assert!(old.poll(Pin::new(&mut receiver)).is_pending());
    assert!(woken.poll(Pin::new(&mut receiver)).is_pending());
    assert!(woken.poll(Pin::new(&mut receiver)).is_pending());
    sender.send(7).unwrap();
    assert_eq!((old.count(), woken.count()), (0, 1));
    assert_eq!(woken.poll(Pin::new(&mut receiver)), Poll::Ready(Ok(7)));
    assert_eq!((old.kept(), woken.kept()), (0, 0), "f27");
}

#[test]
fn a_sender_that_goes_without_sending_ends_the_wait() {
    let (sender, receiver) = oneshot::channel::<u32>();
    drop(sender);
    assert_eq!(block_on(receiver), Err(RecvError));

    let (sender, mut receiver) = oneshot::channel::<u32>();
    let woken = Wakes::new();
    assert!(woken.poll(Pin::new(&mut receiver)).is_pending());
    drop(sender);
    assert_eq!(woken.count(), 1);
    assert_eq!(woken.poll(Pin::new(&mut receiver)), Poll::Ready(Err(RecvError)));
}

#[test]
fn f25_a_value_that_nobody_can_receive_comes_back() {
    let (sender, receiver) = oneshot::channel();
    drop(receiver);
    assert!(sender.is_closed());
    assert_eq!(sender.send(7), Err(7));

    let (sender, mut receiver) = oneshot::channel();
    receiver.close();
    assert_eq!(sender.send(7), Err(7));
    assert_eq!(block_on(receiver), Err(RecvError));
}

#[test]
fn f25_a_value_sent_before_the_close_is_received_or_dropped_once() {
    let census = Census::default();
    let (sender, mut receiver) = oneshot::channel();
    sender.send(census.value()).unwrap();
    receiver.close();
    drop(block_on(receiver).unwrap());
    assert_eq!((census.made(), census.dropped()), (1, 1));

    for waits in [false, true] {
        let (sender, mut receiver) = oneshot::channel();
        if waits {
            assert!(now(&mut receiver).is_pending());
        }
        sender.send(census.value()).unwrap();
        drop(receiver);
        assert_eq!(census.dropped(), census.made());
    }
}

#[test]
fn a_closed_channel_without_a_value_ends_at_once() {
    let (sender, mut receiver) = oneshot::channel::<u32>();
    receiver.close();
    receiver.close();
    assert_eq!(now(&mut receiver), Poll::Ready(Err(RecvError)));
    assert!(sender.is_closed());
    receiver.close();
}

#[test]
fn try_recv_says_what_is_and_what_will_be() {
    let (sender, mut receiver) = oneshot::channel();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    sender.send(7).unwrap();
    assert_eq!(receiver.try_recv(), Ok(7));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));

    let (sender, mut receiver) = oneshot::channel::<u32>();
    drop(sender);
    assert!(receiver.is_empty());
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));

    let (_sender, mut receiver) = oneshot::channel::<u32>();
    receiver.close();
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn the_sender_sees_that_nobody_waits_any_more() {
    for close in [true, false] {
        let (mut sender, mut receiver) = oneshot::channel::<u32>();
        let woken = Wakes::new();
        {
            let mut closed = pin!(sender.closed());
            assert!(woken.poll(closed.as_mut()).is_pending());
            if close {
                receiver.close();
            } else {
                drop(receiver);
            }
            assert_eq!(woken.count(), 1);
            assert!(woken.poll(closed).is_ready());
        }
        assert!(now(sender.closed()).is_ready());
        assert!(sender.poll_closed(&mut Context::from_waker(Waker::noop())).is_ready());
        assert_eq!(woken.kept(), 0);
    }
}

#[test]
fn f27_no_waker_outlives_the_wait_it_was_for() {
    let (mut sender, mut receiver) = oneshot::channel::<u32>();
    let woken = Wakes::new();
    assert!(woken.poll(pin!(sender.closed())).is_pending());
    assert_eq!(woken.kept(), 0, "of the sender's wait that was dropped");
    assert!(woken.poll(Pin::new(&mut receiver)).is_pending());
    assert_eq!(woken.kept(), 1);
    drop(receiver);
    assert_eq!((woken.kept(), woken.count()), (0, 0), "of the receiver that was dropped");

    let (mut sender, receiver) = oneshot::channel();
    assert!(sender.poll_closed(&mut Context::from_waker(&Waker::from(woken.clone()))).is_pending());
    sender.send(7).unwrap();
    assert_eq!((woken.kept(), woken.count()), (0, 0), "of the sender that has sent");
    assert_eq!(block_on(receiver), Ok(7));
}

/// Drops the receiver that it wakes.
struct Drops(Mutex<Option<oneshot::Receiver<u32>>>);

impl Wake for Drops {
    fn wake(self: Arc<Self>) {
        let receiver = self.0.lock().take();
        drop(receiver);
    }
}

#[test]
fn f27_a_waker_may_drop_the_channel() {
    let (sender, mut receiver) = oneshot::channel();
    let drops = Arc::new(Drops(Mutex::new(None)));
    assert!(Pin::new(&mut receiver).poll(&mut Context::from_waker(&Waker::from(drops.clone()))).is_pending());
    *drops.0.lock() = Some(receiver);
    sender.send(7).unwrap();
    assert!(drops.0.lock().is_none());
}

#[test]
fn polling_after_the_end_panics() {
    let (sender, mut receiver) = oneshot::channel();
    sender.send(7).unwrap();
    assert!(now(&mut receiver).is_ready());
    let panic = catch_unwind(AssertUnwindSafe(|| now(&mut receiver))).unwrap_err();
    assert_eq!(
        panic.downcast_ref::<String>().unwrap(),
        "a oneshot receiver was polled after it had returned"
    );
}

#[test]
fn f25_send_against_drop_and_close_between_threads() {
    const ROUNDS: usize = 5_000;
    let census = Census::default();
    let mut received = 0;
    for round in 0..ROUNDS {
        let (sender, mut receiver) = oneshot::channel();
        let value = census.value();
        let sending = thread(move || drop(sender.send(value)));
        match round % 3 {
            0 => drop(receiver),
            1 => {
                receiver.close();
                received += usize::from(receiver.try_recv().is_ok());
            }
            _ => received += usize::from(block_on(receiver).is_ok()),
        }
        sending.join().unwrap();
        assert_eq!(census.dropped(), round + 1);
    }
    assert!(received >= ROUNDS / 3);
}

#[test]
fn a_thread_waits_for_the_value() {
    let (sender, receiver) = oneshot::channel();
    let sending = thread(move || sender.send(7).unwrap());
    assert_eq!(receiver.blocking_recv(), Ok(7));
    sending.join().unwrap();
    Builder::new().current_thread().build().unwrap().block_on(async {
        let (_sender, receiver) = oneshot::channel::<u32>();
        let panic = catch_unwind(AssertUnwindSafe(|| receiver.blocking_recv())).unwrap_err();
        let message = panic.downcast_ref::<String>().unwrap();
        assert!(message.starts_with("oneshot::Receiver::blocking_recv was called inside async code"));
    });
}

#[test]
fn f11_a_loop_over_values_that_are_there_lets_other_tasks_run() {
    Builder::new().current_thread().build().unwrap().block_on(async {
        let (stop, mut stopped) = oneshot::channel();
        let busy = spawn(async move {
            while stopped.try_recv() == Err(TryRecvError::Empty) {
                let (sender, receiver) = oneshot::channel();
                sender.send(()).unwrap();
                receiver.await.unwrap();
            }
        });
        spawn(async move { stop.send(()).unwrap() }).await.unwrap();
        busy.await.unwrap();
    });
}

#[test]
fn the_ends_may_be_sent_and_shared_if_the_value_may_be_sent() {
    let (sender, receiver) = oneshot::channel::<Cell<u32>>();
    is_send_and_sync(&sender);
    is_send_and_sync(&receiver);
    assert!(!format!("{sender:?} {receiver:?} {RecvError} {}", TryRecvError::Closed).is_empty());
}
