//! A future on its way from the caller of `spawn` into its task.
//!
//! A value with a destructor must have an address wherever a panic could pass, so the compiler keeps it in memory and
//! copies it from frame to frame on its way down. A small future costs more that way than all else about a spawn: it is
//! written field by field, then read in larger pieces, and each such read waits until the writes have left the core's
//! store buffer. Without a destructor its fields stay in registers, and are written once, in the task.

use std::mem::ManuallyDrop;

/// A future that nobody drops: it must end in a task, or be refused.
#[must_use = "the future in it is dropped by nobody"]
pub(crate) struct Incoming<F>(ManuallyDrop<F>);

impl<F> Incoming<F> {
    #[inline]
    pub(crate) fn new(future: F) -> Self {
        Self(ManuallyDrop::new(future))
    }

    /// What `wrap` makes of the future.
    #[inline]
    pub(crate) fn map<G>(self, wrap: impl FnOnce(F) -> G) -> Incoming<G> {
        Incoming::new(wrap(self.into_inner()))
    }

    /// The future, for the one who has a place for it.
    #[inline]
    pub(super) fn into_inner(self) -> F {
        ManuallyDrop::into_inner(self.0)
    }

    /// Drops the future, and says why it cannot be spawned.
    ///
    /// # Panics
    /// Always, with `why`.
    #[inline]
    #[track_caller]
    pub(crate) fn refuse(self, why: &str) -> ! {
        // In a box: it would have an address in this frame else, for this case's sake.
        refuse(Box::new(self.0), why)
    }
}

#[cold]
#[inline(never)]
#[track_caller]
#[expect(clippy::boxed_local, reason = "the box is where the caller put it")]
fn refuse<F>(future: Box<ManuallyDrop<F>>, why: &str) -> ! {
    drop(ManuallyDrop::into_inner(*future));
    panic!("{why}")
}
