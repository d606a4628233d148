//! What the primitives are to do, said plainly: lines are lists, and what is handed over is a mark on who gets it.

use super::task::Task;
use std::collections::VecDeque;
use std::task::Poll;

/// How far a simulated task's wait has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It waits for nothing.
    Idle,
    /// Not polled yet.
    New,
    InLine,
    /// Woken, alone: what was handed over is its own.
    Chosen,
    /// Woken with all the others.
    Reached,
}

/// Tasks by number, and those in line in their order.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) stages: Vec<Stage>,
    pub(crate) order: VecDeque<usize>,
}

impl Line {
    /// A line for so many tasks, none of them in it.
    pub(crate) fn new(tasks: usize) -> Self {
        Self { stages: vec![Stage::Idle; tasks], order: VecDeque::new() }
    }

    pub(crate) fn start(&mut self, task: usize) {
        self.stages[task] = Stage::New;
    }

    pub(crate) fn enter(&mut self, task: usize) {
        self.stages[task] = Stage::InLine;
        self.order.push_back(task);
    }

    /// The wait of `task` is over, or given up. Says how far it had come.
    pub(crate) fn end(&mut self, task: usize) -> Stage {
        self.order.retain(|other| *other != task);
        std::mem::replace(&mut self.stages[task], Stage::Idle)
    }

    /// Wakes the front; who that is.
    pub(crate) fn choose(&mut self) -> Option<usize> {
        let front = self.order.pop_front()?;
        self.stages[front] = Stage::Chosen;
        Some(front)
    }

    pub(crate) fn reach_all(&mut self) {
        for task in self.order.drain(..) {
            self.stages[task] = Stage::Reached;
        }
    }

    /// How many are at this stage.
    pub(crate) fn count(&self, stage: Stage) -> usize {
        self.stages.iter().filter(|other| **other == stage).count()
    }

    /// Whether each task that is marked here has been woken once, and nobody else; whether a waker is kept of those in
    /// line alone.
    pub(crate) fn check<R>(&self, tasks: &[Task<'_, R>]) {
        for (at, (stage, task)) in self.stages.iter().zip(tasks).enumerate() {
            check_wakes(*stage, task, at);
        }
    }
}

/// As [`Line::check`], for one.
pub(crate) fn check_wakes<R>(stage: Stage, task: &Task<'_, R>, at: usize) {
    let expected = match stage {
        Stage::Idle => return assert_eq!(task.kept(), 0, "task {at} is gone, its waker is kept (f27)"),
        Stage::New => (0, 0),
        Stage::InLine => (0, 1),
        Stage::Chosen | Stage::Reached => (1, 0),
    };
    assert_eq!((task.wakes(), task.kept()), expected, "wakes and wakers kept of task {at}, {stage:?}");
}

/// No permit, now or never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Taken,
    Closed,
}

/// What the locks, the semaphores and bounded channels stand on.
#[derive(Debug)]
pub(crate) struct Permits {
    pub(crate) free: usize,
    pub(crate) line: Line,
    pub(crate) is_closed: bool,
    wants: Vec<usize>,
}

impl Permits {
    pub(crate) fn new(free: usize, tasks: usize) -> Self {
        Self { free, line: Line::new(tasks), is_closed: false, wants: vec![0; tasks] }
    }

    pub(crate) fn start(&mut self, task: usize, want: usize) {
        self.line.start(task);
        self.wants[task] = want;
    }

    pub(crate) fn try_acquire(&mut self, want: usize) -> Result<(), Refused> {
        match () {
            () if self.is_closed => Err(Refused::Closed),
            () if want > self.free || (want > 0 && !self.line.order.is_empty()) => Err(Refused::Taken),
            () => {
                self.free -= want;
                Ok(())
            }
        }
    }

    pub(crate) fn is_taken(&self) -> bool {
        self.is_closed || self.free == 0 || !self.line.order.is_empty()
    }

    /// What a poll of this task's future returns.
    pub(crate) fn poll(&mut self, task: usize) -> Poll<Result<(), Refused>> {
        let result = match self.line.stages[task] {
            Stage::Idle => unreachable!("only who waits is polled"),
            Stage::InLine => return Poll::Pending,
            Stage::Chosen => Ok(()),
            Stage::Reached => Err(Refused::Closed),
            Stage::New => match self.try_acquire(self.wants[task]) {
                Err(Refused::Taken) => {
                    self.line.enter(task);
                    return Poll::Pending;
                }
                settled => settled,
            },
        };
        self.line.end(task);
        Poll::Ready(result)
    }

    pub(crate) fn cancel(&mut self, task: usize) {
        let is_chosen = self.line.end(task) == Stage::Chosen;
        self.release(if is_chosen { self.wants[task] } else { 0 });
    }

    pub(crate) fn release(&mut self, n: usize) {
        self.free += n;
        while let Some(&front) = self.line.order.front()
            && self.wants[front] <= self.free
        {
            self.free -= self.wants[front];
            self.line.choose();
        }
    }

    pub(crate) fn forget(&mut self, n: usize) -> usize {
        let gone = n.min(self.free);
        self.free -= gone;
        gone
    }

    pub(crate) fn close(&mut self) {
        self.is_closed = true;
        self.line.reach_all();
    }
}
