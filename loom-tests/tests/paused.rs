//! Who may move paused time, played by whole workers with a clock that stands still.
//!
//! The promise (f22): paused time moves to the next timer only when nothing can run. Not while a worker is awake or in
//! a poll, be it one that is counted out as stuck; not while a root is polled; not from the moment it is held until it
//! is let go; not before what was pushed under a hold has run; once, though two workers fall asleep at once. And it
//! does move when all sleep: a sleep that nobody ends is a deadlock.
//!
//! The model plays a scheduler's workers as they are, tasks and a root that sleep on their clock, and beside them a
//! thread that spawns, holds the time and lets it go, or does the monitor's part. Whoever must see no time pass reads
//! the clock twice.
//!
//! Not played: events of sockets, and the hold of a turn that finds them.
//!
//! Broken on purpose, in `runtime/src/worker/run.rs`, `runtime/src/driver/` and `runtime/src/block_on.rs`, and seen to
//! fail:
//! - the queues are looked at before the holds; a pinned task's inbox is not looked at; the holds are not.
//! - a worker lets its hold go before it is counted awake; whoever has moved the time does not hold it.
//! - a worker is asked only once whether it is the last one awake; one that is stuck in a poll counts as asleep.
//! - `Clock::hold` does not wait for a jump that is under way; a root holds no time during its poll: time moves though
//!   it is held.
//! - the last hold wakes nobody when it goes; a worker that finds the turn taken does not wake who has it: deadlocks.
#![cfg(loom)]

use loom::thread;
use loom_tests::{Event, check_within};
use raddle_runtime::internals::Scheduler;
use raddle_runtime::prim::FAR;
use raddle_runtime::time::Hold;
use std::future::Future;
use std::sync::Arc;

/// When the first sleep is over.
const SOON: u64 = 1000;
const LATER: u64 = 2000;

/// Plays `model` from where it says `loom::explore`, and its end, which is another model's, in one order.
fn play(preemptions: usize, workers: usize, model: impl Fn(&Scheduler) + Send + Sync + 'static) {
    check_within(preemptions, move || {
        loom::stop_exploring();
        let scheduler = Scheduler::paused(workers);
        scheduler.start();
        model(&scheduler);
        loom::stop_exploring();
        scheduler.shut_down();
    });
}

/// Makes a task's body that tells when it is over.
fn telling(body: impl Future<Output = ()> + Send) -> (Arc<Event>, impl Future<Output = ()> + Send) {
    let over = Event::new();
    let tell = over.clone();
    let task = async move {
        body.await;
        tell.set();
    };
    (over, task)
}

/// Sleeps, and must be awake at the very time.
async fn sleep(scheduler: Scheduler, until: u64) {
    scheduler.sleep_until(until).await;
    assert_eq!(scheduler.now(), until, "time went on while a task was awake");
}

/// A poll of some length.
fn see_no_time_pass(scheduler: &Scheduler, began: u64) {
    thread::yield_now();
    assert_eq!(scheduler.now(), began, "time went on");
}

/// A task sleeps, and all workers with it; the hold keeps the time from going on.
fn all_rest(scheduler: &Scheduler) -> (Arc<Event>, Hold) {
    let (hold, asleep) = (scheduler.hold(), Event::new());
    let (tell, inner) = (asleep.clone(), scheduler.clone());
    let (over, task) = telling(async move {
        tell.set();
        sleep(inner, SOON).await;
    });
    scheduler.spawn(task).detach();
    asleep.wait();
    (over, hold)
}

#[test]
fn f22_two_workers_that_fall_asleep_at_once_move_the_time_once() {
    play(2, 2, |scheduler| {
        let go = Event::new();
        let overs = [SOON, LATER].map(|until| {
            let (begun, go, inner) = (Event::new(), go.clone(), scheduler.clone());
            let tell = begun.clone();
            let (over, task) = telling(async move {
                tell.set();
                go.wait();
                sleep(inner, until).await;
            });
            scheduler.spawn(task).detach();
            begun.wait();
            over
        });
        loom::explore();
        go.set();
        overs.iter().for_each(|over| over.wait());
    });
}

/// A task from outside, which no hold announces, wakes a worker just when time moves.
fn spawned_beside_the_move(preemptions: usize, workers: usize) {
    play(preemptions, workers, move |scheduler| {
        let (sleeper, hold) = all_rest(scheduler);
        loom::explore();
        drop(hold);
        // A worker goes to move the time.
        thread::yield_now();
        let inner = scheduler.clone();
        let (over, task) = telling(async move { see_no_time_pass(&inner, inner.now()) });
        // Of two workers, not the one that moves the time: that one is chosen for what any may run.
        let handle = if workers > 1 { scheduler.spawn_pinned(task) } else { scheduler.spawn(task) };
        handle.detach();
        over.wait();
        sleeper.wait();
    });
}

#[test]
fn f22_no_time_passes_in_a_task_spawned_from_outside() {
    spawned_beside_the_move(2, 1);
}

#[test]
fn f22_no_time_passes_in_a_task_spawned_from_outside_with_two_workers() {
    spawned_beside_the_move(1, 2);
}

#[test]
fn f22_no_time_passes_from_when_it_is_held_until_it_is_let_go() {
    play(3, 1, |scheduler| {
        let (sleeper, hold) = all_rest(scheduler);
        loom::explore();
        drop(hold);
        let hold = scheduler.hold();
        see_no_time_pass(scheduler, scheduler.now());
        drop(hold);
        sleeper.wait();
        assert_eq!(scheduler.now(), SOON);
    });
}

/// The hold goes as soon as the task is queued.
fn pushed_under_a_hold(is_pinned: bool) {
    play(2, 1, move |scheduler| {
        let (sleeper, hold) = all_rest(scheduler);
        loom::explore();
        drop(hold);
        thread::yield_now();
        let hold = scheduler.hold();
        let (began, inner) = (scheduler.now(), scheduler.clone());
        let (over, task) = telling(async move { see_no_time_pass(&inner, began) });
        let handle = if is_pinned { scheduler.spawn_pinned(task) } else { scheduler.spawn(task) };
        handle.detach();
        drop(hold);
        over.wait();
        sleeper.wait();
    });
}

#[test]
fn f22_what_was_pushed_under_a_hold_comes_first() {
    pushed_under_a_hold(false);
}

#[test]
fn f22_a_pinned_task_that_was_pushed_under_a_hold_comes_first() {
    pushed_under_a_hold(true);
}

#[test]
fn f22_no_time_passes_while_a_root_is_polled() {
    play(2, 1, |scheduler| {
        let (sleeper, hold) = all_rest(scheduler);
        loom::explore();
        drop(hold);
        let inner = scheduler.clone();
        scheduler.block_on(async move {
            see_no_time_pass(&inner, inner.now());
            sleep(inner, LATER).await;
        });
        sleeper.wait();
    });
}

/// A worker is counted out in a long poll, and in again when that ends; its task has more to do.
#[test]
fn f22_no_time_passes_while_a_worker_is_stuck() {
    play(1, 2, |scheduler| {
        let (begun, go, inner) = (Event::new(), Event::new(), scheduler.clone());
        let (sleeper, hold) = all_rest(scheduler);
        let (tell, wait) = (begun.clone(), go.clone());
        let (over, task) = telling(async move {
            tell.set();
            wait.wait();
            see_no_time_pass(&inner, 0);
            raddle_runtime::yield_now().await;
            see_no_time_pass(&inner, 0);
        });
        scheduler.spawn_pinned(task).detach();
        begun.wait();
        loom::explore();
        scheduler.watch(FAR);
        drop(hold);
        scheduler.stand_in();
        go.set();
        over.wait();
        sleeper.wait();
    });
}
