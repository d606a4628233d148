//! Locks and condvar without poison: a panic while one of our locks is held is a bug of ours, and every critical
//! section here leaves its data whole before it calls anything foreign.
#![allow(clippy::disallowed_types, reason = "this is the seam")]

#[cfg(loom)]
use loom::sync as imp;
#[cfg(not(loom))]
use std::sync as imp;
#[cfg(not(loom))]
use std::sync::{PoisonError, TryLockError};
use std::time::Duration;

#[cfg(not(loom))]
pub use imp::{MutexGuard, MutexGuard as TryLockGuard};
pub use imp::{RwLockReadGuard, RwLockWriteGuard};
#[cfg(loom)]
pub use model::{MutexGuard, TryLock, TryLockGuard};

/// A mutex; `lock` cannot fail.
#[derive(Debug, Default)]
pub struct Mutex<T>(imp::Mutex<T>);

impl<T> Mutex<T> {
    /// Wraps a value.
    #[cfg(not(loom))]
    pub const fn new(value: T) -> Self {
        Self(imp::Mutex::new(value))
    }

    /// The value, with nobody else about.
    #[cfg(not(loom))]
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the lock.
    #[cfg(not(loom))]
    #[inline]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A lock that nobody waits for.
#[cfg(not(loom))]
#[derive(Debug)]
pub struct TryLock<T>(imp::Mutex<T>);

#[cfg(not(loom))]
impl<T> TryLock<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(imp::Mutex::new(value))
    }

    /// Takes the lock if it is free.
    #[inline]
    pub fn try_lock(&self) -> Option<TryLockGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(guard)) => Some(guard.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

/// A lock that many may hold to read, or one to write.
#[derive(Debug, Default)]
pub struct RwLock<T>(imp::RwLock<T>);

impl<T> RwLock<T> {
    /// Wraps a value.
    #[cfg(not(loom))]
    pub const fn new(value: T) -> Self {
        Self(imp::RwLock::new(value))
    }

    /// Waits until nobody writes.
    #[cfg(not(loom))]
    #[inline]
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nobody reads or writes.
    #[cfg(not(loom))]
    #[inline]
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A condition variable for [`Mutex`].
#[derive(Debug, Default)]
pub struct Condvar(imp::Condvar);

impl Condvar {
    /// Makes one.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Self(imp::Condvar::new())
    }

    /// Gives the lock up, waits for a notification (or wakes for no reason), takes the lock again.
    #[cfg(not(loom))]
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    /// As [`Condvar::wait`], at most for `timeout`; true when the time ran out.
    #[cfg(not(loom))]
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> (MutexGuard<'a, T>, bool) {
        let (guard, result) = self.0.wait_timeout(guard, timeout).unwrap_or_else(PoisonError::into_inner);
        (guard, result.timed_out())
    }

    /// Wakes one waiting thread.
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all waiting threads.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

#[cfg(loom)]
mod model {
    //! Loom's mutex has no poison either, and no constant; its condvar knows no time.

    use super::{Condvar, Duration, Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard, imp};
    use loom::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
    use std::cell::UnsafeCell;
    use std::ops::{Deref, DerefMut};

    /// Loom's guard, and the mutex to come back to after a wait that timed out.
    #[derive(Debug)]
    pub struct MutexGuard<'a, T> {
        inner: imp::MutexGuard<'a, T>,
        mutex: &'a Mutex<T>,
    }

    impl<T> Deref for MutexGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            &self.inner
        }
    }

    impl<T> DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            &mut self.inner
        }
    }

    impl<T> Mutex<T> {
        /// Wraps a value.
        pub fn new(value: T) -> Self {
            Self(imp::Mutex::new(value))
        }

        /// The value, with nobody else about.
        pub fn get_mut(&mut self) -> &mut T {
            self.0.get_mut().expect("loom's mutex has no poison")
        }

        /// Waits for the lock.
        pub fn lock(&self) -> MutexGuard<'_, T> {
            MutexGuard { inner: self.0.lock().expect("loom's mutex has no poison"), mutex: self }
        }
    }

    /// A lock that nobody waits for. Not made of loom's mutex: that one has a thread wait after all which tries for the
    /// lock just when another gets it.
    #[derive(Debug)]
    pub struct TryLock<T> {
        is_held: AtomicBool,
        value: UnsafeCell<T>,
    }

    // SAFETY: the value is touched by whoever set `is_held`, until it clears it.
    unsafe impl<T: Send> Sync for TryLock<T> {}

    /// Gives the lock back.
    #[derive(Debug)]
    pub struct TryLockGuard<'a, T>(&'a TryLock<T>);

    impl<T> TryLock<T> {
        /// Wraps a value.
        pub fn new(value: T) -> Self {
            Self { is_held: AtomicBool::new(false), value: UnsafeCell::new(value) }
        }

        /// Takes the lock if it is free.
        pub fn try_lock(&self) -> Option<TryLockGuard<'_, T>> {
            let was_free = self.is_held.compare_exchange(false, true, Acquire, Relaxed).is_ok();
            was_free.then(|| TryLockGuard(self))
        }
    }

    impl<T> Deref for TryLockGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            // SAFETY: the lock is ours.
            unsafe { &*self.0.value.get() }
        }
    }

    impl<T> DerefMut for TryLockGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            // SAFETY: the lock is ours.
            unsafe { &mut *self.0.value.get() }
        }
    }

    impl<T> Drop for TryLockGuard<'_, T> {
        fn drop(&mut self) {
            self.0.is_held.store(false, Release);
        }
    }

    impl<T> RwLock<T> {
        /// Wraps a value.
        pub fn new(value: T) -> Self {
            Self(imp::RwLock::new(value))
        }

        /// Waits until nobody writes.
        pub fn read(&self) -> RwLockReadGuard<'_, T> {
            self.0.read().expect("loom's lock has no poison")
        }

        /// Waits until nobody reads or writes.
        pub fn write(&self) -> RwLockWriteGuard<'_, T> {
            self.0.write().expect("loom's lock has no poison")
        }
    }

    impl Condvar {
        /// Makes one.
        pub fn new() -> Self {
            Self(imp::Condvar::new())
        }

        /// Gives the lock up, waits for a notification, takes the lock again.
        pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
            let MutexGuard { inner, mutex } = guard;
            MutexGuard { inner: self.0.wait(inner).expect("loom's mutex has no poison"), mutex }
        }

        /// As [`Condvar::wait`], at most for `timeout`; true when the time ran out. A model has no clock: a time-out
        /// that does not reach [`FAR`](crate::prim::FAR) is over at once (others may come in between), any other never
        /// comes.
        pub fn wait_timeout<'a, T>(
            &self,
            guard: MutexGuard<'a, T>,
            timeout: Duration,
        ) -> (MutexGuard<'a, T>, bool) {
            if timeout >= crate::prim::FAR {
                return (self.wait(guard), false);
            }
            let mutex = guard.mutex;
            drop(guard);
            (mutex.lock(), true)
        }
    }
}
