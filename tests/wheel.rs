//! The timer wheel against a sorted list: random deadlines, moves, cancellations and steps of the clock, through the
//! public interface alone.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::{current_thread, multi_thread};
use proptest::prelude::*;
use raddle::runtime::Runtime;
use raddle::time::{Duration, Instant, Sleep, advance, sleep_until};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

/// One thing that happens to the timers.
#[derive(Debug, Clone)]
enum Step {
    /// A timer that is due so many nanoseconds from now.
    Start(u64),
    /// One of those that wait (chosen by a number) goes.
    Cancel(usize),
    /// One of those that wait is due at another time.
    Move(usize, u64),
    /// Time passes.
    Advance(u64),
}

/// Nanoseconds of every order of magnitude, with a liking for the edges of slots.
fn nanos() -> impl Strategy<Value = u64> {
    let any = (0..56_u32, any::<u64>()).prop_map(|(bits, n)| n & ((1 << bits) - 1));
    let edge = (10..54_u32, 0..3_u64).prop_map(|(bits, n)| (1 << bits) + n - 1);
    prop_oneof![3 => any, 1 => edge, 1 => Just(0)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => nanos().prop_map(Step::Start),
        1 => any::<usize>().prop_map(Step::Cancel),
        1 => (any::<usize>(), nanos()).prop_map(|(which, n)| Step::Move(which, n)),
        3 => nanos().prop_map(Step::Advance),
    ]
}

/// Notes which timer was woken.
struct Note {
    name: u64,
    log: Arc<Mutex<Vec<u64>>>,
}

impl Wake for Note {
    fn wake(self: Arc<Self>) {
        self.log.lock().unwrap().push(self.name);
    }
}

/// The timers, and what ought to happen to them.
struct Both {
    timers: BTreeMap<u64, Pin<Box<Sleep>>>,
    /// Deadline and order of arrival in the wheel, then the name.
    model: BTreeMap<(Instant, u64), u64>,
    log: Arc<Mutex<Vec<u64>>>,
    arrivals: u64,
}

impl Both {
    fn poll(&mut self, name: u64) {
        let note = Arc::new(Note { name, log: self.log.clone() });
        let timer = self.timers.get_mut(&name).unwrap();
        let (deadline, waker) = (timer.deadline(), Waker::from(note));
        if timer.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            assert!(deadline <= Instant::now(), "early");
            self.timers.remove(&name);
        } else {
            assert!(deadline > Instant::now(), "late: it does not see that it is due");
            self.arrivals += 1;
            self.model.insert((deadline, self.arrivals), name);
        }
    }

    fn chosen(&self, which: usize) -> Option<u64> {
        let len = self.timers.len();
        (len > 0).then(|| *self.timers.keys().nth(which % len).unwrap())
    }

    fn forget(&mut self, name: u64) {
        self.model.retain(|_, other| *other != name);
    }

    async fn apply(&mut self, step: Step) {
        match step {
            Step::Start(nanos) => {
                let deadline = Instant::now() + Duration::from_nanos(nanos);
                self.arrivals += 1;
                let name = self.arrivals;
                self.timers.insert(name, Box::pin(sleep_until(deadline)));
                self.poll(name);
            }
            Step::Cancel(which) => {
                if let Some(name) = self.chosen(which) {
                    self.timers.remove(&name);
                    self.forget(name);
                }
            }
            Step::Move(which, nanos) => {
                if let Some(name) = self.chosen(which) {
                    self.forget(name);
                    let deadline = Instant::now() + Duration::from_nanos(nanos);
                    self.timers.get_mut(&name).unwrap().as_mut().reset(deadline);
                    self.poll(name);
                }
            }
            Step::Advance(nanos) => {
                advance(Duration::from_nanos(nanos)).await;
                self.check();
            }
        }
    }

    /// What has fired is what was due, in the order of the deadlines.
    fn check(&mut self) {
        let now = Instant::now();
        let mut due = Vec::new();
        while let Some((&(deadline, arrival), &name)) = self.model.first_key_value() {
            if deadline > now {
                break;
            }
            self.model.remove(&(deadline, arrival));
            self.timers.remove(&name);
            due.push(name);
        }
        assert_eq!(std::mem::take(&mut *self.log.lock().unwrap()), due);
        assert!(self.timers.values().all(|timer| !timer.is_elapsed()));
    }
}

/// Runs the steps in a task: its timers are all in the wheel of one worker.
fn run(runtime: &Runtime, steps: Vec<Step>) {
    let task = runtime.spawn(async move {
        raddle::time::pause();
        let log = Arc::default();
        let mut both = Both { timers: BTreeMap::new(), model: BTreeMap::new(), log, arrivals: 0 };
        // Something is always left to do, so that time moves only when it is told to.
        let stop = common::gate::Gate::new();
        let stopped = stop.clone();
        let busy = raddle::spawn(async move {
            while !stopped.is_open() {
                raddle::yield_now().await;
            }
        });
        for step in steps {
            both.apply(step).await;
        }
        let left = both.timers.len();
        both.apply(Step::Advance(1 << 57)).await;
        assert!(both.timers.is_empty(), "{left} were left, and not all fired");
        stop.open();
        busy.await.unwrap();
        raddle::time::resume();
    });
    runtime.block_on(task).unwrap();
    assert_eq!(runtime.metrics().timers(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_wheel_of_a_worker_agrees_with_a_sorted_list(steps in prop::collection::vec(step(), 1..120)) {
        run(&multi_thread(1).build().unwrap(), steps);
    }

    #[test]
    fn the_wheel_of_a_current_thread_runtime_agrees_with_a_sorted_list(
        steps in prop::collection::vec(step(), 1..120)
    ) {
        run(&current_thread(), steps);
    }
}
