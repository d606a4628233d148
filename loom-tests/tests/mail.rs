//! Events that one worker leaves to another: kind 4 in `runtime/src/idle/README.md`.
//!
//! The promise: an event that is left to a worker is handed on, though the worker falls asleep or blocks at that
//! moment; an event of a source that is gone never reaches the next owner of its place.
//!
//! The first model plays whole workers over a driver whose events come from the model: the worker that a task has
//! waited on last looks after the source, the other one may be in the driver. A task that is not woken is a deadlock.
//! The others play the two who meet at a mailbox, with the pace word of the one as a flag.
//!
//! Broken on purpose, in `runtime/src/driver/io/` and `runtime/src/worker/`, and seen to fail:
//! - neither `Worker::has_own_work` nor `Shared::has_work` looks at the mail before a sleep.
//! - one who takes mail back stops before the mailbox is empty.
//! - `Sorting::left_first` does not fence, or does not look again.
//! - `IoDriver::recycle` does not wait for the mailboxes to be at rest: news of another.
//! - `Mailbox::open` succeeds while somebody is at the slot: a worker waits for him without giving way.
#![cfg(loom)]

use loom::thread;
use loom_tests::{Event, check, check_within};
use raddle_runtime::internals::{Events, Scheduler};
use raddle_runtime::prim::atomic::{
    AtomicBool, Ordering::AcqRel, Ordering::Relaxed, Ordering::SeqCst, fence,
};
use std::sync::Arc;

/// The end is another model's; here one order of it will do.
fn end(scheduler: &Scheduler) {
    loom::stop_exploring();
    scheduler.shut_down();
}

#[test]
fn an_event_reaches_a_task_whose_worker_falls_asleep() {
    check_within(2, || {
        let (scheduler, ran) = (Scheduler::new(2), Event::new());
        let wire = Arc::new(scheduler.wire());
        scheduler.start();
        let (waits, tell) = (wire.clone(), ran.clone());
        let reads = async move {
            waits.readable().await;
            drop(waits);
            tell.set();
        };
        scheduler.spawn(reads).detach();
        wire.happen();
        ran.wait();
        drop(wire);
        end(&scheduler);
    });
}

/// Takes all that is left to worker 1.
fn take_mail(events: &Events) {
    while events.has_mail(1) {
        if !events.open_mail(1) {
            thread::yield_now();
        }
    }
}

/// Worker 1 goes, to sleep or to block, while so many others, one after the other, leave it an event each.
fn goes(posters: usize) {
    let events = Arc::new(Events::new(2));
    let is_gone = Arc::new(AtomicBool::new(false));
    let sources: Arc<Vec<_>> = Arc::new((0..posters).map(|_| events.watch(1)).collect());
    let home = {
        let (events, is_gone) = (events.clone(), is_gone.clone());
        thread::spawn(move || {
            is_gone.swap(true, AcqRel);
            fence(SeqCst);
            take_mail(&events);
        })
    };
    let post = |index: usize| {
        let (events, is_gone, sources) = (events.clone(), is_gone.clone(), sources.clone());
        move || {
            events.happen(&sources[index]);
            if events.turn(|| !is_gone.load(Relaxed)) {
                take_mail(&events);
            }
        }
    };
    let others: Vec<_> = (1..posters).map(|index| thread::spawn(post(index))).collect();
    post(0)();
    others.into_iter().chain([home]).for_each(|thread| thread.join().unwrap());
    assert!(sources.iter().all(|source| events.is_readable(source)), "an event is left to nobody");
    sources.iter().for_each(|source| events.forget(source));
}

#[test]
fn an_event_left_to_one_who_goes_is_seen_by_one_of_the_two() {
    check(|| goes(1));
}

#[test]
fn events_left_by_two_to_one_who_goes_are_seen() {
    check_within(2, || goes(2));
}

/// Worker 0 turns the driver, with worker 1 at work.
fn turn(events: &Events) {
    assert!(!events.turn(|| true), "it is at work");
}

/// Whoever hands an event on may have looked its source up just before that goes, and its place is given out again.
#[test]
fn an_event_never_reaches_the_next_owner() {
    check(|| {
        let events = Arc::new(Events::new(2));
        let old = events.watch(1);
        events.happen(&old);
        turn(&events);
        let opener = {
            let events = events.clone();
            thread::spawn(move || take_mail(&events))
        };
        events.forget(&old);
        turn(&events);
        // Two places to a page: with one in use, the next is the old one if that is free.
        let new = [events.watch(1), events.watch(1)];
        opener.join().unwrap();
        assert!(new.iter().all(|new| !events.is_readable(new)), "news of another");
        new.iter().for_each(|new| events.forget(new));
    });
}

/// Two that open one mailbox, and one who leaves events meanwhile: each event is handed on once they are done.
#[test]
fn nothing_is_left_behind_by_two_who_open() {
    check(|| {
        let events = Arc::new(Events::new(2));
        let sources = [events.watch(1), events.watch(1)];
        events.happen(&sources[0]);
        turn(&events);
        let opener = {
            let events = events.clone();
            thread::spawn(move || take_mail(&events))
        };
        events.happen(&sources[1]);
        turn(&events);
        opener.join().unwrap();
        take_mail(&events);
        assert!(sources.iter().all(|source| events.is_readable(source)), "an event is lost");
        sources.iter().for_each(|source| events.forget(source));
    });
}
