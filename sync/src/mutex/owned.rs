//! The guards that keep their mutex alive.

use super::Mutex;
use crate::held::{Exclusive, Held};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// As [`MutexGuard`](super::MutexGuard), and keeps the mutex alive: made by [`Mutex::lock_owned`].
#[must_use = "the lock is given back at once if the guard is not kept"]
pub struct OwnedMutexGuard<T: ?Sized> {
    inner: Exclusive<Held<Arc<Mutex<T>>, 1>, T>,
}

impl<T: ?Sized> OwnedMutexGuard<T> {
    /// # Safety
    /// The permit of the mutex belongs to the caller, who gives it to the guard.
    #[inline]
    pub(super) unsafe fn new(mutex: Arc<Mutex<T>>) -> Self {
        let value = mutex.value.get();
        // SAFETY: the mutex keeps the value where it is, and whoever has the permit has it alone.
        Self { inner: unsafe { Exclusive::new(Held::new(mutex), value) } }
    }

    /// The mutex that is held. An associated function, as the others here, so as not to hide a method of the value.
    pub fn mutex(this: &Self) -> &Arc<Mutex<T>> {
        this.inner.held().home()
    }

    /// Makes it a guard of a part of the value; the whole stays locked.
    pub fn map<U: ?Sized>(this: Self, f: impl FnOnce(&mut T) -> &mut U) -> OwnedMappedMutexGuard<T, U> {
        OwnedMappedMutexGuard { inner: this.inner.map(f) }
    }

    /// As [`map`](Self::map), if there is such a part.
    ///
    /// # Errors
    /// The guard itself when `f` returns `None`.
    pub fn try_map<U: ?Sized>(
        this: Self,
        f: impl FnOnce(&mut T) -> Option<&mut U>,
    ) -> Result<OwnedMappedMutexGuard<T, U>, Self> {
        match this.inner.try_map(f) {
            Ok(inner) => Ok(OwnedMappedMutexGuard { inner }),
            Err(inner) => Err(Self { inner }),
        }
    }
}

impl<T: ?Sized> Deref for OwnedMutexGuard<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: ?Sized> DerefMut for OwnedMutexGuard<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for OwnedMutexGuard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for OwnedMutexGuard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// Holds a [`Mutex`] of a `T` for the sake of a part, a `U`: made by [`OwnedMutexGuard::map`].
#[must_use = "the lock is given back at once if the guard is not kept"]
pub struct OwnedMappedMutexGuard<T: ?Sized, U: ?Sized = T> {
    inner: Exclusive<Held<Arc<Mutex<T>>, 1>, U>,
}

impl<T: ?Sized, U: ?Sized> OwnedMappedMutexGuard<T, U> {
    /// As [`OwnedMutexGuard::map`].
    pub fn map<V: ?Sized>(this: Self, f: impl FnOnce(&mut U) -> &mut V) -> OwnedMappedMutexGuard<T, V> {
        OwnedMappedMutexGuard { inner: this.inner.map(f) }
    }

    /// As [`OwnedMutexGuard::try_map`].
    ///
    /// # Errors
    /// The guard itself when `f` returns `None`.
    pub fn try_map<V: ?Sized>(
        this: Self,
        f: impl FnOnce(&mut U) -> Option<&mut V>,
    ) -> Result<OwnedMappedMutexGuard<T, V>, Self> {
        match this.inner.try_map(f) {
            Ok(inner) => Ok(OwnedMappedMutexGuard { inner }),
            Err(inner) => Err(Self { inner }),
        }
    }
}

impl<T: ?Sized, U: ?Sized> Deref for OwnedMappedMutexGuard<T, U> {
    type Target = U;

    #[inline]
    fn deref(&self) -> &U {
        &self.inner
    }
}

impl<T: ?Sized, U: ?Sized> DerefMut for OwnedMappedMutexGuard<T, U> {
    #[inline]
    fn deref_mut(&mut self) -> &mut U {
        &mut self.inner
    }
}

impl<T: ?Sized, U: ?Sized + fmt::Debug> fmt::Debug for OwnedMappedMutexGuard<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized, U: ?Sized + fmt::Display> fmt::Display for OwnedMappedMutexGuard<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
