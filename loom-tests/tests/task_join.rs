//! The join handle against the end of its task.
//!
//! The promise: whoever awaits the handle is woken when the task has ended, also if it changes its waker at that
//! moment; the output goes to the handle if there is one, else it is dropped by the runner: once, in either case.
//!
//! A callback for the task's end is called once, whether it is added before, during or after, and is dropped.
//!
//! The model plays a runner that completes a task, and a handle that is awaited, awaited with one waker and then with
//! another, or dropped: before, during and after.
//!
//! Broken on purpose, in `runtime/src/task/`, and seen to fail:
//! - `State::set_join_waker` does not look at COMPLETE; `State::complete` says `Left` though there is a waker:
//!   deadlocks.
//! - `State::unset_join_waker` does not look at COMPLETE: the waker is dropped twice.
//! - `State::drop_join` says `Left` for a complete task: a leak. `JoinHandle::drop` leaves a stored waker,
//!   `JoinHandle::store_waker` one that it could not set: the waker is left behind.
//! - `done::add` does not take its callback back, or sets WATCHED before the callback is in the list; `State::watch`
//!   does not look at COMPLETE; `State::complete` says `Left` though WATCHED is set: a callback is not called.
//! - `State::is_complete` with Relaxed, `State::update` without Release: the output is taken beside its being
//!   written.
#![cfg(loom)]

use loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use loom::thread;
use loom_tests::{Count, Event, Probe, Ready, block_on, check, poll_once};
use raddle_runtime::internals::{Ran, Task, allocate};
use raddle_runtime::task::JoinHandle;
use std::sync::Arc;
use std::task::Poll;

/// A task that gives a probe back, and counts of what it is made of: output, scheduler.
fn finished_at_once(counts: &[Count; 2]) -> (Task, JoinHandle<Probe>) {
    let output = counts[0].probe();
    let future = async move {
        output.change();
        output
    };
    allocate(future, Ready::default().scheduler(counts[1].probe(), false))
}

/// Does with the handle of a task what `handle` says, while the task ends. It is given two events to wake.
fn against_completion(handle: impl Fn(JoinHandle<Probe>, &[Arc<Event>; 2]) + Send + Sync + 'static) {
    check(move || {
        let (counts, events) = (<[Count; 2]>::default(), [Event::new(), Event::new()]);
        let (task, join) = finished_at_once(&counts);
        let runner = thread::spawn(move || assert!(matches!(task.run(), Ran::Done)));
        handle(join, &events);
        runner.join().unwrap();
        assert_eq!(counts.each_ref().map(Count::get), [0, 0]);
        assert_eq!(events.each_ref().map(Arc::strong_count), [1, 1], "a waker was left behind");
    });
}

#[test]
fn an_awaited_handle_is_woken() {
    against_completion(|join, _| block_on(join).expect("it returns").change());
}

#[test]
fn a_handle_that_changes_its_waker_is_woken_through_the_new_one() {
    against_completion(|mut join, [first, second]| {
        let mut output = poll_once(&mut join, &first.waker());
        if output.is_pending() {
            output = poll_once(&mut join, &second.waker());
        }
        if output.is_pending() {
            second.wait();
            output = poll_once(&mut join, &second.waker());
        }
        let Poll::Ready(output) = output else { panic!("woken before the end") };
        output.expect("it returns").change();
    });
}

#[test]
fn a_handle_that_goes_after_a_poll_leaves_nothing() {
    against_completion(|mut join, [woken, _]| {
        drop(poll_once(&mut join, &woken.waker()));
        drop(join);
    });
}

#[test]
fn f29_a_handle_that_goes_unpolled_leaves_nothing() {
    against_completion(|join, _| drop(join));
}

#[test]
fn a_handle_that_sees_the_end_may_take_the_output() {
    against_completion(|mut join, [woken, _]| {
        if join.is_finished() {
            let Poll::Ready(output) = poll_once(&mut join, &woken.waker()) else {
                panic!("finished, and not ready")
            };
            output.expect("it returns").change();
        }
    });
}

/// A cancel handle and the join handle go while the task ends.
#[test]
fn f29_a_cancel_handle_outlives_the_others_or_not() {
    against_completion(|join, _| {
        let cancel = join.abort_handle();
        let other = thread::spawn(move || drop(cancel));
        drop(join);
        other.join().unwrap();
    });
}

/// Adds callbacks to a task, which goes on without a handle then, while it ends; each is called once and dropped.
fn callbacks_against_completion(callbacks: usize) {
    check(move || {
        let (counts, calls) = (<[Count; 3]>::default(), Arc::new(AtomicUsize::new(0)));
        let output = counts[0].probe();
        let future = async move { output };
        let (task, join) = allocate(future, Ready::default().scheduler(counts[1].probe(), false));
        let runner = thread::spawn(move || assert!(matches!(task.run(), Ran::Done)));
        for _ in 0..callbacks {
            let (owned, calls) = (counts[2].probe(), calls.clone());
            join.add_done_callback(move |_| {
                owned.change();
                calls.fetch_add(1, Relaxed);
            });
        }
        drop(join);
        runner.join().unwrap();
        assert_eq!(calls.load(Relaxed), callbacks);
        assert_eq!(counts.each_ref().map(Count::get), [0, 0, 0]);
    });
}

#[test]
fn a_callback_added_against_the_end_is_called_once() {
    callbacks_against_completion(1);
}

#[test]
fn two_callbacks_added_against_the_end_are_called_once_each() {
    callbacks_against_completion(2);
}

#[test]
fn a_callback_is_called_or_taken_back() {
    check(|| {
        let (counts, calls) = (<[Count; 3]>::default(), Arc::new(AtomicUsize::new(0)));
        let (task, join) = finished_at_once(&[counts[0].clone(), counts[1].clone()]);
        let runner = thread::spawn(move || assert!(matches!(task.run(), Ran::Done)));
        let (owned, called) = (counts[2].probe(), calls.clone());
        let id = join.add_done_callback(move |_| {
            owned.change();
            called.fetch_add(1, Relaxed);
        });
        let removed = join.remove_done_callback(id);
        runner.join().unwrap();
        assert_eq!(calls.load(Relaxed) + removed, 1);
        drop(join);
        assert_eq!(counts.each_ref().map(Count::get), [0, 0, 0]);
    });
}
