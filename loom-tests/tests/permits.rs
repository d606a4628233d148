//! Permits in one word: what the locks, the semaphores and the bounded channels stand on, through `Mutex`.
//!
//! The promise: one at a time has the lock; it is handed over in the order in which it was asked for; a waiter that
//! goes, chosen or not, leaves nobody waiting and the lock free (f23); what one holder did is seen by the next; a lock
//! may be freed as soon as nobody borrows it.
//!
//! The models play holders that let go against waiters that arrive, are chosen, go away and try at that moment.
//!
//! Broken on purpose, in `sync/src/permits.rs`, and seen to fail:
//! - `release` with Relaxed, or `try_acquire` with Relaxed: a holder is beside the one before it. `take_or_queue` with
//!   Relaxed: the same, for one who has waited.
//! - `take_or_queue` does not set `QUEUED`, or does not look once more for free permits; `release` does not look for
//!   `QUEUED`: deadlocks.
//! - `Acquiring::leave` passes nothing on (f23): deadlock, or a lock that nobody holds and nobody gets.
//! - `give` leaves `QUEUED` set when the line is empty: the lock is not free at the end.
#![cfg(loom)]

use loom::thread;
use loom_tests::{Count, Event, Probe, block_on, check};
use raddle_sync::{Mutex, MutexGuard};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

fn mutex() -> Arc<Mutex<Probe>> {
    Arc::new(Mutex::new(Count::default().probe()))
}

fn poll<F: Future>(future: Pin<&mut F>, woken: &Arc<Event>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&woken.waker()))
}

/// Two that come, hold and go: whoever gives back either sees the other in line or is seen by it.
#[test]
fn one_at_a_time_has_it_and_nobody_waits_for_ever() {
    check(|| {
        let mutex = mutex();
        let other = {
            let mutex = mutex.clone();
            thread::spawn(move || block_on(mutex.lock()).change())
        };
        block_on(mutex.lock()).change();
        other.join().unwrap();
        assert!(!mutex.is_locked());
    });
}

#[test]
fn three_wait_their_turn() {
    check(|| {
        let mutex = mutex();
        let others = [(), ()].map(|()| {
            let mutex = mutex.clone();
            thread::spawn(move || block_on(mutex.lock_owned()).change())
        });
        block_on(mutex.lock()).change();
        for other in others {
            other.join().unwrap();
        }
        assert!(!mutex.is_locked());
        Arc::into_inner(mutex).unwrap().into_inner().change();
    });
}

/// The lock is let go while the first in line goes: the second must get it, whichever comes first.
#[test]
fn f23_a_waiter_that_goes_passes_the_lock_on() {
    check(|| {
        let (mutex, events) = (mutex(), [Event::new(), Event::new()]);
        let held = mutex.clone().try_lock_owned().unwrap();
        let mut first = Box::pin(mutex.lock());
        let mut second = pin!(mutex.lock());
        assert!(poll(first.as_mut(), &events[0]).is_pending());
        assert!(poll(second.as_mut(), &events[1]).is_pending());
        let holder = thread::spawn(move || {
            held.change();
            drop(held);
        });
        drop(first);
        events[1].wait();
        let Poll::Ready(guard) = poll(second, &events[1]) else { panic!("woken for nothing") };
        guard.change();
        holder.join().unwrap();
        drop(guard);
        assert!(!mutex.is_locked());
    });
}

/// The only waiter goes while the lock is let go: it must be free, and the word must not say that anyone waits.
#[test]
fn f23_the_last_waiter_that_goes_leaves_a_free_lock() {
    check(|| {
        let (mutex, woken) = (mutex(), Event::new());
        let held = mutex.clone().try_lock_owned().unwrap();
        let mut only = Box::pin(mutex.lock());
        assert!(poll(only.as_mut(), &woken).is_pending());
        let holder = thread::spawn(move || drop(held));
        drop(only);
        holder.join().unwrap();
        mutex.try_lock().expect("nobody holds it, nobody waits").change();
    });
}

/// One that tries beside a hand-over does not get what was handed over, and takes nothing away.
#[test]
fn one_that_tries_does_not_overtake() {
    check(|| {
        let (mutex, woken) = (mutex(), Event::new());
        let held = mutex.clone().try_lock_owned().unwrap();
        let mut first = pin!(mutex.lock());
        assert!(poll(first.as_mut(), &woken).is_pending());
        let tries = {
            let mutex = mutex.clone();
            thread::spawn(move || assert!(mutex.try_lock().is_err(), "overtook the one in line"))
        };
        drop(held);
        tries.join().unwrap();
        woken.wait();
        let Poll::Ready(guard) = poll(first, &woken) else { panic!("woken for nothing") };
        guard.change();
    });
}

/// What a mapped guard holds goes back too, and the value is seen as it was left.
#[test]
fn a_mapped_guard_gives_the_lock_back() {
    check(|| {
        let mutex = mutex();
        let other = {
            let mutex = mutex.clone();
            thread::spawn(move || MutexGuard::map(block_on(mutex.lock()), |probe| probe).change())
        };
        if let Ok(guard) = mutex.try_lock() {
            guard.change();
        }
        other.join().unwrap();
        assert!(!mutex.is_locked());
    });
}
