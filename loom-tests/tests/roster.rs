//! The roster under gather, wait and as_completed: which of many tasks have ended.
//!
//! The promise: the one who waits hears of every end exactly once, in the order of the ends, or of all once the last
//! has ended, and of a failure at once; it sees what a task did before its end; what a task leaves behind, and
//! the waker of the one who waits, are freed with the last of them, whoever that is.
//!
//! The model plays tasks that do something (Relaxed: the order must come from the roster) and end, beside the one who
//! waits, or beside the end of the roster. A chunk is two tasks.
//!
//! Broken on purpose, in `runtime/src/compose/roster.rs`, and seen to fail:
//! - `push` leaves the wake to those who come first in vain; `poll_ended` or `poll_all` does not look again once it is
//!   registered; `take_off` or a failure does not wake; `seal` does not take a chunk off that has ended: deadlocks.
//! - `push`, the exchange of `refs` in `wake`, or `take_off` with Relaxed: what a task did is not seen.
//! - In `wake` the last of a chunk only gives its reference up: all are never told of. The stack is taken from the
//!   wrong end: out of order. The roster goes without its waker: left behind.
#![cfg(loom)]

use loom::thread::{self, JoinHandle};
use loom_tests::{Event, check};
use raddle_runtime::internals::Roster;
use raddle_runtime::prim::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

type Done = Arc<AtomicUsize>;

fn ends(joiner: Waker, done: &Done) -> JoinHandle<()> {
    let done = done.clone();
    thread::spawn(move || {
        done.fetch_add(1, Relaxed);
        joiner.wake();
    })
}

/// Polls until it is ready, waiting with `event`.
fn wait<T>(event: &Arc<Event>, mut poll: impl FnMut(&Context<'_>) -> Poll<T>) -> T {
    let waker = event.waker();
    loop {
        if let Poll::Ready(value) = poll(&Context::from_waker(&waker)) {
            return value;
        }
        event.wait_and_reset();
        thread::yield_now();
    }
}

#[test]
fn each_end_is_told_once() {
    check(|| {
        let (mut roster, event, done) = (Roster::of_each(), Event::new(), Done::default());
        let tasks = [(); 3].map(|()| roster.add());
        roster.seal();
        let mut tasks = tasks.into_iter();
        // One has ended before anybody looks.
        tasks.next().unwrap().wake();
        let threads: Vec<_> = tasks.map(|task| ends(task, &done)).collect();
        let mut told: Vec<_> = (0..3).map(|_| wait(&event, |cx| roster.poll_ended(cx))).collect();
        assert_eq!(done.load(Relaxed), 2);
        assert_eq!(told[0], 0, "out of order");
        told.sort_unstable();
        assert_eq!(told, [0, 1, 2]);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        drop(roster);
        assert_eq!(Arc::strong_count(&event), 1, "a waker was left behind");
    });
}

#[test]
fn all_are_told_of_when_the_last_has_ended() {
    check(|| {
        let (mut roster, event, done) = (Roster::of_all(), Event::new(), Done::default());
        let tasks = [(); 2].map(|()| roster.add());
        roster.seal();
        let threads = tasks.map(|task| ends(task, &done));
        wait(&event, |cx| roster.poll_all(cx));
        assert_eq!(done.load(Relaxed), 2);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        drop(roster);
        assert_eq!(Arc::strong_count(&event), 1, "a waker was left behind");
    });
}

/// The roster is sealed while they end: neither the task nor the seal knows who is last.
#[test]
fn all_of_two_chunks_are_told_of_when_one_is_not_full() {
    check(|| {
        let (mut roster, event, done) = (Roster::of_all(), Event::new(), Done::default());
        let tasks = [(); 3].map(|()| roster.add());
        let mut tasks = tasks.into_iter();
        tasks.next().unwrap().wake();
        let threads: Vec<_> = tasks.map(|task| ends(task, &done)).collect();
        roster.seal();
        wait(&event, |cx| roster.poll_all(cx));
        assert_eq!(done.load(Relaxed), 2);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn a_failure_is_told_before_all_have_ended() {
    check(|| {
        let (mut roster, event) = (Roster::of_all(), Event::new());
        let [good, bad] = [roster.add(), roster.add()];
        roster.seal();
        let fails = thread::spawn(move || {
            bad.wake_by_ref();
            bad.wake();
        });
        wait(&event, |cx| match roster.poll_all(cx) {
            Poll::Pending if roster.failed() == Some(1) => Poll::Ready(()),
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => panic!("the other goes on"),
        });
        fails.join().unwrap();
        good.wake();
        wait(&event, |cx| roster.poll_all(cx));
    });
}

#[test]
fn tasks_end_beside_the_end_of_the_roster() {
    for hears_all in [false, true] {
        check(move || {
            let make = if hears_all { Roster::of_all } else { Roster::of_each };
            let (mut roster, event, done) = (make(), Event::new(), Done::default());
            let tasks = [(); 2].map(|()| roster.add());
            roster.seal();
            let polled = {
                let waker = event.waker();
                let cx = Context::from_waker(&waker);
                if hears_all { roster.poll_all(&cx) } else { roster.poll_ended(&cx).map(drop) }
            };
            assert!(polled.is_pending());
            let threads = tasks.map(|task| ends(task, &done));
            drop(roster);
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            assert_eq!(Arc::strong_count(&event), 1, "a waker was left behind");
        });
    }
}

#[test]
fn the_waker_of_the_one_who_waited_goes_with_the_roster() {
    check(|| {
        let (mut roster, event) = (Roster::of_each(), Event::new());
        let goes_on = roster.add();
        roster.seal();
        assert!(roster.poll_ended(&Context::from_waker(&event.waker())).is_pending());
        drop(roster);
        assert_eq!(Arc::strong_count(&event), 1, "a waker was left behind");
        goes_on.wake();
    });
}

#[test]
fn a_handle_that_goes_gives_its_reference_up() {
    check(|| {
        let (mut roster, event, done) = (Roster::of_each(), Event::new(), Done::default());
        let [stays, goes] = [roster.add(), roster.add()];
        roster.seal();
        let thread = ends(stays, &done);
        drop(goes);
        assert_eq!(wait(&event, |cx| roster.poll_ended(cx)), 0);
        thread.join().unwrap();
        drop(roster);
        assert_eq!(Arc::strong_count(&event), 1, "a waker was left behind");
    });
}
