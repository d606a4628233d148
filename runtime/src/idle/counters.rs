//! The packed word: how many workers sleep, how many search.
//!
//! Notation: `{sleeping, searching}`, 16 bits each. A worker that does neither runs tasks and is not counted.

use crate::prim::atomic::{AtomicU32, Ordering::Relaxed, Ordering::SeqCst};

const SEARCHING: u32 = 1;
const SLEEPING: u32 = 1 << 16;

/// The word. SeqCst throughout: it changes when workers go idle and come back, not per task.
#[derive(Debug)]
pub(crate) struct Counters(AtomicU32);

/// Evidence that the caller is counted as searching; given up by `found`, by falling asleep, or, when a panic unwinds,
/// by being dropped.
#[must_use = "a search must end: found() or fall_asleep()"]
#[derive(Debug)]
pub(crate) struct Searching<'a>(&'a Counters);

#[inline]
fn searching(word: u32) -> usize {
    (word & (SLEEPING - 1)) as usize
}

#[inline]
fn sleeping(word: u32) -> usize {
    (word >> 16) as usize
}

impl Counters {
    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    #[inline]
    pub(crate) fn wants_wake(&self) -> bool {
        let word = self.0.load(Relaxed);
        sleeping(word) > 0 && searching(word) == 0
    }

    #[inline]
    pub(super) fn anyone_searches(&self) -> bool {
        searching(self.0.load(Relaxed)) > 0
    }

    pub(crate) fn sleeping(&self) -> usize {
        sleeping(self.0.load(SeqCst))
    }

    /// `{s, n} -> {s, n+1}` while fewer than half of `active` search.
    pub(crate) fn start_search(&self, active: usize) -> Option<Searching<'_>> {
        let word = self.0.load(SeqCst);
        if 2 * searching(word) >= active.max(1) {
            return None;
        }
        // Not a compare-exchange: two that pass the test together make one searcher too many, which harms nothing.
        self.0.fetch_add(SEARCHING, SeqCst);
        Some(Searching(self))
    }

    /// `{s, n} -> {s+1, n-1}`, or `{s+1, n}` for one that did not search; true if nobody searches now.
    pub(super) fn sleep(&self, evidence: Option<Searching<'_>>) -> bool {
        match evidence {
            Some(evidence) => {
                std::mem::forget(evidence);
                searching(self.0.fetch_add(SLEEPING - SEARCHING, SeqCst)) == 1
            }
            None => searching(self.0.fetch_add(SLEEPING, SeqCst)) == 0,
        }
    }

    /// `{s, n} -> {s-1, n+1}`: a sleeper was chosen, by another or by its own last look.
    pub(super) fn choose(&self) {
        self.0.fetch_sub(SLEEPING - SEARCHING, SeqCst);
    }

    /// `{s, n} -> {s-1, n}`: a sleeper woke by itself.
    pub(super) fn rise(&self) {
        self.0.fetch_sub(SLEEPING, SeqCst);
    }

    /// The evidence of a worker that `choose` counted as searching.
    pub(super) fn chosen(&self) -> Searching<'_> {
        Searching(self)
    }
}

impl Searching<'_> {
    /// The search found work: `{s, n} -> {s, n-1}`. True if it was the last: one more worker should be woken, for
    /// pushers relied on us and there may be more than we found.
    #[must_use]
    pub(crate) fn found(self) -> bool {
        let counters = self.0;
        std::mem::forget(self);
        searching(counters.0.fetch_sub(SEARCHING, SeqCst)) == 1
    }
}

impl Drop for Searching<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(SEARCHING, SeqCst);
    }
}
