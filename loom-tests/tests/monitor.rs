//! The monitor against the workers it watches.
//!
//! The promise: a worker that wakes is watched, though the monitor falls asleep at that moment; a worker that is
//! counted out as stuck is counted in again when its poll is over, once, though the two cross; a task that waits while
//! the only worker is stuck is run by a spare.
//!
//! The model plays the monitor's steps (`sleep` when all is quiet; a look that finds a worker slow, then stuck; what it
//! does in that worker's place) beside workers as they are, and beside the end of a poll.
//!
//! Broken on purpose, in `runtime/src/worker/monitor.rs`, and seen to fail:
//! - no fence in `notice_awake`, none in `sleep`, no second look in `sleep`, `call` sets nothing: deadlocks.
//! - `Pace::reset` loads and then stores, `Pace::to_stuck` does not ask for SLOW: the count is wrong in the end.
//! - a spare that is chosen just when its time is up ends all the same: the task waits for ever.
#![cfg(loom)]

use loom::thread;
use loom_tests::{Event, check, check_within};
use raddle_runtime::internals::Scheduler;
use raddle_runtime::prim::FAR;

/// The monitor sees that all is quiet and goes to sleep, while a worker wakes to a poll that ends only when the monitor
/// has woken too.
#[test]
fn a_worker_that_wakes_is_watched() {
    check_within(2, || {
        let (scheduler, watched) = (Scheduler::new(1), Event::new());
        scheduler.start();
        let monitor = {
            let (scheduler, watched) = (scheduler.clone(), watched.clone());
            thread::spawn(move || {
                scheduler.sleep_as_monitor();
                watched.set();
            })
        };
        let watched_too = watched.clone();
        scheduler.spawn(async move { watched_too.wait() }).detach();
        watched.wait();
        monitor.join().unwrap();
        scheduler.shut_down();
    });
}

/// The monitor thinks a worker stuck just when its poll is over; then it may think so of the next poll.
#[test]
fn a_worker_counted_out_is_counted_in_once() {
    check(|| {
        let scheduler = Scheduler::new(1);
        let monitor = {
            let scheduler = scheduler.clone();
            thread::spawn(move || (0..2).for_each(|_| scheduler.watch(FAR)))
        };
        let worker = scheduler.worker();
        (0..2).for_each(|_| worker.catch_up());
        monitor.join().unwrap();
        assert!(scheduler.active() == 1 || scheduler.is_slow(), "counted out twice, or for nothing");
        worker.catch_up();
        assert_eq!((scheduler.active(), scheduler.is_slow()), (1, false));
        worker.retire();
    });
}

/// The only worker is stuck until another task has run: a spare runs it, though the first one is just about to leave.
#[test]
fn a_spare_takes_the_place_of_a_stuck_worker() {
    check_within(2, || {
        let (scheduler, is_stuck, short_ran, long_ran) =
            (Scheduler::new(1), Event::new(), Event::new(), Event::new());
        scheduler.start();
        let (stuck, wait, tell) = (is_stuck.clone(), short_ran.clone(), long_ran.clone());
        let long = async move {
            stuck.set();
            wait.wait();
            tell.set();
        };
        scheduler.spawn(long).detach();
        is_stuck.wait();
        // Not needed yet: it counts itself out.
        scheduler.start_spare();
        let tell = short_ran.clone();
        scheduler.spawn(async move { tell.set() }).detach();
        while !short_ran.is_set() {
            scheduler.watch(FAR);
            scheduler.stand_in();
            thread::yield_now();
        }
        long_ran.wait();
        loom::stop_exploring();
        scheduler.shut_down();
    });
}
