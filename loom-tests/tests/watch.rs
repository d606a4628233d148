//! The watch channel: the version and who waits for it in one word, beside the value's lock and the line's.
//!
//! The promise: whoever waits sees each change, or a later one, with its value; the last value is seen before the end;
//! the end is seen by all who wait; the last receiver to go is seen by who waits for that.
//!
//! The model plays one or two senders against receivers that wait, come, and go.
//!
//! Broken on purpose, in `sync/src/watch/shared.rs` and `sync/src/audience.rs`, and seen to fail:
//! - `change`, or the last sender that goes, wakes nobody; `wake_line` clears `WAITED` with the line unlocked;
//!   `news_or_wait` looks at the word as it was before `WAITED` was set; the last receiver is not told of: deadlocks.
//! - `change` raises the version after it has unlocked the value: what was seen counts as new again.
//! - `news_in` tells of the end before the last value.
#![cfg(loom)]

use loom::thread;
use loom_tests::{block_on, check, check_within};
use raddle_sync::watch::{Receiver, RecvError, channel};

/// Follows the values to the end; the last one.
fn follow(mut receiver: Receiver<u32>) -> u32 {
    let mut seen = *receiver.borrow();
    while block_on(receiver.changed()) != Err(RecvError) {
        let value = *receiver.borrow_and_update();
        assert!(value >= seen, "{value} after {seen}");
        seen = value;
    }
    seen
}

#[test]
fn every_receiver_sees_the_last_value_and_then_the_end() {
    check_within(2, || {
        let (sender, receiver) = channel(0);
        let followers = [(); 2].map(|()| {
            let receiver = receiver.clone();
            thread::spawn(move || assert_eq!(follow(receiver), 1))
        });
        sender.send(1).unwrap();
        drop(sender);
        followers.into_iter().for_each(|follower| follower.join().unwrap());
    });
}

/// No end comes to wake those whom a change has not.
#[test]
fn a_change_wakes_two_that_wait() {
    check_within(2, || {
        let (sender, receiver) = channel(0);
        let waiting = [(); 2].map(|()| {
            let mut receiver = receiver.clone();
            thread::spawn(move || {
                block_on(receiver.changed()).unwrap();
                assert_eq!(*receiver.borrow(), 1);
            })
        });
        sender.send(1).unwrap();
        waiting.into_iter().for_each(|waiting| waiting.join().unwrap());
        drop(sender);
    });
}

/// The version is that of the value: what has been seen does not count as new again.
#[test]
fn a_value_that_was_seen_is_seen() {
    check(|| {
        let (sender, mut receiver) = channel(0);
        let sending = thread::spawn(move || {
            sender.send(1).unwrap();
            sender
        });
        let seen = *receiver.borrow_and_update();
        let sender = sending.join().unwrap();
        assert_eq!(receiver.has_changed(), Ok(seen == 0));
        drop(sender);
    });
}

#[test]
fn one_receiver_follows_two_changes() {
    check(|| {
        let (sender, receiver) = channel(0);
        let follower = thread::spawn(move || assert_eq!(follow(receiver), 2));
        sender.send(1).unwrap();
        sender.send_modify(|n| *n += 1);
        drop(sender);
        follower.join().unwrap();
    });
}

#[test]
fn what_is_waited_for_is_seen_though_two_send() {
    check_within(2, || {
        let (sender, mut receiver) = channel(0);
        let (other, _stays) = (sender.clone(), sender.clone());
        let other = thread::spawn(move || other.send_modify(|n| *n += 1));
        let adding = thread::spawn(move || {
            assert!(sender.send_if_modified(|n| {
                *n += 1;
                true
            }));
        });
        assert_eq!(*block_on(receiver.wait_for(|n| *n == 2)).unwrap(), 2);
        other.join().unwrap();
        adding.join().unwrap();
    });
}

#[test]
fn the_last_receiver_to_go_is_seen() {
    check(|| {
        let (sender, receiver) = channel(0);
        let going = [receiver.clone(), receiver].map(|receiver| thread::spawn(move || drop(receiver)));
        block_on(sender.closed());
        assert!(sender.send(1).is_err());
        going.into_iter().for_each(|going| going.join().unwrap());
    });
}
