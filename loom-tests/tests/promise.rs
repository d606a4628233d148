//! The outcome of a promise.
//!
//! The promise: the first who settles it wins, and everybody sees that outcome whole; whoever waits when it is
//! settled, or comes later, is woken or finds it; a callback is handed out once, by whoever settled it or by `add`
//! itself; a waiter that goes leaves nothing behind.
//!
//! The model plays those who set and cancel, those who wait, look and give up, and those who add and remove callbacks.
//!
//! Broken on purpose and seen to fail:
//! - `settle` does not claim the word: two win.
//! - a waiter enters the word of a promise that is over: deadlock.
//! - what is put behind the queue's lock does not look whether it is over: nobody comes for it.
//! - a waiter that was taken out does not wait for its stage: it is freed under the settler.
//! - whoever settles it forgets `LINE`: those in the queue wait for ever.
#![cfg(loom)]

use loom::thread;
use loom_tests::{Count, Event, Probe, block_on, check, poll_once};
use raddle_runtime::internals::Settled;
use std::sync::Arc;
use std::task::Poll;

type Promise = Arc<Settled<Probe, u32>>;

/// A probe that says who set it by how many of its kind there are.
fn promise() -> (Promise, [Count; 2]) {
    (Arc::new(Settled::new()), [Count::default(), Count::default()])
}

async fn wait(promise: Promise) {
    promise.wait().await.look();
}

/// Set and cancel at once: one wins, the other gets its outcome back; the waiter sees the winner's.
#[test]
fn one_of_two_settles_it() {
    check(|| {
        let (promise, kinds) = promise();
        let setters = kinds.clone().map(|kind| {
            let promise = promise.clone();
            thread::spawn(move || {
                let won = promise.settle(kind.probe()).is_ok();
                assert!(promise.get().is_some(), "whoever comes too late finds it over");
                won
            })
        });
        block_on(wait(promise.clone()));
        let won = setters.map(|setter| setter.join().unwrap());
        assert!(won[0] != won[1]);
        assert_eq!(
            kinds.each_ref().map(Count::get),
            won.map(usize::from),
            "the loser's is dropped, the winner's kept"
        );
        drop(promise);
        assert_eq!(kinds.each_ref().map(Count::get), [0, 0]);
    });
}

/// Many wait; each is woken, whenever it came.
#[test]
fn all_who_wait_are_woken() {
    check(|| {
        let (promise, [kind, _]) = promise();
        let waiters = [(), ()].map(|()| {
            let promise = promise.clone();
            thread::spawn(move || block_on(wait(promise)))
        });
        assert!(promise.settle(kind.probe()).is_ok());
        waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
    });
}

/// A look without waiting sees nothing or the whole outcome.
#[test]
fn a_look_sees_the_whole_outcome() {
    check(|| {
        let (promise, [kind, _]) = promise();
        let looker = {
            let promise = promise.clone();
            thread::spawn(move || {
                if let Some(outcome) = promise.get() {
                    outcome.look();
                }
            })
        };
        assert!(promise.settle(kind.probe()).is_ok());
        looker.join().unwrap();
    });
}

/// A waiter gives up while it is notified.
#[test]
fn a_waiter_may_go_at_any_time() {
    check(|| {
        let (promise, [kind, _]) = promise();
        let setter = {
            let promise = promise.clone();
            thread::spawn(move || promise.settle(kind.probe()).is_ok())
        };
        let woken = Event::new();
        {
            let mut wait = Box::pin(promise.wait());
            if let Poll::Ready(outcome) = poll_once(&mut wait, &woken.waker()) {
                outcome.look();
            }
        }
        assert!(setter.join().unwrap());
        assert_eq!(Arc::strong_count(&woken), 1, "its waker was left behind");
    });
}

/// Callbacks that are added and removed while it is settled: each is handed out once.
#[test]
fn each_callback_is_handed_out_once() {
    check(|| {
        let (promise, [kind, _]) = promise();
        let first = promise.add(1).expect("nobody has settled it");
        let adder = {
            let promise = promise.clone();
            thread::spawn(move || {
                let late = promise.add(2).err();
                (late.is_some(), promise.remove(first).is_some())
            })
        };
        let handed = promise.settle(kind.probe()).expect("nobody else settles it");
        let (late, removed) = adder.join().unwrap();
        let handed: Vec<u32> = handed.into_iter().map(|(_, callback)| callback).collect();
        let mut expected: Vec<u32> = Vec::new();
        expected.extend((!removed).then_some(1));
        expected.extend((!late).then_some(2));
        assert_eq!(handed, expected);
    });
}
