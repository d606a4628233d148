//! What a task waits for and since when: one word in its header, written when a poll says Pending.
//!
//! `{payload: 32, since: 26, what: 6}`. The payload is a descriptor, or the low bits of the id of the task that is
//! joined; `since` counts units of 2^26 ns (a fifteenth of a second) on the runtime's clock, modulo 52 days.

use super::id::Id;
use crate::wait::note::{PAYLOAD_SHIFT, WHAT_BITS, What};
use std::fmt;
use std::os::fd::RawFd;
use std::time::Duration;

const UNIT_SHIFT: u32 = 26;
const SINCE_BITS: u32 = PAYLOAD_SHIFT - WHAT_BITS;
const SINCE_MASK: u64 = (1 << SINCE_BITS) - 1;

/// A note with the time at which it was made, in nanoseconds.
#[inline]
pub(super) fn stamped(note: u64, now: u64) -> u64 {
    note | (now >> UNIT_SHIFT & SINCE_MASK) << WHAT_BITS
}

/// What a task waits for: what the leaf future said that the task's last poll ended in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitInfo {
    what: What,
    payload: u32,
    since: u32,
    waited: Duration,
    on: Option<Id>,
}

impl WaitInfo {
    pub(super) fn of(word: u64) -> Self {
        Self {
            what: What::of(word),
            payload: (word >> PAYLOAD_SHIFT) as u32,
            since: (word >> WHAT_BITS & SINCE_MASK) as u32,
            waited: Duration::ZERO,
            on: None,
        }
    }

    /// Fills in what the word does not say by itself; `task` knows the task of an id's low bits.
    pub(super) fn resolve(&mut self, now: u64, task: impl FnOnce(u32) -> Option<Id>) {
        let units = (now >> UNIT_SHIFT).wrapping_sub(u64::from(self.since)) & SINCE_MASK;
        // Noted after `now` was read: it has just begun.
        let units = if units > SINCE_MASK / 2 { 0 } else { units };
        self.waited = Duration::from_nanos(units << UNIT_SHIFT);
        if self.what == What::Join {
            self.on = task(self.payload);
        }
    }

    /// In words: "sleep", "join", "lock", "queue get", "read" …
    pub fn what(&self) -> &'static str {
        self.what.name()
    }

    /// How long it has waited since it was last polled, to about a fifteenth of a second. Right up to 26 days.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// The task whose end it waits for, if that is one, and is among the tasks of the same runtime. A call on the
    /// blocking pool is not.
    pub fn on(&self) -> Option<Id> {
        self.on
    }

    /// The descriptor it waits for, if it is one.
    pub fn fd(&self) -> Option<RawFd> {
        matches!(self.what, What::Read | What::Write | What::Ready).then_some(self.payload as RawFd)
    }
}

/// As in "join of task 7 for 1.5 s".
impl fmt::Display for WaitInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what())?;
        if let Some(id) = self.on {
            write!(f, " of task {id}")?;
        }
        if let Some(fd) = self.fd() {
            write!(f, " of fd {fd}")?;
        }
        write!(f, " for {:.1} s", self.waited.as_secs_f64())
    }
}
