//! Counters, one set per worker: its owner adds with a load and a store, never with a locked operation.

use crate::prim::atomic::{AtomicU64, Ordering::Relaxed};

/// Buckets of a histogram: powers of two of nanoseconds, the last one open.
pub(crate) const BUCKETS: usize = 40;

/// A number that one thread writes and any thread reads.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Adds; by the owner only.
    #[inline]
    pub(crate) fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(n), Relaxed);
    }

    /// Adds; by anyone.
    #[inline]
    pub(crate) fn add_shared(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    #[inline]
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// What a worker counts.
#[derive(Debug)]
pub(crate) struct Stats {
    /// Also the poll stamp: it moves with each poll that begins, and the monitor watches it.
    pub(crate) polls: Counter,
    pub(crate) spawned: Counter,
    pub(crate) completed: Counter,
    /// Tasks taken from another worker.
    pub(crate) steals: Counter,
    pub(crate) parks: Counter,
    /// Tasks taken from an injector.
    pub(crate) injected: Counter,
    /// Tasks that had to leave a worker's own queue because the worker blocked.
    pub(crate) overflowed: Counter,
    /// Polls that went on for longer than `blocked_after`; the monitor's to write.
    pub(crate) blocked_polls: Counter,
    delay: [Counter; BUCKETS],
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            polls: Counter::default(),
            spawned: Counter::default(),
            completed: Counter::default(),
            steals: Counter::default(),
            parks: Counter::default(),
            injected: Counter::default(),
            overflowed: Counter::default(),
            blocked_polls: Counter::default(),
            delay: std::array::from_fn(|_| Counter::default()),
        }
    }
}

impl Stats {
    /// Notes how long a task waited in a queue.
    pub(crate) fn note_delay(&self, nanos: u64) {
        let bucket = (64 - nanos.leading_zeros()) as usize;
        self.delay[bucket.min(BUCKETS - 1)].add(1);
    }

    /// The delays seen: bucket `i` counts those below `2^i` ns that are not in an earlier one.
    pub(crate) fn delays(&self) -> [u64; BUCKETS] {
        std::array::from_fn(|i| self.delay[i].get())
    }
}
