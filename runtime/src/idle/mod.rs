//! Who sleeps, who searches, whom to wake. The protocol and its proof are in `README.md` beside this file.
//!
//! This module knows workers as numbers; it neither parks nor wakes a thread.

mod counters;
mod sleepers;

pub(crate) use counters::{Counters, Searching};
pub(crate) use sleepers::Sleepers;

use crate::prim::atomic::{Ordering::SeqCst, fence};

/// How a worker leaves its sleep.
#[must_use]
#[derive(Debug)]
pub(crate) enum Awake<'a> {
    /// Someone chose it to search, or its last look saw work: it counts as searching already.
    Chosen(Searching<'a>),
    /// It woke for a reason of its own: an event, a timer.
    ByItself,
}

/// The idle state of a runtime.
#[derive(Debug)]
pub(crate) struct Idle {
    counters: Counters,
    sleepers: Sleepers,
}

impl Idle {
    pub(crate) fn new() -> Self {
        Self { counters: Counters::new(), sleepers: Sleepers::new() }
    }

    /// True when a push should wake someone: workers sleep and none searches. A hint, read without a fence.
    #[inline]
    pub(crate) fn wants_wake(&self) -> bool {
        self.counters.wants_wake()
    }

    /// Lets the caller search, unless half of the `active` workers do already.
    #[inline]
    pub(crate) fn start_search(&self, active: usize) -> Option<Searching<'_>> {
        self.counters.start_search(active)
    }

    /// Chooses a worker to wake for work that was pushed before this call; it counts as searching from now on. `last`
    /// names one to take only if there is no other: the one that sleeps in the driver.
    #[must_use = "the chosen worker must be unparked"]
    pub(crate) fn choose(&self, last: impl FnOnce() -> Option<usize>) -> Option<usize> {
        // Pairs with the fence in `fall_asleep`: either we see the sleeper, or it sees the push.
        fence(SeqCst);
        if !self.counters.wants_wake() {
            return None;
        }
        self.sleepers.choose(&self.counters, last())
    }

    /// Goes to sleep. `true` when the caller must look for work once more before it parks: nobody searches now.
    #[must_use]
    pub(crate) fn fall_asleep(&self, worker: usize, searching: Option<Searching<'_>>) -> bool {
        let nobody_searches = self.sleepers.enter(&self.counters, worker, searching);
        fence(SeqCst);
        nobody_searches
    }

    /// Ends a sleep, or an attempt at one. A worker whose last look saw work goes on as a searcher: what it saw may be
    /// more than it takes, and the last searcher that finds work wakes another.
    pub(crate) fn wake_up(&self, worker: usize, saw_work: bool) -> Awake<'_> {
        self.sleepers.leave(&self.counters, worker, saw_work)
    }

    /// True while a worker searches. A hint.
    #[inline]
    pub(crate) fn anyone_searches(&self) -> bool {
        self.counters.anyone_searches()
    }

    /// How many sleep.
    pub(crate) fn sleeping(&self) -> usize {
        self.counters.sleeping()
    }

    /// One of those who sleep, other than `not`.
    pub(crate) fn any_sleeper(&self, not: Option<usize>) -> Option<usize> {
        self.sleepers.any(not)
    }
}
