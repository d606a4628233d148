//! `Semaphore`: asyncio's, with permits that come back by themselves; and `BoundedSemaphore`.

mod bounded;
mod permit;

pub use bounded::{BoundedPermit, BoundedSemaphore, OwnedBoundedPermit, ReleaseError};
pub use permit::{OwnedPermit, Permit};

use crate::permits::{MAX, Permits, Refused};
use raddle_runtime::wait::{What, thread};
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// tokio's name for [`Permit`].
pub type SemaphorePermit<'a> = Permit<'a>;
/// tokio's name for [`OwnedPermit`].
pub type OwnedSemaphorePermit = OwnedPermit;
/// tokio's name for [`Closed`].
pub type AcquireError = Closed;

/// The semaphore was closed: it gives no permits any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed(());

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the semaphore is closed")
    }
}

impl Error for Closed {}

impl From<Refused> for Closed {
    /// One who waits is refused for no other reason.
    fn from(_: Refused) -> Self {
        Self(())
    }
}

/// Why there was no permit to be had at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryAcquireError {
    /// The semaphore was closed.
    Closed,
    /// Not enough permits are free, or others wait for them.
    NoPermits,
}

impl fmt::Display for TryAcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the semaphore is closed",
            Self::NoPermits => "not enough permits are free",
        })
    }
}

impl Error for TryAcquireError {}

impl From<Refused> for TryAcquireError {
    fn from(why: Refused) -> Self {
        match why {
            Refused::Closed => Self::Closed,
            Refused::Taken => Self::NoPermits,
        }
    }
}

/// A number of permits: how many may do something at once.
///
/// Permits are handed out in the order in which they were asked for. One who asks for many is not overtaken by those
/// behind who ask for few, though there be enough for these. A permit goes back when it is dropped.
///
/// ```
/// # fn main() { futures_lite::future::block_on(async {
/// use raddle_sync::Semaphore;
/// let downloads = Semaphore::new(2);
/// let one = downloads.acquire().await?;
/// let other = downloads.acquire().await?;
/// assert!(downloads.try_acquire().is_err());
/// drop(one);
/// assert_eq!(downloads.available_permits(), 1);
/// # drop(other);
/// # Ok::<(), raddle_sync::Closed>(()) }).unwrap() }
/// ```
#[derive(Debug)]
pub struct Semaphore {
    permits: Permits,
}

impl Semaphore {
    /// The most permits that a semaphore can have.
    pub const MAX_PERMITS: usize = MAX;

    /// A semaphore with so many free permits; with none, it is [`add_permits`](Self::add_permits) that lets others go
    /// on.
    ///
    /// # Panics
    /// When there are more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    #[cfg(not(loom))]
    #[track_caller]
    pub const fn new(permits: usize) -> Self {
        assert!(permits <= MAX, "a semaphore can have at most Semaphore::MAX_PERMITS permits");
        Self { permits: Permits::new(permits) }
    }

    /// A semaphore with so many free permits.
    ///
    /// # Panics
    /// When there are more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    #[cfg(loom)]
    pub fn new(permits: usize) -> Self {
        Self { permits: Permits::new(permits) }
    }

    /// Waits for a permit.
    ///
    /// # Errors
    /// When the semaphore is closed, before or meanwhile.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the line; permits that it was given meanwhile go to the next. Who asks again stands
    /// at the end of the line.
    #[inline]
    pub async fn acquire(&self) -> Result<Permit<'_>, Closed> {
        self.permits.acquire(What::Semaphore, 1).await?;
        Ok(Permit::new(self, 1))
    }

    /// Waits for `n` permits at once, which are one [`Permit`]. None is set aside for it until all are there, but
    /// nobody overtakes it either.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Panics
    /// When `n` is more than [`MAX_PERMITS`](Self::MAX_PERMITS): there will never be so many.
    ///
    /// # Cancel safety
    /// As [`acquire`](Self::acquire); those behind who ask for less go on.
    #[inline]
    pub async fn acquire_many(&self, n: usize) -> Result<Permit<'_>, Closed> {
        assert!(n <= MAX, "{n} permits were asked for: a semaphore can have at most {MAX}");
        self.permits.acquire(What::Semaphore, n).await?;
        Ok(Permit::new(self, n))
    }

    /// As [`acquire`](Self::acquire), with a permit that keeps the semaphore alive and can be moved anywhere.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Cancel safety
    /// As [`acquire`](Self::acquire).
    #[inline]
    pub async fn acquire_owned(self: Arc<Self>) -> Result<OwnedPermit, Closed> {
        self.permits.acquire(What::Semaphore, 1).await?;
        Ok(OwnedPermit::new(self, 1))
    }

    /// As [`acquire_many`](Self::acquire_many), with a permit that keeps the semaphore alive.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Panics
    /// As [`acquire_many`](Self::acquire_many).
    ///
    /// # Cancel safety
    /// As [`acquire_many`](Self::acquire_many).
    #[inline]
    pub async fn acquire_many_owned(self: Arc<Self>, n: usize) -> Result<OwnedPermit, Closed> {
        assert!(n <= MAX, "{n} permits were asked for: a semaphore can have at most {MAX}");
        self.permits.acquire(What::Semaphore, n).await?;
        Ok(OwnedPermit::new(self, n))
    }

    /// Takes a permit if one is free and nobody waits.
    ///
    /// # Errors
    /// When none is, or the semaphore is closed.
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit<'_>, TryAcquireError> {
        self.try_acquire_many(1)
    }

    /// Takes `n` permits if they are free and nobody waits.
    ///
    /// # Errors
    /// When they are not, or the semaphore is closed.
    #[inline]
    pub fn try_acquire_many(&self, n: usize) -> Result<Permit<'_>, TryAcquireError> {
        self.permits.try_acquire(n)?;
        Ok(Permit::new(self, n))
    }

    /// As [`try_acquire`](Self::try_acquire), with a permit that keeps the semaphore alive.
    ///
    /// # Errors
    /// As [`try_acquire`](Self::try_acquire).
    #[inline]
    pub fn try_acquire_owned(self: Arc<Self>) -> Result<OwnedPermit, TryAcquireError> {
        self.try_acquire_many_owned(1)
    }

    /// As [`try_acquire_many`](Self::try_acquire_many), with a permit that keeps the semaphore alive.
    ///
    /// # Errors
    /// As [`try_acquire_many`](Self::try_acquire_many).
    #[inline]
    pub fn try_acquire_many_owned(self: Arc<Self>, n: usize) -> Result<OwnedPermit, TryAcquireError> {
        self.permits.try_acquire(n)?;
        Ok(OwnedPermit::new(self, n))
    }

    /// Has this thread wait for a permit: for the parts of a program that are not async.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Panics
    /// In async code, where it would block the tasks that share the thread.
    #[track_caller]
    pub fn blocking_acquire(&self) -> Result<Permit<'_>, Closed> {
        thread::block_on("Semaphore::blocking_acquire", self.acquire())
    }

    /// Adds `n` permits, for those who wait first. What asyncio calls `release()` is `add_permits(1)` after a permit
    /// was forgotten.
    ///
    /// # Panics
    /// When more than [`MAX_PERMITS`](Self::MAX_PERMITS) would be free.
    pub fn add_permits(&self, n: usize) {
        self.permits.release(n);
    }

    /// Takes up to `n` free permits away for good; returns how many.
    pub fn forget_permits(&self, n: usize) -> usize {
        self.permits.forget(n)
    }

    /// How many permits are free, at this moment. Those who wait may be about to get them.
    pub fn available_permits(&self) -> usize {
        self.permits.available()
    }

    /// Whether one who asks for a permit now would not get it at once, as in asyncio.
    pub fn locked(&self) -> bool {
        self.permits.is_taken()
    }

    /// Gives no permits any more: those who wait, and all who come, get [`Closed`]. Permits that are out stay valid.
    pub fn close(&self) {
        self.permits.close();
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.permits.is_closed()
    }
}
