//! The pool for blocking calls.
//!
//! The promise: while a job waits, a thread is on its way to it or as many as allowed are running jobs; so every job
//! runs, though the thread that idles runs out of time at that moment (f17), and though no thread can be started
//! while another runs. Shutdown cancels what waits and waits for what runs.
//!
//! The model plays submitters, pool threads in their real loop, and a system that refuses a thread. A time-out that
//! does not reach an hour is over at once; others may come in between.
//!
//! Broken on purpose, in `runtime/src/blocking/pool.rs`, and seen to fail:
//! - a thread whose time is up ends without a look whether it was chosen (f17): deadlock.
//! - `work` does not send the next thread when it leaves jobs behind, leaves `is_coming` set when it comes or was
//!   chosen, or does not tell of its end: deadlocks.
//! - `cannot_start` does not send an idle thread in place of the one that is not there, or does not tell shutdown of
//!   it: deadlocks.
//! - `shut_down` does not wake the idle threads: deadlock. `submit` does not look at `closed`: a job is left.
#![cfg(loom)]

use loom::thread;
use loom_tests::{Count, Event, Ready, check_within};
use raddle_runtime::internals::{Pool, Task, allocate};
use raddle_runtime::prim::FAR;
use raddle_runtime::prim::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::Arc;
use std::time::Duration;

fn always() -> bool {
    true
}

/// A job that tells that it ran.
fn job(ran: &Arc<Event>) -> Task {
    let ran = ran.clone();
    let (task, handle) =
        allocate(async move { ran.set() }, Ready::default().scheduler(Count::default().probe(), false));
    handle.detach();
    task
}

#[test]
fn f17_a_job_meets_a_thread_whose_time_is_up() {
    check_within(2, || {
        let (pool, events) = (Pool::new(2, Duration::ZERO, always), [Event::new(), Event::new()]);
        for ran in &events {
            pool.submit(job(ran));
            ran.wait();
        }
        assert_eq!(pool.shut_down(), 0);
    });
}

#[test]
fn f17_two_submitters_meet_one_thread() {
    check_within(2, || {
        let (pool, events) = (Pool::new(1, Duration::ZERO, always), [Event::new(), Event::new()]);
        let other = {
            let (pool, ran) = (pool.clone(), events[1].clone());
            thread::spawn(move || pool.submit(job(&ran)))
        };
        pool.submit(job(&events[0]));
        events.iter().for_each(|ran| ran.wait());
        other.join().unwrap();
        assert_eq!(pool.shut_down(), 0);
    });
}

/// Two jobs at once, the first of which waits for the second: a second thread must come.
#[test]
fn f17_a_thread_that_leaves_a_job_behind_sends_the_next() {
    check_within(2, || {
        let (pool, second) = (Pool::new(2, FAR, always), Event::new());
        let first = Event::new();
        let (wait, tell) = (second.clone(), first.clone());
        let work = async move {
            wait.wait();
            tell.set();
        };
        let (task, handle) = allocate(work, Ready::default().scheduler(Count::default().probe(), false));
        handle.detach();
        pool.submit(task);
        pool.submit(job(&second));
        first.wait();
        assert_eq!(pool.shut_down(), 0);
    });
}

/// The system refuses the second thread, while the first becomes idle and more jobs come.
#[test]
fn f17_a_job_is_not_orphaned_when_a_thread_cannot_start() {
    check_within(2, || {
        let may_start = AtomicBool::new(true);
        let pool = Pool::new(2, FAR, move || may_start.swap(false, Relaxed));
        let events = [Event::new(), Event::new(), Event::new()];
        pool.submit(job(&events[0]));
        let other = {
            let (pool, ran) = (pool.clone(), events[1].clone());
            thread::spawn(move || pool.submit(job(&ran)))
        };
        events[1].wait();
        pool.submit(job(&events[2]));
        events.iter().for_each(|ran| ran.wait());
        other.join().unwrap();
        assert_eq!(pool.shut_down(), 0);
    });
}

/// Shutdown and a submission at once: the job runs or is cancelled, in any case it ends.
#[test]
fn f18_a_job_that_meets_shutdown_ends() {
    check_within(2, || {
        let (pool, count) = (Pool::new(1, FAR, always), Count::default());
        let whole = count.probe();
        let (task, handle) =
            allocate(async move { whole.change() }, Ready::default().scheduler(count.probe(), false));
        handle.detach();
        let submitter = {
            let pool = pool.clone();
            thread::spawn(move || pool.submit(task))
        };
        assert_eq!(pool.shut_down(), 0);
        submitter.join().unwrap();
        // One that came before shutdown, and whose thread came after, has been cancelled.
        assert_eq!(count.get(), 0);
    });
}

/// No thread can be started at all, and shutdown is waiting.
#[test]
fn f18_a_thread_that_cannot_start_does_not_hold_shutdown_up() {
    check_within(2, || {
        let (count, pool) = (Count::default(), Pool::new(1, FAR, || false));
        let whole = count.probe();
        let (task, handle) =
            allocate(async move { whole.change() }, Ready::default().scheduler(count.probe(), false));
        handle.detach();
        let submitter = {
            let pool = pool.clone();
            thread::spawn(move || pool.submit(task))
        };
        assert_eq!(pool.shut_down(), 0);
        submitter.join().unwrap();
        assert_eq!(count.get(), 0);
    });
}
