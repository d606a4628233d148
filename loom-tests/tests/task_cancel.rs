//! Cancelling a task from another thread.
//!
//! The promise: a task that is cancelled ends, as cancelled or, if the request comes too late, with its output; its
//! future is dropped once, by the thread that runs it, and never while it is polled; the joiner sees the first reason
//! given.
//!
//! The model plays a runner, a thread that cancels, and a wake, a second cancel or the end of the task at the same
//! time.
//!
//! Broken on purpose, in `runtime/src/task/`, and seen to fail:
//! - `State::cancel` says `Push` for a running, a notified or a complete task: it is queued after its end.
//! - `State::cancel` sets CANCELLED without NOTIFIED on a running task: the runner waits for ever.
//! - `Header::extras_or_new` uses its own box though it lost the race: the reason is lost.
//! - `start_poll` lets a task run that is new and CANCELLED: one is polled that was cancelled before. In a task that
//!   has yielded, or in one that has not, it looks at the word as it was before it took NOTIFIED away: a cancel is
//!   lost, deadlock.
//! - `TaskRef::cancel` notes the reason after it has cancelled: the joiner sees none.
#![cfg(loom)]

use loom::thread;
use loom_tests::{Count, Ready, block_on, check, check_within, poll_once, waiting_task};
use raddle_runtime::internals::{Ran, allocate};
use std::future::{pending, poll_fn};
use std::task::Poll;

#[test]
fn f28_a_cancel_races_with_the_end() {
    check(|| {
        let (ready, counts) = (Ready::default(), <[Count; 3]>::default());
        let (future, output) = (counts[0].probe(), counts[1].probe());
        let work = async move {
            future.change();
            output
        };
        let (task, handle) = allocate(work, ready.scheduler(counts[2].probe(), false));
        let cancel = handle.abort_handle();
        let canceller = thread::spawn(move || cancel.cancel());
        assert!(matches!(task.run(), Ran::Done), "it ends in one poll, or cancelled before it");
        match block_on(handle) {
            Ok(output) => output.change(),
            Err(error) => assert!(error.is_cancelled(), "{error}"),
        }
        canceller.join().unwrap();
        assert!(ready.pop().is_none(), "queued after its end");
        assert_eq!(counts.each_ref().map(Count::get), [0, 0, 0]);
    });
}

/// Join against cancel against completion, each on a thread of its own.
#[test]
fn f28_a_joiner_waits_while_a_cancel_races_with_the_end() {
    check_within(2, || {
        let (ready, counts) = (Ready::default(), <[Count; 3]>::default());
        let (future, output) = (counts[0].probe(), counts[1].probe());
        let work = async move {
            future.change();
            output
        };
        let (task, handle) = allocate(work, ready.scheduler(counts[2].probe(), false));
        let cancel = handle.abort_handle();
        let runner = thread::spawn(move || assert!(matches!(task.run(), Ran::Done)));
        let canceller = thread::spawn(move || cancel.cancel_with("there"));
        match block_on(handle) {
            Ok(output) => output.change(),
            Err(error) => assert_eq!(error.reason(), Some("there")),
        }
        runner.join().unwrap();
        canceller.join().unwrap();
        assert!(ready.pop().is_none(), "queued after its end");
        assert_eq!(counts.each_ref().map(Count::get), [0, 0, 0]);
    });
}

#[test]
fn f28_a_cancel_races_with_a_wake_and_the_poll() {
    check(|| {
        let (ready, counts) = (Ready::default(), <[Count; 2]>::default());
        let future = counts[0].probe();
        let forever = poll_fn(move |_| {
            future.change();
            Poll::<()>::Pending
        });
        let (handle, waker) = waiting_task(forever, ready.scheduler(counts[1].probe(), true));
        let cancel = handle.abort_handle();
        let threads = [thread::spawn(move || waker.wake()), thread::spawn(move || cancel.cancel())];
        ready.run_to_end();
        assert!(block_on(handle).expect_err("it never returns").is_cancelled());
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(ready.pop().is_none(), "queued after its end");
        assert_eq!(counts.each_ref().map(Count::get), [0, 0]);
    });
}

#[test]
fn of_two_reasons_the_joiner_sees_one() {
    check(|| {
        let (ready, count) = (Ready::default(), Count::default());
        let (handle, waker) = waiting_task(pending::<()>(), ready.scheduler(count.probe(), false));
        drop(waker);
        let cancel = handle.abort_handle();
        let other = thread::spawn(move || cancel.cancel_with("there"));
        handle.cancel_with("here");
        ready.run_to_end();
        let error = block_on(handle).expect_err("it never returns");
        assert!(matches!(error.reason(), Some("here" | "there")), "{error}");
        other.join().unwrap();
        assert_eq!(count.get(), 0);
    });
}

/// Also when the task is in its poll at that moment, or about to be.
#[test]
fn a_reason_is_there_before_the_task_ends() {
    check(|| {
        let (ready, count) = (Ready::default(), Count::default());
        let (task, handle) = allocate(pending::<()>(), ready.scheduler(count.probe(), false));
        let cancel = handle.abort_handle();
        let other = thread::spawn(move || cancel.cancel_with("there"));
        ready.push(task);
        ready.run_to_end();
        assert_eq!(block_on(handle).expect_err("it never returns").reason(), Some("there"));
        other.join().unwrap();
        assert_eq!(count.get(), 0);
    });
}

/// Shutdown ends a queue entry while someone else cancels the same task.
#[test]
fn a_queue_entry_is_ended_while_its_task_is_cancelled() {
    check(|| {
        let (ready, counts) = (Ready::default(), <[Count; 2]>::default());
        let future = counts[0].probe();
        let work = async move { future.change() };
        let (task, handle) = allocate(work, ready.scheduler(counts[1].probe(), false));
        let cancel = handle.abort_handle();
        let other = thread::spawn(move || cancel.cancel());
        task.cancel();
        assert!(block_on(handle).expect_err("it was never polled").is_cancelled());
        other.join().unwrap();
        assert!(ready.pop().is_none(), "queued after its end");
        assert_eq!(counts.each_ref().map(Count::get), [0, 0]);
    });
}

/// A task that has yielded is woken and cancelled while it waits in the queue, as RUNNING.
#[test]
fn f28_a_task_that_has_yielded_is_woken_and_cancelled() {
    check(|| {
        let (ready, counts) = (Ready::default(), <[Count; 2]>::default());
        let (future, mut polls) = (counts[0].probe(), 0);
        let forever = poll_fn(move |cx| {
            future.change();
            polls += 1;
            if polls == 2 {
                return poll_once(&mut raddle_runtime::yield_now(), cx.waker()).map(|()| ());
            }
            Poll::<()>::Pending
        });
        let (handle, waker) = waiting_task(forever, ready.scheduler(counts[1].probe(), true));
        waker.wake_by_ref();
        let Some(Ran::Again(task)) = ready.pop().map(|task| task.run()) else {
            panic!("what yields runs again")
        };
        let cancel = handle.abort_handle();
        waker.wake();
        let canceller = thread::spawn(move || cancel.cancel());
        ready.push(task);
        ready.run_to_end();
        assert!(block_on(handle).expect_err("it never returns").is_cancelled());
        canceller.join().unwrap();
        assert!(ready.pop().is_none(), "queued after its end");
        assert_eq!(counts.each_ref().map(Count::get), [0, 0]);
    });
}
