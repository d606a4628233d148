//! Tests of sources that have settled with a worker, on real descriptors.

use super::interest::{Direction, Interest};
use super::tests::pair;
use super::watch::Watch;
use crate::driver::clock::Clock;
use crate::driver::{Driver, Look, Turn};
use crate::prim::atomic::{AtomicBool, Ordering::Relaxed};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::task::{Context, Waker};

/// A driver of two workers, and a source that has moved to the own poll instance of worker 1.
fn settled() -> (Driver, Arc<Watch>, UnixStream, UnixStream) {
    let driver = Driver::new(2, 0, Clock::new(false)).expect("a driver");
    let (ours, theirs) = pair();
    let watch = driver.io().register(ours.as_raw_fd(), Interest::READABLE).expect("a socket");
    driver.io().adopt(&watch, 1, || true);
    (driver, watch, ours, theirs)
}

fn is_readable(watch: &Watch) -> bool {
    watch.source().ready(Interest::READABLE).expect("open").is_some()
}

fn end(driver: &Driver, watch: &Watch) {
    driver.io().unwatch(watch);
    driver.io().forget(watch);
    assert_eq!((driver.io().settled(), driver.io().registered()), (0, 0));
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn a_settled_source_is_looked_at_by_its_worker_and_not_by_all() {
    let (driver, watch, _ours, mut theirs) = settled();
    assert!(driver.io().has_own(1) && !driver.io().has_own(0));
    theirs.write_all(b"x").expect("room");
    assert_eq!(driver.look(None), Look::Done);
    assert!(!is_readable(&watch));
    assert_eq!(driver.look_at_own(1, None), Look::Done);
    assert!(is_readable(&watch));
    end(&driver, &watch);
}

#[test]
fn who_sleeps_in_the_driver_is_woken_by_settled_sources() {
    let (driver, watch, _ours, mut theirs) = settled();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_readable(&watch) {
                drop(driver.try_turn().expect("nobody else turns").run(Turn::Sleep, None));
            }
        });
        theirs.write_all(b"x").expect("room");
    });
    end(&driver, &watch);
}

#[test]
fn what_holds_when_a_source_settles_is_said_there() {
    let (driver, watch, ours, theirs) = settled();
    (&theirs).write_all(b"x").expect("room");
    assert_eq!(driver.look_at_own(1, None), Look::Done);
    let event = watch.source().ready(Interest::READABLE).expect("open").expect("an event");
    watch.source().clear(event);
    // The byte is still there, and its edge has been told.
    driver.io().adopt(&watch, 0, || true);
    assert_eq!(driver.look_at_own(0, None), Look::Done);
    assert!(is_readable(&watch));
    assert_eq!((&ours).read(&mut [0; 2]).expect("a byte"), 1);
    end(&driver, &watch);
}

#[test]
fn a_source_does_not_settle_while_somebody_sleeps() {
    let (driver, watch, ..) = settled();
    driver.io().adopt(&watch, 0, || false);
    assert!(driver.io().has_own(1) && !driver.io().has_own(0), "it stays where it was");
    end(&driver, &watch);
}

#[test]
fn f30_a_settled_descriptor_is_not_registered_twice() {
    let (driver, watch, ours, _theirs) = settled();
    let error = driver.io().register(ours.as_raw_fd(), Interest::READABLE).expect_err("twice");
    assert!(error.to_string().contains("already"), "{error}");
    end(&driver, &watch);
    let again = driver.io().register(ours.as_raw_fd(), Interest::READABLE).expect("it is over");
    end(&driver, &again);
}

#[test]
fn a_watch_that_is_over_settles_nowhere() {
    let (driver, watch, ..) = settled();
    driver.io().unwatch(&watch);
    driver.io().adopt(&watch, 0, || true);
    assert_eq!(driver.io().settled(), 0);
    driver.io().forget(&watch);
}

/// What one worker has for its own, and what was moved back, may not be taken for each other.
#[test]
fn f30_what_was_moved_back_can_be_registered_anew_beside_what_has_settled() {
    let (driver, first, ours, _theirs) = settled();
    let (other, _others) = pair();
    let second = driver.io().register(other.as_raw_fd(), Interest::READABLE).expect("a socket");
    driver.io().give_some_back();
    assert_eq!(driver.io().settled(), 0);
    driver.io().adopt(&second, 0, || true);
    driver.io().unwatch(&first);
    driver.io().forget(&first);
    let again = driver.io().register(ours.as_raw_fd(), Interest::READABLE).expect("it is over");
    driver.io().unwatch(&again);
    driver.io().forget(&again);
    end(&driver, &second);
}

#[test]
fn a_source_that_was_moved_back_is_looked_at_by_all() {
    let (driver, watch, _ours, mut theirs) = settled();
    driver.io().give_some_back();
    theirs.write_all(b"x").expect("room");
    assert_eq!(driver.look(None), Look::Done);
    assert!(is_readable(&watch) && !driver.io().has_own(1));
    driver.io().adopt(&watch, 1, || true);
    end(&driver, &watch);
}

/// More waiters than fit into a batch, while another thread looks again and again whether anyone is at these events.
#[test]
fn nothing_that_was_fetched_is_left_behind_for_one_who_only_asks() {
    let driver = Driver::new(2, 0, Clock::new(false)).expect("a driver");
    let pairs: Vec<_> = (0..100).map(|_| pair()).collect();
    let settle = |(ours, _): &(UnixStream, UnixStream)| {
        let watch = driver.io().register(ours.as_raw_fd(), Interest::READABLE).expect("a socket");
        driver.io().adopt(&watch, 1, || true);
        watch
    };
    let watches: Vec<_> = pairs.iter().map(settle).collect();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (other, _peer) = pair();
            while !is_over.load(Relaxed) {
                for _ in 0..2 {
                    let watch =
                        driver.io().register(other.as_raw_fd(), Interest::READABLE).expect("a socket");
                    driver.io().unwatch(&watch);
                    driver.io().forget(&watch);
                }
                let _ = driver.look(None);
            }
        });
        let rounds = (0..2_000).map(|_| unseen_after_a_look(&driver, &watches, &pairs));
        let lost = rounds.max();
        is_over.store(true, Relaxed);
        assert_eq!(lost, Some(0));
    });
    watches.iter().for_each(|watch| {
        driver.io().unwatch(watch);
        driver.io().forget(watch);
    });
}

/// A byte for each, somebody waits for each, one look: how many have not been told of theirs.
fn unseen_after_a_look(driver: &Driver, watches: &[Arc<Watch>], pairs: &[(UnixStream, UnixStream)]) -> usize {
    let cx = Context::from_waker(Waker::noop());
    for (watch, (_, theirs)) in watches.iter().zip(pairs) {
        if let Some(event) = watch.source().ready(Interest::READABLE).expect("open") {
            watch.source().clear(event);
        }
        assert!(watch.source().poll_ready(Direction::Read, &cx).is_pending());
        (&*theirs).write_all(b"x").expect("room");
    }
    // One that finds it busy before it has fetched anything is told again by the system.
    while driver.look_at_own(1, None) == Look::Busy && !watches.iter().any(|watch| is_readable(watch)) {
        std::thread::yield_now();
    }
    let unseen = watches.iter().filter(|watch| !is_readable(watch)).count();
    pairs.iter().for_each(|(ours, _)| assert_eq!((&*ours).read(&mut [0; 8]).expect("a byte"), 1));
    unseen
}
