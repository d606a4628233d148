//! Cancelled waits: dropped before the first poll, while they wait, and after they were chosen.

mod common;

use common::Hand;
use raddle_sync::{Event, Notify};

#[test]
fn f23_a_chosen_waiter_that_is_dropped_passes_its_notification_on() {
    let notify = Notify::new();
    let mut first = Hand::new(notify.notified());
    let mut second = Hand::new(notify.notified());
    assert!(!first.poll());
    assert!(!second.poll());
    notify.notify_one();
    assert_eq!((first.wakes(), second.wakes()), (1, 0));
    drop(first);
    assert_eq!(second.wakes(), 1);
    assert!(second.poll());
    assert!(!Hand::new(notify.notified()).poll(), "one notification became two");
}

#[test]
fn f23_a_chosen_waiter_that_is_dropped_alone_leaves_a_permit() {
    let notify = Notify::new();
    let mut only = Hand::new(notify.notified());
    assert!(!only.poll());
    notify.notify_one();
    drop(only);
    assert!(Hand::new(notify.notified()).poll());
    assert!(!Hand::new(notify.notified()).poll());
}

#[test]
fn f23_a_chosen_waiter_does_not_swallow_the_permit_that_came_after_it() {
    let notify = Notify::new();
    let mut chosen = Hand::new(notify.notified());
    assert!(!chosen.poll());
    notify.notify_one();
    notify.notify_one();
    assert!(chosen.poll());
    assert!(Hand::new(notify.notified()).poll());
}

#[test]
fn f23_passing_on_does_not_make_two_permits_of_one() {
    let notify = Notify::new();
    let mut chosen = Hand::new(notify.notified());
    assert!(!chosen.poll());
    notify.notify_one();
    notify.notify_one();
    drop(chosen);
    assert!(Hand::new(notify.notified()).poll());
    assert!(!Hand::new(notify.notified()).poll(), "a permit is kept, not a count");
}

#[test]
fn a_wait_reached_by_notify_waiters_passes_nothing_on_when_dropped() {
    let notify = Notify::new();
    let mut reached = Hand::new(notify.notified());
    assert!(!reached.poll());
    notify.notify_waiters();
    let mut later = Hand::new(notify.notified());
    assert!(!later.poll());
    drop(reached);
    assert_eq!(later.wakes(), 0);
    assert!(!later.poll());
}

#[test]
fn a_finished_wait_passes_nothing_on_when_dropped() {
    let notify = Notify::new();
    let mut first = Hand::new(notify.notified());
    assert!(!first.poll());
    notify.notify_one();
    assert!(first.poll());
    drop(first);
    assert!(!Hand::new(notify.notified()).poll());
}

#[test]
fn dropping_any_waiter_keeps_the_line_whole() {
    for gone in 0..3 {
        let notify = Notify::new();
        let mut line: Vec<_> = (0..3).map(|_| Hand::new(notify.notified())).collect();
        assert!(line.iter_mut().all(|waiter| !waiter.poll()));
        drop(line.remove(gone));
        notify.notify_one();
        assert_eq!((line[0].wakes(), line[1].wakes()), (1, 0));
        notify.notify_one();
        assert!(line.iter_mut().all(Hand::poll));
    }
}

#[test]
fn a_wait_that_was_never_polled_can_be_dropped() {
    let notify = Notify::new();
    drop(notify.notified());
    notify.notify_one();
    drop(notify.notified());
    assert!(Hand::new(notify.notified()).poll());

    let event = Event::new();
    drop(event.wait());
    event.set();
    drop(event.wait());
    assert!(event.is_set());
}

#[test]
fn an_event_wait_can_be_dropped_after_each_poll() {
    let event = Event::new();
    let mut gone = Hand::new(event.wait());
    let mut stays = Hand::new(event.wait());
    assert!(!gone.poll());
    assert!(!stays.poll());
    assert!(!gone.poll());
    drop(gone);
    event.set();
    assert_eq!(stays.wakes(), 1);
    assert!(stays.poll());

    event.clear();
    let mut reached = Hand::new(event.wait());
    assert!(!reached.poll());
    event.set();
    drop(reached);
    assert!(event.is_set());
}
