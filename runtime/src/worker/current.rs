//! The worker that runs on this thread.

use super::core::Worker;
use std::cell::Cell;
use std::ptr;

thread_local! {
    // No destructor, so it can be asked at any time, also while the thread's other locals are being destroyed (f08).
    static CURRENT: Cell<*const Worker> = const { Cell::new(ptr::null()) };
}

/// Runs `f` with this thread's worker, if it has one.
#[inline(always)]
pub(crate) fn with<R>(f: impl FnOnce(Option<&Worker>) -> R) -> R {
    // SAFETY: set for the lifetime of `Entered`, which borrows the worker.
    f(unsafe { CURRENT.get().as_ref() })
}

/// Makes `worker` this thread's until it is dropped.
pub(crate) struct Entered<'a> {
    outer: *const Worker,
    _worker: &'a Worker,
}

pub(super) fn enter(worker: &Worker) -> Entered<'_> {
    Entered { outer: CURRENT.replace(worker), _worker: worker }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        CURRENT.set(self.outer);
    }
}

/// Runs `f` as on a thread that is no worker, but tells it which worker it would be.
pub(super) fn suspend<R>(f: impl FnOnce(Option<&Worker>) -> R) -> R {
    struct Restore(*const Worker);
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }
    let restore = Restore(CURRENT.replace(ptr::null()));
    // SAFETY: as in `with`: the `Entered` that set it is further up this thread's stack.
    f(unsafe { restore.0.as_ref() })
}
