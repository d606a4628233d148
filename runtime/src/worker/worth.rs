//! Whether a theft pays. A task that is stolen moves its memory from core to core several times, which takes longer
//! than most small tasks run: a queue of those that its owner will have emptied in a moment is left to it.
//!
//! A thief cannot see how long tasks take, but it can see how many polls another worker has made since it last looked
//! there, and when that was. That costs the worker nothing. And it knows what its last theft was worth: tasks that it
//! then polled again and again pay for being moved, however short their polls are.

use super::shared::Remote;
use crate::driver::clock::{nanos, real_now};
use std::cell::Cell;
use std::time::Instant;

/// Tasks that take this many nanoseconds a poll, or more, are stolen; so is what lies behind a poll that has gone on
/// for [`LONG_POLL_NS`]. A theft costs a few hundred nanoseconds a task.
const WORTH_NS: u64 = 400;
const LONG_POLL_NS: u64 = 100_000;
/// Polls from which a pace is told.
const FEW: u64 = 8;
/// A queue that takes its owner that long is worth sharing, however small the tasks.
const MUCH_NS: u64 = 200_000;
/// Tasks that have been left to others for that long may be of a kind that pays: some are stolen, to see.
const PATIENCE_NS: u64 = 200_000;
/// Events that were left to a worker are taken from it when it has been in the same poll for so long.
const MAIL_NS: u64 = 20_000;
/// Polls per stolen task from which thefts pay.
const PAID: u64 = 4;
/// More than that in one theft counts as that.
const PAID_MAX: u64 = 64;

/// How many polls a worker had made, and when that was.
type Stamp = (u64, Instant);

/// What is to be done about the mail of another worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mail {
    /// It goes from poll to poll, and comes to its mail by itself.
    Left,
    /// Too soon to tell: look again.
    Unclear,
    /// It is in a long poll.
    Late,
}

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
pub(super) struct Paces {
    seen: Box<[Cell<Option<Seen>>]>,
    /// How many polls each had made, and when, when it was seen to have mail.
    mail_left: Box<[Cell<Option<Stamp>>]>,
    /// Since when tasks have been left alone.
    left_since: Cell<Option<Instant>>,
    /// Tasks stolen last, and this worker's polls until then.
    last_theft: Cell<Option<(u64, u64)>>,
    /// Polls per stolen task, of late: each theft moves it by a quarter of the way.
    paid: Cell<u64>,
}

impl Paces {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            seen: (0..workers).map(|_| Cell::new(None)).collect(),
            mail_left: (0..workers).map(|_| Cell::new(None)).collect(),
            left_since: Cell::new(None),
            last_theft: Cell::new(None),
            paid: Cell::new(0),
        }
    }

    /// This worker has run dry after so many polls.
    pub(super) fn begin_search(&self, polls: u64) {
        // What the last search saw of others' mail says nothing about this one's.
        self.mail_left.iter().for_each(|left| left.set(None));
        if let Some((stolen, before)) = self.last_theft.take() {
            let paid = (polls.wrapping_sub(before) / stolen).min(PAID_MAX);
            self.paid.set((3 * self.paid.get() + paid) / 4);
        }
    }

    /// True when tasks of worker `index` are to be stolen now; if not, says so in `has_left_some`.
    pub(super) fn is_worth(&self, index: usize, remote: &Remote, has_left_some: &mut bool) -> bool {
        // A model steals what it finds: it has no time.
        if cfg!(loom) || self.paid.get() >= PAID {
            return true;
        }
        let now = real_now();
        let pace_ns = self.pace_ns(index, remote.stats.polls.get(), now);
        let since = self.left_since.get().unwrap_or(now);
        let is_worth = pace_ns >= WORTH_NS
            || pace_ns.saturating_mul(remote.queue.len() as u64) >= MUCH_NS
            || nanos(now - since) >= PATIENCE_NS;
        if !is_worth {
            self.left_since.set(Some(since));
            *has_left_some = true;
        }
        is_worth
    }

    /// So many tasks were stolen, after so many polls of this worker.
    pub(super) fn stole(&self, tasks: u64, polls: u64) {
        self.last_theft.set(Some((tasks, polls)));
        self.left_since.set(None);
    }

    /// Worker `index`, which has made so many polls, has mail and is at work.
    pub(super) fn mail(&self, index: usize, polls: u64) -> Mail {
        // A model takes what it finds: it has no time.
        if cfg!(loom) {
            return Mail::Late;
        }
        let now = real_now();
        let (seen, since) = self.mail_left[index].get().unwrap_or((polls, now));
        let mail = match nanos(now - since) {
            _ if seen != polls => Mail::Left,
            MAIL_NS.. => Mail::Late,
            _ => Mail::Unclear,
        };
        self.mail_left[index].set((mail == Mail::Unclear).then_some((seen, since)));
        mail
    }

    /// There is nothing left to steal.
    pub(super) fn found_nothing(&self) {
        self.left_since.set(None);
    }

    /// Nanoseconds per poll of worker `index`, as far as can be told now.
    fn pace_ns(&self, index: usize, polls: u64, now: Instant) -> u64 {
        let place = &self.seen[index];
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

#[cfg(test)]
mod tests {
    use super::{Mail, Paces};
    use crate::driver::clock::real_now;
    use std::time::Duration;

    #[test]
    fn mail_of_one_in_a_long_poll_is_late_though_others_have_some_too() {
        let paces = Paces::new(4);
        let start = real_now();
        while paces.mail(1, 7) != Mail::Late && paces.mail(2, 9) != Mail::Late {
            assert!(real_now() - start < Duration::from_secs(10), "it is left for ever");
        }
    }

    #[test]
    fn mail_of_one_that_goes_on_is_left_to_it() {
        let paces = Paces::new(2);
        assert_eq!(paces.mail(1, 7), Mail::Unclear);
        assert_eq!(paces.mail(1, 8), Mail::Left);
        assert_eq!(paces.mail(1, 8), Mail::Unclear, "and looked at anew");
    }
}
