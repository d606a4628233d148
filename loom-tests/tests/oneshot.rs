//! The oneshot channel: one word, the value's cell, and a slot for each end.
//!
//! The promise: a value that was sent is received, or comes back, or is dropped with the receiver; never two of these
//! (f25). Whoever waits is woken by the other end's last word; no waker stays behind; the memory is freed once, after
//! the last use of either end.
//!
//! The model plays a sender that sends, goes without, or waits to be told, against a receiver that waits, closes, or
//! goes.
//!
//! Broken on purpose, in `sync/src/oneshot/shared.rs`, and seen to fail:
//! - `leave` refuses nothing, or a value that was refused is not taken back: a value sent is not received (f25).
//! - `leave` does not wake the other end, or goes before it has; `close` wakes nobody; `wait` returns the word as it
//!   was before it said that it waits, or does not look again after a second registration: deadlocks, a waker left.
//! - Either exchange of `leave` with Acquire or Release alone, `wait` without Release: the cell or the memory is
//!   touched by two at once.
//! - `take_last`, in `runtime/src/wait/slot.rs`, takes from a slot that is being registered: the same.
#![cfg(loom)]

use loom::thread;
use loom_tests::{Count, Event, Probe, block_on, check, poll_once};
use raddle_sync::oneshot::{Receiver, Sender, channel};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

/// Plays one end against the other, each with an event to be woken by; then every value and waker must be gone.
fn play(
    sending: impl Fn(Sender<Probe>, Probe, &Arc<Event>) + Copy + Send + Sync + 'static,
    receiving: impl Fn(Receiver<Probe>, &Arc<Event>) + Copy + Send + Sync + 'static,
) {
    check(move || {
        let (count, events) = (Count::default(), [Event::new(), Event::new()]);
        let (sender, receiver) = channel();
        let (value, event) = (count.probe(), events[0].clone());
        let thread = thread::spawn(move || sending(sender, value, &event));
        receiving(receiver, &events[1]);
        thread.join().unwrap();
        assert_eq!(count.get(), 0, "a value was left behind");
        assert_eq!(events.map(|event| Arc::strong_count(&event)), [1, 1], "a waker was left behind");
    });
}

/// Sends, whatever comes of it.
fn send(sender: Sender<Probe>, value: Probe, _: &Arc<Event>) {
    value.change();
    if let Err(value) = sender.send(value) {
        value.change();
    }
}

/// Begins to wait to be told, then sends.
fn watch_and_send(mut sender: Sender<Probe>, value: Probe, woken: &Arc<Event>) {
    let _ = poll_once(&mut poll_fn(|cx| sender.poll_closed(cx)), &woken.waker());
    send(sender, value, woken);
}

fn receive(receiver: Receiver<Probe>, _: &Arc<Event>) {
    block_on(receiver).unwrap().change();
}

/// Begins to wait, and goes.
fn wait_and_go(mut receiver: Receiver<Probe>, woken: &Arc<Event>) {
    let _ = poll_once(&mut receiver, &woken.waker());
}

#[test]
fn a_value_is_received() {
    play(send, receive);
    play(watch_and_send, receive);
}

#[test]
fn a_sender_that_goes_without_sending_ends_the_wait() {
    play(|sender, _, _| drop(sender), |receiver, _| assert!(block_on(receiver).is_err()));
}

#[test]
fn f25_a_value_is_sent_before_the_close_or_comes_back() {
    check(|| {
        let count = Count::default();
        let (sender, mut receiver) = channel();
        let value = count.probe();
        let sending = thread::spawn(move || sender.send(value).is_ok());
        receiver.close();
        let is_received = block_on(receiver).is_ok();
        assert_eq!(sending.join().unwrap(), is_received);
        assert_eq!(count.get(), 0, "a value was left behind");
    });
}

#[test]
fn f25_a_receiver_that_goes_drops_the_value_or_gives_it_back() {
    for sending in [send, watch_and_send] {
        play(sending, |receiver, _| drop(receiver));
        play(sending, wait_and_go);
    }
}

#[test]
fn a_receiver_that_changes_its_waker_is_woken_through_the_new_one() {
    play(send, |mut receiver, new| {
        let old = Event::new();
        let mut poll = poll_once(&mut receiver, &old.waker());
        while poll.is_pending() {
            poll = poll_once(&mut receiver, &new.waker());
            if poll.is_pending() {
                new.wait_and_reset();
                thread::yield_now();
            }
        }
        let Poll::Ready(Ok(value)) = poll else { panic!("it was sent") };
        value.change();
    });
}

#[test]
fn a_sender_is_told_that_the_receiver_has_closed_or_gone() {
    let wait = |mut sender: Sender<Probe>, value: Probe, _: &Arc<Event>| {
        block_on(sender.closed());
        sender.send(value).unwrap_err().change();
    };
    play(wait, |receiver, _| drop(receiver));
    play(wait, wait_and_go);
    play(wait, |mut receiver, _| {
        receiver.close();
        assert!(block_on(receiver).is_err());
    });
}

#[test]
fn a_sender_that_changes_its_waker_is_told_through_the_new_one() {
    let wait = |mut sender: Sender<Probe>, _: Probe, woken: &Arc<Event>| {
        let _ = poll_once(&mut poll_fn(|cx| sender.poll_closed(cx)), &woken.waker());
        block_on(poll_fn(|cx| sender.poll_closed(cx)));
    };
    // The receiver stays until the sender has been told.
    play(wait, |mut receiver, _| {
        receiver.close();
        assert!(block_on(receiver).is_err());
    });
}

#[test]
fn both_ends_may_go_at_once() {
    let go = |mut sender: Sender<Probe>, _: Probe, woken: &Arc<Event>| {
        let _ = poll_once(&mut poll_fn(|cx| sender.poll_closed(cx)), &woken.waker());
    };
    play(go, wait_and_go);
    play(go, |receiver, _| drop(receiver));
}
