//! The join handle against the end of its task.
//!
//! The promise: whoever awaits the handle is woken when the task has ended, also if it changes its waker at that
//! moment; the output goes to the handle if there is one, else it is dropped by the runner: once, in either case.
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
//! - `State::is_complete` with Relaxed, `State::update` without Release: the output is taken beside its being
//!   written.
#![cfg(loom)]

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
