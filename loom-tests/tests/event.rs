//! `Event`: a flag that is read without a lock, and the line of those who found it clear.
//!
//! The promise: who waits goes on once the flag is set, whether it entered the line before or finds the flag set, and
//! sees what was done before; it goes on also when the flag is cleared before it looks.
//!
//! The model plays `set` and `clear` against waiters that look and enter the line.
//!
//! Broken on purpose, in `sync/src/event.rs`, and seen to fail:
//! - The line is entered without a second look at the flag; `set` sets it after the line is released: deadlocks.
//! - The flag is stored, or loaded, with Relaxed: who goes on does not see what was done before.
#![cfg(loom)]

use loom::thread;
use loom_tests::{block_on, check, poll_once};
use raddle_runtime::prim::atomic::{AtomicUsize, Ordering::Relaxed};
use raddle_sync::Event;
use std::sync::Arc;

#[test]
fn all_who_wait_go_on_and_see_what_was_done_before() {
    check(|| {
        let (event, done) = (Arc::new(Event::new()), Arc::new(AtomicUsize::new(0)));
        let waits = [(), ()].map(|()| {
            let (event, done) = (event.clone(), done.clone());
            thread::spawn(move || {
                block_on(event.wait());
                assert_eq!(done.load(Relaxed), 1, "it does not see what was done before");
            })
        });
        done.store(1, Relaxed);
        event.set();
        waits.into_iter().for_each(|waits| waits.join().unwrap());
    });
}

#[test]
fn who_finds_it_set_sees_what_was_done_before() {
    check(|| {
        let (event, done) = (Arc::new(Event::new()), Arc::new(AtomicUsize::new(0)));
        let looks = {
            let (event, done) = (event.clone(), done.clone());
            thread::spawn(move || {
                if event.is_set() {
                    assert_eq!(done.load(Relaxed), 1);
                }
            })
        };
        done.store(1, Relaxed);
        event.set();
        looks.join().unwrap();
    });
}

#[test]
fn who_is_in_line_goes_on_though_the_flag_is_cleared() {
    check(|| {
        let (event, woken) = (Arc::new(Event::new()), loom_tests::Event::new());
        let mut waits = Box::pin(event.wait());
        assert!(poll_once(&mut waits, &woken.waker()).is_pending());
        let sets = {
            let event = event.clone();
            thread::spawn(move || {
                event.set();
                event.clear();
            })
        };
        woken.wait();
        assert!(poll_once(&mut waits, &woken.waker()).is_ready());
        sets.join().unwrap();
    });
}

#[test]
fn clearing_beside_setting_strands_nobody() {
    check(|| {
        let event = Arc::new(Event::new());
        event.set();
        let clears = {
            let event = event.clone();
            thread::spawn(move || event.clear())
        };
        let sets = {
            let event = event.clone();
            thread::spawn(move || {
                clears.join().unwrap();
                event.set();
            })
        };
        block_on(event.wait());
        sets.join().unwrap();
        assert!(event.is_set());
    });
}
