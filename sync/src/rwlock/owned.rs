//! The guards that keep their lock alive.

use super::{ALL, RwLock};
use crate::held::{Exclusive, Held, Shared};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// Holds a [`RwLock`] of a `T`, and keeps it alive, so that nobody changes the value, or the part of it, a `U`, that
/// the guard was mapped to.
#[must_use = "the lock is given back at once if the guard is not kept"]
pub struct OwnedRwLockReadGuard<T: ?Sized, U: ?Sized = T> {
    inner: Shared<Held<Arc<RwLock<T>>, 1>, U>,
}

impl<T: ?Sized> OwnedRwLockReadGuard<T> {
    /// # Safety
    /// A permit of the lock belongs to the caller, who gives it to the guard.
    #[inline]
    pub(super) unsafe fn new(lock: Arc<RwLock<T>>) -> Self {
        let value = lock.value.get();
        // SAFETY: the lock keeps the value where it is, and while one permit is taken nobody has all.
        Self { inner: unsafe { Shared::new(Held::new(lock), value) } }
    }
}

impl<T: ?Sized, U: ?Sized> OwnedRwLockReadGuard<T, U> {
    /// The lock that is held. An associated function, as the others here, so as not to hide a method of the value.
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        this.inner.held().home()
    }

    /// Makes it a guard of a part of the value; the lock stays as it is.
    pub fn map<V: ?Sized>(this: Self, f: impl FnOnce(&U) -> &V) -> OwnedRwLockReadGuard<T, V> {
        OwnedRwLockReadGuard { inner: this.inner.map(f) }
    }

    /// As [`map`](Self::map), if there is such a part.
    ///
    /// # Errors
    /// The guard itself when `f` returns `None`.
    pub fn try_map<V: ?Sized>(
        this: Self,
        f: impl FnOnce(&U) -> Option<&V>,
    ) -> Result<OwnedRwLockReadGuard<T, V>, Self> {
        match this.inner.try_map(f) {
            Ok(inner) => Ok(OwnedRwLockReadGuard { inner }),
            Err(inner) => Err(Self { inner }),
        }
    }
}

impl<T: ?Sized, U: ?Sized> Deref for OwnedRwLockReadGuard<T, U> {
    type Target = U;

    #[inline]
    fn deref(&self) -> &U {
        &self.inner
    }
}

impl<T: ?Sized, U: ?Sized + fmt::Debug> fmt::Debug for OwnedRwLockReadGuard<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized, U: ?Sized + fmt::Display> fmt::Display for OwnedRwLockReadGuard<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// Holds a [`RwLock`] alone, and keeps it alive, to change the value.
#[must_use = "the lock is given back at once if the guard is not kept"]
pub struct OwnedRwLockWriteGuard<T: ?Sized> {
    inner: Exclusive<Held<Arc<RwLock<T>>, ALL>, T>,
}

impl<T: ?Sized> OwnedRwLockWriteGuard<T> {
    /// # Safety
    /// All permits of the lock belong to the caller, who gives them to the guard.
    #[inline]
    pub(super) unsafe fn new(lock: Arc<RwLock<T>>) -> Self {
        let value = lock.value.get();
        // SAFETY: the lock keeps the value where it is, and whoever has all permits has it alone.
        Self { inner: unsafe { Exclusive::new(Held::new(lock), value) } }
    }

    /// The lock that is held. An associated function, as the others here, so as not to hide a method of the value.
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        this.inner.held().home()
    }

    /// Lets other readers in; no writer comes in between.
    pub fn downgrade(this: Self) -> OwnedRwLockReadGuard<T> {
        OwnedRwLockReadGuard { inner: this.inner.share(Held::keep) }
    }

    /// Makes it a guard of a part of the value; the lock stays as it is.
    pub fn map<U: ?Sized>(this: Self, f: impl FnOnce(&mut T) -> &mut U) -> OwnedRwLockMappedWriteGuard<T, U> {
        OwnedRwLockMappedWriteGuard { inner: this.inner.map(f) }
    }

    /// As [`map`](Self::map), if there is such a part.
    ///
    /// # Errors
    /// The guard itself when `f` returns `None`.
    pub fn try_map<U: ?Sized>(
        this: Self,
        f: impl FnOnce(&mut T) -> Option<&mut U>,
    ) -> Result<OwnedRwLockMappedWriteGuard<T, U>, Self> {
        match this.inner.try_map(f) {
            Ok(inner) => Ok(OwnedRwLockMappedWriteGuard { inner }),
            Err(inner) => Err(Self { inner }),
        }
    }
}

impl<T: ?Sized> Deref for OwnedRwLockWriteGuard<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: ?Sized> DerefMut for OwnedRwLockWriteGuard<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for OwnedRwLockWriteGuard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for OwnedRwLockWriteGuard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// Holds a [`RwLock`] of a `T` alone, to change a part, a `U`: made by [`OwnedRwLockWriteGuard::map`].
#[must_use = "the lock is given back at once if the guard is not kept"]
pub struct OwnedRwLockMappedWriteGuard<T: ?Sized, U: ?Sized = T> {
    inner: Exclusive<Held<Arc<RwLock<T>>, ALL>, U>,
}

impl<T: ?Sized, U: ?Sized> OwnedRwLockMappedWriteGuard<T, U> {
    /// As [`OwnedRwLockWriteGuard::map`].
    pub fn map<V: ?Sized>(this: Self, f: impl FnOnce(&mut U) -> &mut V) -> OwnedRwLockMappedWriteGuard<T, V> {
        OwnedRwLockMappedWriteGuard { inner: this.inner.map(f) }
    }

    /// As [`OwnedRwLockWriteGuard::try_map`].
    ///
    /// # Errors
    /// The guard itself when `f` returns `None`.
    pub fn try_map<V: ?Sized>(
        this: Self,
        f: impl FnOnce(&mut U) -> Option<&mut V>,
    ) -> Result<OwnedRwLockMappedWriteGuard<T, V>, Self> {
        match this.inner.try_map(f) {
            Ok(inner) => Ok(OwnedRwLockMappedWriteGuard { inner }),
            Err(inner) => Err(Self { inner }),
        }
    }
}

impl<T: ?Sized, U: ?Sized> Deref for OwnedRwLockMappedWriteGuard<T, U> {
    type Target = U;

    #[inline]
    fn deref(&self) -> &U {
        &self.inner
    }
}

impl<T: ?Sized, U: ?Sized> DerefMut for OwnedRwLockMappedWriteGuard<T, U> {
    #[inline]
    fn deref_mut(&mut self) -> &mut U {
        &mut self.inner
    }
}

impl<T: ?Sized, U: ?Sized + fmt::Debug> fmt::Debug for OwnedRwLockMappedWriteGuard<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized, U: ?Sized + fmt::Display> fmt::Display for OwnedRwLockMappedWriteGuard<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
