//! `Notify`: one word for the permit, the line and the rounds, and the line behind a lock.
//!
//! The promise: each `notify_one` lets one waiter go on, or leaves the permit, also while waiters enter the line, leave
//! it and are cancelled; `notify_waiters` reaches each `Notified` that was made before it; who goes on sees what was
//! done before the call that let him.
//!
//! The model plays notifiers, which leave a permit without the lock, against waiters that enter the line, and against
//! waiters that are cancelled.
//!
//! Broken on purpose, in `sync/src/notify.rs`, and seen to fail:
//! - `notify_one` leaves the permit with Relaxed, or does not write when one is there already; `take` takes it with
//!   Relaxed: who goes on does not see what was done before.
//! - The line is entered without a second look, or without setting `QUEUED`; `grant` leaves no permit when the line is
//!   empty: a notification is lost.
//! - `Notified::drop` does not pass a notification on (f23): deadlock.
//! - `notify_waiters` does not count the round: those who have not polled are not reached. The permit is looked at and
//!   not taken: one notification becomes two.
#![cfg(loom)]

use loom::thread;
use loom_tests::{Event, block_on, check, poll_once};
use raddle_runtime::prim::atomic::{AtomicUsize, Ordering::Relaxed};
use raddle_sync::Notify;
use std::pin::pin;
use std::sync::Arc;

fn notify() -> Arc<Notify> {
    Arc::new(Notify::new())
}

/// A notifier on a thread of its own.
fn notify_one(notify: &Arc<Notify>) -> thread::JoinHandle<()> {
    let notify = notify.clone();
    thread::spawn(move || notify.notify_one())
}

#[test]
fn a_notification_is_not_lost_between_the_look_and_the_line() {
    check(|| {
        let (notify, done) = (notify(), Arc::new(AtomicUsize::new(0)));
        let notifier = {
            let (notify, done) = (notify.clone(), done.clone());
            thread::spawn(move || {
                done.store(1, Relaxed);
                notify.notify_one();
            })
        };
        block_on(notify.notified());
        assert_eq!(done.load(Relaxed), 1, "it does not see what it was notified of");
        notifier.join().unwrap();
        assert!(!pin!(notify.notified()).enable(), "one notification became two");
    });
}

#[test]
fn two_notifications_let_two_go_on() {
    check(|| {
        let notify = notify();
        let waits = {
            let notify = notify.clone();
            thread::spawn(move || block_on(notify.notified()))
        };
        notify.notify_one();
        // Lets the permit go, or the waiter; a second one is for us in any case.
        waits.join().unwrap();
        let notifier = notify_one(&notify);
        block_on(notify.notified());
        notifier.join().unwrap();
    });
}

/// The second permit is left on top of the first: what was done before it is seen all the same.
#[test]
fn a_permit_that_is_there_already_carries_what_was_done_before() {
    check(|| {
        let (notify, done) = (notify(), Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]));
        let notifiers = [0, 1].map(|i| {
            let (notify, done) = (notify.clone(), done.clone());
            thread::spawn(move || {
                done[i].store(1, Relaxed);
                notify.notify_one();
            })
        });
        // As a queue's consumer: looks, and waits when there is nothing.
        while done.iter().any(|done| done.load(Relaxed) == 0) {
            block_on(notify.notified());
        }
        notifiers.into_iter().for_each(|notifier| notifier.join().unwrap());
    });
}

#[test]
fn f23_a_cancelled_waiter_passes_its_notification_on() {
    check(|| {
        let (notify, woken) = (notify(), [Event::new(), Event::new()]);
        let mut first = Box::pin(notify.notified());
        let mut second = Box::pin(notify.notified());
        assert!(poll_once(&mut first, &woken[0].waker()).is_pending());
        assert!(poll_once(&mut second, &woken[1].waker()).is_pending());
        let notifier = notify_one(&notify);
        drop(first);
        woken[1].wait();
        assert!(poll_once(&mut second, &woken[1].waker()).is_ready());
        notifier.join().unwrap();
        assert!(!pin!(notify.notified()).enable());
    });
}

#[test]
fn f23_a_cancelled_waiter_leaves_the_permit_to_who_comes() {
    check(|| {
        let notify = notify();
        let mut only = Box::pin(notify.notified());
        assert!(poll_once(&mut only, &Event::new().waker()).is_pending());
        let notifier = notify_one(&notify);
        let next = {
            let notify = notify.clone();
            thread::spawn(move || block_on(notify.notified()))
        };
        drop(only);
        next.join().unwrap();
        notifier.join().unwrap();
    });
}

#[test]
fn notify_waiters_reaches_those_who_have_not_polled_and_leaves_the_permit() {
    check(|| {
        let notify = notify();
        let (old, also_old) = (Box::pin(notify.notified()), Box::pin(notify.notified()));
        let notifiers = [notify_one(&notify), {
            let notify = notify.clone();
            thread::spawn(move || notify.notify_waiters())
        }];
        block_on(old);
        block_on(also_old);
        notifiers.into_iter().for_each(|notifier| notifier.join().unwrap());
        // A permit that none of them needed is still there; one at most.
        if pin!(notify.notified()).enable() {
            assert!(!pin!(notify.notified()).enable());
        }
    });
}
