//! `BoundedSemaphore`: one that cannot be released more often than it was acquired.

use super::{Closed, TryAcquireError};
use crate::held::{Held, Home};
use crate::permits::{MAX, Permits};
use raddle_runtime::prim::atomic::AtomicUsize;
use raddle_runtime::prim::atomic::Ordering::{Acquire, Relaxed, Release};
use raddle_runtime::wait::{What, thread};
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// [`BoundedSemaphore::release`] was called when no permit was out that it could give back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleaseError {
    bound: usize,
}

impl ReleaseError {
    /// How many permits the semaphore has.
    pub fn bound(&self) -> usize {
        self.bound
    }
}

impl fmt::Display for ReleaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = self.bound;
        write!(f, "a semaphore of {bound} permits was released more often than permits of it were forgotten")
    }
}

impl Error for ReleaseError {}

/// A semaphore whose number of permits never grows: asyncio's.
///
/// A permit goes back when it is dropped. Where that is not at hand, as in asyncio's `acquire()` here and `release()`
/// there, [`BoundedPermit::forget`] keeps it out and [`release`](Self::release) gives it back; a `release` without a
/// `forget` before is an error.
///
/// ```
/// # fn main() { futures_lite::future::block_on(async {
/// use raddle_sync::BoundedSemaphore;
/// let semaphore = BoundedSemaphore::new(2);
/// let permit = semaphore.acquire().await.unwrap();
/// semaphore.acquire().await.unwrap().forget();
/// assert!(semaphore.locked());
/// semaphore.release().unwrap();
/// let error = semaphore.release().unwrap_err(); // `permit` gives the other back
/// assert_eq!(error.bound(), 2);
/// # drop(permit);
/// # }) }
/// ```
#[derive(Debug)]
pub struct BoundedSemaphore {
    permits: Permits,
    /// How many permits are out with no guard. It takes part in no hand-over: those are the word's.
    forgotten: AtomicUsize,
    bound: usize,
}

impl BoundedSemaphore {
    /// A semaphore with so many permits.
    ///
    /// # Panics
    /// When there are none, for nobody could ever acquire it, or more than
    /// [`Semaphore::MAX_PERMITS`](super::Semaphore::MAX_PERMITS).
    #[cfg(not(loom))]
    #[track_caller]
    pub const fn new(permits: usize) -> Self {
        assert!(permits != 0, "a bounded semaphore needs at least 1 permit");
        assert!(permits <= MAX, "a semaphore can have at most Semaphore::MAX_PERMITS permits");
        Self { permits: Permits::new(permits), forgotten: AtomicUsize::new(0), bound: permits }
    }

    /// A semaphore with so many permits.
    ///
    /// # Panics
    /// When there are none or too many.
    #[cfg(loom)]
    pub fn new(permits: usize) -> Self {
        assert!((1..=MAX).contains(&permits));
        Self { permits: Permits::new(permits), forgotten: AtomicUsize::new(0), bound: permits }
    }

    /// Waits for a permit.
    ///
    /// # Errors
    /// When the semaphore is closed, before or meanwhile.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the line; a permit that it was given meanwhile goes to the next. Who asks again
    /// stands at the end of the line.
    #[inline]
    pub async fn acquire(&self) -> Result<BoundedPermit<'_>, Closed> {
        self.permits.acquire(What::Semaphore, 1).await?;
        Ok(BoundedPermit { held: Held::new(self) })
    }

    /// As [`acquire`](Self::acquire), with a permit that keeps the semaphore alive and can be moved anywhere.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Cancel safety
    /// As [`acquire`](Self::acquire).
    #[inline]
    pub async fn acquire_owned(self: Arc<Self>) -> Result<OwnedBoundedPermit, Closed> {
        self.permits.acquire(What::Semaphore, 1).await?;
        Ok(OwnedBoundedPermit { held: Held::new(self) })
    }

    /// Takes a permit if one is free and nobody waits.
    ///
    /// # Errors
    /// When none is, or the semaphore is closed.
    #[inline]
    pub fn try_acquire(&self) -> Result<BoundedPermit<'_>, TryAcquireError> {
        self.permits.try_acquire(1)?;
        Ok(BoundedPermit { held: Held::new(self) })
    }

    /// As [`try_acquire`](Self::try_acquire), with a permit that keeps the semaphore alive.
    ///
    /// # Errors
    /// As [`try_acquire`](Self::try_acquire).
    #[inline]
    pub fn try_acquire_owned(self: Arc<Self>) -> Result<OwnedBoundedPermit, TryAcquireError> {
        self.permits.try_acquire(1)?;
        Ok(OwnedBoundedPermit { held: Held::new(self) })
    }

    /// Has this thread wait for a permit: for the parts of a program that are not async.
    ///
    /// # Errors
    /// As [`acquire`](Self::acquire).
    ///
    /// # Panics
    /// In async code, where it would block the tasks that share the thread.
    #[track_caller]
    pub fn blocking_acquire(&self) -> Result<BoundedPermit<'_>, Closed> {
        thread::block_on("BoundedSemaphore::blocking_acquire", self.acquire())
    }

    /// Gives back a permit that was forgotten, to those who wait first.
    ///
    /// # Errors
    /// When none is forgotten: it was released too often.
    pub fn release(&self) -> Result<(), ReleaseError> {
        let taken = self.forgotten.fetch_update(Acquire, Relaxed, |forgotten| forgotten.checked_sub(1));
        taken.map_err(|_| ReleaseError { bound: self.bound })?;
        self.permits.release(1);
        Ok(())
    }

    /// How many permits it has in all.
    pub fn bound(&self) -> usize {
        self.bound
    }

    /// How many permits are free, at this moment.
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

    fn forget_one(&self) {
        self.forgotten.fetch_add(1, Release);
    }
}

impl Home for &BoundedSemaphore {
    #[inline]
    fn permits(&self) -> &Permits {
        &self.permits
    }
}

impl Home for Arc<BoundedSemaphore> {
    #[inline]
    fn permits(&self) -> &Permits {
        &self.permits
    }
}

/// A permit of a [`BoundedSemaphore`], which goes back when this is dropped.
#[derive(Debug)]
#[must_use = "the permit is given back at once if this is not kept"]
pub struct BoundedPermit<'a> {
    held: Held<&'a BoundedSemaphore, 1>,
}

impl BoundedPermit<'_> {
    /// The permit stays out until [`BoundedSemaphore::release`] gives it back.
    pub fn forget(self) {
        self.held.forget().forget_one();
    }
}

/// As [`BoundedPermit`], and keeps the semaphore alive.
#[derive(Debug)]
#[must_use = "the permit is given back at once if this is not kept"]
pub struct OwnedBoundedPermit {
    held: Held<Arc<BoundedSemaphore>, 1>,
}

impl OwnedBoundedPermit {
    /// As [`BoundedPermit::forget`].
    pub fn forget(self) {
        self.held.forget().forget_one();
    }

    /// Where the permit is from.
    pub fn semaphore(&self) -> &Arc<BoundedSemaphore> {
        self.held.home()
    }
}
