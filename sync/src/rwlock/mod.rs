//! `RwLock`: many readers or one writer, in the order in which they come.

mod owned;
mod read;
mod write;

pub use owned::{OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard};
pub use read::RwLockReadGuard;
pub use write::{RwLockMappedWriteGuard, RwLockWriteGuard};

use crate::held::Home;
use crate::mutex::TryLockError;
use crate::permits::{MAX, Permits, granted};
use raddle_runtime::wait::{What, thread};
use std::cell::UnsafeCell;
use std::fmt;
use std::sync::Arc;

/// What a writer takes: as many permits as there can be readers. A reader takes one.
const ALL: usize = MAX;

/// Lets many tasks read a value at once, or one change it, also across awaits.
///
/// All stand in one line, first come, first served: a writer waits for the readers that were there before it, and
/// readers that come after it wait for it, so neither starves the other. For the same reason a task that reads must not
/// ask to read once more: if a writer has come in between, they wait for each other for ever.
///
/// There is no poison: a panic while a guard is held drops it, and the next finds the value as the panic left it.
///
/// ```
/// # fn main() { futures_lite::future::block_on(async {
/// use raddle_sync::RwLock;
/// let prices = RwLock::new(vec![3, 5]);
/// {
///     let (one, other) = (prices.read().await, prices.read().await);
///     assert_eq!(one[0] + other[1], 8);
/// }
/// prices.write().await.push(8);
/// assert_eq!(prices.into_inner(), [3, 5, 8]);
/// # }) }
/// ```
pub struct RwLock<T: ?Sized> {
    permits: Permits,
    value: UnsafeCell<T>,
}

// SAFETY: it lets several threads read the value at once, hence `Sync`, and one at a time change it, hence `Send`.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLock<T> {}

impl<T: ?Sized> Home for &RwLock<T> {
    #[inline]
    fn permits(&self) -> &Permits {
        &self.permits
    }
}

impl<T: ?Sized> Home for Arc<RwLock<T>> {
    #[inline]
    fn permits(&self) -> &Permits {
        &self.permits
    }
}

impl<T> RwLock<T> {
    /// A lock around `value` that nobody holds.
    #[cfg(not(loom))]
    pub const fn new(value: T) -> Self {
        Self { permits: Permits::shared(), value: UnsafeCell::new(value) }
    }

    /// A lock around `value` that nobody holds.
    #[cfg(loom)]
    pub fn new(value: T) -> Self {
        Self { permits: Permits::shared(), value: UnsafeCell::new(value) }
    }

    /// The value, for good.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Waits to read.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the line; what it was given meanwhile goes to the next. Who asks again stands at the
    /// end of the line.
    #[inline]
    pub async fn read(&self) -> RwLockReadGuard<'_, T> {
        granted(self.permits.acquire(What::ReadLock, 1).await);
        // SAFETY: one permit is ours.
        unsafe { RwLockReadGuard::new(self) }
    }

    /// Waits to have the value alone.
    ///
    /// # Cancel safety
    /// As [`read`](Self::read); readers who waited behind it alone go on.
    #[inline]
    pub async fn write(&self) -> RwLockWriteGuard<'_, T> {
        granted(self.permits.acquire(What::WriteLock, ALL).await);
        // SAFETY: all permits are ours.
        unsafe { RwLockWriteGuard::new(self) }
    }

    /// As [`read`](Self::read), with a guard that keeps the lock alive and can be moved anywhere.
    ///
    /// # Cancel safety
    /// As [`read`](Self::read).
    #[inline]
    pub async fn read_owned(self: Arc<Self>) -> OwnedRwLockReadGuard<T> {
        granted(self.permits.acquire(What::ReadLock, 1).await);
        // SAFETY: one permit is ours.
        unsafe { OwnedRwLockReadGuard::new(self) }
    }

    /// As [`write`](Self::write), with a guard that keeps the lock alive and can be moved anywhere.
    ///
    /// # Cancel safety
    /// As [`write`](Self::write).
    #[inline]
    pub async fn write_owned(self: Arc<Self>) -> OwnedRwLockWriteGuard<T> {
        granted(self.permits.acquire(What::WriteLock, ALL).await);
        // SAFETY: all permits are ours.
        unsafe { OwnedRwLockWriteGuard::new(self) }
    }

    /// Reads if nobody writes and nobody waits.
    ///
    /// # Errors
    /// When somebody writes, or waits to write.
    #[inline]
    pub fn try_read(&self) -> Result<RwLockReadGuard<'_, T>, TryLockError> {
        self.try_acquire(1)?;
        // SAFETY: one permit is ours.
        Ok(unsafe { RwLockReadGuard::new(self) })
    }

    /// Takes the lock if nobody has it.
    ///
    /// # Errors
    /// When somebody reads or writes.
    #[inline]
    pub fn try_write(&self) -> Result<RwLockWriteGuard<'_, T>, TryLockError> {
        self.try_acquire(ALL)?;
        // SAFETY: all permits are ours.
        Ok(unsafe { RwLockWriteGuard::new(self) })
    }

    /// As [`try_read`](Self::try_read), with a guard that keeps the lock alive.
    ///
    /// # Errors
    /// As [`try_read`](Self::try_read).
    pub fn try_read_owned(self: Arc<Self>) -> Result<OwnedRwLockReadGuard<T>, TryLockError> {
        self.try_acquire(1)?;
        // SAFETY: one permit is ours.
        Ok(unsafe { OwnedRwLockReadGuard::new(self) })
    }

    /// As [`try_write`](Self::try_write), with a guard that keeps the lock alive.
    ///
    /// # Errors
    /// As [`try_write`](Self::try_write).
    pub fn try_write_owned(self: Arc<Self>) -> Result<OwnedRwLockWriteGuard<T>, TryLockError> {
        self.try_acquire(ALL)?;
        // SAFETY: all permits are ours.
        Ok(unsafe { OwnedRwLockWriteGuard::new(self) })
    }

    /// Has this thread wait to read: for the parts of a program that are not async.
    ///
    /// # Panics
    /// In async code, where it would block the tasks that share the thread.
    #[track_caller]
    pub fn blocking_read(&self) -> RwLockReadGuard<'_, T> {
        thread::block_on("RwLock::blocking_read", self.read())
    }

    /// Has this thread wait to have the value alone: for the parts of a program that are not async.
    ///
    /// # Panics
    /// In async code, where it would block the tasks that share the thread.
    #[track_caller]
    pub fn blocking_write(&self) -> RwLockWriteGuard<'_, T> {
        thread::block_on("RwLock::blocking_write", self.write())
    }

    /// The value; nobody else can be about.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    #[inline]
    fn try_acquire(&self, permits: usize) -> Result<(), TryLockError> {
        self.permits.try_acquire(permits).map_err(|_| TryLockError(()))
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("RwLock");
        match self.try_read() {
            Ok(guard) => out.field("value", &&*guard),
            Err(_) => out.field("value", &format_args!("<locked>")),
        };
        out.finish()
    }
}
