//! The runtime's clock: nanoseconds since the runtime began, real or virtual. The only place that reads the time.

use crate::prim::atomic::{AtomicU64, AtomicUsize, Ordering::Acquire, Ordering::SeqCst};
use crate::prim::lock::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Far enough to be never: 584 years.
pub(crate) const NEVER: u64 = u64::MAX;

/// The last time there is, 292 years: what is due later is never due.
pub(crate) const LAST: u64 = NEVER >> 1;

/// The clock of one runtime.
///
/// The word is `{value, paused}`: with `paused` set the value is the time itself, else what is to be added, modulo
/// 2^63, to the real time since `origin`. 63 bits of nanoseconds are 292 years.
#[derive(Debug)]
pub(crate) struct Clock {
    origin: Instant,
    word: AtomicU64,
    /// Reasons why paused time must not jump ahead now: jobs in the blocking pool, root futures about to be polled.
    holds: AtomicUsize,
    /// Locked by whoever asks whether paused time may jump, until it has.
    jump: Mutex<()>,
}

/// The right to make paused time jump, which nobody holds.
#[derive(Debug)]
pub(crate) struct Jump<'a>(#[allow(dead_code, reason = "held for its drop")] MutexGuard<'a, ()>);

const PAUSED: u64 = 1;

impl Clock {
    pub(crate) fn new(paused: bool) -> Self {
        Self {
            origin: Instant::now(),
            word: AtomicU64::new(u64::from(paused)),
            holds: AtomicUsize::new(0),
            jump: Mutex::new(()),
        }
    }

    /// The time now.
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        let word = self.word.load(Acquire);
        let value = word >> 1;
        if word & PAUSED == 0 { self.shifted(value) } else { value }
    }

    #[inline]
    fn real(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(NEVER)
    }

    /// The real time plus an offset that may stand for a negative one.
    #[inline]
    fn shifted(&self, offset: u64) -> u64 {
        self.real().wrapping_add(offset) & LAST
    }

    /// True while time stands still and moves only by [`advance`](Self::advance).
    #[inline]
    pub(crate) fn is_paused(&self) -> bool {
        self.word.load(Acquire) & PAUSED != 0
    }

    /// Stops the time; false if it was stopped already.
    pub(crate) fn pause(&self) -> bool {
        let word = self.word.load(SeqCst);
        if word & PAUSED != 0 {
            return false;
        }
        let now = self.shifted(word >> 1);
        self.word.compare_exchange(word, now << 1 | PAUSED, SeqCst, SeqCst).is_ok()
    }

    /// Lets the time run again from where it stands; false if it was running.
    pub(crate) fn resume(&self) -> bool {
        let word = self.word.load(SeqCst);
        if word & PAUSED == 0 {
            return false;
        }
        let offset = (word >> 1).wrapping_sub(self.real());
        self.word.compare_exchange(word, offset << 1, SeqCst, SeqCst).is_ok()
    }

    /// Moves stopped time to `to`, never back; false while it runs.
    pub(crate) fn advance_to(&self, to: u64) -> bool {
        let to = to.min(LAST);
        let mut word = self.word.load(SeqCst);
        loop {
            if word & PAUSED == 0 {
                return false;
            }
            let next = (word >> 1).max(to) << 1 | PAUSED;
            match self.word.compare_exchange(word, next, SeqCst, SeqCst) {
                Ok(_) => return true,
                Err(seen) => word = seen,
            }
        }
    }

    /// Keeps paused time from jumping ahead from now until [`release`](Self::release).
    pub(crate) fn hold(&self) {
        self.holds.fetch_add(1, SeqCst);
        self.let_jump();
    }

    /// Lets a jump end that is under way. To be called after what forbids a jump has been noted: whoever jumps looks
    /// under the lock, so he sees it, or has jumped when this comes back.
    pub(crate) fn let_jump(&self) {
        if self.word.load(SeqCst) & PAUSED != 0 {
            drop(self.jump.lock());
        }
    }

    /// Begins a jump, one at a time; `None` if time is held.
    pub(crate) fn begin_jump(&self) -> Option<Jump<'_>> {
        let jump = Jump(self.jump.lock());
        (self.holds.load(SeqCst) == 0).then_some(jump)
    }

    /// Ends a jump with time held, where it is now.
    pub(super) fn hold_after(&self, jump: Jump<'_>) {
        self.holds.fetch_add(1, SeqCst);
        drop(jump);
    }

    /// Undoes one [`hold`](Self::hold); true if it was the last.
    pub(crate) fn release(&self) -> bool {
        self.holds.fetch_sub(1, SeqCst) == 1
    }

    /// The instant of a time of this clock.
    pub(crate) fn instant(&self, at: u64) -> Instant {
        let far = Duration::from_secs(60 * 60 * 24 * 365 * 100);
        self.origin.checked_add(Duration::from_nanos(at)).unwrap_or_else(|| self.origin + far)
    }

    /// The time of an instant; 0 for one before the runtime began.
    pub(crate) fn time_of(&self, instant: Instant) -> u64 {
        nanos(instant.saturating_duration_since(self.origin))
    }
}

/// The real time, for those who measure how long something took.
#[inline]
pub(crate) fn real_now() -> Instant {
    Instant::now()
}

/// A duration in nanoseconds; too long ones are [`NEVER`].
#[inline]
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(NEVER)
}
