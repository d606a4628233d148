//! What the guards of locks are made of: permits that are given back when they are dropped, and a
//! pointer to the value that they stand for.
//!
//! A guard never says `Drop` itself, so it can be taken apart: to map it is to keep what it holds and point elsewhere.

use crate::permits::Permits;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr;

/// Where permits come from: a lock, by reference or by `Arc`.
pub(crate) trait Home {
    fn permits(&self) -> &Permits;
}

impl Home for &Permits {
    #[inline]
    fn permits(&self) -> &Permits {
        self
    }
}

/// `N` permits, which go back to where they are from when it is dropped.
#[derive(Debug)]
pub(crate) struct Held<H: Home, const N: usize> {
    home: H,
}

impl<H: Home, const N: usize> Held<H, N> {
    /// Stands for `N` permits that have been acquired from `home`.
    #[inline]
    pub(crate) fn new(home: H) -> Self {
        Self { home }
    }

    /// Where they are from.
    pub(crate) fn home(&self) -> &H {
        &self.home
    }

    /// Gives all but `M` back.
    pub(crate) fn keep<const M: usize>(self) -> Held<H, M> {
        const { assert!(M <= N) };
        let kept = Held { home: self.forget() };
        kept.home.permits().release(N - M);
        kept
    }

    /// Knows the home of the permits by another name from now on.
    pub(crate) fn rename<G: Home>(self, f: impl FnOnce(H) -> G) -> Held<G, N> {
        Held { home: f(self.forget()) }
    }

    /// The permits are not given back: the caller stands for them now.
    pub(crate) fn forget(self) -> H {
        let forgotten = ManuallyDrop::new(self);
        // SAFETY: it is moved out once: `forgotten` is not used again, nor dropped.
        unsafe { ptr::read(&raw const forgotten.home) }
    }
}

impl<H: Home, const N: usize> Drop for Held<H, N> {
    #[inline]
    fn drop(&mut self) {
        self.home.permits().release(N);
    }
}

/// The only access to a value, for as long as something is held.
pub(crate) struct Exclusive<H, T: ?Sized> {
    value: *mut T,
    held: H,
}

// SAFETY: it is a `&mut T` that keeps something.
unsafe impl<H: Send, T: ?Sized + Send> Send for Exclusive<H, T> {}
// SAFETY: a shared one gives `&T` only.
unsafe impl<H: Sync, T: ?Sized + Sync> Sync for Exclusive<H, T> {}

impl<H, T: ?Sized> Exclusive<H, T> {
    /// # Safety
    /// While `held` lives, `value` is valid and nobody else uses it.
    #[inline]
    pub(crate) unsafe fn new(held: H, value: *mut T) -> Self {
        Self { value, held }
    }

    /// What is held.
    pub(crate) fn held(&self) -> &H {
        &self.held
    }

    /// A part of the value in its place.
    pub(crate) fn map<U: ?Sized>(mut self, f: impl FnOnce(&mut T) -> &mut U) -> Exclusive<H, U> {
        let value = ptr::from_mut(f(&mut self));
        Exclusive { value, held: self.held }
    }

    /// As [`map`](Self::map), if there is such a part.
    pub(crate) fn try_map<U: ?Sized>(
        mut self,
        f: impl FnOnce(&mut T) -> Option<&mut U>,
    ) -> Result<Exclusive<H, U>, Self> {
        match f(&mut self).map(ptr::from_mut) {
            Some(value) => Ok(Exclusive { value, held: self.held }),
            None => Err(self),
        }
    }

    /// Holds something else from now on.
    pub(crate) fn hold<G>(self, f: impl FnOnce(H) -> G) -> Exclusive<G, T> {
        Exclusive { value: self.value, held: f(self.held) }
    }

    /// Lets others read too; `f` lets go of what kept them out.
    pub(crate) fn share<G>(self, f: impl FnOnce(H) -> G) -> Shared<G, T> {
        Shared { value: self.value, held: f(self.held) }
    }
}

impl<H, T: ?Sized> Deref for Exclusive<H, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: valid, and nobody else's, while `held` lives.
        unsafe { &*self.value }
    }
}

impl<H, T: ?Sized> DerefMut for Exclusive<H, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: valid, and nobody else's, while `held` lives.
        unsafe { &mut *self.value }
    }
}

/// Access to a value that nobody changes for as long as something is held.
pub(crate) struct Shared<H, T: ?Sized> {
    value: *const T,
    held: H,
}

// SAFETY: it is a `&T` that keeps something.
unsafe impl<H: Send, T: ?Sized + Sync> Send for Shared<H, T> {}
// SAFETY: as above.
unsafe impl<H: Sync, T: ?Sized + Sync> Sync for Shared<H, T> {}

impl<H, T: ?Sized> Shared<H, T> {
    /// # Safety
    /// While `held` lives, `value` is valid and nobody changes it.
    #[inline]
    pub(crate) unsafe fn new(held: H, value: *const T) -> Self {
        Self { value, held }
    }

    /// What is held.
    pub(crate) fn held(&self) -> &H {
        &self.held
    }

    /// A part of the value in its place.
    pub(crate) fn map<U: ?Sized>(self, f: impl FnOnce(&T) -> &U) -> Shared<H, U> {
        let value = ptr::from_ref(f(&self));
        Shared { value, held: self.held }
    }

    /// As [`map`](Self::map), if there is such a part.
    pub(crate) fn try_map<U: ?Sized>(self, f: impl FnOnce(&T) -> Option<&U>) -> Result<Shared<H, U>, Self> {
        match f(&self).map(ptr::from_ref) {
            Some(value) => Ok(Shared { value, held: self.held }),
            None => Err(self),
        }
    }
}

impl<H, T: ?Sized> Deref for Shared<H, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: valid, and not changed by anybody, while `held` lives.
        unsafe { &*self.value }
    }
}
