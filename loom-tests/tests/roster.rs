//! The roster under gather, wait and as_completed: which of many tasks have ended.
//!
//! The promise: the one who waits hears of every end exactly once, in the order of the ends, or of every chunk once all
//! of it has ended, and of a failure at once; it sees what a task did before its end; what a task leaves behind, and
//! the waker of the one who waits, are freed with the last of them, whoever that is.
//!
//! The model plays tasks that do something (Relaxed: the order must come from the roster) and end, beside the one who
//! waits, or beside the end of the roster. A chunk is two tasks.
//!
//! Broken on purpose, in `runtime/src/compose/roster.rs`, and seen to fail:
//! - `push` leaves the wake to those who come first in vain; `seal` does not tell of a chunk that has ended;
//!   `poll_ended` does not look again once it is registered; a failure does not wake: deadlocks.
//! - `push`, or the exchange of `refs` in `wake`, with Relaxed: what a task did is not seen.
//! - In `wake` the last of a chunk only gives its reference up: the chunk is never told of. `take_all` does not turn
//!   the stack round: out of order. The roster goes without its waker: left behind.
#![cfg(loom)]

use loom::thread::{self, JoinHandle};
use loom_tests::{Event, check};
use raddle_runtime::internals::Roster;
use raddle_runtime::prim::atomic::{AtomicUsize, Ordering::Relaxed};
use std::future::poll_fn;
use std::ops::Range;
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

/// The next that the roster tells, waiting for it with `event`.
fn next(roster: &mut Roster, event: &Arc<Event>) -> Range<usize> {
    let waker = event.waker();
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(range) = roster.poll_ended(&cx) {
            return range;
        }
        event.wait_and_reset();
        thread::yield_now();
        cx = Context::from_waker(&waker);
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
        let mut told: Vec<_> = (0..3).map(|_| next(&mut roster, &event)).collect();
        assert_eq!(done.load(Relaxed), 2);
        assert_eq!(told[0], 0..1, "out of order");
        told.sort_by_key(|range| range.start);
        assert_eq!(told, [0..1, 1..2, 2..3]);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        drop(roster);
        assert_eq!(Arc::strong_count(&event), 1, "a waker was left behind");
    });
}

#[test]
fn a_chunk_is_told_once_when_all_of_it_has_ended() {
    check(|| {
        let (mut roster, event, done) = (Roster::of_chunks(), Event::new(), Done::default());
        let tasks = [(); 2].map(|()| roster.add());
        roster.seal();
        let threads = tasks.map(|task| ends(task, &done));
        assert_eq!(next(&mut roster, &event), 0..2);
        assert_eq!(done.load(Relaxed), 2);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        drop(roster);
        assert_eq!(Arc::strong_count(&event), 1, "a waker was left behind");
    });
}

#[test]
fn a_chunk_of_which_half_does_not_come_is_told_once() {
    check(|| {
        let (mut roster, event, done) = (Roster::of_chunks(), Event::new(), Done::default());
        let task = ends(roster.add(), &done);
        roster.seal();
        assert_eq!(next(&mut roster, &event), 0..1);
        assert_eq!(done.load(Relaxed), 1);
        task.join().unwrap();
        assert!(roster.poll_ended(&Context::from_waker(Waker::noop())).is_pending(), "told twice");
    });
}

#[test]
fn a_failure_is_told_before_the_chunk_has_ended() {
    check(|| {
        let (mut roster, event) = (Roster::of_chunks(), Event::new());
        let [good, bad] = [roster.add(), roster.add()];
        roster.seal();
        let fails = thread::spawn(move || {
            bad.wake_by_ref();
            bad.wake();
        });
        loom_tests::block_on(poll_fn(|cx| match roster.poll_ended(cx) {
            Poll::Pending if roster.failed() == Some(1) => Poll::Ready(()),
            Poll::Pending => Poll::Pending,
            Poll::Ready(range) => panic!("the other goes on: {range:?}"),
        }));
        fails.join().unwrap();
        good.wake();
        assert_eq!(next(&mut roster, &event), 0..2);
    });
}

#[test]
fn tasks_end_beside_the_end_of_the_roster() {
    for make in [Roster::of_each, Roster::of_chunks] {
        check(move || {
            let (mut roster, event, done) = (make(), Event::new(), Done::default());
            let tasks = [(); 2].map(|()| roster.add());
            roster.seal();
            assert!(roster.poll_ended(&Context::from_waker(&event.waker())).is_pending());
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
        assert_eq!(next(&mut roster, &event), 0..1);
        thread.join().unwrap();
        drop(roster);
        assert_eq!(Arc::strong_count(&event), 1, "a waker was left behind");
    });
}
