//! Whether a theft pays. A task that is stolen moves its memory from core to core several times, which takes longer
//! than most small tasks run: a queue of those that its owner will have emptied in a moment is left to it.
//!
//! A thief cannot see how long tasks take, but it can see how many polls another worker has made since it last looked
//! there, and when that was. That costs the worker nothing.

use super::shared::Remote;
use crate::driver::clock::{nanos, real_now};
use std::cell::Cell;
use std::time::Instant;

/// Tasks that take this many nanoseconds a poll, or more, are stolen; so is what lies behind a poll that has gone on
/// for [`LONG_POLL_NS`]. A theft costs a few hundred nanoseconds a task.
#[cfg(not(loom))]
const WORTH_NS: u64 = 400;
/// A model steals what it finds.
#[cfg(loom)]
const WORTH_NS: u64 = 0;
const LONG_POLL_NS: u64 = 100_000;
/// Polls from which a pace is told.
const FEW: u64 = 8;
/// A queue that takes its owner that long is worth sharing, however small the tasks.
const MUCH_NS: u64 = 200_000;
/// A queue that has been there for that long, in one search, is a steady one: better to have it on two cores.
const PATIENCE_NS: u64 = 200_000;

/// What one worker has seen of another.
#[derive(Clone, Copy)]
struct Seen {
    polls: u64,
    /// When it was seen to have made that many.
    at: Instant,
    /// Nanoseconds per poll, in the stretch before that.
    latest_ns: u64,
    /// What was made of it.
    pace_ns: u64,
}

/// What a worker has seen of the others.
pub(super) struct Paces(Box<[Cell<Option<Seen>>]>);

/// One search for something to steal.
#[derive(Default)]
pub(super) struct Watch {
    since: Option<Instant>,
    /// Since the last pass began, tasks were seen and left alone.
    has_left_some: bool,
}

impl Paces {
    pub(super) fn new(workers: usize) -> Self {
        Self((0..workers).map(|_| Cell::new(None)).collect())
    }

    /// True when tasks of worker `index` are to be stolen now; notes it in `watch` when they are left.
    pub(super) fn is_worth(&self, index: usize, remote: &Remote, watch: &mut Watch) -> bool {
        let now = real_now();
        let pace_ns = self.pace_ns(index, remote.stats.polls.get(), now);
        let is_worth = pace_ns >= WORTH_NS
            || pace_ns.saturating_mul(remote.queue.len() as u64) >= MUCH_NS
            || nanos(now - *watch.since.get_or_insert(now)) >= PATIENCE_NS;
        watch.has_left_some |= !is_worth;
        is_worth
    }

    /// Nanoseconds per poll of worker `index`, as far as can be told now.
    fn pace_ns(&self, index: usize, polls: u64, now: Instant) -> u64 {
        let place = &self.0[index];
        let Some(seen) = place.get() else {
            // Nothing is known yet: as if they were long.
            place.set(Some(Seen { polls, at: now, latest_ns: u64::MAX, pace_ns: u64::MAX }));
            return u64::MAX;
        };
        let passed = nanos(now.saturating_duration_since(seen.at));
        let (latest_ns, pace_ns) = match polls.wrapping_sub(seen.polls) {
            // Too few to tell, unless it is because they are long.
            0..FEW if passed < LONG_POLL_NS => return seen.pace_ns,
            polled @ 0..FEW => (seen.latest_ns, passed / polled.max(1)),
            // The better of two stretches: a single long poll among short ones spoils one.
            polled => (passed / polled, seen.latest_ns.min(passed / polled)),
        };
        place.set(Some(Seen { polls, at: now, latest_ns, pace_ns }));
        pace_ns
    }
}

impl Watch {
    /// True when the search is to go on: tasks were left to their owner, who may yet be slow.
    pub(super) fn goes_on(&mut self) -> bool {
        std::mem::take(&mut self.has_left_some)
    }
}
