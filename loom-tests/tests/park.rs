//! Where workers sleep: on a condvar, or in the driver.
//!
//! The promise: after an unpark the current or the next park comes back, and sees what was written before it; one
//! notification is kept, however the parker sleeps or is about to.
//!
//! The model plays a parker that parks until it sees a flag (Relaxed: the order must come from the parker), and
//! threads that set it and unpark; two parkers that want the same driver; a park with a time-out that is over at
//! once.
//!
//! Broken on purpose, in `runtime/src/park.rs`, and seen to fail:
//! - `unpark` does not take the lock before it notifies, or does not wake the driver; `begin` stores the state
//!   without a look at NOTIFIED: deadlocks.
//! - `unpark` without Release; `park`, `park_on_condvar` or `begin` without Acquire: the flag is not seen.
//! - `park_timeout` says false though it was notified, or clears the state by a load and a store: a notification is
//!   lost.
#![cfg(loom)]

use loom::thread;
use loom_tests::check;
use raddle_runtime::internals::{Driver, Parker};
use raddle_runtime::prim::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::Arc;
use std::time::Duration;

#[derive(Default)]
struct Place {
    parker: Parker,
    driver: Driver,
    flags: [AtomicBool; 2],
}

impl Place {
    fn set(&self, flag: usize) {
        self.flags[flag].store(true, Relaxed);
        self.parker.unpark(&self.driver);
    }

    fn is_set(&self, flag: usize) -> bool {
        self.flags[flag].load(Relaxed)
    }
}

fn sets(place: &Arc<Place>, flag: usize) -> thread::JoinHandle<()> {
    let place = place.clone();
    thread::spawn(move || place.set(flag))
}

/// Parks until both flags are seen.
fn two_unparks(park: impl Fn(&Place) + Send + Sync + 'static) {
    check(move || {
        let place = Arc::new(Place::default());
        let threads = [sets(&place, 0), sets(&place, 1)];
        while !(place.is_set(0) && place.is_set(1)) {
            park(&place);
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn unparks_reach_a_parker_on_its_condvar() {
    two_unparks(|place| place.parker.park_on_condvar());
}

#[test]
fn unparks_reach_a_parker_in_the_driver() {
    two_unparks(|place| place.parker.park(&place.driver));
}

/// It may sleep one way and then the other.
#[test]
fn unparks_reach_a_parker_that_finds_the_driver_taken_for_a_moment() {
    check(|| {
        let place = Arc::new(Place::default());
        let other = {
            let place = place.clone();
            thread::spawn(move || {
                place.driver.look();
                place.set(1);
            })
        };
        place.flags[0].store(true, Relaxed);
        while !place.is_set(1) {
            place.parker.park(&place.driver);
        }
        other.join().unwrap();
    });
}

/// Two workers sleep; one has the driver, and each wakes by its own notification.
#[test]
fn two_parkers_share_a_driver() {
    check(|| {
        let driver = Arc::new(Driver::new());
        let parkers: [Arc<Parker>; 2] = Default::default();
        let threads = parkers.clone().map(|parker| {
            let driver = driver.clone();
            thread::spawn(move || parker.park(&driver))
        });
        parkers.iter().for_each(|parker| parker.unpark(&driver));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// A time-out and a notification at once: the notification is told of now or kept for the next park.
#[test]
fn a_park_that_times_out_loses_no_notification() {
    check(|| {
        let place = Arc::new(Place::default());
        let thread = sets(&place, 0);
        while !place.parker.park_timeout(Duration::ZERO) {
            thread::yield_now();
        }
        assert!(place.is_set(0));
        thread.join().unwrap();
    });
}
