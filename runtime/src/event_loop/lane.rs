//! A lane: the callbacks of one loop in order, and who is to be woken for them. See `README.md` for the protocol.

use super::callback::Queued;
use crate::prim::atomic::{AtomicUsize, Ordering::Relaxed};
use crate::prim::lock::{Mutex, MutexGuard};
use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};
use std::task::Waker;

/// So many cancelled timers may lie about before the rest is sorted out.
const CANCELLED_MAX: usize = 64;

/// How far a lane's life has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Callbacks gather.
    Stopped,
    /// Callbacks run.
    Running,
    /// Closed by the program: it takes no more callbacks.
    Closed,
    /// Its runtime has shut down: what it is given is cancelled at once.
    Ended,
}

/// What the lane's task does next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Runs the batch it was given.
    Batch,
    /// Waits to be woken, or until this time.
    Idle(Option<u64>),
    /// Ends: somebody said stop.
    Stopped,
}

/// How a push stands to the step of a coroutine it is made in, if any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// It is made in none.
    Free,
    /// It is the first of the step of this name: from here on the line waits for its end.
    Opens(usize),
    /// It is not the first of its step.
    Open,
}

/// The lane.
pub(crate) struct Lane {
    queue: Mutex<Queue>,
    /// Timers that were cancelled and lie about, about.
    cancelled: AtomicUsize,
}

struct Queue {
    phase: Phase,
    ready: VecDeque<Queued>,
    /// How many have been taken from the front of `ready`: the number of its first.
    taken: u64,
    /// Steps that are not over, each with the number of the first callback that waits for its end.
    open: Vec<(usize, u64)>,
    timers: BinaryHeap<Timer>,
    timers_made: u64,
    /// The lane's task, while it waits. Who takes it wakes it.
    idle: Option<Waker>,
    stops: bool,
    /// How often it was stopped: what was to stop an earlier run does not stop this one.
    runs: u64,
}

struct Timer {
    when: u64,
    number: u64,
    callback: Queued,
}

impl PartialEq for Timer {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Timer {}

impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timer {
    /// The earliest is the greatest; of two for the same time, the first made.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.when, other.number).cmp(&(self.when, self.number))
    }
}

impl Default for Lane {
    fn default() -> Self {
        let queue = Queue {
            phase: Phase::Stopped,
            ready: VecDeque::new(),
            taken: 0,
            open: Vec::new(),
            timers: BinaryHeap::new(),
            timers_made: 0,
            idle: None,
            stops: false,
            runs: 0,
        };
        Self { queue: Mutex::new(queue), cancelled: AtomicUsize::new(0) }
    }
}

impl Lane {
    /// Queues a callback. In a step it waits for the end of that.
    ///
    /// # Errors
    /// The phase, when it takes no more; the callback is cancelled.
    #[inline]
    pub(crate) fn push(&self, callback: Queued, gate: Gate) -> Result<(), Phase> {
        let mut queue = self.queue.lock();
        if let Some(phase) = queue.refuses() {
            drop(queue);
            callback.cancel();
            return Err(phase);
        }
        let number = queue.taken + queue.ready.len() as u64;
        queue.ready.push_back(callback);
        tell(queue, number, gate);
        Ok(())
    }

    /// Queues a callback for the time `when`.
    ///
    /// # Errors
    /// As for [`push`](Self::push).
    pub(crate) fn push_at(&self, when: u64, callback: Queued, gate: Gate) -> Result<(), Phase> {
        // Dropped when the lock is free again.
        let _cancelled;
        let mut queue = self.queue.lock();
        if let Some(phase) = queue.refuses() {
            drop(queue);
            callback.cancel();
            return Err(phase);
        }
        _cancelled = self.sort_out(&mut queue);
        let number = queue.timers_made;
        queue.timers_made += 1;
        queue.timers.push(Timer { when, number, callback });
        let is_first = queue.timers.peek().is_some_and(|first| first.number == number);
        if gate != Gate::Free || is_first {
            let next = queue.taken + queue.ready.len() as u64;
            tell(queue, next, gate);
        }
        Ok(())
    }

    /// A timer in here was cancelled; its closure is gone already.
    pub(crate) fn note_cancelled(&self) {
        self.cancelled.fetch_add(1, Relaxed);
    }

    /// Takes the cancelled timers out when they are many.
    fn sort_out(&self, queue: &mut Queue) -> Vec<Timer> {
        let cancelled = self.cancelled.load(Relaxed);
        if cancelled <= CANCELLED_MAX || cancelled * 2 <= queue.timers.len() {
            return Vec::new();
        }
        self.cancelled.store(0, Relaxed);
        let all = std::mem::take(&mut queue.timers).into_iter();
        let (gone, kept): (Vec<Timer>, Vec<Timer>) = all.partition(|timer| timer.callback.is_cancelled());
        queue.timers = kept.into();
        gone
    }

    /// A step is over that has pushed something.
    pub(crate) fn end_step(&self, id: usize) {
        let mut queue = self.queue.lock();
        queue.open.retain(|(open, _)| *open != id);
        let waker = queue.idle.take();
        drop(queue);
        wake(waker);
    }

    /// Fills `batch`, which is empty, with what may run now; or leaves `waker` behind to be woken. `is_new` in the
    /// first turn of a run, which takes place even if somebody has said stop.
    pub(crate) fn next(
        &self,
        batch: &mut VecDeque<Queued>,
        waker: &mut Option<Waker>,
        is_new: bool,
        now: impl FnOnce() -> u64,
    ) -> Next {
        // One that is here was polled by other means than a wake: dropped when the lock is free again.
        let _stale;
        let mut queue = self.queue.lock();
        _stale = queue.idle.take();
        if queue.stops && !is_new {
            return queue.stop();
        }
        if !queue.timers.is_empty() {
            queue.move_due(now());
        }
        queue.fill(batch);
        if !batch.is_empty() {
            return Next::Batch;
        }
        if queue.stops {
            return queue.stop();
        }
        queue.idle = waker.take();
        Next::Idle(queue.timers.peek().map(|timer| timer.when))
    }

    /// Begins a run, unless it runs or is over; returns its number, and whether callbacks wait.
    ///
    /// # Errors
    /// The phase that forbids it.
    pub(crate) fn begin(&self) -> Result<(u64, bool), Phase> {
        let mut queue = self.queue.lock();
        if queue.phase != Phase::Stopped {
            return Err(queue.phase);
        }
        queue.phase = Phase::Running;
        Ok((queue.runs, !queue.ready.is_empty()))
    }

    /// Ends the run after the batch that is under way; or the next run, after one turn.
    pub(crate) fn stop(&self) {
        self.queue.lock().stops = true;
    }

    /// As [`stop`](Self::stop), if it is that run which is under way.
    pub(crate) fn stop_run(&self, run: u64) {
        let mut queue = self.queue.lock();
        if queue.runs == run {
            queue.stops = true;
        }
    }

    /// How far it has come, and the number of its run.
    pub(crate) fn phase(&self) -> (Phase, u64) {
        let queue = self.queue.lock();
        (queue.phase, queue.runs)
    }

    /// Takes no more callbacks, and gives those back that wait.
    ///
    /// # Errors
    /// While it runs.
    pub(crate) fn close(&self) -> Result<Vec<Queued>, Phase> {
        let mut queue = self.queue.lock();
        if queue.phase == Phase::Running {
            return Err(Phase::Running);
        }
        Ok(queue.end(Phase::Closed))
    }

    /// The lane's task was dropped in a run, by the end of its runtime: as [`close`](Self::close).
    pub(crate) fn end(&self) -> Vec<Queued> {
        self.queue.lock().end(Phase::Ended)
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// The end of a push, which gives the lock up: wakes the lane, or has all from number `number` on wait for the step.
#[inline]
fn tell(mut queue: MutexGuard<'_, Queue>, number: u64, gate: Gate) {
    match gate {
        Gate::Free => {
            let waker = queue.idle.take();
            drop(queue);
            wake(waker);
        }
        Gate::Opens(step) => queue.open.push((step, number)),
        Gate::Open => {}
    }
}

impl Queue {
    fn refuses(&self) -> Option<Phase> {
        matches!(self.phase, Phase::Closed | Phase::Ended).then_some(self.phase)
    }

    /// Timers whose time has come go behind what is ready, the earliest first.
    fn move_due(&mut self, now: u64) {
        while let Some(first) = self.timers.peek() {
            let is_cancelled = first.callback.is_cancelled();
            if first.when > now && !is_cancelled {
                return;
            }
            if let Some(timer) = self.timers.pop()
                && !is_cancelled
            {
                self.ready.push_back(timer.callback);
            }
        }
    }

    /// Gives out what no open step holds back.
    fn fill(&mut self, batch: &mut VecDeque<Queued>) {
        let held_from = self.open.iter().map(|(_, number)| *number).min();
        match held_from {
            None => std::mem::swap(batch, &mut self.ready),
            Some(number) => batch.extend(self.ready.drain(..(number - self.taken) as usize)),
        }
        self.taken += batch.len() as u64;
    }

    fn stop(&mut self) -> Next {
        self.phase = Phase::Stopped;
        self.stops = false;
        self.runs += 1;
        Next::Stopped
    }

    fn end(&mut self, phase: Phase) -> Vec<Queued> {
        if self.phase != Phase::Closed {
            self.phase = phase;
        }
        let timers = std::mem::take(&mut self.timers).into_sorted_vec();
        let ready = std::mem::take(&mut self.ready);
        self.taken += ready.len() as u64;
        self.open.clear();
        ready.into_iter().chain(timers.into_iter().rev().map(|timer| timer.callback)).collect()
    }
}
