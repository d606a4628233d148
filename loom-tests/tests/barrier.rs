//! `Barrier`: the line of those who have come, and how their wait ended.
//!
//! The promise: all go on when the last has come, with one leader and each index once, round after round; a party that
//! is cancelled before has not come, and one that is cancelled after holds nobody up; abort and reset end the wait of
//! those who have come, and of nobody who was released.
//!
//! The model plays parties that come, go and are refused.
//!
//! Broken on purpose, in `sync/src/barrier.rs`, and seen to fail:
//! - A cancelled party is still counted, or looks whether it is in line before it leaves that: the others go on too
//!   early, or wait for ever.
//! - The count is not set back when all have come; the last one waits too.
//! - Those who are refused are told that they were released.
#![cfg(loom)]

use loom::thread::{self, JoinHandle};
use loom_tests::{Event, block_on, check, check_within, poll_once};
use raddle_sync::{Barrier, BarrierWaitResult, BrokenBarrier};
use std::sync::Arc;
use std::task::Poll;

type Ended = Result<BarrierWaitResult, BrokenBarrier>;

fn barrier(parties: usize) -> Arc<Barrier> {
    Arc::new(Barrier::new(parties))
}

fn party(barrier: &Arc<Barrier>) -> JoinHandle<Ended> {
    let barrier = barrier.clone();
    thread::spawn(move || block_on(barrier.wait()))
}

#[test]
fn three_meet_and_one_of_them_leads() {
    check_within(2, || {
        let barrier = barrier(3);
        let others = [party(&barrier), party(&barrier)];
        let ours = block_on(barrier.wait()).unwrap();
        let [a, b] = others.map(|other| other.join().unwrap().unwrap());
        let mut indices = [a, b, ours].map(|ended| ended.index());
        indices.sort_unstable();
        assert_eq!(indices, [0, 1, 2]);
        assert_eq!([a, b, ours].iter().filter(|ended| ended.is_leader()).count(), 1);
    });
}

#[test]
fn two_meet_twice() {
    check(|| {
        let barrier = barrier(2);
        let other = {
            let barrier = barrier.clone();
            thread::spawn(move || [block_on(barrier.wait()), block_on(barrier.wait())])
        };
        let ours = [block_on(barrier.wait()), block_on(barrier.wait())];
        let theirs = other.join().unwrap();
        for (a, b) in ours.into_iter().zip(theirs) {
            assert_eq!(a.unwrap().index() + b.unwrap().index(), 1);
        }
        assert_eq!(barrier.n_waiting(), 0);
    });
}

/// One is cancelled while another comes: either they met, or it has not come and the other waits for a third.
#[test]
fn f23_a_cancelled_party_has_come_or_has_not() {
    check(|| {
        let (barrier, woken) = (barrier(2), Event::new());
        let mut first = Box::pin(barrier.wait());
        assert!(poll_once(&mut first, &Event::new().waker()).is_pending());
        let other = {
            let (barrier, woken) = (barrier.clone(), woken.clone());
            thread::spawn(move || {
                let mut waits = Box::pin(barrier.wait());
                match poll_once(&mut waits, &woken.waker()) {
                    Poll::Ready(ended) => ended,
                    Poll::Pending => block_on(waits),
                }
            })
        };
        drop(first);
        let waits = barrier.n_waiting();
        assert!(waits <= 1, "the cancelled one is still counted");
        let third = (waits == 1).then(|| block_on(barrier.wait()).unwrap());
        if third.is_none() {
            // It is not there yet, or it has met the first.
            barrier.abort();
        }
        let theirs = other.join().unwrap();
        assert!(third.is_none() || theirs.is_ok());
        assert_eq!(barrier.n_waiting(), 0);
    });
}

#[test]
fn an_abort_ends_the_wait_of_who_came_and_of_who_comes() {
    check(|| {
        let barrier = barrier(2);
        let other = party(&barrier);
        barrier.abort();
        assert_eq!(other.join().unwrap(), Err(BrokenBarrier));
        assert_eq!(block_on(barrier.wait()), Err(BrokenBarrier));
    });
}

/// Both are released or both refused.
#[test]
fn a_reset_does_not_reach_who_was_released() {
    check(|| {
        let barrier = barrier(2);
        let mut first = Box::pin(barrier.wait());
        let woken = Event::new();
        assert!(poll_once(&mut first, &woken.waker()).is_pending());
        let resets = {
            let barrier = barrier.clone();
            thread::spawn(move || barrier.reset())
        };
        let mut second = Box::pin(barrier.wait());
        let second = poll_once(&mut second, &Event::new().waker());
        woken.wait();
        let Poll::Ready(first) = poll_once(&mut first, &woken.waker()) else {
            panic!("woken for nothing");
        };
        assert_eq!(first.is_ok(), second.is_ready());
        resets.join().unwrap();
    });
}
