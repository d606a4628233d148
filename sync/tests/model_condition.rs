//! `Condition` beside a plain one: a lock, a line for it, and a line of those who wait to be notified.

mod common;

use common::plain::{Line, Permits, Stage, check_wakes};
use common::task::Task;
use proptest::prelude::*;
use raddle_sync::{Condition, Mutex, MutexGuard};
use std::task::Poll;

const TASKS: usize = 5;

/// What can be done; the number is the task.
#[derive(Debug, Clone)]
enum Step {
    /// Takes the lock and waits; for a value that is at least so high, if a number is given.
    Wait(usize, Option<u32>),
    Poll(usize),
    Cancel(usize),
    /// Lets go of the lock.
    Release(usize),
    /// Raises the value, if the lock can be had.
    Raise,
    Notify(usize),
    NotifyAll,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let task = 0..TASKS;
    let wanted = prop_oneof![Just(None), (0..4_u32).prop_map(Some)];
    let come =
        (task.clone(), wanted).prop_map(|(task, wanted)| vec![Step::Wait(task, wanted), Step::Poll(task)]);
    let step = prop_oneof![
        4 => task.clone().prop_map(|task| Step::Wait(task, None)),
        4 => (task.clone(), 0..4_u32).prop_map(|(task, value)| Step::Wait(task, Some(value))),
        12 => task.clone().prop_map(Step::Poll),
        8 => task.clone().prop_map(Step::Cancel),
        6 => task.prop_map(Step::Release),
        1 => Just(Step::Raise),
        5 => (0..3_usize).prop_map(Step::Notify),
        1 => Just(Step::NotifyAll),
    ];
    // Mostly who comes is polled soon.
    let pieces = proptest::collection::vec(prop_oneof![step.prop_map(|step| vec![step]), come], 0..80);
    pieces.prop_map(|pieces| pieces.concat())
}

/// Where a task is that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It has no lock yet.
    Locking,
    /// It waits to be notified.
    Waiting,
    /// It was notified, and waits for the lock. True: alone, so that another is to be told if it goes.
    Relocking(bool),
}

struct World<'a> {
    mutex: &'a Mutex<u32>,
    condition: &'a Condition,
    tasks: Vec<Task<'a, MutexGuard<'a, u32>>>,
    held: Vec<Option<MutexGuard<'a, u32>>>,
    value: u32,
    lock: Permits,
    line: Line,
    phases: Vec<Phase>,
    wanted: Vec<Option<u32>>,
}

impl<'a> World<'a> {
    fn new(mutex: &'a Mutex<u32>, condition: &'a Condition) -> Self {
        Self {
            mutex,
            condition,
            tasks: Task::crowd(TASKS),
            held: (0..TASKS).map(|_| None).collect(),
            value: 0,
            lock: Permits::new(1, TASKS),
            line: Line::new(TASKS),
            phases: vec![Phase::Locking; TASKS],
            wanted: vec![None; TASKS],
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Wait(task, wanted) if !self.tasks[task].waits() && self.held[task].is_none() => {
                self.wait(task, wanted);
            }
            Step::Poll(task) if self.tasks[task].waits() => {
                self.held[task] = self.tasks[task].step();
                let expected = self.poll(task);
                assert_eq!(self.held[task].is_some(), expected, "task {task}");
            }
            Step::Cancel(task) if self.tasks[task].waits() => {
                self.tasks[task].cancel();
                self.cancel(task);
            }
            Step::Release(task) => {
                let guard = self.held[task].take();
                self.lock.release(usize::from(guard.is_some()));
            }
            Step::Raise => {
                let guard = self.mutex.try_lock();
                assert_eq!(guard.is_ok(), self.lock.try_acquire(1).is_ok());
                if let Ok(mut guard) = guard {
                    *guard += 1;
                    self.value += 1;
                    self.lock.release(1);
                }
            }
            Step::Notify(n) => {
                self.condition.notify(n);
                for _ in 0..n {
                    self.line.choose();
                }
            }
            Step::NotifyAll => {
                self.condition.notify_all();
                self.line.reach_all();
            }
            _ => {}
        }
        self.check();
    }

    fn wait(&mut self, task: usize, wanted: Option<u32>) {
        let (mutex, condition) = (self.mutex, self.condition);
        self.tasks[task].start(async move {
            let guard = mutex.lock().await;
            match wanted {
                None => condition.wait(guard).await,
                Some(wanted) => condition.wait_for(guard, |value| *value >= wanted).await,
            }
        });
        self.wanted[task] = wanted;
        self.phases[task] = Phase::Locking;
        self.lock.start(task, 1);
    }

    /// Goes on as far as can be; whether the wait is over, with the lock.
    fn poll(&mut self, task: usize) -> bool {
        if self.phases[task] == Phase::Waiting {
            match self.line.stages[task] {
                Stage::InLine => return false,
                stage => self.phases[task] = Phase::Relocking(stage == Stage::Chosen),
            }
            self.line.end(task);
            self.lock.start(task, 1);
        }
        if self.lock.poll(task) == Poll::Pending {
            return false;
        }
        let is_over = match self.wanted[task] {
            None => self.phases[task] != Phase::Locking,
            Some(wanted) => self.value >= wanted,
        };
        if !is_over {
            self.phases[task] = Phase::Waiting;
            self.line.enter(task);
            self.lock.release(1);
        }
        is_over
    }

    fn cancel(&mut self, task: usize) {
        let owes = match self.phases[task] {
            Phase::Waiting => self.line.end(task) == Stage::Chosen,
            Phase::Locking | Phase::Relocking(_) => {
                self.lock.cancel(task);
                self.phases[task] == Phase::Relocking(true)
            }
        };
        if owes {
            self.line.choose();
        }
    }

    fn check(&self) {
        assert_eq!(self.mutex.is_locked(), self.lock.is_taken());
        for (at, task) in self.tasks.iter().enumerate() {
            let stage = match self.phases[at] {
                Phase::Waiting => self.line.stages[at],
                Phase::Locking | Phase::Relocking(_) => self.lock.line.stages[at],
            };
            check_wakes(stage, task, at);
        }
        for guard in self.held.iter().flatten() {
            assert_eq!(**guard, self.value);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_condition_does_what_the_plain_one_does(steps in steps()) {
        let (mutex, condition) = (Mutex::new(0), Condition::new());
        let mut world = World::new(&mutex, &condition);
        for step in &steps {
            world.step(step);
        }
    }
}
