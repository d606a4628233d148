//! What a runtime counts, always on. Each number is read without stopping anyone: numbers read together may be a little
//! apart.

use crate::handle::Handle;
use crate::worker::Shared;
use crate::worker::stats::{BUCKETS, Stats};
use std::fmt;
use std::time::Duration;

/// A look at a runtime's counters; from [`Handle::metrics`].
pub struct Metrics {
    handle: Handle,
}

/// What one worker counts; from [`Metrics::worker`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerMetrics {
    /// Tasks polled.
    pub polls: u64,
    /// Tasks taken from other workers.
    pub steals: u64,
    /// Times it went to sleep.
    pub parks: u64,
    /// Tasks spawned on it.
    pub spawned: u64,
    /// Tasks that had to leave its queue because it blocked.
    pub overflowed: u64,
    /// Polls longer than `blocked_after`.
    pub blocked_polls: u64,
    /// Tasks waiting in its queue now.
    pub queued: usize,
}

/// How long tasks wait in queues, by powers of two. Sampled: one task in about a hundred.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    buckets: [u64; BUCKETS],
}

impl Histogram {
    /// Samples seen.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// A time that the fraction `q` (0 to 1) of the samples did not exceed, to within a factor of two; `None` before
    /// the first sample.
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        let rank = (q.clamp(0.0, 1.0) * self.count() as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        let reaches = |bucket: &(usize, &u64)| {
            seen += bucket.1;
            seen >= rank
        };
        let (bucket, _) = self.buckets.iter().enumerate().find(reaches)?;
        Some(Duration::from_nanos(1 << bucket))
    }

    /// The upper bound of each bucket and how many samples fell in it.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> + '_ {
        self.buckets.iter().enumerate().map(|(i, &n)| (Duration::from_nanos(1 << i), n))
    }
}

impl Metrics {
    pub(crate) fn new(handle: Handle) -> Self {
        Self { handle }
    }

    fn shared(&self) -> &Shared {
        &self.handle.inner().scheduler
    }

    fn sum(&self, read: impl Fn(&Stats) -> u64) -> u64 {
        let shared = self.shared();
        shared.remotes.iter().map(|remote| read(&remote.stats)).sum::<u64>() + read(&shared.outside)
    }

    /// Workers that run all the time.
    pub fn workers(&self) -> usize {
        self.shared().settings.workers
    }

    /// Worker threads that run now: spares that stand in for stuck ones among them, blocked ones not.
    pub fn active_workers(&self) -> usize {
        self.shared().active.load(crate::prim::atomic::Ordering::Relaxed)
    }

    /// Tasks that have not ended.
    pub fn alive_tasks(&self) -> usize {
        self.shared().alive()
    }

    /// Tasks spawned so far.
    pub fn spawned(&self) -> u64 {
        self.sum(|stats| stats.spawned.get())
    }

    /// Polls so far.
    pub fn polls(&self) -> u64 {
        self.sum(|stats| stats.polls.get())
    }

    /// Tasks that a worker took from another.
    pub fn steals(&self) -> u64 {
        self.sum(|stats| stats.steals.get())
    }

    /// Times a worker went to sleep.
    pub fn parks(&self) -> u64 {
        self.sum(|stats| stats.parks.get())
    }

    /// Tasks that workers took in from threads that are none.
    pub fn injected(&self) -> u64 {
        self.sum(|stats| stats.injected.get())
    }

    /// Tasks that had to leave a worker's queue because the worker blocked.
    pub fn overflowed(&self) -> u64 {
        self.sum(|stats| stats.overflowed.get())
    }

    /// Polls that went on for longer than `blocked_after`.
    pub fn blocked_polls(&self) -> u64 {
        self.sum(|stats| stats.blocked_polls.get())
    }

    /// Timers that wait.
    pub fn timers(&self) -> usize {
        self.shared().driver.timers()
    }

    /// File descriptors registered with the driver.
    pub fn io_registered(&self) -> usize {
        self.shared().driver.io().registered()
    }

    /// Those of them that have settled with one worker, which alone fetches their events: they were waited for there
    /// again and again while all workers were busy.
    pub fn io_settled(&self) -> usize {
        self.shared().driver.io().settled()
    }

    /// Times a listener backed off because the process was out of file descriptors or memory.
    pub fn accept_backoffs(&self) -> u64 {
        self.shared().driver.io().accept_backoffs()
    }

    /// Threads of the blocking pool.
    pub fn blocking_threads(&self) -> usize {
        self.handle.inner().pool.counts().0
    }

    /// Blocking jobs that wait for a thread.
    pub fn blocking_queued(&self) -> usize {
        self.handle.inner().pool.counts().1
    }

    /// Tasks that wait in the injectors.
    pub fn injector_depth(&self) -> usize {
        self.shared().injectors.len()
    }

    /// How long tasks wait between being queued and being polled.
    pub fn queue_delay(&self) -> Histogram {
        let mut buckets = [0; BUCKETS];
        for remote in &self.shared().remotes {
            buckets.iter_mut().zip(remote.stats.delays()).for_each(|(sum, n)| *sum += n);
        }
        Histogram { buckets }
    }

    /// The counters of worker `index`; `None` for one that was never started. Those from `workers()` on are spares.
    pub fn worker(&self, index: usize) -> Option<WorkerMetrics> {
        let remote = self.shared().started().get(index)?;
        let stats = &remote.stats;
        Some(WorkerMetrics {
            polls: stats.polls.get(),
            steals: stats.steals.get(),
            parks: stats.parks.get(),
            spawned: stats.spawned.get(),
            overflowed: stats.overflowed.get(),
            blocked_polls: stats.blocked_polls.get(),
            queued: remote.queue.len(),
        })
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics")
            .field("workers", &self.workers())
            .field("alive_tasks", &self.alive_tasks())
            .field("spawned", &self.spawned())
            .field("polls", &self.polls())
            .field("steals", &self.steals())
            .field("parks", &self.parks())
            .finish_non_exhaustive()
    }
}
