//! Timers: an entry against its wheel, and a new timer against a driver that sleeps.
//!
//! The promise: a timer that waits fires or is left, never both; after `leave`, or once it has been seen to have
//! fired, the wheel does not touch it; a timer that is entered while a driver sleeps for longer ends that sleep
//! (f06).
//!
//! The model plays the owner of a timer, a worker that expires the wheel, and a thread that sleeps in the driver. It
//! has no clock: nanosecond 1 is long past, two hours ahead never come (see `runtime/src/driver/io/sys_model.rs`).
//!
//! Broken on purpose, in `runtime/src/driver/`, and seen to fail:
//! - `Entry::fire` stores FIRED before it takes the waker, or with Relaxed: freed beside a touch.
//! - `Entry::leave` does not look again under the lock: removed twice. `Entry::enter` does not look there: deadlock.
//! - no fence in `timer_lowered`, none in `sleep_deadline`, no second look in it, no wake (f06): deadlocks.
#![cfg(loom)]

use loom::thread;
use loom_tests::{Event, check};
use raddle_runtime::internals::{Driver, Timer};
use std::sync::Arc;

/// Long past.
const DUE: u64 = 1;

fn two_hours(driver: &Driver) -> u64 {
    driver.now() + 2 * 3600 * 1_000_000_000
}

fn expires(driver: &Arc<Driver>, at: u64) -> thread::JoinHandle<()> {
    let driver = driver.clone();
    thread::spawn(move || driver.expire_due(at))
}

#[test]
fn f20_a_timer_fires_or_is_left() {
    check(|| {
        let (driver, woken) = (Arc::new(Driver::new()), Event::new());
        let timer = Timer::new();
        assert!(!timer.wait(&driver, DUE, &woken.waker()));
        let worker = expires(&driver, DUE);
        let fired = timer.has_fired();
        timer.leave(&driver);
        drop(timer);
        worker.join().unwrap();
        assert!(woken.is_set() || !fired, "fired, and its waker is gone");
        assert_eq!(Arc::strong_count(&woken), 1, "a waker was left behind");
        assert_eq!(driver.timers(), 0);
    });
}

/// Two timers of one slot: one goes while both fire.
#[test]
fn f20_a_neighbour_fires_all_the_same() {
    check(|| {
        let (driver, events) = (Arc::new(Driver::new()), [Event::new(), Event::new()]);
        let [first, second] = events.each_ref().map(|event| {
            let timer = Timer::new();
            assert!(!timer.wait(&driver, DUE, &event.waker()));
            timer
        });
        let worker = expires(&driver, DUE);
        first.leave(&driver);
        drop(first);
        events[1].wait();
        assert!(second.has_fired());
        drop(second);
        worker.join().unwrap();
    });
}

/// A timer gets a new waker while it fires: it is woken through one it has seen, or told that it has fired.
#[test]
fn a_timer_that_changes_its_waker_ends() {
    check(|| {
        let (driver, old, new) = (Arc::new(Driver::new()), Event::new(), Event::new());
        let timer = Timer::new();
        assert!(!timer.wait(&driver, DUE, &old.waker()));
        let worker = expires(&driver, DUE);
        if !timer.wait(&driver, DUE, &new.waker()) {
            new.wait();
        }
        assert!(timer.has_fired());
        timer.leave(&driver);
        worker.join().unwrap();
        assert_eq!((Arc::strong_count(&old), Arc::strong_count(&new)), (1, 1), "a waker was left behind");
    });
}

/// Two workers expire one wheel.
#[test]
fn a_timer_fires_once() {
    check(|| {
        let (driver, woken) = (Arc::new(Driver::new()), Event::new());
        let timer = Timer::new();
        assert!(!timer.wait(&driver, DUE, &woken.waker()));
        let other = expires(&driver, DUE);
        driver.expire_due(DUE);
        woken.wait();
        assert!(timer.has_fired());
        timer.leave(&driver);
        other.join().unwrap();
    });
}

/// A thread that sleeps in the driver until the timer has fired.
fn sleeper(driver: &Arc<Driver>, until: &Arc<Event>) -> thread::JoinHandle<()> {
    let (driver, until) = (driver.clone(), until.clone());
    thread::spawn(move || {
        while !until.is_set() {
            assert!(driver.sleep(), "nobody else sleeps there");
        }
    })
}

#[test]
fn f06_a_new_timer_ends_a_longer_sleep() {
    check(|| {
        let (driver, woken) = (Arc::new(Driver::new()), Event::new());
        let sleeper = sleeper(&driver, &woken);
        let timer = Timer::new();
        timer.wait(&driver, DUE, &woken.waker());
        sleeper.join().unwrap();
        assert!(timer.has_fired());
    });
}

#[test]
fn f06_a_new_timer_ends_a_sleep_for_a_later_one() {
    check(|| {
        let (driver, woken) = (Arc::new(Driver::new()), Event::new());
        let later = Timer::new();
        later.wait(&driver, two_hours(&driver), &Event::new().waker());
        let sleeper = sleeper(&driver, &woken);
        let timer = Timer::new();
        timer.wait(&driver, DUE, &woken.waker());
        sleeper.join().unwrap();
        later.leave(&driver);
    });
}

/// Two timers are entered at once, the later one perhaps first.
#[test]
fn f06_the_earlier_of_two_new_timers_ends_the_sleep() {
    check(|| {
        let (driver, woken) = (Arc::new(Driver::new()), Event::new());
        let sleeper = sleeper(&driver, &woken);
        let other = {
            let driver = driver.clone();
            thread::spawn(move || {
                let later = Timer::new();
                later.wait(&driver, two_hours(&driver), &Event::new().waker());
                later.leave(&driver);
            })
        };
        let timer = Timer::new();
        timer.wait(&driver, DUE, &woken.waker());
        sleeper.join().unwrap();
        other.join().unwrap();
    });
}
