//! The guards that borrow their mutex.

use super::Mutex;
use crate::held::{Exclusive, Held};
use crate::permits::Permits;
use std::fmt;
use std::ops::{Deref, DerefMut};

/// Holds a [`Mutex`], which goes to the next in line when it is dropped.
#[must_use = "the lock is given back at once if the guard is not kept"]
pub struct MutexGuard<'a, T: ?Sized> {
    inner: Exclusive<Held<&'a Mutex<T>, 1>, T>,
}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    /// # Safety
    /// The permit of the mutex belongs to the caller, who gives it to the guard.
    #[inline]
    pub(super) unsafe fn new(mutex: &'a Mutex<T>) -> Self {
        // SAFETY: the mutex keeps the value where it is, and whoever has the permit has it alone.
        Self { inner: unsafe { Exclusive::new(Held::new(mutex), mutex.value.get()) } }
    }

    /// The mutex that is held. An associated function, as the others here, so as not to hide a method of the value.
    pub fn mutex(this: &Self) -> &'a Mutex<T> {
        this.inner.held().home()
    }

    /// Makes it a guard of a part of the value; the whole stays locked.
    ///
    /// ```
    /// # fn main() { futures_lite::future::block_on(async {
    /// use raddle_sync::{Mutex, MutexGuard};
    /// let pair = Mutex::new((1, String::from("one")));
    /// let mut name = MutexGuard::map(pair.lock().await, |pair| &mut pair.1);
    /// name.push('!');
    /// drop(name);
    /// assert_eq!(pair.lock().await.1, "one!");
    /// # }) }
    /// ```
    pub fn map<U: ?Sized>(this: Self, f: impl FnOnce(&mut T) -> &mut U) -> MappedMutexGuard<'a, U> {
        MappedMutexGuard { inner: this.inner.map(f).hold(anonymous) }
    }

    /// As [`map`](Self::map), if there is such a part.
    ///
    /// # Errors
    /// The guard itself when `f` returns `None`.
    pub fn try_map<U: ?Sized>(
        this: Self,
        f: impl FnOnce(&mut T) -> Option<&mut U>,
    ) -> Result<MappedMutexGuard<'a, U>, Self> {
        match this.inner.try_map(f) {
            Ok(inner) => Ok(MappedMutexGuard { inner: inner.hold(anonymous) }),
            Err(inner) => Err(Self { inner }),
        }
    }
}

/// A guard of a part need not know what the whole is.
fn anonymous<T: ?Sized>(held: Held<&Mutex<T>, 1>) -> Held<&Permits, 1> {
    held.rename(|mutex| &mutex.permits)
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// Holds a [`Mutex`] for the sake of a part of its value: made by [`MutexGuard::map`].
#[must_use = "the lock is given back at once if the guard is not kept"]
pub struct MappedMutexGuard<'a, T: ?Sized> {
    inner: Exclusive<Held<&'a Permits, 1>, T>,
}

impl<'a, T: ?Sized> MappedMutexGuard<'a, T> {
    /// As [`MutexGuard::map`].
    pub fn map<U: ?Sized>(this: Self, f: impl FnOnce(&mut T) -> &mut U) -> MappedMutexGuard<'a, U> {
        MappedMutexGuard { inner: this.inner.map(f) }
    }

    /// As [`MutexGuard::try_map`].
    ///
    /// # Errors
    /// The guard itself when `f` returns `None`.
    pub fn try_map<U: ?Sized>(
        this: Self,
        f: impl FnOnce(&mut T) -> Option<&mut U>,
    ) -> Result<MappedMutexGuard<'a, U>, Self> {
        match this.inner.try_map(f) {
            Ok(inner) => Ok(MappedMutexGuard { inner }),
            Err(inner) => Err(Self { inner }),
        }
    }
}

impl<T: ?Sized> Deref for MappedMutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: ?Sized> DerefMut for MappedMutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MappedMutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for MappedMutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
