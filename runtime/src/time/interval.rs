//! Ticks.

use super::sleep::{Sleep, sleep_until};
use super::{Duration, Instant};
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// What an [`Interval`] does when a tick was not waited for in time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MissedTick {
    /// The missed ticks come at once, until it has caught up.
    #[default]
    Burst,
    /// The next tick comes a whole period after the late one.
    Delay,
    /// The missed ticks do not come; the next one is on the old schedule.
    Skip,
}

/// Ticks every `period`, the first time at once.
///
/// # Panics
/// Outside a runtime; when `period` is zero.
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    interval_at(Instant::now(), period)
}

/// Ticks every `period`, the first time at `start`.
///
/// # Panics
/// Outside a runtime; when `period` is zero.
#[track_caller]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    assert!(!period.is_zero(), "an interval needs a period longer than zero");
    Interval { sleep: Box::pin(sleep_until(start)), period, missed: MissedTick::default() }
}

/// Ticks at a fixed period; from [`interval`].
pub struct Interval {
    sleep: Pin<Box<Sleep>>,
    period: Duration,
    missed: MissedTick,
}

impl fmt::Debug for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interval").field("period", &self.period).field("missed", &self.missed).finish()
    }
}

impl Interval {
    /// Waits for the next tick and returns the time it was due.
    ///
    /// # Cancel safety
    /// Dropping it loses no tick.
    pub async fn tick(&mut self) -> Instant {
        poll_fn(|cx| self.poll_tick(cx)).await
    }

    /// The polling form of [`tick`](Self::tick).
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        ready!(self.sleep.as_mut().poll(cx));
        let due = self.sleep.deadline();
        let next = self.next_after(due);
        self.sleep.as_mut().reset(next);
        Poll::Ready(due)
    }

    fn next_after(&self, due: Instant) -> Instant {
        let now = Instant::now();
        let on_time = due.far_add(self.period);
        // A tick is late when the one after it is due already.
        match self.missed {
            _ if now < on_time => on_time,
            MissedTick::Burst => on_time,
            MissedTick::Delay => now.far_add(self.period),
            MissedTick::Skip => {
                let late = (now - due).as_nanos() % self.period.as_nanos();
                now + (self.period - Duration::from_nanos(u64::try_from(late).unwrap_or(0)))
            }
        }
    }

    /// What it does about ticks that were missed.
    pub fn missed_tick(&self) -> MissedTick {
        self.missed
    }

    /// Says what to do about ticks that were missed.
    pub fn set_missed_tick(&mut self, missed: MissedTick) {
        self.missed = missed;
    }

    /// The period.
    pub fn period(&self) -> Duration {
        self.period
    }

    /// Starts anew: the next tick comes a period from now.
    pub fn reset(&mut self) {
        let next = Instant::now().far_add(self.period);
        self.sleep.as_mut().reset(next);
    }
}
