//! The cooperative budget: how many operations a task may finish in one poll before it has to let others run.
//!
//! Every leaf future of Raddle takes a unit before it looks at its resource. With none left it wakes its own task and
//! says Pending, so that a task whose socket is never dry, or whose lock is never held, still gives way (f10, f11). A
//! unit that bought no progress is given back: a Pending future has not used the core.

use std::cell::Cell;
use std::task::{Context, Poll};

/// Operations per poll.
pub const UNITS: u8 = 128;

/// Outside a task nobody counts.
const UNLIMITED: u8 = u8::MAX;

thread_local! {
    static LEFT: Cell<u8> = const { Cell::new(UNLIMITED) };
}

/// Runs one poll of a task on a fresh budget. A poll inside a poll (a nested executor) has its own.
#[inline]
pub(crate) fn with_budget<R>(poll: impl FnOnce() -> R) -> R {
    let _restore = Restore(LEFT.replace(UNITS));
    poll()
}

struct Restore(u8);

impl Drop for Restore {
    #[inline]
    fn drop(&mut self) {
        LEFT.set(self.0);
    }
}

/// True in async code: inside a task, or the root future of a `block_on`, that has not said `block_in_place`.
#[inline]
pub fn is_limited() -> bool {
    LEFT.get() != UNLIMITED
}

/// True when the current task should give way at its next chance.
pub fn is_exhausted() -> bool {
    LEFT.get() == 0
}

/// One unit of the budget, taken by [`poll_unit`]: given back when dropped without [`Unit::spend`].
#[derive(Debug)]
#[must_use = "a unit that is dropped unspent goes back to the budget"]
pub struct Unit {
    counted: bool,
}

impl Unit {
    /// The operation made progress: the unit is used up.
    #[inline]
    pub fn spend(mut self) {
        self.counted = false;
    }
}

impl Drop for Unit {
    #[inline]
    fn drop(&mut self) {
        if self.counted && LEFT.get() < UNITS {
            LEFT.set(LEFT.get() + 1);
        }
    }
}

/// Takes a unit for an operation that is about to succeed at once; false when none is left: wait for one then, with
/// [`poll_unit`].
#[inline]
pub fn try_spend() -> bool {
    try_unit().map(Unit::spend).is_some()
}

/// Takes a unit for an operation that may succeed at once; none when none is left: wait for one then, with
/// [`poll_unit`].
#[inline]
pub fn try_unit() -> Option<Unit> {
    match LEFT.get() {
        UNLIMITED => Some(Unit { counted: false }),
        0 => None,
        left => {
            LEFT.set(left - 1);
            Some(Unit { counted: true })
        }
    }
}

/// Takes a unit; with none left, wakes the task and says Pending. To be called first thing in a leaf future's `poll`.
#[inline]
pub fn poll_unit(cx: &Context<'_>) -> Poll<Unit> {
    let Some(unit) = try_unit() else {
        cx.waker().wake_by_ref();
        return Poll::Pending;
    };
    Poll::Ready(unit)
}

/// Runs `f` with a unit at least: for one of several futures in a task, which must not be kept from looking at its
/// resource by what those before it have used up (f10).
#[inline]
pub(crate) fn with_one_at_least<R>(f: impl FnOnce() -> R) -> R {
    if LEFT.get() == 0 {
        LEFT.set(1);
    }
    f()
}

/// Runs `f` without a budget: it has its thread to itself.
pub(crate) fn without_budget<R>(f: impl FnOnce() -> R) -> R {
    let _restore = Restore(LEFT.replace(UNLIMITED));
    f()
}
