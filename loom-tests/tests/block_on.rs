//! A root future on the thread that calls `block_on`, woken from other threads.
//!
//! The promise: a wake ends the current or the next sleep of the root's thread, and the poll that follows sees what
//! was written before it; also a wake during the poll, and one by the root itself (f07).
//!
//! The model plays a root that waits for two flags (Relaxed: the order must come from the wake) and threads that set
//! them. It has worker threads, so the root sleeps on a condvar.
//!
//! Broken on purpose, in `runtime/src/block_on.rs`, and seen to fail, each with a deadlock:
//! - `Root::poll` clears `is_woken` after the poll; `wake_by_ref` does not set it; either with Relaxed.
//! - `wake_by_ref` does not unpark the root's thread, or not the worker that polls it.
//! - a root looks for the core before it enters the list; the one that gives the core back tells nobody.
#![cfg(loom)]

use loom::thread;
use loom_tests::{check, check_within};
use raddle_runtime::internals::Scheduler;
use raddle_runtime::prim::atomic::{AtomicBool, Ordering::Relaxed};
use raddle_runtime::prim::lock::{Condvar, Mutex};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

#[derive(Default)]
struct Shared {
    flags: [AtomicBool; 2],
    waker: Mutex<Option<Waker>>,
    is_there: Condvar,
}

impl Shared {
    fn set(&self, flag: usize) {
        let mut guard = self.waker.lock();
        while guard.is_none() {
            guard = self.is_there.wait(guard);
        }
        let waker = guard.clone().expect("waited for");
        drop(guard);
        self.flags[flag].store(true, Relaxed);
        waker.wake();
    }

    fn is_set(&self, flag: usize) -> bool {
        self.flags[flag].load(Relaxed)
    }

    /// Waits for both flags, and shows its waker.
    fn both_flags(&self) -> impl Future<Output = ()> {
        poll_fn(|cx| {
            if self.waker.lock().replace(cx.waker().clone()).is_none() {
                self.is_there.notify_all();
            }
            if self.is_set(0) && self.is_set(1) { Poll::Ready(()) } else { Poll::Pending }
        })
    }
}

#[test]
fn wakes_from_two_threads_reach_the_root() {
    check(|| {
        let (scheduler, shared) = (Scheduler::new(1), Arc::new(Shared::default()));
        let threads = [0, 1].map(|flag| {
            let shared = shared.clone();
            thread::spawn(move || shared.set(flag))
        });
        scheduler.block_on(shared.both_flags());
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        shared.waker.lock().take();
    });
}

#[test]
fn f07_a_root_that_wakes_itself_is_polled_again() {
    check(|| {
        let scheduler = Scheduler::new(1);
        let mut polls = 0;
        scheduler.block_on(poll_fn(|cx| {
            polls += 1;
            if polls < 3 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(())
        }));
        assert_eq!(polls, 3);
    });
}

/// Two roots, each with a task to wait for, and one core: the tasks end, whoever runs them.
#[test]
fn two_roots_share_one_core() {
    check_within(2, || {
        let scheduler = Scheduler::current_thread();
        let other = {
            let scheduler = scheduler.clone();
            thread::spawn(move || scheduler.block_on(scheduler.spawn(async { 1 })).expect("it returns"))
        };
        assert_eq!(scheduler.block_on(scheduler.spawn(async { 2 })).expect("it returns"), 2);
        assert_eq!(other.join().unwrap(), 1);
        loom::stop_exploring();
        scheduler.shut_down();
    });
}

/// The root is woken from elsewhere while it, as the worker, falls asleep.
#[test]
fn f07_a_wake_reaches_a_root_that_runs_tasks() {
    check(|| {
        let (scheduler, shared) = (Scheduler::current_thread(), Arc::new(Shared::default()));
        shared.flags[1].store(true, Relaxed);
        let other = {
            let shared = shared.clone();
            thread::spawn(move || shared.set(0))
        };
        scheduler.block_on(shared.both_flags());
        other.join().unwrap();
        shared.waker.lock().take();
        scheduler.shut_down();
    });
}
