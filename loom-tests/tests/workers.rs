//! The idle protocol, played by whole workers: who sleeps, who searches, whom a push wakes.
//!
//! The promise: no task waits in a queue while a worker sleeps and nobody searches; a worker that was chosen wakes,
//! though the choice and its sleep cross; a long poll on one worker keeps no task from the other.
//!
//! The model plays a scheduler's workers as they are, from their start to shutdown: they find, search, sleep, look
//! once more, park and are chosen. Threads push tasks from outside. A task that must run beside another waits for it,
//! so that a task left waiting is a deadlock.
//!
//! Broken on purpose, in `runtime/src/idle/` and `runtime/src/worker/`, and seen to fail, each with a deadlock:
//! - no fence in `Idle::choose`; none in `Idle::fall_asleep`.
//! - `Worker::rest` does not look once more before it parks; a worker that was refused a search does not; one whose
//!   last look saw work does not go on as a searcher.
//! - the last searcher that finds work does not wake another.
//! - a chosen worker stays on the list, or is not unparked.
//! - a pinned task's worker is unparked before the push, or not at all.
#![cfg(loom)]

use loom::thread;
use loom_tests::{Event, check_within};
use raddle_runtime::internals::Scheduler;
use std::sync::Arc;

/// The end is another model's; here one order of it will do.
fn end(scheduler: &Scheduler) {
    loom::stop_exploring();
    scheduler.shut_down();
}

/// Spawns a task that tells when it runs.
fn tells(scheduler: &Scheduler) -> Arc<Event> {
    let ran = Event::new();
    let tell = ran.clone();
    scheduler.spawn(async move { tell.set() }).detach();
    ran
}

#[test]
fn a_push_reaches_a_worker_that_is_about_to_sleep() {
    check_within(2, || {
        let scheduler = Scheduler::new(1);
        scheduler.start();
        tells(&scheduler).wait();
        end(&scheduler);
    });
}

#[test]
fn two_pushes_reach_one_worker() {
    check_within(2, || {
        let scheduler = Scheduler::new(1);
        scheduler.start();
        let other = {
            let scheduler = scheduler.clone();
            thread::spawn(move || tells(&scheduler).wait())
        };
        tells(&scheduler).wait();
        other.join().unwrap();
        end(&scheduler);
    });
}

/// The first task ends only when the second has run: one worker is in a long poll, the other must not sleep on it.
fn long_and_short(scheduler: &Scheduler) -> Arc<Event> {
    let (short_ran, long_ran) = (Event::new(), Event::new());
    let (wait, tell) = (short_ran.clone(), long_ran.clone());
    let long = async move {
        wait.wait();
        tell.set();
    };
    scheduler.spawn(long).detach();
    scheduler.spawn(async move { short_ran.set() }).detach();
    long_ran
}

#[test]
fn a_long_poll_keeps_no_task_from_the_other_worker() {
    check_within(1, || {
        let scheduler = Scheduler::new(2);
        scheduler.start();
        long_and_short(&scheduler).wait();
        end(&scheduler);
    });
}

/// A pinned task is woken from outside just as its worker falls asleep; the other worker does not help.
#[test]
fn a_wake_reaches_the_worker_that_a_task_is_pinned_to() {
    check_within(2, || {
        let (scheduler, ran) = (Scheduler::new(1), Event::new());
        scheduler.start();
        let tell = ran.clone();
        scheduler.spawn_pinned(async move { tell.set() }).detach();
        ran.wait();
        end(&scheduler);
    });
}

/// A task awaits one that it has spawned, wherever that is run.
#[test]
fn a_task_that_awaits_another_ends() {
    check_within(2, || {
        let (scheduler, ended) = (Scheduler::new(2), Event::new());
        scheduler.start();
        let (inner, tell) = (scheduler.clone(), ended.clone());
        let outer = async move {
            assert_eq!(inner.spawn(async { 1 }).await.expect("it returns"), 1);
            tell.set();
        };
        scheduler.spawn(outer).detach();
        ended.wait();
        end(&scheduler);
    });
}
