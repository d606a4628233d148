//! The lane of an event loop: a queue behind a lock, and a task that runs what is in it.
//!
//! The promise: each callback runs once, in order, or is dropped; none is left while the lane's task sleeps; one that a
//! coroutine gives in a step runs after that step; stop comes behind what was queued before it; close drops what is
//! queued, and what comes later is refused; a handle cancels a callback or finds it taken, and its closure is gone
//! once.
//!
//! The model plays the lane's task, as a task that a queue of the model's schedules, against threads that push, stop
//! and cancel, and against the end of a step on another thread.
//!
//! Broken on purpose and seen to fail:
//! - `tell` wakes nobody: deadlock. `end_step` wakes nobody: deadlock.
//! - `fill` gives out all, open steps or not: a callback runs before its step is over.
//! - `Once::take` loads and then stores: the closure is taken twice.
//! - `close` closes a loop that runs, `push` does not ask whether the loop is closed: callbacks are left, or lost.
#![cfg(loom)]

use loom::thread;
use loom_tests::{Count, Event, Probe, Ready, check, check_within};
use raddle_runtime::internals::{Lane, LaneTurn, allocate};
use raddle_runtime::prim::lock::Mutex;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

/// A lane, what ran on it, and what is alive.
#[derive(Clone)]
struct Loop {
    lane: Arc<Lane>,
    ran: Arc<Mutex<Vec<u32>>>,
    /// Used by one callback at a time.
    turn: Arc<Probe>,
    alive: Count,
}

impl Loop {
    fn new() -> Self {
        let turns = Count::default();
        let turn = Arc::new(turns.probe());
        Self {
            lane: Arc::new(Lane::new()),
            ran: Arc::new(Mutex::new(Vec::new())),
            turn,
            alive: Count::default(),
        }
    }

    fn callback(&self, number: u32) -> impl FnOnce() + Send + use<> {
        let (ran, turn, probe) = (self.ran.clone(), self.turn.clone(), self.alive.probe());
        move || {
            probe.change();
            turn.change();
            ran.lock().push(number);
        }
    }

    fn push(&self, number: u32) -> bool {
        self.lane.push(self.callback(number)).is_some()
    }

    /// Pushes what ends the run behind all else.
    fn stop(&self) {
        let lane = self.lane.clone();
        assert!(self.lane.push(move || lane.stop()).is_some());
    }

    /// Runs the lane's task to its end.
    fn run(&self) {
        assert!(self.lane.begin());
        let (ready, lane, mut is_new) = (Ready::default(), self.lane.clone(), true);
        let turns = poll_fn(move |cx| {
            loop {
                match lane.turn(cx.waker(), std::mem::replace(&mut is_new, false)) {
                    LaneTurn::Ran => {}
                    LaneTurn::Idle => return Poll::Pending,
                    LaneTurn::Stopped => return Poll::Ready(()),
                }
            }
        });
        let whole = Count::default();
        let (task, handle) = allocate(turns, ready.scheduler(whole.probe(), false));
        ready.push(task);
        ready.run_to_end();
        drop(handle);
    }

    fn ran(&self) -> Vec<u32> {
        self.ran.lock().clone()
    }
}

/// Pushes from two threads while the lane falls asleep, and a stop behind them.
#[test]
fn a_push_is_seen_or_wakes() {
    check(|| {
        let lane = Loop::new();
        let pusher = {
            let lane = lane.clone();
            thread::spawn(move || {
                assert!(lane.push(1));
                assert!(lane.push(2));
                lane.stop();
            })
        };
        lane.run();
        pusher.join().unwrap();
        assert_eq!(lane.ran(), [1, 2]);
        assert_eq!(lane.alive.get(), 0);
    });
}

/// Each thread's callbacks stay in order, though the two come in between one another.
#[test]
fn two_that_push_and_one_that_runs() {
    check_within(2, || {
        let lane = Loop::new();
        let pushers = [10, 20].map(|number| {
            let lane = lane.clone();
            thread::spawn(move || {
                assert!(lane.push(number));
                lane.stop();
            })
        });
        lane.run();
        pushers.into_iter().for_each(|pusher| pusher.join().unwrap());
        // The slower one's may be left, with its stop.
        lane.stop();
        lane.run();
        let mut ran = lane.ran();
        ran.sort_unstable();
        assert_eq!(ran, [10, 20]);
        assert_eq!(lane.alive.get(), 0);
    });
}

/// A step on another thread gives a callback and goes on: it must not run before the step is over, nor may what another
/// thread gives after it.
#[test]
fn a_callback_waits_for_its_step() {
    check(|| {
        let lane = Loop::new();
        let step = {
            let lane = lane.clone();
            thread::spawn(move || {
                lane.lane.push_in_step(7, true, lane.callback(1));
                lane.lane.push_in_step(7, false, lane.callback(2));
                assert_eq!(lane.ran(), [], "the step is not over");
                lane.lane.end_step(7);
                lane.stop();
            })
        };
        lane.run();
        step.join().unwrap();
        assert_eq!(lane.ran(), [1, 2]);
    });
}

/// Two steps at once, whose ends come in any order: the line moves on when the first one's is over, and no further.
#[test]
fn steps_that_overlap_hold_the_line_and_let_it_go() {
    check_within(2, || {
        let lane = Loop::new();
        for (step, number) in [(1, 10), (2, 20)] {
            lane.lane.push_in_step(step, true, lane.callback(number));
        }
        lane.stop();
        let ends = [(1, 10), (2, 20)].map(|(step, number)| {
            let lane = lane.clone();
            thread::spawn(move || {
                assert!(!lane.ran().contains(&number), "its step is not over");
                lane.lane.end_step(step);
            })
        });
        lane.run();
        ends.into_iter().for_each(|end| end.join().unwrap());
        assert_eq!(lane.ran(), [10, 20]);
    });
}

/// Stop from outside against a push: what was pushed before it runs, what comes after it stays for the next run.
#[test]
fn stop_comes_behind_what_was_queued() {
    check(|| {
        let lane = Loop::new();
        let stopper = {
            let lane = lane.clone();
            thread::spawn(move || {
                assert!(lane.push(1));
                lane.stop();
                assert!(lane.push(2));
            })
        };
        lane.run();
        assert_eq!(lane.ran()[0], 1);
        stopper.join().unwrap();
        lane.stop();
        lane.run();
        assert_eq!(lane.ran(), [1, 2]);
        assert_eq!(lane.alive.get(), 0);
    });
}

/// Close against a push: the callback is among those that close gives back, or refused; its closure is gone either way.
#[test]
fn close_drops_what_is_queued_and_refuses_the_rest() {
    check(|| {
        let lane = Loop::new();
        let pusher = {
            let lane = lane.clone();
            thread::spawn(move || (lane.push(1), lane.push(2)))
        };
        let dropped = lane.lane.close().expect("it does not run");
        let (first, second) = pusher.join().unwrap();
        assert_eq!(dropped, usize::from(first) + usize::from(second));
        assert!(first || !second, "closed is closed");
        assert_eq!(lane.alive.get(), 0);
        assert!(!lane.lane.begin());
    });
}

/// A run that ends against a close: the close is refused, or the loop is closed and empty.
#[test]
fn close_against_the_end_of_a_run() {
    check(|| {
        let lane = Loop::new();
        assert!(lane.push(1));
        lane.stop();
        let closer = {
            let lane = lane.clone();
            thread::spawn(move || lane.lane.close())
        };
        // The closer may still be first.
        if lane.lane.begin() {
            let woken = Event::new();
            while lane.lane.turn(&woken.waker(), false) != LaneTurn::Stopped {}
            assert_eq!(lane.ran(), [1]);
        }
        let closed = closer.join().unwrap();
        assert!(closed.is_some() || lane.lane.close() == Some(0));
        assert_eq!(lane.alive.get(), 0);
    });
}

/// A handle against the lane: the callback runs or is cancelled, and its closure is dropped once.
#[test]
fn a_cancelled_callback_runs_or_not() {
    check(|| {
        let lane = Loop::new();
        let handle = lane.lane.push(lane.callback(1)).unwrap();
        lane.stop();
        let canceller = {
            let handle = handle.clone();
            thread::spawn(move || {
                handle.cancel();
                handle.cancelled()
            })
        };
        lane.run();
        let cancelled = canceller.join().unwrap();
        assert_eq!(lane.ran().len(), usize::from(!cancelled));
        assert_eq!(lane.alive.get(), 0);
    });
}
