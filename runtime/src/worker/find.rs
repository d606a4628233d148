//! Where a worker looks for its next task.

use super::core::Worker;
use super::shared::Remote;
use crate::driver::Look;
use crate::idle::Searching;
use crate::prim::atomic::Ordering::Relaxed;
use crate::prim::thread::spin;
use crate::queue::retry;
use crate::task::Task;

/// Once in so many turns the injector goes first, and the driver is looked at (a prime, so that no pattern of tasks
/// falls in step with it).
const TURNS: u32 = 61;
/// Pinned tasks go first once in so many turns: neither they nor the others wait for ever.
const PINNED_TURNS: u32 = 4;
/// Looks at a driver that another worker is at, before a search goes on without it. A model has no time for them.
const BUSY_ROUNDS: u32 = if cfg!(loom) { 0 } else { 8 };
/// Polls without a rest after which it is worth staying awake.
const LONG_RUN: u64 = 128;
/// Spins between two looks at what others that search have left to us, and how often: some 10 us in all.
const MOMENT: usize = 32;
const MOMENTS: usize = if cfg!(loom) { 0 } else { 16 };
/// Spins between two looks at a queue that was left to its owner.
const BREATHER: usize = 256;

/// What a look for work came to.
pub(super) enum Found<'a> {
    Task(Task),
    /// Nothing anywhere; with the evidence of the search, if there was one.
    Nothing(Option<Searching<'a>>),
}

/// What a look elsewhere has left to others.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    Nothing,
    /// The driver, to one who is soon done.
    Turn,
    /// Tasks that are not worth a theft yet.
    Tasks,
    /// Events, to one who may or may not come to them.
    Mail,
}

impl Worker {
    /// Looks for the next task: here, then everywhere.
    #[inline]
    pub(super) fn find<'a>(&'a self, searching: Option<Searching<'a>>) -> Found<'a> {
        if let Some(task) = self.own_task() {
            self.end_search(searching);
            return Found::Task(task);
        }
        if let Some(task) = self.task_from_own_sources() {
            self.end_search(searching);
            return Found::Task(task);
        }
        let active = self.shared.active.load(Relaxed);
        let Some(searching) = searching.or_else(|| self.shared.idle.start_search(active)) else {
            return self.left_by_searchers().map_or(Found::Nothing(None), Found::Task);
        };
        match self.search() {
            Some(task) => {
                self.end_search(Some(searching));
                Found::Task(task)
            }
            None => Found::Nothing(Some(searching)),
        }
    }

    /// The search order at home: `next` slot, own deque, pinned tasks, own injector shard.
    #[inline]
    fn own_task(&self) -> Option<Task> {
        let tick = self.tick.get().wrapping_add(1);
        self.tick.set(tick);
        if tick.is_multiple_of(TURNS)
            && let Some(task) = self.look_around()
        {
            return Some(task);
        }
        if tick.is_multiple_of(PINNED_TURNS)
            && let Some(task) = self.pop_pinned()
        {
            return Some(task);
        }
        self.local
            .pop(&self.remote().queue)
            .or_else(|| self.pop_pinned())
            .or_else(|| self.injected(|| self.shared.injectors.pop_from(self.index, &self.local)))
            .or_else(|| self.task_from_mail(self.index))
    }

    /// Counts what `take` moves from an injector to the own deque.
    #[inline]
    fn injected(&self, take: impl FnOnce() -> Option<Task>) -> Option<Task> {
        let before = self.local.deque().len();
        let task = take()?;
        let moved = self.local.deque().len().saturating_sub(before);
        self.remote().stats.injected.add(1 + moved as u64);
        Some(task)
    }

    /// Timers, events, the injectors, and what stuck workers keep, for a worker that would otherwise go on with its own
    /// tasks for ever.
    #[cold]
    fn look_around(&self) -> Option<Task> {
        self.look_at_driver();
        self.take_mail(self.index);
        self.take_abandoned_mail();
        self.injected(|| self.shared.injectors.pop(self.index, &self.local)).or_else(|| self.take_from_slow())
    }

    /// Others search, and are at the driver: what they leave to us is worth a moment, for while we sleep they would
    /// take it for good. Not where we run dry every now and then: there the core is of more use to others.
    fn left_by_searchers(&self) -> Option<Task> {
        if !self.is_in_long_run() || self.shared.driver.io().registered() == 0 {
            return None;
        }
        (0..MOMENTS).take_while(|_| self.shared.idle.anyone_searches()).find_map(|_| {
            (0..MOMENT).for_each(|_| spin(0));
            self.own_task()
        })
    }

    /// True when it has had something to do for long.
    pub(super) fn is_in_long_run(&self) -> bool {
        self.remote().stats.polls.get().wrapping_sub(self.polls_until_rest.get()) >= LONG_RUN
    }

    /// The search elsewhere, until it finds a task, or nothing that is left to its owner.
    fn search(&self) -> Option<Task> {
        self.paces.begin_search(self.remote().stats.polls.get());
        let mut busy = 0;
        loop {
            let mut left = Left::Nothing;
            let found = self.look_elsewhere(busy, &mut left);
            if found.is_some() {
                return found;
            }
            match left {
                Left::Nothing => {
                    self.paces.found_nothing();
                    return None;
                }
                Left::Turn => busy += 1,
                Left::Tasks | Left::Mail => {}
            }
            (0..if left == Left::Tasks { BREATHER } else { MOMENT }).for_each(|_| spin(0));
            // Nobody is woken for what comes in meanwhile: we count as searching.
            if let Some(task) = self.own_task() {
                return Some(task);
            }
        }
    }

    /// The search order elsewhere: events, other shards, half of another's deque, what a stuck worker does not come to,
    /// events that were left to others.
    fn look_elsewhere(&self, busy: u32, left: &mut Left) -> Option<Task> {
        let looked = self.fresh_events();
        let found =
            self.woken().or_else(|| self.injected(|| self.shared.injectors.pop(self.index, &self.local)));
        if found.is_some() {
            return found;
        }
        if looked == Some(Look::Busy) && busy < BUSY_ROUNDS {
            // Whoever is at the driver may be about to leave us some. What he wakes meanwhile is no long queue of his.
            *left = Left::Turn;
        } else if let Some(task) = self.steal(left) {
            return Some(task);
        }
        let mut is_unclear = false;
        let found = self.take_stale_next().or_else(|| self.others_mail(&mut is_unclear));
        if is_unclear && *left == Left::Nothing {
            *left = Left::Mail;
        }
        found
    }

    /// Events first, where others are at work: what comes in may be ours, what they have queued is theirs.
    fn fresh_events(&self) -> Option<Look> {
        let shared = &self.shared;
        if shared.driver.io().registered() == 0 || shared.idle.sleeping() + 1 >= shared.active.load(Relaxed) {
            return None;
        }
        Some(self.look())
    }

    fn steal(&self, left: &mut Left) -> Option<Task> {
        let mut has_left_some = false;
        let victims = self.shared.started();
        let first = self.rng.below(victims.len());
        let stolen = (0..victims.len())
            .map(|step| (first + step) % victims.len())
            .filter(|&victim| victim != self.index && victims[victim].queue.has_tasks())
            .filter(|&victim| self.paces.is_worth(victim, &victims[victim], &mut has_left_some))
            .find_map(|victim| retry(|| victims[victim].queue.steal(&self.local)));
        if stolen.is_some() {
            let stats = &self.remote().stats;
            let tasks = 1 + self.local.deque().len() as u64;
            stats.steals.add(tasks);
            self.paces.stole(tasks, stats.polls.get());
        }
        if has_left_some {
            *left = Left::Tasks;
        }
        stolen
    }

    fn take_stale_next(&self) -> Option<Task> {
        self.slow().find_map(|victim| victim.queue.take_next())
    }

    /// A task of a worker that does not come to it; one alone, for this worker has enough to do.
    fn take_from_slow(&self) -> Option<Task> {
        let task = self
            .slow()
            .find_map(|victim| victim.queue.take_next().or_else(|| retry(|| victim.queue.steal_one())))?;
        self.remote().stats.steals.add(1);
        Some(task)
    }

    fn slow(&self) -> impl Iterator<Item = &Remote> {
        self.shared.started().iter().map(|remote| &**remote).filter(|remote| remote.pace.is_slow())
    }

    /// Ends a search that found something; the last searcher has another take its place.
    #[inline]
    fn end_search(&self, searching: Option<Searching<'_>>) {
        if let Some(searching) = searching
            && searching.found()
        {
            self.shared.wake_one();
        }
    }
}
