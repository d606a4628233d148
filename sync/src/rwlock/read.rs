//! The read guard that borrows its lock.

use super::RwLock;
use crate::held::{Held, Shared};
use crate::permits::Permits;
use std::fmt;
use std::ops::Deref;

/// Holds a [`RwLock`] so that nobody changes the value, or a part of it that the guard was mapped to.
#[must_use = "the lock is given back at once if the guard is not kept"]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    inner: Shared<Held<&'a Permits, 1>, T>,
}

impl<'a, T: ?Sized> RwLockReadGuard<'a, T> {
    /// # Safety
    /// A permit of the lock belongs to the caller, who gives it to the guard.
    #[inline]
    pub(super) unsafe fn new(lock: &'a RwLock<T>) -> Self {
        // SAFETY: the lock keeps the value where it is, and while one permit is taken nobody has all.
        Self { inner: unsafe { Shared::new(Held::new(&lock.permits), lock.value.get()) } }
    }

    /// What a writer's guard becomes.
    pub(super) fn of(inner: Shared<Held<&'a Permits, 1>, T>) -> Self {
        Self { inner }
    }

    /// Makes it a guard of a part of the value; the lock stays as it is.
    pub fn map<U: ?Sized>(this: Self, f: impl FnOnce(&T) -> &U) -> RwLockReadGuard<'a, U> {
        RwLockReadGuard { inner: this.inner.map(f) }
    }

    /// As [`map`](Self::map), if there is such a part.
    ///
    /// # Errors
    /// The guard itself when `f` returns `None`.
    pub fn try_map<U: ?Sized>(
        this: Self,
        f: impl FnOnce(&T) -> Option<&U>,
    ) -> Result<RwLockReadGuard<'a, U>, Self> {
        match this.inner.try_map(f) {
            Ok(inner) => Ok(RwLockReadGuard { inner }),
            Err(inner) => Err(Self { inner }),
        }
    }
}

impl<T: ?Sized> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
