//! `Event` and `Notify`: their fast paths, rounds, and blocking forms.
#![allow(clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::Hand;
use raddle_runtime::prim::atomic::{AtomicUsize, Ordering::Relaxed};
use raddle_sync::{Event, Notify};
use std::pin::pin;
use std::sync::Arc;
use std::thread;

#[test]
fn an_event_may_be_set_and_cleared_again() {
    let event = Event::new();
    for _ in 0..3 {
        let mut waits = Hand::new(event.wait());
        assert!(!waits.poll());
        event.set();
        event.set();
        assert!(event.is_set());
        event.clear();
        assert!(waits.poll(), "it was set");
        assert!(!Hand::new(event.wait()).poll() && !event.is_set());
    }
}

#[test]
fn a_thread_may_wait_for_an_event() {
    let (event, shared) = (Arc::new(Event::new()), Arc::new(AtomicUsize::new(0)));
    let waits: Vec<_> = (0..2)
        .map(|_| {
            let (event, shared) = (event.clone(), shared.clone());
            thread::spawn(move || {
                event.blocking_wait();
                shared.load(Relaxed)
            })
        })
        .collect();
    shared.store(7, Relaxed);
    event.set();
    assert!(waits.into_iter().all(|thread| thread.join().unwrap() == 7));
    event.blocking_wait();
}

#[test]
fn a_permit_is_left_and_taken_without_a_line() {
    let notify = Notify::new();
    notify.notify_one();
    notify.notify_one();
    assert!(Hand::new(notify.notified()).poll());
    assert!(!Hand::new(notify.notified()).poll(), "one permit is kept, not a count");
    notify.notify_one();
    assert!(Hand::new(notify.notified()).poll(), "the line is empty again");
}

#[test]
fn a_permit_outlives_notify_waiters() {
    let notify = Notify::new();
    let mut old = Hand::new(notify.notified());
    notify.notify_one();
    notify.notify_waiters();
    assert!(old.poll());
    assert!(
        Hand::new(notify.notified()).poll(),
        "the old one was notified with the others and left the permit"
    );
    assert!(!Hand::new(notify.notified()).poll());
}

#[test]
fn f23_the_line_is_whole_after_those_in_it_went() {
    let notify = Notify::new();
    for chosen in [false, true] {
        let mut waits = Hand::new(notify.notified());
        assert!(!waits.poll());
        if chosen {
            notify.notify_one();
        }
        drop(waits);
        if !chosen {
            notify.notify_one();
        }
        assert!(Hand::new(notify.notified()).poll());
        assert!(!Hand::new(notify.notified()).poll());
    }
}

#[test]
fn enable_enters_the_line_or_takes_the_permit() {
    let notify = Notify::new();
    let mut waits = pin!(notify.notified());
    assert!(!waits.as_mut().enable());
    notify.notify_one();
    assert!(waits.as_mut().enable() && waits.as_mut().enable());
    notify.notify_one();
    assert!(pin!(notify.notified()).enable());
    assert!(!pin!(notify.notified()).enable());
}

#[test]
fn two_threads_play_ping_pong() {
    let pair = Arc::new((Notify::new(), Notify::new()));
    let other = pair.clone();
    let pong = thread::spawn(move || {
        for _ in 0..2_000 {
            futures_lite::future::block_on(other.0.notified());
            other.1.notify_one();
        }
    });
    for _ in 0..2_000 {
        pair.0.notify_one();
        futures_lite::future::block_on(pair.1.notified());
    }
    pong.join().unwrap();
}
