//! The wait queue under every primitive.
//!
//! The promise: waiters are notified in the order they came; `notify_one` reaches one waiter, and if that one goes
//! before it could return, the next (f23); `notify_all` reaches those who wait when it begins; a waiter is not
//! touched after it has seen its notification, so it may be freed then.
//!
//! The model plays notifiers against waiters that are cancelled, that change their waker, and that are freed as soon
//! as they have seen their notification.
//!
//! Broken on purpose, in `runtime/src/wait/queue.rs` and `place.rs`, and seen to fail:
//! - `Wait::drop` does not pass a notification on; `leave` goes by the stage that it saw before it left (f23):
//!   deadlocks. `release_all` says `One`: a waiter that came later is woken.
//! - `pop` stores the stage with Relaxed, or `stage` loads it with Relaxed: the waiter is freed beside its last touch.
//! - `replace` keeps the old waker: deadlock. `stay` does not look at the stage again: deadlock. `pop` takes the last
//!   in place of the first: out of order.
#![cfg(loom)]

use loom::thread;
use loom_tests::{Event, block_on, check};
use raddle_runtime::wait::{Queue, Wait};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

fn poll(wait: Pin<&mut Wait<'_>>, woken: &Arc<Event>) -> Poll<()> {
    wait.poll_wait(&Context::from_waker(&woken.waker()))
}

fn queue() -> Arc<Queue> {
    Arc::new(Queue::new(()))
}

/// The first waiter goes while it is notified: the second must be woken, for there was one notification.
#[test]
fn f23_a_cancelled_waiter_passes_its_notification_on() {
    check(|| {
        let (queue, events) = (queue(), [Event::new(), Event::new()]);
        let mut second = pin!(queue.wait());
        {
            let mut first = pin!(queue.wait());
            assert!(poll(first.as_mut(), &events[0]).is_pending());
            assert!(poll(second.as_mut(), &events[1]).is_pending());
            let notifier = {
                let queue = queue.clone();
                thread::spawn(move || assert!(queue.notify_one()))
            };
            // Dropped here, while the notifier is at work.
            drop(notifier);
        }
        events[1].wait();
        assert!(poll(second.as_mut(), &events[1]).is_ready());
    });
}

/// Freed as soon as it has seen its notification, which is in the middle of `notify_one`.
#[test]
fn a_notified_waiter_is_not_touched_any_more() {
    check(|| {
        let queue = queue();
        let waiters = [(), ()].map(|()| {
            let queue = queue.clone();
            thread::spawn(move || block_on(Box::pin(queue.wait())))
        });
        let mut notified = 0;
        while notified < 2 {
            if queue.notify_one() {
                notified += 1;
            } else {
                thread::yield_now();
            }
        }
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
    });
}

/// A spurious poll frees the waiter without its being woken: only the outcome tells it that it may.
#[test]
fn a_waiter_that_looks_by_itself_may_be_freed_too() {
    check(|| {
        let (queue, woken) = (queue(), Event::new());
        let mut wait = Box::pin(queue.wait());
        assert!(poll(wait.as_mut(), &woken).is_pending());
        let notifier = {
            let queue = queue.clone();
            thread::spawn(move || assert!(queue.notify_one()))
        };
        while poll(wait.as_mut(), &woken).is_pending() {
            woken.wait_and_reset();
        }
        drop(wait);
        notifier.join().unwrap();
    });
}

#[test]
fn waiters_are_notified_in_order_and_all_at_once() {
    check(|| {
        let (queue, events) = (queue(), [Event::new(), Event::new(), Event::new()]);
        let mut waits = [(); 3].map(|()| Box::pin(queue.wait()));
        for (wait, event) in waits.iter_mut().zip(&events) {
            assert!(poll(wait.as_mut(), event).is_pending());
        }
        let all = {
            let queue = queue.clone();
            thread::spawn(move || queue.notify_all())
        };
        queue.notify_one();
        // The last first, for those before it may be woken while we look.
        let late = events[2].is_set();
        let middle = events[1].is_set();
        assert!((events[0].is_set() || !middle) && (middle || !late), "out of order");
        all.join().unwrap();
        assert!(events.iter().all(|event| event.is_set()));
        assert!(waits.iter_mut().zip(&events).all(|(wait, event)| poll(wait.as_mut(), event).is_ready()));
    });
}

#[test]
fn a_waiter_that_changes_its_waker_is_woken_through_the_new_one() {
    check(|| {
        let (queue, old, new) = (queue(), Event::new(), Event::new());
        let mut wait = pin!(queue.wait());
        assert!(poll(wait.as_mut(), &old).is_pending());
        let notifier = {
            let queue = queue.clone();
            thread::spawn(move || assert!(queue.notify_one()))
        };
        while poll(wait.as_mut(), &new).is_pending() {
            new.wait_and_reset();
        }
        notifier.join().unwrap();
        assert_eq!((Arc::strong_count(&old), Arc::strong_count(&new)), (1, 1), "a waker was left behind");
    });
}

/// A notification for all is no permit: nobody passes it on to one who came later.
#[test]
fn a_waiter_that_goes_after_notify_all_leaves_the_rest_alone() {
    check(|| {
        let (queue, first_woken, late_woken) = (queue(), Event::new(), Event::new());
        let mut first = Box::pin(queue.wait());
        assert!(poll(first.as_mut(), &first_woken).is_pending());
        let all = {
            let queue = queue.clone();
            thread::spawn(move || queue.notify_all())
        };
        first_woken.wait();
        let mut late = pin!(queue.wait());
        assert!(poll(late.as_mut(), &late_woken).is_pending());
        drop(first);
        all.join().unwrap();
        assert!(!late_woken.is_set());
    });
}
