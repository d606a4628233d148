//! The barrier: rounds, cancelled parties, abort and reset.
#![allow(clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::Hand;
use raddle_sync::{Barrier, BrokenBarrier};
use std::panic::catch_unwind;
use std::sync::Arc;
use std::thread;

#[test]
fn all_go_on_when_the_last_has_come() {
    let barrier = Barrier::new(3);
    for _round in 0..3 {
        let (mut a, mut b) = (Hand::new(barrier.wait()), Hand::new(barrier.wait()));
        assert!(!a.poll() && !b.poll());
        assert_eq!((barrier.n_waiting(), barrier.parties()), (2, 3));
        let last = Hand::new(barrier.wait()).output().unwrap().unwrap();
        assert_eq!((last.index(), last.is_leader()), (2, true));
        assert_eq!((barrier.n_waiting(), a.wakes(), b.wakes()), (0, 1, 1));
        let (a, b) = (a.output().unwrap().unwrap(), b.output().unwrap().unwrap());
        assert_eq!((a.index(), a.is_leader(), b.index(), b.is_leader()), (0, false, 1, false));
    }
    assert!(Hand::new(Barrier::new(1).wait()).poll());
}

#[test]
fn f23_a_cancelled_party_has_not_come() {
    let barrier = Barrier::new(3);
    let mut parties: Vec<_> = (0..2).map(|_| Hand::new(barrier.wait())).collect();
    assert!(parties.iter_mut().all(|party| !party.poll()));
    drop(parties.remove(0));
    assert_eq!(barrier.n_waiting(), 1);
    parties.push(Hand::new(barrier.wait()));
    assert!(!parties[1].poll(), "one is missing again");
    let last = Hand::new(barrier.wait()).output().unwrap().unwrap();
    let mut indices: Vec<_> =
        parties.iter_mut().map(|party| party.output().unwrap().unwrap().index()).collect();
    indices.push(last.index());
    indices.sort_unstable();
    assert_eq!(indices, [0, 1, 2], "each index once, also after one was given back");
    assert!(last.is_leader());
}

#[test]
fn a_party_that_goes_after_the_release_holds_nobody_up() {
    let barrier = Barrier::new(2);
    let mut first = Hand::new(barrier.wait());
    assert!(!first.poll());
    assert!(Hand::new(barrier.wait()).poll());
    drop(first);
    assert_eq!(barrier.n_waiting(), 0);
    let mut next = Hand::new(barrier.wait());
    assert!(!next.poll());
}

#[test]
fn abort_refuses_until_reset() {
    let barrier = Barrier::new(2);
    let mut waits = Hand::new(barrier.wait());
    assert!(!waits.poll());
    barrier.abort();
    assert!(barrier.broken());
    assert_eq!(waits.output(), Some(Err(BrokenBarrier)));
    assert_eq!(Hand::new(barrier.wait()).output(), Some(Err(BrokenBarrier)));
    assert_eq!(barrier.n_waiting(), 0);
    barrier.reset();
    assert!(!barrier.broken());
    let mut waits = Hand::new(barrier.wait());
    assert!(!waits.poll());
    assert!(Hand::new(barrier.wait()).poll());
    assert_eq!(waits.output().unwrap().unwrap().index(), 0);
}

#[test]
fn reset_refuses_those_who_wait_only() {
    let barrier = Barrier::new(2);
    let mut waits = Hand::new(barrier.wait());
    assert!(!waits.poll());
    barrier.reset();
    let mut next = Hand::new(barrier.wait());
    assert!(!next.poll(), "the refused one does not count");
    assert_eq!(waits.output(), Some(Err(BrokenBarrier)));
    assert!(Hand::new(barrier.wait()).poll());
    assert!(next.poll());
}

#[test]
fn a_released_party_is_not_refused_by_what_comes_later() {
    let barrier = Barrier::new(2);
    let mut released = Hand::new(barrier.wait());
    assert!(!released.poll());
    assert!(Hand::new(barrier.wait()).poll());
    barrier.reset();
    barrier.abort();
    assert!(released.output().unwrap().is_ok());
}

#[test]
fn a_barrier_for_nobody_is_refused() {
    let panic = catch_unwind(|| Barrier::new(0)).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"a barrier needs at least one party"));
}

#[test]
fn threads_meet_in_rounds() {
    const PARTIES: usize = 4;
    let barrier = Arc::new(Barrier::new(PARTIES));
    let rounds = (0..PARTIES).map(|_| {
        let barrier = barrier.clone();
        thread::spawn(move || (0..500).filter(|_| barrier.blocking_wait().unwrap().is_leader()).count())
    });
    let leaders: Vec<_> = rounds.collect();
    assert_eq!(leaders.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>(), 500);
}
