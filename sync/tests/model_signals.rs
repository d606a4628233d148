//! `Event`, `Notify` and `Barrier` beside plain ones.

mod common;

use common::plain::{Line, Stage};
use common::task::Task;
use proptest::prelude::*;
use raddle_sync::{Barrier, BarrierWaitResult, BrokenBarrier, Event, Notified, Notify};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

const TASKS: usize = 6;

/// What can be done; the number is the task.
#[derive(Debug, Clone)]
enum Step {
    Start(usize),
    /// For `Notified` alone; else as `Poll`.
    Enable(usize),
    Poll(usize),
    Cancel(usize),
    /// Sets the event, notifies one.
    One,
    /// Sets the event, notifies all, resets the barrier.
    All,
    /// Clears the event, aborts the barrier.
    Clear,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let task = 0..TASKS;
    let come = task.clone().prop_map(|task| vec![Step::Start(task), Step::Poll(task)]);
    let step = prop_oneof![
        8 => task.clone().prop_map(Step::Start),
        1 => task.clone().prop_map(Step::Enable),
        12 => task.clone().prop_map(Step::Poll),
        8 => task.prop_map(Step::Cancel),
        3 => Just(Step::One),
        1 => Just(Step::All),
        1 => Just(Step::Clear),
    ];
    // Mostly who comes is polled soon.
    let pieces = proptest::collection::vec(prop_oneof![step.prop_map(|step| vec![step]), come], 0..60);
    pieces.prop_map(|pieces| pieces.concat())
}

/// Plays the steps on the event and a plain flag.
fn play_event(real: &Event, steps: &[Step]) {
    let mut tasks = Task::crowd(TASKS);
    let (mut line, mut is_set) = (Line::new(TASKS), false);
    for step in steps {
        match *step {
            Step::Start(task) if !tasks[task].waits() => {
                tasks[task].start(real.wait());
                line.start(task);
            }
            Step::Poll(task) | Step::Enable(task) if tasks[task].waits() => {
                let expected = match line.stages[task] {
                    Stage::New => is_set,
                    stage => stage == Stage::Reached,
                };
                assert_eq!(tasks[task].step().is_some(), expected, "task {task}");
                match (expected, line.stages[task]) {
                    (true, _) => drop(line.end(task)),
                    (false, Stage::New) => line.enter(task),
                    _ => {}
                }
            }
            Step::Cancel(task) if tasks[task].waits() => {
                tasks[task].cancel();
                line.end(task);
            }
            Step::One | Step::All => {
                real.set();
                is_set = true;
                line.reach_all();
            }
            Step::Clear => {
                real.clear();
                is_set = false;
            }
            _ => {}
        }
        assert_eq!(real.is_set(), is_set);
        line.check(&tasks);
    }
}

/// A `Notified` that can be told to enter the line without being polled.
struct Enabled<'a> {
    inner: Pin<Box<Notified<'a>>>,
    enables: bool,
}

impl Future for Enabled<'_> {
    type Output = ();

    /// Enabled in the first poll, it leaves no waker behind; it is polled for good after that.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::take(&mut self.enables) {
            return if self.inner.as_mut().enable() { Poll::Ready(()) } else { Poll::Pending };
        }
        self.inner.as_mut().poll(cx)
    }
}

/// One permit, and who waits.
struct Notifying<'a> {
    real: &'a Notify,
    tasks: Vec<Task<'a, ()>>,
    line: Line,
    has_permit: bool,
    /// How often all were notified, and how often when each task came.
    rounds: usize,
    born: [usize; TASKS],
    /// Who is in line, and has not been polled since: no waker is there to be called.
    is_enabled: [bool; TASKS],
}

impl<'a> Notifying<'a> {
    fn new(real: &'a Notify) -> Self {
        let (tasks, line) = (Task::crowd(TASKS), Line::new(TASKS));
        Self { real, tasks, line, has_permit: false, rounds: 0, born: [0; TASKS], is_enabled: [false; TASKS] }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Start(task) if !self.tasks[task].waits() => self.start(task, false),
            Step::Enable(task) if !self.tasks[task].waits() => {
                self.start(task, true);
                self.poll(task);
                self.is_enabled[task] = self.tasks[task].waits();
            }
            Step::Poll(task) if self.tasks[task].waits() => {
                self.is_enabled[task] = false;
                self.poll(task);
            }
            Step::Cancel(task) if self.tasks[task].waits() => {
                self.tasks[task].cancel();
                self.is_enabled[task] = false;
                if self.line.end(task) == Stage::Chosen {
                    self.grant();
                }
            }
            Step::One => {
                self.real.notify_one();
                self.grant();
            }
            Step::All => {
                self.real.notify_waiters();
                self.rounds += 1;
                self.line.reach_all();
            }
            _ => {}
        }
        self.check();
    }

    fn start(&mut self, task: usize, enables: bool) {
        self.tasks[task].start(Enabled { inner: Box::pin(self.real.notified()), enables });
        self.line.start(task);
        self.born[task] = self.rounds;
    }

    fn grant(&mut self) {
        if self.line.choose().is_none() {
            self.has_permit = true;
        }
    }

    fn poll(&mut self, task: usize) {
        let is_ready = match self.line.stages[task] {
            Stage::New if self.born[task] != self.rounds => true,
            Stage::New => std::mem::take(&mut self.has_permit),
            stage => stage != Stage::InLine,
        };
        assert_eq!(self.tasks[task].step().is_some(), is_ready, "task {task}");
        match (is_ready, self.line.stages[task]) {
            (true, _) => drop(self.line.end(task)),
            (false, Stage::New) => self.line.enter(task),
            _ => {}
        }
    }

    fn check(&self) {
        for (at, task) in self.tasks.iter().enumerate() {
            if self.is_enabled[at] {
                assert_eq!((task.wakes(), task.kept()), (0, 0), "task {at} has left no waker");
            } else {
                common::plain::check_wakes(self.line.stages[at], task, at);
            }
        }
    }
}

/// Who waits at the barrier, each with its index.
struct Meeting<'a> {
    real: &'a Barrier,
    tasks: Vec<Task<'a, Result<BarrierWaitResult, BrokenBarrier>>>,
    line: Line,
    index: [usize; TASKS],
    /// Indices that were given back, the last first.
    left: Vec<usize>,
    is_broken: bool,
}

impl<'a> Meeting<'a> {
    fn new(real: &'a Barrier) -> Self {
        let (tasks, line) = (Task::crowd(TASKS), Line::new(TASKS));
        Self { real, tasks, line, index: [0; TASKS], left: Vec::new(), is_broken: false }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Start(task) if !self.tasks[task].waits() => {
                self.tasks[task].start(self.real.wait());
                self.line.start(task);
            }
            Step::Poll(task) | Step::Enable(task) if self.tasks[task].waits() => self.poll(task),
            Step::Cancel(task) if self.tasks[task].waits() => {
                self.tasks[task].cancel();
                if self.line.end(task) == Stage::InLine {
                    self.left.push(self.index[task]);
                }
            }
            Step::All => {
                self.real.reset();
                self.refuse(false);
            }
            Step::Clear => {
                self.real.abort();
                self.refuse(true);
            }
            _ => {}
        }
        self.check();
    }

    /// `Chosen` stands for refused, `Reached` for released.
    fn refuse(&mut self, is_broken: bool) {
        self.is_broken = is_broken;
        while self.line.choose().is_some() {}
        self.left.clear();
    }

    fn poll(&mut self, task: usize) {
        let expected = match self.line.stages[task] {
            Stage::New => self.arrive(task),
            Stage::Chosen => Some(Err(())),
            Stage::Reached => Some(Ok((self.index[task], false))),
            _ => None,
        };
        if expected.is_some() {
            self.line.end(task);
        }
        let got = self.tasks[task].step();
        let got = got.map(|got| got.map(|got| (got.index(), got.is_leader())).map_err(drop));
        assert_eq!(got, expected, "task {task}");
    }

    fn arrive(&mut self, task: usize) -> Option<Result<(usize, bool), ()>> {
        if self.is_broken {
            return Some(Err(()));
        }
        let waiting = self.line.order.len();
        self.index[task] = self.left.pop().unwrap_or(waiting);
        if waiting + 1 < self.real.parties() {
            self.line.enter(task);
            return None;
        }
        self.line.reach_all();
        Some(Ok((self.index[task], true)))
    }

    fn check(&self) {
        assert_eq!(self.real.n_waiting(), self.line.order.len());
        assert_eq!(self.real.broken(), self.is_broken);
        self.line.check(&self.tasks);
        // Those who wait and those who come next have each index once.
        let taken = self.line.order.iter().map(|task| self.index[*task]);
        let mut indices: Vec<_> = taken.chain(self.left.iter().copied()).collect();
        indices.sort_unstable();
        assert!(indices.into_iter().eq(0..self.line.order.len() + self.left.len()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn an_event_does_what_the_plain_one_does(steps in steps()) {
        play_event(&Event::new(), &steps);
    }

    #[test]
    fn a_notify_does_what_the_plain_one_does(steps in steps()) {
        let notify = Notify::new();
        let mut plain = Notifying::new(&notify);
        for step in &steps {
            plain.step(step);
        }
    }

    #[test]
    fn a_barrier_does_what_the_plain_one_does(parties in 1..5_usize, steps in steps()) {
        let barrier = Barrier::new(parties);
        let mut plain = Meeting::new(&barrier);
        for step in &steps {
            plain.step(step);
        }
    }
}
