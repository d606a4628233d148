//! `Condition`: its line beside the line of a lock, and the lock itself.
//!
//! The promise: who waits is in line before the lock is free, so that whoever takes the lock and notifies finds it
//! there; a notification for one lets one go on, also when who was chosen is cancelled before it has the lock again.
//!
//! The model plays waiters that look, wait and are cancelled against others that change the value and notify.
//!
//! Broken on purpose, in `sync/src/condition.rs`, and seen to fail:
//! - The lock is given up before the line is entered: a notification is missed.
//! - `Turn::drop` does not pass on what it was chosen for, while it waits or while it takes the lock; the notification
//!   counts as used up before the lock is held (f23): deadlocks.
#![cfg(loom)]

use loom::thread;
use loom_tests::{Event, block_on, check, check_within, poll_once};
use raddle_sync::{Condition, Mutex};
use std::sync::Arc;

type Shared = Arc<(Mutex<u32>, Condition)>;

fn shared() -> Shared {
    Arc::new((Mutex::new(0), Condition::new()))
}

/// Adds one and notifies one, with the lock held or not.
async fn add_one(shared: &Shared, holds_lock: bool) {
    let mut guard = shared.0.lock().await;
    *guard += 1;
    if !holds_lock {
        drop(guard);
        return shared.1.notify(1);
    }
    shared.1.notify(1);
}

async fn wait_once(shared: Shared) -> u32 {
    let guard = shared.0.lock().await;
    *shared.1.wait(guard).await
}

#[test]
fn who_looks_and_waits_misses_no_change() {
    for holds_lock in [true, false] {
        check(move || {
            let shared = shared();
            let adds = {
                let shared = shared.clone();
                thread::spawn(move || block_on(add_one(&shared, holds_lock)))
            };
            block_on(async {
                let guard = shared.0.lock().await;
                let guard = shared.1.wait_for(guard, |value| *value == 1).await;
                assert_eq!(*guard, 1);
            });
            adds.join().unwrap();
        });
    }
}

#[test]
fn two_waiters_are_both_reached_by_notify_all() {
    check_within(2, || {
        let shared = shared();
        let waits = [(), ()].map(|()| {
            let shared = shared.clone();
            thread::spawn(move || {
                block_on(async {
                    let _guard = shared.1.wait_for(shared.0.lock().await, |value| *value == 1).await;
                });
            })
        });
        block_on(async { *shared.0.lock().await = 1 });
        shared.1.notify_all();
        waits.into_iter().for_each(|waits| waits.join().unwrap());
    });
}

/// The first is dropped while it is notified and may have gone on to wait for the lock.
#[test]
fn f23_a_cancelled_waiter_passes_its_notification_on() {
    check(|| {
        let (shared, woken) = (shared(), [Event::new(), Event::new()]);
        let mut first = Box::pin(wait_once(shared.clone()));
        let mut second = Box::pin(wait_once(shared.clone()));
        assert!(poll_once(&mut first, &woken[0].waker()).is_pending());
        assert!(poll_once(&mut second, &woken[1].waker()).is_pending());
        let adds = {
            let shared = shared.clone();
            thread::spawn(move || block_on(add_one(&shared, true)))
        };
        if poll_once(&mut first, &woken[0].waker()).is_ready() {
            // It used the notification up: the second needs another.
            shared.1.notify(1);
        }
        drop(first);
        block_on(second);
        adds.join().unwrap();
    });
}
