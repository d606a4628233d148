//! The end of a scheduler, while other threads still push tasks.
//!
//! The promise: a task that is spawned or woken while the scheduler closes ends, by whichever side sees it;
//! afterwards nothing is left, and whoever drops the last reference frees the scheduler, once.
//!
//! The model plays a shutdown from its first step to its last, with a worker and without, and threads that spawn a
//! task or wake one at any moment of it.
//!
//! Broken on purpose, in `runtime/src/worker/`, and seen to fail:
//! - `Shared::inject` does not look at the phase after its push, `enter_phase` has no fence, `end_outside_tasks` does
//!   not cancel the idle tasks, `finish` does not wait for the workers: a task is left.
//! - `LiveSet::insert_outside` takes tasks after the set was closed: a worker never ends.
//! - `close` does not unpark the workers, `leave` does not tell of their end: deadlocks.
#![cfg(loom)]

use loom::thread;
use loom_tests::{Count, check, check_within};
use raddle_runtime::internals::Scheduler;
use raddle_runtime::prim::lock::Mutex;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

/// A scheduler whose only task has been polled once and waits, and the task's waker. Its workers have no threads.
fn with_a_waiting_task(count: &Count) -> (Scheduler, Waker) {
    let (scheduler, whole, waker) = (Scheduler::new(1), count.probe(), Arc::new(Mutex::new(None)));
    let keeps = waker.clone();
    let forever = poll_fn(move |cx| {
        whole.change();
        keeps.lock().get_or_insert_with(|| cx.waker().clone());
        Poll::<()>::Pending
    });
    scheduler.spawn(forever).detach();
    let worker = scheduler.worker();
    worker.run(|| waker.lock().is_some());
    worker.retire();
    let waker = waker.lock().take().expect("just seen");
    (scheduler, waker)
}

fn check_end(scheduler: Scheduler, count: &Count) {
    assert_eq!((scheduler.alive(), count.get()), (0, 0), "a task was left");
    drop(scheduler);
}

#[test]
fn a_wake_meets_shutdown() {
    check_within(1, || {
        let count = Count::default();
        let (scheduler, waker) = with_a_waiting_task(&count);
        scheduler.start();
        let other = thread::spawn(move || waker.wake());
        scheduler.shut_down();
        other.join().unwrap();
        check_end(scheduler, &count);
    });
}

/// No worker is there to see the wake.
#[test]
fn a_wake_meets_the_last_step() {
    check(|| {
        let count = Count::default();
        let (scheduler, waker) = with_a_waiting_task(&count);
        let other = thread::spawn(move || waker.wake());
        scheduler.shut_down();
        other.join().unwrap();
        check_end(scheduler, &count);
    });
}

#[test]
fn a_spawn_meets_shutdown() {
    check_within(2, || {
        let (scheduler, count) = (Scheduler::new(1), Count::default());
        scheduler.start();
        let other = {
            let (scheduler, whole) = (scheduler.clone(), count.probe());
            thread::spawn(move || scheduler.spawn(async move { whole.change() }).detach())
        };
        scheduler.shut_down();
        other.join().unwrap();
        check_end(scheduler, &count);
    });
}

/// Nobody is there to run the tasks, so what two threads push at the last moment is theirs to end.
#[test]
fn spawns_from_two_threads_meet_the_last_step() {
    check(|| {
        let (scheduler, count) = (Scheduler::new(1), Count::default());
        let others = [(), ()].map(|()| {
            let (scheduler, whole) = (scheduler.clone(), count.probe());
            thread::spawn(move || scheduler.spawn(async move { whole.change() }).detach())
        });
        scheduler.shut_down();
        others.into_iter().for_each(|other| other.join().unwrap());
        check_end(scheduler, &count);
    });
}

/// The waker of an ended task may be what keeps the scheduler, and is dropped last.
#[test]
fn the_last_reference_goes_with_a_waker() {
    check(|| {
        let count = Count::default();
        let (scheduler, waker) = with_a_waiting_task(&count);
        scheduler.shut_down();
        let other = thread::spawn(move || drop(waker));
        check_end(scheduler, &count);
        other.join().unwrap();
    });
}
