//! Several permits at once, closing, and a bound.
//!
//! The promise: never more permits are out than there are; those of a waiter that goes, chosen or not, go to those
//! behind it (f23); those behind who ask for less than a front that goes need not wait; a close reaches all who wait
//! and all who come, and loses no permit; no more is released than was forgotten.
//!
//! The models play permits that come back, and a close, against waiters that arrive and go at that moment.
//!
//! Broken on purpose, in `sync/src/permits.rs` unless another file is named, and seen to fail:
//! - `Acquiring::leave` passes nothing on, or a front that goes lets nobody on, or only the first (f23): deadlocks.
//! - `close` leaves `QUEUED` set, or sets `CLOSED` when the line is empty already, or does both without the lock: one
//!   who comes after the close waits or gets a permit.
//! - `forget` without the lock: what it took is handed out too.
//! - `release` does not look for `QUEUED`: deadlock.
//! - `sync/src/semaphore/bounded.rs`: `release` reads and writes the count in two steps: two releases of one permit.
#![cfg(loom)]

use loom::thread;
use loom_tests::{Event, block_on, check};
use raddle_runtime::prim::atomic::{AtomicUsize, Ordering::Relaxed};
use raddle_sync::{BoundedSemaphore, Semaphore};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

fn poll<F: Future>(future: Pin<&mut F>, woken: &Arc<Event>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&woken.waker()))
}

#[test]
fn never_more_are_out_than_there_are() {
    check(|| {
        let shared = Arc::new((Semaphore::new(2), AtomicUsize::new(0)));
        let take = |n: usize| {
            let shared = shared.clone();
            thread::spawn(move || {
                let (semaphore, out) = &*shared;
                let permit = block_on(semaphore.acquire_many(n)).unwrap();
                assert!(out.fetch_add(n, Relaxed) + n <= 2, "too many are out");
                out.fetch_sub(n, Relaxed);
                drop(permit);
            })
        };
        for thread in [take(2), take(1)] {
            thread.join().unwrap();
        }
        assert_eq!(shared.0.available_permits(), 2);
        assert!(!shared.0.locked());
    });
}

/// Two permits come, one by one, for a front that asks for both and goes: the two behind it get one each.
#[test]
fn f23_what_lay_there_for_a_front_that_goes_is_for_those_behind() {
    check(|| {
        let (semaphore, events) = (Arc::new(Semaphore::new(0)), [(); 3].map(|()| Event::new()));
        let mut front = Box::pin(semaphore.acquire_many(2));
        let (mut second, mut third) = (pin!(semaphore.acquire()), pin!(semaphore.acquire()));
        assert!(poll(front.as_mut(), &events[0]).is_pending());
        assert!(poll(second.as_mut(), &events[1]).is_pending());
        assert!(poll(third.as_mut(), &events[2]).is_pending());
        let adds = {
            let semaphore = semaphore.clone();
            thread::spawn(move || {
                semaphore.add_permits(1);
                semaphore.add_permits(1);
            })
        };
        drop(front);
        events[1].wait();
        events[2].wait();
        adds.join().unwrap();
        let permits = (poll(second, &events[1]), poll(third, &events[2]));
        let (Poll::Ready(Ok(second)), Poll::Ready(Ok(third))) = permits else { panic!("woken for nothing") };
        assert_eq!(semaphore.available_permits(), 0);
        drop((second, third));
        assert_eq!(semaphore.available_permits(), 2);
        assert!(!semaphore.locked());
    });
}

/// A permit comes, which is not enough for the front: it goes, and the one behind it asks for no more.
#[test]
fn f23_those_behind_a_front_that_goes_need_nobody_else() {
    check(|| {
        let (semaphore, events) = (Arc::new(Semaphore::new(0)), [(); 2].map(|()| Event::new()));
        let (mut front, mut second) = (Box::pin(semaphore.acquire_many(2)), pin!(semaphore.acquire()));
        assert!(poll(front.as_mut(), &events[0]).is_pending());
        assert!(poll(second.as_mut(), &events[1]).is_pending());
        let adds = {
            let semaphore = semaphore.clone();
            thread::spawn(move || semaphore.add_permits(1))
        };
        drop(front);
        events[1].wait();
        adds.join().unwrap();
        assert!(poll(second, &events[1]).is_ready());
        assert_eq!(semaphore.available_permits(), 1);
    });
}

/// The only waiter goes while permits come: they must all be there.
#[test]
fn f23_a_waiter_that_goes_takes_no_permit_with_it() {
    check(|| {
        let (semaphore, woken) = (Arc::new(Semaphore::new(1)), Event::new());
        let mut only = Box::pin(semaphore.acquire_many(2));
        assert!(poll(only.as_mut(), &woken).is_pending());
        let adds = {
            let semaphore = semaphore.clone();
            thread::spawn(move || semaphore.add_permits(1))
        };
        drop(only);
        adds.join().unwrap();
        assert_eq!(semaphore.try_acquire_many(2).expect("nobody waits").num_permits(), 2);
    });
}

/// One that comes while the semaphore is closed is refused or has its permit; nobody waits for ever.
#[test]
fn a_close_reaches_who_waits_and_who_comes() {
    check(|| {
        let semaphore = Arc::new(Semaphore::new(1));
        let held = semaphore.clone().try_acquire_owned().unwrap();
        let waits = {
            let semaphore = semaphore.clone();
            thread::spawn(move || drop(block_on(semaphore.acquire())))
        };
        let gives = thread::spawn(move || drop(held));
        semaphore.close();
        assert!(block_on(semaphore.acquire()).is_err());
        waits.join().unwrap();
        gives.join().unwrap();
        assert_eq!(semaphore.available_permits(), 1);
        assert!(semaphore.try_acquire().is_err());
    });
}

/// Chosen, closed, gone, in any order: the permit is free in the end.
#[test]
fn f23_a_waiter_that_goes_beside_a_close_takes_no_permit_with_it() {
    check(|| {
        let (semaphore, woken) = (Arc::new(Semaphore::new(0)), Event::new());
        let mut only = Box::pin(semaphore.acquire());
        assert!(poll(only.as_mut(), &woken).is_pending());
        let closes = {
            let semaphore = semaphore.clone();
            thread::spawn(move || semaphore.close())
        };
        let adds = {
            let semaphore = semaphore.clone();
            thread::spawn(move || semaphore.add_permits(1))
        };
        drop(only);
        closes.join().unwrap();
        adds.join().unwrap();
        assert_eq!(semaphore.available_permits(), 1);
    });
}

/// A permit is taken away while another comes for one who asks for both: it gets both, or one is gone.
#[test]
fn what_is_forgotten_is_not_handed_out() {
    check(|| {
        let (semaphore, woken) = (Arc::new(Semaphore::new(2)), Event::new());
        let held = semaphore.clone().try_acquire_owned().unwrap();
        let mut both = Box::pin(semaphore.acquire_many(2));
        assert!(poll(both.as_mut(), &woken).is_pending());
        let gives = thread::spawn(move || drop(held));
        let forgotten = semaphore.forget_permits(1);
        gives.join().unwrap();
        let has_both = poll(both.as_mut(), &woken).is_ready();
        assert_eq!(has_both, forgotten == 0);
        drop(both);
        assert_eq!(semaphore.available_permits(), 2 - forgotten);
    });
}

/// Two releases for one permit that was forgotten: one of them is too often.
#[test]
fn no_more_is_released_than_was_forgotten() {
    check(|| {
        let semaphore = Arc::new(BoundedSemaphore::new(1));
        semaphore.try_acquire().unwrap().forget();
        let waits = {
            let semaphore = semaphore.clone();
            thread::spawn(move || block_on(semaphore.acquire()).unwrap().forget())
        };
        let releases = {
            let semaphore = semaphore.clone();
            thread::spawn(move || semaphore.release().is_ok())
        };
        let here = semaphore.release().is_ok();
        let there = releases.join().unwrap();
        waits.join().unwrap();
        let left = semaphore.release().is_ok();
        assert_eq!(usize::from(here) + usize::from(there) + usize::from(left), 2);
        assert_eq!(semaphore.available_permits(), 1);
    });
}
