//! The mpsc channels.
//!
//! The promise: each message is received once, in its sender's order, or dropped with the receiver, or handed back to
//! its sender (f24); a receiver that sleeps is woken by what comes, by the last sender's going, and on a closed channel
//! by the last permit's; room that a cancelled sender was given goes to the next (f23); a block is touched by nobody
//! once it is used again, and freed once.
//!
//! The model plays senders against a receiver that sleeps, goes, or closes. A block has two slots here, so that two or
//! three messages come to its end, and four to its second life.
//!
//! Broken on purpose, in `sync/src/mpsc/`, and seen to fail:
//! - `publish` without Release, `take` or `leave` with Relaxed; `leave` looks whether the message is there in place of
//!   marking the slot; a refused message keeps its permit: a race, a leak, a wrong capacity.
//! - `publish` wakes nobody; `poll_slow` marks the slot before it registers, or does not look at the end after it;
//!   the last sender does not wake, or wakes before it closes; the last permit does not wake, nor
//!   a sender that goes with the last room (`Unsettled`): deadlocks.
//! - `push` claims with Relaxed; `find` loads the entry with Relaxed; a block is retired at its own start, at a tail
//!   that was only loaded, or read with a Relaxed change; `reclaim` does not wait for that position, or for its being
//!   set; `fresh` takes the spare with Relaxed; `walk` cannot go back: blocks are touched that are used again.
//! - `try_recv` says `Empty` while a sender is between its two steps (f24). `upgrade` makes a sender out of none.
//! - `poll_slow` keeps the waker when the message is there after all (f27).
//!
//! Not seen to fail: `publish` without Acquire and `sleep` with Relaxed, which only order the waker's slot, whose
//! changes loom has in the order it makes them; `retired` loaded, and the count of senders lowered, with Relaxed, for
//! the slots and the tail bring the same order. `Visit` and the end that the receiver keeps have plain tests,
//! in `sync/tests/mpsc_close.rs`.
#![cfg(loom)]

use loom::thread;
use loom_tests::{Count, Event, Probe, block_on, check, check_within, poll_once};
use raddle_sync::mpsc::{self, TryRecvError, UnboundedSender};
use std::sync::Arc;

/// A message that loom watches, with a number.
type Message = (usize, Probe);

fn send_all(sender: &UnboundedSender<Message>, count: &Count, numbers: std::ops::Range<usize>) {
    numbers.for_each(|n| sender.send((n, count.probe())).expect("the receiver stays"));
}

/// What a receiver gets until the end.
fn receive_all(receiver: &mut mpsc::UnboundedReceiver<Message>) -> Vec<usize> {
    std::iter::from_fn(|| block_on(receiver.recv())).map(|(n, probe)| (probe.change(), n).1).collect()
}

/// Through three blocks, the last of which is the first again if all goes well; then the last sender goes.
#[test]
fn one_sender_and_the_end() {
    check_within(2, || {
        let (sender, mut receiver) = mpsc::unbounded();
        let count = Count::default();
        let sends = {
            let count = count.clone();
            thread::spawn(move || send_all(&sender, &count, 0..5))
        };
        assert_eq!(receive_all(&mut receiver), [0, 1, 2, 3, 4]);
        sends.join().unwrap();
        assert_eq!(count.get(), 0);
    });
}

/// The second sender may be ahead in the next block while the first has not filled its slot.
#[test]
fn two_senders_at_the_end_of_a_block() {
    check_within(2, || {
        let (sender, mut receiver) = mpsc::unbounded();
        let count = Count::default();
        let other = sender.clone();
        let sends = [(sender, 0..2), (other, 10..12)].map(|(sender, numbers)| {
            let count = count.clone();
            thread::spawn(move || send_all(&sender, &count, numbers))
        });
        let got = receive_all(&mut receiver);
        let of = |range: std::ops::Range<usize>| got.iter().copied().filter(move |n| range.contains(n));
        assert!(of(0..2).eq(0..2) && of(10..12).eq(10..12) && got.len() == 4, "{got:?}");
        sends.into_iter().for_each(|sends| sends.join().unwrap());
        assert_eq!(count.get(), 0);
    });
}

/// A sender that is late with its slot, or with leaving a block, while others use up that block and the receiver gives
/// it back for its second life.
#[test]
fn a_block_is_used_again_when_nobody_can_meet_it() {
    check(|| {
        let (sender, mut receiver) = mpsc::unbounded();
        let count = Count::default();
        let late = {
            let (sender, count) = (sender.clone(), count.clone());
            thread::spawn(move || send_all(&sender, &count, 0..2))
        };
        for n in 10..15 {
            send_all(&sender, &count, n..n + 1);
            receiver.try_recv().expect("the one that was just sent, or one before it").1.change();
        }
        late.join().unwrap();
        drop(sender);
        assert_eq!(receive_all(&mut receiver).len(), 2);
        assert_eq!(count.get(), 0);
    });
}

#[test]
fn f24_what_was_sent_is_found_by_try_recv() {
    check(|| {
        let (sender, mut receiver) = mpsc::unbounded();
        let other = {
            let sender = sender.clone();
            thread::spawn(move || sender.send(1).unwrap())
        };
        sender.send(2).unwrap();
        let first = receiver.try_recv().expect("one was sent before");
        drop(sender);
        other.join().unwrap();
        assert_eq!(receiver.try_recv(), Ok(3 - first));
        assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
    });
}

/// Each message is dropped by the receiver or handed back, and is so before both are through.
#[test]
fn f24_the_receiver_goes_while_one_sends() {
    check(|| {
        let (sender, receiver) = mpsc::unbounded();
        let count = Count::default();
        sender.send(count.probe()).unwrap();
        let goes = thread::spawn(move || drop(receiver));
        let back: Vec<Probe> =
            (0..2).filter_map(|_| sender.send(count.probe()).err()).map(|error| error.0).collect();
        goes.join().unwrap();
        back.iter().for_each(Probe::change);
        assert_eq!(count.get(), back.len());
        assert!(sender.send(count.probe()).is_err() && sender.is_closed());
    });
}

#[test]
fn f24_the_receiver_goes_while_two_send() {
    check(|| {
        let (sender, receiver) = mpsc::unbounded();
        let count = Count::default();
        let other = {
            let (sender, count) = (sender.clone(), count.clone());
            thread::spawn(move || sender.send(count.probe()).err())
        };
        let goes = thread::spawn(move || drop(receiver));
        let mine = sender.send(count.probe()).err();
        goes.join().unwrap();
        let theirs = other.join().unwrap();
        assert_eq!(count.get(), usize::from(mine.is_some()) + usize::from(theirs.is_some()));
    });
}

/// A permit is out when the receiver closes the channel: it is used, or given back, and the receiver hears of either.
#[test]
fn f24_close_with_a_permit_out() {
    for uses in [true, false] {
        check(move || {
            let (sender, mut receiver) = mpsc::channel(1);
            let permit = block_on(sender.clone().reserve_owned()).unwrap();
            let ends = thread::spawn(move || {
                if uses {
                    drop(permit.send(1));
                } else {
                    drop(permit);
                }
            });
            receiver.close();
            assert_eq!(block_on(receiver.recv()), uses.then_some(1));
            assert_eq!(block_on(receiver.recv()), None);
            ends.join().unwrap();
            assert_eq!((sender.capacity(), sender.try_send(2).is_err()), (1, true));
        });
    }
}

/// A sender in line was given room, and goes without knowing when the receiver closes the channel: the receiver ends.
#[test]
fn f24_close_with_room_given_to_a_sender_that_goes() {
    check(|| {
        let (sender, mut receiver) = mpsc::channel(1);
        sender.try_send(1).unwrap();
        let woken = Event::new();
        let mut reserve = Box::pin(sender.clone().reserve_owned());
        assert!(poll_once(&mut reserve, &woken.waker()).is_pending());
        assert_eq!(receiver.try_recv(), Ok(1));
        let goes = thread::spawn(move || drop(reserve));
        receiver.close();
        assert_eq!(block_on(receiver.recv()), None);
        goes.join().unwrap();
        assert_eq!(sender.capacity(), 1);
    });
}

#[test]
fn f24_the_receiver_goes_with_a_permit_out() {
    check(|| {
        let (sender, receiver) = mpsc::channel(1);
        let count = Count::default();
        let permit = block_on(sender.clone().reserve_owned()).unwrap();
        let goes = thread::spawn(move || drop(receiver));
        drop(permit.send(count.probe()));
        goes.join().unwrap();
        assert_eq!((count.get(), sender.capacity()), (0, 1));
    });
}

/// The channel is full, two wait for room; the first goes while the receiver makes some.
#[test]
fn f23_a_cancelled_sender_passes_its_room_on() {
    check(|| {
        let (sender, mut receiver) = mpsc::channel(1);
        sender.try_send(1).unwrap();
        let woken = [Event::new(), Event::new()];
        let mut second = Box::pin(sender.send(3));
        let receives;
        {
            let mut first = Box::pin(sender.send(2));
            assert!(poll_once(&mut first, &woken[0].waker()).is_pending());
            assert!(poll_once(&mut second, &woken[1].waker()).is_pending());
            receives = thread::spawn(move || (block_on(receiver.recv()), receiver));
        }
        woken[1].wait();
        assert!(poll_once(&mut second, &woken[1].waker()).is_ready());
        let (got, mut receiver) = receives.join().unwrap();
        assert_eq!((got, receiver.try_recv()), (Some(1), Ok(3)));
    });
}

/// Room for one: both sides sleep in turn.
#[test]
fn a_hand_over_with_room_for_one() {
    check_within(2, || {
        let (sender, mut receiver) = mpsc::channel(1);
        let sends = thread::spawn(move || (0..3).for_each(|n| block_on(sender.send(n)).unwrap()));
        (0..3).for_each(|n| assert_eq!(block_on(receiver.recv()), Some(n)));
        assert_eq!(block_on(receiver.recv()), None);
        sends.join().unwrap();
    });
}

/// A receive that was pending is dropped beside a send; the next has another waker, and must be woken through that.
/// Neither is kept.
#[test]
fn f27_a_receive_leaves_no_waker() {
    check(|| {
        let (sender, mut receiver) = mpsc::unbounded();
        let (gone, woken) = (Event::new(), Event::new());
        let mut recv = Box::pin(receiver.recv());
        assert!(poll_once(&mut recv, &gone.waker()).is_pending());
        let first = {
            let sender = sender.clone();
            thread::spawn(move || sender.send(1).unwrap())
        };
        drop(recv);
        first.join().unwrap();
        assert_eq!(Arc::strong_count(&gone), 1);
        assert_eq!(receiver.try_recv(), Ok(1));
        let second = thread::spawn(move || (sender.send(2).unwrap(), sender));
        let mut recv = Box::pin(receiver.recv());
        while poll_once(&mut recv, &woken.waker()).is_pending() {
            woken.wait_and_reset();
        }
        let _sender = second.join().unwrap();
        assert_eq!(Arc::strong_count(&woken), 1);
    });
}

/// A weak sender is upgraded while the last sender goes: the message is received, or there was no sender to send it.
#[test]
fn an_upgrade_beside_the_last_senders_going() {
    check(|| {
        let (sender, mut receiver) = mpsc::unbounded();
        let weak = sender.downgrade();
        let upgrades = thread::spawn(move || weak.upgrade().map(|sender| sender.send(1).unwrap()));
        drop(sender);
        let got = block_on(receiver.recv());
        assert_eq!(upgrades.join().unwrap().is_some(), got.is_some());
    });
}
