//! What `Notify` and `Event` promise, poll by poll.

mod common;

use common::Hand;
use raddle_sync::{Event, Notify};
use std::pin::pin;

#[test]
fn notifications_are_handed_out_in_order_of_arrival() {
    let notify = Notify::new();
    let mut line: Vec<_> = (0..4).map(|_| Hand::new(notify.notified())).collect();
    assert!(line.iter_mut().all(|waiter| !waiter.poll()));
    for served in 0..4 {
        notify.notify_one();
        let woken: Vec<_> = line.iter().map(Hand::wakes).collect();
        assert_eq!(woken.iter().sum::<usize>(), served + 1);
        assert!(woken[..=served].iter().all(|&wakes| wakes == 1));
    }
    assert!(line.iter_mut().all(Hand::poll));
}

#[test]
fn one_permit_is_kept_not_a_count() {
    let notify = Notify::new();
    notify.notify_one();
    notify.notify_one();
    assert!(Hand::new(notify.notified()).poll());
    assert!(!Hand::new(notify.notified()).poll());
}

#[test]
fn notify_waiters_reaches_those_not_yet_polled_and_keeps_no_permit() {
    let notify = Notify::new();
    let mut polled = Hand::new(notify.notified());
    assert!(!polled.poll());
    let mut unpolled = Hand::new(notify.notified());
    notify.notify_waiters();
    assert_eq!((polled.wakes(), unpolled.wakes()), (1, 0));
    assert!(polled.poll());
    assert!(unpolled.poll());
    assert!(!Hand::new(notify.notified()).poll());
}

#[test]
fn a_wait_that_notify_waiters_reached_leaves_the_permit_to_others() {
    let notify = Notify::new();
    let mut early = Hand::new(notify.notified());
    notify.notify_waiters();
    notify.notify_one();
    assert!(early.poll());
    assert!(Hand::new(notify.notified()).poll());
}

#[test]
fn enable_enters_the_line_before_the_first_poll() {
    let notify = Notify::new();
    let mut enabled = pin!(notify.notified());
    assert!(!enabled.as_mut().enable());
    let mut later = Hand::new(notify.notified());
    assert!(!later.poll());
    notify.notify_one();
    assert!(enabled.enable());
    assert!(!later.poll());
}

#[test]
fn enable_takes_a_permit_that_is_there() {
    let notify = Notify::new();
    notify.notify_one();
    assert!(pin!(notify.notified()).enable());
    assert!(!Hand::new(notify.notified()).poll());
}

#[test]
fn a_polled_wait_is_woken_through_its_latest_waker() {
    let notify = Notify::new();
    let other = Hand::new(std::future::ready(()));
    let mut moved = Hand::new(notify.notified());
    assert!(!moved.poll_with(&other.waker()));
    assert!(!moved.poll());
    notify.notify_one();
    assert_eq!((other.wakes(), moved.wakes()), (0, 1));
}

#[test]
fn a_set_event_lets_all_through_until_cleared() {
    let event = Event::new();
    assert!(!event.is_set());
    event.set();
    event.set();
    assert!(event.is_set());
    assert!(Hand::new(event.wait()).poll());
    assert!(Hand::new(event.wait()).poll());
    event.clear();
    assert!(!event.is_set());
    assert!(!Hand::new(event.wait()).poll());
}

#[test]
fn those_who_waited_when_it_was_set_return_even_if_it_is_cleared_at_once() {
    let event = Event::new();
    let mut line: Vec<_> = (0..100).map(|_| Hand::new(event.wait())).collect();
    assert!(line.iter_mut().all(|waiter| !waiter.poll()));
    event.set();
    event.clear();
    assert!(line.iter().all(|waiter| waiter.wakes() == 1));
    assert!(line.iter_mut().all(Hand::poll));
}

#[test]
fn a_finished_wait_stays_ready() {
    let event = Event::new();
    let mut wait = Hand::new(event.wait());
    event.set();
    assert!(wait.poll());
    event.clear();
    assert!(wait.poll());
}
