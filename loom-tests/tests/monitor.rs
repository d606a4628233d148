//! The monitor against the workers it watches.
//!
//! The promise: a worker that wakes is watched, though the monitor falls asleep at that moment; a worker that is counted out
//! as stuck is counted in again when its poll is over, once, though the two cross.
//!
//! The model plays the monitor's steps (`sleep` when all is quiet; a look that finds a worker slow, then stuck) beside a
//! worker in its real loop, and beside the end of a poll.
//!
//! Broken on purpose, in `runtime/src/worker/monitor.rs`, and seen to fail:
//! - no fence in `notice_awake`, none in `sleep`, no second look in `sleep`: deadlocks.
//! - `call` notifies without setting `called`: deadlock.
//! - `Pace::reset` loads and then stores; `to_stuck` does not ask for SLOW: the count is wrong in the end.
#![cfg(loom)]

use loom::thread;
use loom_tests::{Event, check, check_within};
use raddle_runtime::internals::Scheduler;
use raddle_runtime::prim::FAR;

/// The monitor sees that all is quiet and goes to sleep, while a worker wakes to a poll that ends only when the monitor has
/// woken too.
#[test]
fn a_worker_that_wakes_is_watched() {
    check_within(2, || {
        let (scheduler, watched) = (Scheduler::new(1), Event::new());
        let worker = {
            let scheduler = scheduler.clone();
            thread::spawn(move || {
                let worker = scheduler.worker(0);
                worker.run(|| !scheduler.is_open());
                worker.retire();
            })
        };
        let monitor = {
            let (scheduler, watched) = (scheduler.clone(), watched.clone());
            thread::spawn(move || {
                if scheduler.is_quiet() {
                    scheduler.sleep_as_monitor();
                }
                watched.set();
            })
        };
        scheduler.spawn({
            let watched = watched.clone();
            async move { watched.wait() }
        })
        .detach();
        watched.wait();
        scheduler.close();
        worker.join().unwrap();
        monitor.join().unwrap();
        scheduler.finish();
    });
}

/// The monitor thinks a worker stuck just when its poll is over; then it may think so of the next poll.
#[test]
fn a_worker_counted_out_is_counted_in_once() {
    check(|| {
        let scheduler = Scheduler::new(1);
        let monitor = {
            let scheduler = scheduler.clone();
            thread::spawn(move || (0..2).for_each(|_| scheduler.watch(0, FAR)))
        };
        let worker = scheduler.worker(0);
        (0..2).for_each(|_| worker.catch_up());
        monitor.join().unwrap();
        let (active, slow) = scheduler.active_and_slow();
        assert_eq!((active, slow), (1 - slow, slow), "a worker is counted out while it is stuck, and only then");
        worker.catch_up();
        assert_eq!(scheduler.active_and_slow(), (1, 0));
        worker.retire();
    });
}
