//! A point in time on the current runtime's clock.

use crate::context;
use crate::driver::clock::real_now;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::time::Duration;

/// A point in time, as `std::time::Instant`, but read from the current runtime's clock, which tests can stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(std::time::Instant);

impl Instant {
    /// The time now: on the current runtime's clock, outside a runtime on the system's.
    pub fn now() -> Self {
        let runtime = context::try_with(|inner| inner.clock().instant(inner.clock().now()));
        Self(runtime.unwrap_or_else(real_now))
    }

    /// How long ago this was; zero if it lies ahead.
    pub fn elapsed(&self) -> Duration {
        Self::now().saturating_duration_since(*self)
    }

    /// The time between `earlier` and this; zero if it was not earlier.
    pub fn duration_since(&self, earlier: Self) -> Duration {
        self.saturating_duration_since(earlier)
    }

    /// The time between `earlier` and this; zero if it was not earlier.
    pub fn saturating_duration_since(&self, earlier: Self) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }

    /// This and `duration`, or `None` where the platform cannot represent it.
    pub fn checked_add(&self, duration: Duration) -> Option<Self> {
        self.0.checked_add(duration).map(Self)
    }

    /// This and `duration`, or a time too far to be waited for.
    pub(crate) fn far_add(self, duration: Duration) -> Self {
        const FAR: Duration = Duration::from_secs(60 * 60 * 24 * 365 * 100);
        self.checked_add(duration).or_else(|| self.checked_add(FAR)).unwrap_or(self)
    }

    /// This less `duration`, or `None` where the platform cannot represent it.
    pub fn checked_sub(&self, duration: Duration) -> Option<Self> {
        self.0.checked_sub(duration).map(Self)
    }

    /// The system's form of it. With a paused clock it does not follow the system's time.
    pub fn into_std(self) -> std::time::Instant {
        self.0
    }
}

impl From<std::time::Instant> for Instant {
    fn from(instant: std::time::Instant) -> Self {
        Self(instant)
    }
}

impl From<Instant> for std::time::Instant {
    fn from(instant: Instant) -> Self {
        instant.0
    }
}

/// Panics on overflow, as std does; [`Instant::checked_add`] does not.
impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0 + duration)
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        self.0 += duration;
    }
}

/// Panics on overflow, as std does; [`Instant::checked_sub`] does not.
impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0 - duration)
    }
}

impl SubAssign<Duration> for Instant {
    fn sub_assign(&mut self, duration: Duration) {
        self.0 -= duration;
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.saturating_duration_since(earlier)
    }
}
