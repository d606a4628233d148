//! Sources that move to a poll instance of a worker's own: `runtime/src/driver/io/own.rs` and `watch.rs`.
//!
//! The promise: an event of a source is seen by whoever looks where it is watched, before, during and after a move; who
//! sleeps in the driver sleeps there too; a watch that its owner has ended is nowhere any more; and the next owner of a
//! source's place gets no news of the last.
//!
//! Broken on purpose, in `runtime/src/driver/io/`, and seen to fail: see each model.
#![cfg(loom)]

use loom::thread;
use loom_tests::{check, check_within};
use raddle_runtime::internals::{Events, Watched};
use raddle_runtime::prim::atomic::{
    AtomicBool, Ordering::AcqRel, Ordering::Relaxed, Ordering::SeqCst, fence,
};
use std::sync::Arc;

fn awake() -> bool {
    true
}

/// Looks everywhere, as workers do in the end.
fn look_everywhere(events: &Events) {
    events.turn(|| false);
    (0..2).filter(|&worker| events.has_own(worker)).for_each(|worker| assert!(events.look_at_own(worker)));
}

/// A source is moved, there or back, while something happens to it and somebody looks.
fn is_seen(begin: fn(&Events, &Watched), move_on: fn(&Events, &Watched)) {
    let events = Arc::new(Events::with_own(2));
    let source = Arc::new(events.watch(0));
    begin(&events, &source);
    let mover = {
        let (events, source) = (events.clone(), source.clone());
        thread::spawn(move || move_on(&events, &source))
    };
    events.happen(&source);
    // What the other has not looked at when it was moved is said again where it is added.
    look_everywhere(&events);
    mover.join().unwrap();
    look_everywhere(&events);
    assert!(events.is_readable(&source), "an event is lost");
    events.end(&source);
    assert!(!events.has_own(0), "a source is counted that is gone");
}

fn to_own(events: &Events, source: &Watched) {
    events.adopt(source, 0, awake);
}

/// Fails when the place that a source is added to does not say what holds, as epoll does (in the model's system).
#[test]
fn an_event_during_a_move_is_seen() {
    check(|| is_seen(|_, _| {}, to_own));
}

/// Fails as that one does.
#[test]
fn an_event_during_a_move_back_is_seen() {
    check(|| is_seen(to_own, |events, _| events.give_some_back()));
}

/// Fails when `Own::adopt` does not ask again after it has counted the source, or does not fence between the two.
#[test]
fn who_sleeps_in_the_driver_hears_of_what_moves_meanwhile() {
    check(|| {
        let events = Arc::new(Events::with_own(2));
        let source = Arc::new(events.watch(0));
        let is_asleep = Arc::new(AtomicBool::new(false));
        let mover = {
            let (events, source, is_asleep) = (events.clone(), source.clone(), is_asleep.clone());
            thread::spawn(move || {
                events.adopt(&source, 0, || !is_asleep.load(Relaxed));
                events.happen(&source);
            })
        };
        is_asleep.swap(true, AcqRel);
        fence(SeqCst);
        while !events.is_readable(&source) {
            // The model deadlocks here when the event is where nobody sleeps.
            events.sleep();
        }
        mover.join().unwrap();
        events.end(&source);
    });
}

/// A source is moved by two others when its owner ends the watch.
fn is_nowhere(begin: fn(&Events, &Watched), movers: [fn(&Events, &Watched); 2]) {
    let events = Arc::new(Events::with_own(2));
    let source = Arc::new(events.watch(0));
    begin(&events, &source);
    let movers = movers.map(|move_on| {
        let (events, source) = (events.clone(), source.clone());
        thread::spawn(move || move_on(&events, &source))
    });
    events.end(&source);
    movers.into_iter().for_each(|mover| mover.join().unwrap());
    assert_eq!(events.watching(&source), 0, "the descriptor is still watched");
    assert!(!events.has_own(0) && !events.has_own(1), "a source is counted that is gone");
    let again = events.watch_again(&source);
    events.end(&again);
}

/// Fails when `Watch::end` does not wait for a mover, and when a mover does not take the word by compare-exchange.
#[test]
fn a_watch_that_is_over_is_nowhere() {
    check(|| is_nowhere(|_, _| {}, [to_own, |events, source| events.adopt(source, 1, awake)]));
}

/// Fails when `Own::give_one_back` does not take the word.
#[test]
fn a_settled_watch_that_is_over_is_nowhere() {
    let back: fn(&Events, &Watched) = |events, _| events.give_some_back();
    check_within(3, move || is_nowhere(to_own, [back, |events, source| events.adopt(source, 1, awake)]));
    check_within(3, move || is_nowhere(to_own, [back, back]));
}

/// Fails when `IoDriver::recycle` does not wait for the workers' own poll instances to be at rest.
#[test]
fn the_next_owner_gets_no_news_of_the_last() {
    check(|| {
        let events = Arc::new(Events::with_own(1));
        let old = events.watch(0);
        events.adopt(&old, 0, awake);
        events.happen(&old);
        let looker = {
            let events = events.clone();
            thread::spawn(move || events.look_at_own(0))
        };
        events.forget(&old);
        events.turn(awake);
        // Two places to a page: with one in use, the next is the old one if that is free.
        let new = [events.watch(0), events.watch(0)];
        looker.join().unwrap();
        assert!(new.iter().all(|new| !events.is_readable(new)), "news of another");
        new.iter().for_each(|new| events.end(new));
    });
}
