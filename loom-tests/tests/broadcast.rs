//! The broadcast channel: a ring of locked slots, a tail that is read without a lock, and the line of receivers.
//!
//! The promise: a receiver gets every message sent since it subscribed, in order, or the exact number of those it has
//! missed; it is woken by a message and by the end; a message is cloned by one thread at a time (it need not be `Sync`)
//! and goes when the last receiver has seen it or gone; the last receiver to go is seen by who waits for that.
//!
//! The model plays senders against receivers that keep up, lag, and go.
//!
//! Broken on purpose, in `sync/src/broadcast/shared.rs`, and seen to fail:
//! - `send`, or the last sender that goes, wakes nobody; `send` moves the tail after it has unlocked the line; the last
//!   receiver is not told of: deadlocks.
//! - `skip` looks at the tail alone, or `slot_at` does not look at the slot's position: a wrong lag, or none.
//! - `remove_receiver` is counted out after it has looked how far it must go, or leaves what only it had to see: a
//!   message is left behind. It takes what others have still to see: they miss it.
#![cfg(loom)]

use loom::thread;
use loom_tests::{Count, Probe, block_on, check, check_within};
use raddle_sync::broadcast::{Receiver, RecvError, channel};

/// A message that must not be cloned by two at a time.
struct Message {
    number: u64,
    count: Count,
    whole: Probe,
}

impl Message {
    fn new(number: u64, count: &Count) -> Self {
        Self { number, count: count.clone(), whole: count.probe() }
    }
}

impl Clone for Message {
    fn clone(&self) -> Self {
        self.whole.change();
        Self::new(self.number, &self.count)
    }
}

/// Receives to the end: how many were received, and how many missed.
fn drain(mut receiver: Receiver<Message>) -> (u64, u64) {
    let (mut received, mut missed) = (0, 0);
    loop {
        match block_on(receiver.recv()) {
            Ok(message) => {
                assert_eq!(message.number, received + missed, "out of order");
                received += 1;
            }
            Err(RecvError::Lagged(n)) => {
                assert!(n > 0, "a lag of nothing");
                missed += n;
            }
            Err(RecvError::Closed) => return (received, missed),
        }
    }
}

/// One sender of two messages, and one receiver.
fn two_messages(capacity: usize, expect: fn((u64, u64))) {
    check(move || {
        let count = Count::default();
        let (sender, receiver) = channel(capacity);
        let receiving = thread::spawn(move || expect(drain(receiver)));
        for number in 0..2 {
            let _ = sender.send(Message::new(number, &count));
        }
        drop(sender);
        receiving.join().unwrap();
        assert_eq!(count.get(), 0, "a message was left behind");
    });
}

#[test]
fn a_receiver_gets_all_in_order() {
    two_messages(2, |got| assert_eq!(got, (2, 0)));
}

#[test]
fn a_lag_is_told_exactly() {
    two_messages(1, |(received, missed)| assert_eq!(received + missed, 2));
}

#[test]
fn two_receivers_get_one_message_one_after_the_other() {
    check_within(2, || {
        let count = Count::default();
        let (sender, first) = channel(1);
        let second = sender.subscribe();
        let receiving =
            [first, second].map(|receiver| thread::spawn(move || assert_eq!(drain(receiver), (1, 0))));
        assert_eq!(sender.send(Message::new(0, &count)).ok(), Some(2));
        drop(sender);
        receiving.into_iter().for_each(|receiving| receiving.join().unwrap());
        assert_eq!(count.get(), 0, "a message was left behind");
    });
}

/// No end comes to wake those whom a message has not.
#[test]
fn a_message_wakes_two_that_wait() {
    check_within(2, || {
        let (sender, first) = channel(1);
        let second = sender.subscribe();
        let receiving = [first, second]
            .map(|mut receiver| thread::spawn(move || assert_eq!(block_on(receiver.recv()), Ok(7))));
        assert_eq!(sender.send(7), Ok(2));
        receiving.into_iter().for_each(|receiving| receiving.join().unwrap());
        drop(sender);
    });
}

/// What it has not seen goes with it, whether it was overwritten meanwhile or not.
#[test]
fn a_receiver_that_goes_takes_its_messages_along() {
    check(|| {
        let count = Count::default();
        let (sender, receiver) = channel(1);
        let mut stays = sender.subscribe();
        sender.send(Message::new(0, &count)).ok().unwrap();
        let going = thread::spawn(move || drop(receiver));
        sender.send(Message::new(1, &count)).ok().unwrap();
        assert_eq!(stays.try_recv().err(), Some(raddle_sync::broadcast::TryRecvError::Lagged(1)));
        assert_eq!(stays.try_recv().unwrap_or_else(|_| panic!("it is there")).number, 1);
        going.join().unwrap();
        assert_eq!((count.get(), sender.len()), (0, 0), "a message was left behind");
    });
}

#[test]
fn f26_the_last_receiver_to_go_is_seen_and_the_channel_used_again() {
    check(|| {
        let (sender, receiver) = channel(1);
        let going = thread::spawn(move || drop(receiver));
        block_on(sender.closed());
        assert!(sender.send(0).is_err());
        let mut again = sender.subscribe();
        assert_eq!(sender.send(1).ok(), Some(1));
        assert_eq!(again.try_recv(), Ok(1));
        going.join().unwrap();
    });
}

#[test]
fn two_senders_fill_one_stream() {
    check_within(2, || {
        let (sender, mut receiver) = channel(2);
        let sending = [sender.clone(), sender].map(|sender| thread::spawn(move || sender.send(()).unwrap()));
        for _ in 0..2 {
            assert_eq!(block_on(receiver.recv()), Ok(()));
        }
        assert_eq!(block_on(receiver.recv()), Err(RecvError::Closed));
        sending.into_iter().for_each(|sending| drop(sending.join().unwrap()));
    });
}
