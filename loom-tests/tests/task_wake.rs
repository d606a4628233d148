//! Waking a task, from two threads while a third polls it.
//!
//! The promise: after a wake the task is polled once more, and that poll sees what was written before the wake; it is
//! in a queue at most once and polled by one thread at a time; when the last reference goes, it is freed, once.
//!
//! The model plays a task that ends when it has seen two flags, two threads that each set one (Relaxed: the order
//! must come from the wake itself) and wake by reference or by value, on a worker (one step) or not (two), and a
//! runner that polls whatever is queued, or a runner on each thread. If a wake is lost or shows less than it should,
//! the runner waits for ever.
//!
//! Broken on purpose, in `runtime/src/task/state.rs`, and seen to fail:
//! - `wake_by_ref` leaves a task alone that is notified already (f05): deadlock.
//! - `end_poll` clears NOTIFIED and always says `Idle` (f04): the task does not end.
//! - `wake_by_ref` says `Push` for a running task: it is queued twice.
//! - `update` stores with Acquire, `start_poll` with Release: a flag is not seen, deadlock. `update` without Acquire,
//!   `end_poll` without Release: the task is polled or freed beside an earlier use.
//! - `start_poll` takes NOTIFIED from a task that has yielded with Relaxed: a flag is not seen, deadlock.
//! - `release` without Acquire or without Release: the task is freed beside a use. `wake_by_value` never says `Free`:
//!   a leak. `release` always says true: a use after free.
#![cfg(loom)]

use loom::thread;
use loom_tests::{Count, Event, Ready, check, check_within, poll_once, waiting_task};
use raddle_runtime::internals::{Ran, Task, allocate};
use raddle_runtime::prim::atomic::{AtomicBool, Ordering::Relaxed};
use raddle_runtime::task::JoinHandle;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

type Flags = Arc<[AtomicBool; 2]>;

/// A task that waits for both flags.
fn two_flags(ready: &Ready, flags: &Flags, counts: &[Count; 2], on_worker: bool) -> (JoinHandle<()>, Waker) {
    let (polled, flags) = (counts[0].probe(), flags.clone());
    let future = poll_fn(move |_| {
        polled.change();
        if flags.iter().all(|flag| flag.load(Relaxed)) { Poll::Ready(()) } else { Poll::Pending }
    });
    waiting_task(future, ready.scheduler(counts[1].probe(), on_worker))
}

fn wakes_by_ref(waker: Waker) {
    waker.wake_by_ref();
}

fn two_wakers(on_worker: bool, wake: [fn(Waker); 2]) {
    check_within(2, move || {
        let (ready, flags, counts) = (Ready::default(), Flags::default(), <[Count; 2]>::default());
        let (mut handle, waker) = two_flags(&ready, &flags, &counts, on_worker);
        let threads = [0, 1].map(|i| {
            let (flags, waker) = (flags.clone(), waker.clone());
            thread::spawn(move || {
                flags[i].store(true, Relaxed);
                wake[i](waker);
            })
        });
        drop(waker);
        ready.run_to_end();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(ready.pop().is_none(), "queued after its end");
        assert!(matches!(poll_once(&mut handle, Waker::noop()), Poll::Ready(Ok(()))));
        drop(handle);
        assert_eq!(counts.each_ref().map(Count::get), [0, 0]);
    });
}

#[test]
fn f04_wakes_by_reference_during_the_poll_are_not_lost() {
    two_wakers(false, [wakes_by_ref, wakes_by_ref]);
}

#[test]
fn f05_a_wake_of_a_woken_task_shows_what_came_before_it() {
    two_wakers(true, [wakes_by_ref, Waker::wake]);
}

#[test]
fn wakes_by_value_on_workers() {
    two_wakers(true, [Waker::wake, Waker::wake]);
}

#[test]
fn wakes_by_value_elsewhere() {
    two_wakers(false, [Waker::wake, wakes_by_ref]);
}

/// The runner gives the task up, a joiner drops its handle, a waker goes: whoever is last frees the task.
fn three_references(end: fn(Waker)) {
    check(move || {
        let (ready, counts) = (Ready::default(), <[Count; 2]>::default());
        let flags = Arc::new([AtomicBool::new(false), AtomicBool::new(true)]);
        let (handle, waker) = two_flags(&ready, &flags, &counts, true);
        let other = waker.clone();
        let threads = [thread::spawn(move || drop(handle)), thread::spawn(move || end(other))];
        flags[0].store(true, Relaxed);
        waker.wake();
        ready.run_to_end();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(counts.each_ref().map(Count::get), [0, 0]);
    });
}

#[test]
fn f29_the_last_reference_goes_with_a_dropped_waker() {
    three_references(drop);
}

#[test]
fn f29_the_last_reference_goes_with_a_wake() {
    three_references(Waker::wake);
}

/// Polls what is queued, as one of several runners.
fn run_some(ready: &Ready) {
    while let Some(task) = ready.pop() {
        if let Ran::Again(task) = task.run() {
            ready.push(task);
        }
    }
}

/// The task goes from one runner to another, with all that a poll has changed.
#[test]
fn a_task_moves_from_thread_to_thread() {
    check_within(2, || {
        let (ready, flags, counts) = (Ready::default(), Flags::default(), <[Count; 2]>::default());
        let (mut handle, waker) = two_flags(&ready, &flags, &counts, false);
        let threads = [0, 1].map(|i| {
            let (ready, flags, waker) = (ready.clone(), flags.clone(), waker.clone());
            thread::spawn(move || {
                flags[i].store(true, Relaxed);
                waker.wake_by_ref();
                run_some(&ready);
            })
        });
        drop(waker);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(matches!(poll_once(&mut handle, Waker::noop()), Poll::Ready(Ok(()))));
        drop(handle);
        assert_eq!(counts.each_ref().map(Count::get), [0, 0]);
    });
}

/// A yield and a wake in one poll queue the task once.
#[test]
fn a_task_that_yields_while_it_is_woken_is_queued_once() {
    check(|| {
        let (ready, counts, started) = (Ready::default(), <[Count; 2]>::default(), Event::new());
        let (polled, tell) = (counts[0].probe(), started.clone());
        let (send, receive) = std::sync::mpsc::channel();
        let mut yielding = Some(raddle_runtime::yield_now());
        let future = poll_fn(move |cx| {
            polled.change();
            send.send(cx.waker().clone()).ok();
            tell.set();
            match &mut yielding {
                Some(future) => poll_once(future, cx.waker()).map(|()| yielding = None),
                None => Poll::Ready(()),
            }
        });
        let (task, handle) = allocate(future, ready.scheduler(counts[1].probe(), false));
        let waker = thread::spawn(move || {
            started.wait();
            receive.recv().expect("sent before the event").wake();
        });
        ready.push(task);
        let mut queued = Vec::<Task>::new();
        loop {
            queued.extend(ready.pop());
            assert!(queued.len() <= 1, "queued twice");
            match queued.pop().map(Task::run) {
                Some(Ran::Done) => break,
                Some(Ran::Again(task)) => queued.push(task),
                Some(Ran::Idle) => panic!("a task that yields runs again"),
                None => panic!("a task that yields is in no queue"),
            }
        }
        waker.join().unwrap();
        drop((ready, handle));
        assert_eq!(counts.each_ref().map(Count::get), [0, 0]);
    });
}

/// A task that has yielded waits in the queue as it is: wakes that come then are for the poll after them.
#[test]
fn f05_a_wake_of_a_task_that_has_yielded_shows_what_came_before_it() {
    check_within(2, || {
        let (ready, flags, counts) = (Ready::default(), Flags::default(), <[Count; 2]>::default());
        let (polled, seen, mut polls) = (counts[0].probe(), flags.clone(), 0);
        let future = poll_fn(move |cx| {
            polled.change();
            polls += 1;
            match polls {
                1 => Poll::Pending,
                2 => poll_once(&mut raddle_runtime::yield_now(), cx.waker()),
                _ if seen.iter().all(|flag| flag.load(Relaxed)) => Poll::Ready(()),
                _ => Poll::Pending,
            }
        });
        let (handle, waker) = waiting_task(future, ready.scheduler(counts[1].probe(), false));
        waker.wake_by_ref();
        let Some(Ran::Again(task)) = ready.pop().map(Task::run) else { panic!("what yields runs again") };
        let threads = [0, 1].map(|i| {
            let (flags, waker) = (flags.clone(), waker.clone());
            thread::spawn(move || {
                flags[i].store(true, Relaxed);
                waker.wake();
            })
        });
        drop(waker);
        ready.push(task);
        ready.run_to_end();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(ready.pop().is_none(), "queued after its end");
        drop((ready, handle));
        assert_eq!(counts.each_ref().map(Count::get), [0, 0]);
    });
}
