//! Foreign code that panics where nobody can be told: destructors, wakers, hooks. It must not take a worker with it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs foreign code and keeps its panic to itself; true if there was none. (The panic hook has printed its message.)
pub(crate) fn contain(f: impl FnOnce()) -> bool {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(()) => true,
        Err(payload) => {
            discard(payload);
            false
        }
    }
}

/// Drops a panic's payload, whose destructor may panic in its turn.
pub(crate) fn discard(payload: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        // Whatever panics when it is dropped after a panic of its own kind is leaked.
        std::mem::forget(again);
    }
}
