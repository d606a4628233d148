//! Wakers that do what wakers may: call back into the primitive, drop another wait, panic.

mod common;

use common::Hand;
use raddle_runtime::prim::lock::Mutex;
use raddle_sync::{Event, Notified, Notify};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Wake, Waker};

static NOTIFY: Notify = Notify::new();

/// Calls back into `NOTIFY` when woken, and again when dropped.
struct Reentrant;

impl Wake for Reentrant {
    fn wake(self: Arc<Self>) {
        NOTIFY.notify_waiters();
    }
}

impl Drop for Reentrant {
    fn drop(&mut self) {
        NOTIFY.notify_one();
    }
}

#[test]
fn f27_a_waker_may_call_back_when_woken_replaced_and_dropped() {
    let mut wait = Hand::new(NOTIFY.notified());
    assert!(!wait.poll_with(&Waker::from(Arc::new(Reentrant))));
    // Replaces the first waker, which is dropped and notifies this very wait.
    assert!(wait.poll());

    let mut woken = Hand::new(NOTIFY.notified());
    assert!(!woken.poll_with(&Waker::from(Arc::new(Reentrant))));
    NOTIFY.notify_one();
    assert!(woken.poll());
    assert!(Hand::new(NOTIFY.notified()).poll(), "the waker's drop left a permit");

    let mut left = Hand::new(NOTIFY.notified());
    assert!(!left.poll_with(&Waker::from(Arc::new(Reentrant))));
    drop(left);
    assert!(Hand::new(NOTIFY.notified()).poll(), "the waker's drop left a permit");
}

/// Drops a wait that was to be woken after it.
struct DropsNext<'a>(Mutex<Option<Hand<Notified<'a>>>>);

impl Wake for DropsNext<'static> {
    fn wake(self: Arc<Self>) {
        let next = self.0.lock().take();
        drop(next);
    }
}

#[test]
fn a_waker_may_drop_the_waits_that_come_after_it() {
    static LINE: Notify = Notify::new();
    let mut second = Hand::new(LINE.notified());
    let dropper = Arc::new(DropsNext(Mutex::new(None)));
    let mut first = Hand::new(LINE.notified());
    assert!(!first.poll_with(&Waker::from(dropper.clone())));
    assert!(!second.poll());
    *dropper.0.lock() = Some(second);
    LINE.notify_waiters();
    assert!(dropper.0.lock().is_none());
    assert!(first.poll());
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a waker panicked");
    }
}

#[test]
fn f27_the_others_are_woken_when_a_waker_panics() {
    for place in [0, 31, 32, 70] {
        let event = Event::new();
        let mut line: Vec<_> = (0..100).map(|_| Hand::new(event.wait())).collect();
        for (i, wait) in line.iter_mut().enumerate() {
            let pending =
                if i == place { !wait.poll_with(&Waker::from(Arc::new(Panics))) } else { !wait.poll() };
            assert!(pending);
        }
        // Whether `set` itself panics is the wait queue's choice.
        let _ = catch_unwind(AssertUnwindSafe(|| event.set()));
        let missed = line.iter().filter(|wait| wait.wakes() == 0).count();
        assert_eq!(missed, 1, "only the one that panicked was not counted");
        assert!(line.iter_mut().all(Hand::poll));
    }
}
