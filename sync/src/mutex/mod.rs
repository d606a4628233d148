//! `Mutex`: asyncio's `Lock`, around the value that it protects.

mod guard;
mod owned;

pub use guard::{MappedMutexGuard, MutexGuard};
pub use owned::{OwnedMappedMutexGuard, OwnedMutexGuard};

use crate::held::Home;
use crate::permits::{Permits, granted};
use raddle_runtime::wait::{What, thread};
use std::cell::UnsafeCell;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// asyncio's name for [`Mutex`].
pub type Lock<T = ()> = Mutex<T>;

/// Lets one task at a time at a value, also across awaits.
///
/// [`lock`](Self::lock) gives a guard; the next in line gets the lock when it is dropped. The lock is handed over in
/// the order in which it was asked for: while anyone waits nobody overtakes, [`try_lock`](Self::try_lock) included.
///
/// There is no poison: a panic while the guard is held drops it, which gives the lock to the next, who finds the value
/// as the panic left it. A task that asks for a lock which it holds waits for itself for ever.
///
/// A future of `lock` that is chosen and then neither polled nor dropped (an arm of a `select!` loop that runs another
/// arm) keeps the lock from all others; `RADDLE_DEBUG` names it.
///
/// ```
/// # fn main() { futures_lite::future::block_on(async {
/// use raddle_sync::Mutex;
/// let names = Mutex::new(vec!["Ada"]);
/// names.lock().await.push("Grace");
/// assert_eq!(names.into_inner(), ["Ada", "Grace"]);
/// # }) }
/// ```
pub struct Mutex<T: ?Sized> {
    permits: Permits,
    value: UnsafeCell<T>,
}

// SAFETY: it gives the value to one thread at a time, hence `Send` alone.
unsafe impl<T: ?Sized + Send> Sync for Mutex<T> {}

/// The lock is held, or others wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TryLockError(pub(crate) ());

impl fmt::Display for TryLockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the lock is held by somebody else")
    }
}

impl Error for TryLockError {}

impl<T: ?Sized> Home for &Mutex<T> {
    #[inline]
    fn permits(&self) -> &Permits {
        &self.permits
    }
}

impl<T: ?Sized> Home for Arc<Mutex<T>> {
    #[inline]
    fn permits(&self) -> &Permits {
        &self.permits
    }
}

impl<T> Mutex<T> {
    /// A lock around `value` that nobody holds.
    #[cfg(not(loom))]
    pub const fn new(value: T) -> Self {
        Self { permits: Permits::new(1), value: UnsafeCell::new(value) }
    }

    /// A lock around `value` that nobody holds.
    #[cfg(loom)]
    pub fn new(value: T) -> Self {
        Self { permits: Permits::new(1), value: UnsafeCell::new(value) }
    }

    /// The value, for good.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits for the lock.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the line; a lock that it was given meanwhile goes to the next. Who asks again stands
    /// at the end of the line.
    #[inline]
    pub async fn lock(&self) -> MutexGuard<'_, T> {
        granted(self.permits.acquire(What::Lock, 1).await);
        // SAFETY: the one permit is ours.
        unsafe { MutexGuard::new(self) }
    }

    /// As [`lock`](Self::lock), with a guard that keeps the lock alive and can be moved anywhere.
    ///
    /// # Cancel safety
    /// As [`lock`](Self::lock).
    #[inline]
    pub async fn lock_owned(self: Arc<Self>) -> OwnedMutexGuard<T> {
        granted(self.permits.acquire(What::Lock, 1).await);
        // SAFETY: the one permit is ours.
        unsafe { OwnedMutexGuard::new(self) }
    }

    /// Takes the lock if it is free.
    ///
    /// # Errors
    /// When it is held or others wait for it.
    #[inline]
    pub fn try_lock(&self) -> Result<MutexGuard<'_, T>, TryLockError> {
        self.try_acquire()?;
        // SAFETY: the one permit is ours.
        Ok(unsafe { MutexGuard::new(self) })
    }

    /// As [`try_lock`](Self::try_lock), with a guard that keeps the lock alive.
    ///
    /// # Errors
    /// As [`try_lock`](Self::try_lock).
    #[inline]
    pub fn try_lock_owned(self: Arc<Self>) -> Result<OwnedMutexGuard<T>, TryLockError> {
        self.try_acquire()?;
        // SAFETY: the one permit is ours.
        Ok(unsafe { OwnedMutexGuard::new(self) })
    }

    /// Has this thread wait for the lock: for the parts of a program that are not async.
    ///
    /// # Panics
    /// In async code, where it would block the tasks that share the thread.
    #[track_caller]
    pub fn blocking_lock(&self) -> MutexGuard<'_, T> {
        thread::block_on("Mutex::blocking_lock", self.lock())
    }

    /// As [`blocking_lock`](Self::blocking_lock), with a guard that keeps the lock alive.
    ///
    /// # Panics
    /// As [`blocking_lock`](Self::blocking_lock).
    #[track_caller]
    pub fn blocking_lock_owned(self: Arc<Self>) -> OwnedMutexGuard<T> {
        thread::block_on("Mutex::blocking_lock_owned", self.lock_owned())
    }

    /// Whether somebody holds it, at this moment: asyncio's `locked()`.
    pub fn is_locked(&self) -> bool {
        self.permits.is_taken()
    }

    /// The value; nobody else can be about.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    #[inline]
    fn try_acquire(&self) -> Result<(), TryLockError> {
        self.permits.try_acquire(1).map_err(|_| TryLockError(()))
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Mutex");
        match self.try_lock() {
            Ok(guard) => out.field("value", &&*guard),
            Err(_) => out.field("value", &format_args!("<locked>")),
        };
        out.finish()
    }
}
