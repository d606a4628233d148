//! What a semaphore gives.

use super::Semaphore;
use std::sync::Arc;

/// Permits of a [`Semaphore`], which go back when this is dropped.
#[derive(Debug)]
#[must_use = "the permits are given back at once if this is not kept"]
pub struct Permit<'a> {
    semaphore: &'a Semaphore,
    permits: usize,
}

impl<'a> Permit<'a> {
    #[inline]
    pub(super) fn new(semaphore: &'a Semaphore, permits: usize) -> Self {
        Self { semaphore, permits }
    }

    /// The permits do not go back. [`Semaphore::add_permits`] makes up for them.
    pub fn forget(mut self) {
        self.permits = 0;
    }

    /// Takes the permits of `other` in, to be given back together.
    ///
    /// # Panics
    /// When `other` is of another semaphore.
    #[track_caller]
    pub fn merge(&mut self, mut other: Self) {
        assert!(std::ptr::eq(self.semaphore, other.semaphore), "merged permits of two semaphores");
        self.permits += std::mem::take(&mut other.permits);
    }

    /// Makes a permit of its own of `n` of them; nothing when there are not so many.
    pub fn split(&mut self, n: usize) -> Option<Self> {
        self.permits = self.permits.checked_sub(n)?;
        Some(Self::new(self.semaphore, n))
    }

    /// How many permits these are.
    pub fn num_permits(&self) -> usize {
        self.permits
    }
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        self.semaphore.permits.release(self.permits);
    }
}

/// As [`Permit`], and keeps the semaphore alive.
#[derive(Debug)]
#[must_use = "the permits are given back at once if this is not kept"]
pub struct OwnedPermit {
    semaphore: Arc<Semaphore>,
    permits: usize,
}

impl OwnedPermit {
    #[inline]
    pub(super) fn new(semaphore: Arc<Semaphore>, permits: usize) -> Self {
        Self { semaphore, permits }
    }

    /// As [`Permit::forget`].
    pub fn forget(mut self) {
        self.permits = 0;
    }

    /// As [`Permit::merge`].
    ///
    /// # Panics
    /// When `other` is of another semaphore.
    #[track_caller]
    pub fn merge(&mut self, mut other: Self) {
        assert!(Arc::ptr_eq(&self.semaphore, &other.semaphore), "merged permits of two semaphores");
        self.permits += std::mem::take(&mut other.permits);
    }

    /// As [`Permit::split`].
    pub fn split(&mut self, n: usize) -> Option<Self> {
        self.permits = self.permits.checked_sub(n)?;
        Some(Self::new(self.semaphore.clone(), n))
    }

    /// As [`Permit::num_permits`].
    pub fn num_permits(&self) -> usize {
        self.permits
    }

    /// Where the permits are from.
    pub fn semaphore(&self) -> &Arc<Semaphore> {
        &self.semaphore
    }
}

impl Drop for OwnedPermit {
    #[inline]
    fn drop(&mut self) {
        self.semaphore.permits.release(self.permits);
    }
}
