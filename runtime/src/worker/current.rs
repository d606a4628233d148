//! The worker that runs on this thread.

use super::core::Worker;
use super::shared::Shared;
use std::cell::Cell;
use std::ptr;

thread_local! {
    // No destructor, so it can be asked at any time, also while the thread's other locals are being destroyed (f08).
    static CURRENT: Cell<*const Worker> = const { Cell::new(ptr::null()) };
    /// The worker that blocks in place on this thread.
    static SUSPENDED: Cell<*const Worker> = const { Cell::new(ptr::null()) };
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
    struct Restore {
        worker: *const Worker,
        outer: *const Worker,
    }
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.set(self.worker);
            SUSPENDED.set(self.outer);
        }
    }
    let worker = CURRENT.replace(ptr::null());
    let outer = SUSPENDED.get();
    if !worker.is_null() {
        SUSPENDED.set(worker);
    }
    let restore = Restore { worker, outer };
    // SAFETY: as in `with`: the `Entered` that set it is further up this thread's stack.
    f(unsafe { restore.worker.as_ref() })
}

/// True when this thread is one of the scheduler's workers, at work or blocked in place.
pub(crate) fn is_worker_of(shared: &Shared) -> bool {
    let is_one = |worker: *const Worker| {
        // SAFETY: as in `with` and `suspend`: set while the worker lives.
        unsafe { worker.as_ref() }.is_some_and(|worker| worker.belongs_to(shared))
    };
    is_one(CURRENT.get()) || is_one(SUSPENDED.get())
}
