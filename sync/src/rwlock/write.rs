//! The write guards that borrow their lock.

use super::{ALL, RwLock, RwLockReadGuard};
use crate::held::{Exclusive, Held};
use crate::permits::Permits;
use std::fmt;
use std::ops::{Deref, DerefMut};

/// Holds a [`RwLock`] alone, to change the value.
#[must_use = "the lock is given back at once if the guard is not kept"]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    inner: Exclusive<Held<&'a RwLock<T>, ALL>, T>,
}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    /// # Safety
    /// All permits of the lock belong to the caller, who gives them to the guard.
    #[inline]
    pub(super) unsafe fn new(lock: &'a RwLock<T>) -> Self {
        // SAFETY: the lock keeps the value where it is, and whoever has all permits has it alone.
        Self { inner: unsafe { Exclusive::new(Held::new(lock), lock.value.get()) } }
    }

    /// Lets other readers in; no writer comes in between.
    ///
    /// ```
    /// # fn main() { futures_lite::future::block_on(async {
    /// use raddle_sync::{RwLock, RwLockWriteGuard};
    /// let lock = RwLock::new(1);
    /// let mut writer = lock.write().await;
    /// *writer += 1;
    /// let reader = RwLockWriteGuard::downgrade(writer);
    /// assert_eq!((*reader, *lock.read().await), (2, 2));
    /// # }) }
    /// ```
    pub fn downgrade(this: Self) -> RwLockReadGuard<'a, T> {
        let keep_one = |held: Held<&'a RwLock<T>, ALL>| anonymous(held).keep::<1>();
        RwLockReadGuard::of(this.inner.share(keep_one))
    }

    /// Makes it a guard of a part of the value; the lock stays as it is.
    pub fn map<U: ?Sized>(this: Self, f: impl FnOnce(&mut T) -> &mut U) -> RwLockMappedWriteGuard<'a, U> {
        RwLockMappedWriteGuard { inner: this.inner.map(f).hold(anonymous) }
    }

    /// As [`map`](Self::map), if there is such a part.
    ///
    /// # Errors
    /// The guard itself when `f` returns `None`.
    pub fn try_map<U: ?Sized>(
        this: Self,
        f: impl FnOnce(&mut T) -> Option<&mut U>,
    ) -> Result<RwLockMappedWriteGuard<'a, U>, Self> {
        match this.inner.try_map(f) {
            Ok(inner) => Ok(RwLockMappedWriteGuard { inner: inner.hold(anonymous) }),
            Err(inner) => Err(Self { inner }),
        }
    }
}

/// A guard of a part need not know what the whole is.
fn anonymous<T: ?Sized>(held: Held<&RwLock<T>, ALL>) -> Held<&Permits, ALL> {
    held.rename(|lock| &lock.permits)
}

impl<T: ?Sized> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// Holds a [`RwLock`] alone, to change a part of its value: made by [`RwLockWriteGuard::map`].
#[must_use = "the lock is given back at once if the guard is not kept"]
pub struct RwLockMappedWriteGuard<'a, T: ?Sized> {
    inner: Exclusive<Held<&'a Permits, ALL>, T>,
}

impl<'a, T: ?Sized> RwLockMappedWriteGuard<'a, T> {
    /// As [`RwLockWriteGuard::map`].
    pub fn map<U: ?Sized>(this: Self, f: impl FnOnce(&mut T) -> &mut U) -> RwLockMappedWriteGuard<'a, U> {
        RwLockMappedWriteGuard { inner: this.inner.map(f) }
    }

    /// As [`RwLockWriteGuard::try_map`].
    ///
    /// # Errors
    /// The guard itself when `f` returns `None`.
    pub fn try_map<U: ?Sized>(
        this: Self,
        f: impl FnOnce(&mut T) -> Option<&mut U>,
    ) -> Result<RwLockMappedWriteGuard<'a, U>, Self> {
        match this.inner.try_map(f) {
            Ok(inner) => Ok(RwLockMappedWriteGuard { inner }),
            Err(inner) => Err(Self { inner }),
        }
    }
}

impl<T: ?Sized> Deref for RwLockMappedWriteGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: ?Sized> DerefMut for RwLockMappedWriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockMappedWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RwLockMappedWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
