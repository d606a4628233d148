//! Which runtime this thread belongs to, and whether it is inside async code.

use crate::handle::{Handle, Inner};
use crate::task::Incoming;
use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr;
use std::sync::Arc;

thread_local! {
    // No destructors, so they can be asked while the thread's other locals are being destroyed (f08).
    static CURRENT: Cell<*const Inner> = const { Cell::new(ptr::null()) };
    /// How many guards are alive, or were forgotten.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    static IN_BLOCK_ON: Cell<bool> = const { Cell::new(false) };
}

/// What to do when there is no runtime, in one line.
pub(crate) const OUTSIDE: &str = "there is no raddle runtime on this thread: call this inside raddle::run, \
    #[raddle::main], Runtime::block_on or a task, or while a guard of runtime.enter() lives; \
    Handle::try_current() asks first";

/// Makes a runtime this thread's current one until it is dropped.
///
/// The thread-local owns a count of the runtime, so that it does not dangle when a guard is forgotten, or dropped in
/// another order than that of a stack: then the runtime stays current and is leaked.
pub(crate) struct Entered<'a> {
    outer: *const Inner,
    depth: usize,
    /// As long as the handle it came from; and not Send.
    _handle: PhantomData<(&'a Handle, *const ())>,
}

pub(crate) fn enter(handle: &Handle) -> Entered<'_> {
    let own = Arc::into_raw(handle.to_arc());
    let depth = DEPTH.get() + 1;
    DEPTH.set(depth);
    Entered { outer: CURRENT.replace(own), depth, _handle: PhantomData }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        if DEPTH.get() != self.depth {
            return;
        }
        DEPTH.set(self.depth - 1);
        let own = CURRENT.replace(self.outer);
        // SAFETY: from `into_raw` in `enter`; the depth shows that it is this guard's, which gives it back once.
        drop(unsafe { Arc::from_raw(own) });
    }
}

/// A count of the current runtime, if there is one.
pub(crate) fn current() -> Option<Arc<Inner>> {
    let inner = CURRENT.get();
    if inner.is_null() {
        return None;
    }
    // SAFETY: the thread-local has a count, and the pointer is that of `into_raw`.
    unsafe { Arc::increment_strong_count(inner) };
    // SAFETY: the count that was just added is this one's.
    Some(unsafe { Arc::from_raw(inner) })
}

/// Runs `f` with the current runtime.
///
/// # Panics
/// When there is none.
#[inline]
#[track_caller]
pub(crate) fn with<R>(f: impl FnOnce(&Inner) -> R) -> R {
    match try_with(f) {
        Some(result) => result,
        None => panic!("{OUTSIDE}"),
    }
}

/// As [`with`], for who brings a future; it is dropped when there is no runtime.
///
/// # Panics
/// When there is none.
#[inline]
#[track_caller]
pub(crate) fn with_future<F, R>(future: F, f: impl FnOnce(&Inner, Incoming<F>) -> R) -> R {
    let future = Incoming::new(future);
    // SAFETY: as in `try_with`.
    match unsafe { CURRENT.get().as_ref() } {
        Some(inner) => f(inner, future),
        None => future.refuse(OUTSIDE),
    }
}

/// Runs `f` with the current runtime, if there is one.
#[inline]
pub(crate) fn try_with<R>(f: impl FnOnce(&Inner) -> R) -> Option<R> {
    // SAFETY: the thread-local has a count of its own, given back by this thread only.
    unsafe { CURRENT.get().as_ref() }.map(f)
}

/// Marks this thread as polling the root future of a `block_on`.
pub(crate) struct BlockOn(());

impl BlockOn {
    /// # Panics
    /// Inside a task or another `block_on`.
    #[track_caller]
    pub(crate) fn enter() -> Self {
        assert!(
            !in_async_code(),
            "block_on was called inside async code, where it would block the tasks that share this thread: \
             use .await, or block_in_place(|| handle.block_on(...)) in a task"
        );
        IN_BLOCK_ON.set(true);
        Self(())
    }
}

impl Drop for BlockOn {
    fn drop(&mut self) {
        IN_BLOCK_ON.set(false);
    }
}

/// True inside a task that has not said `block_in_place`, and in the root future of a `block_on`.
pub(crate) fn in_async_code() -> bool {
    IN_BLOCK_ON.get() || crate::worker::current::with(|worker| worker.is_some())
}

/// Runs `f` as outside of async code.
pub(crate) fn outside_async_code<R>(f: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            IN_BLOCK_ON.set(self.0);
        }
    }
    let _restore = Restore(IN_BLOCK_ON.replace(false));
    f()
}

/// The I/O driver of the current runtime, for those who register file descriptors.
///
/// # Panics
/// When there is no current runtime.
#[track_caller]
pub(crate) fn current_io() -> Arc<crate::driver::io::IoDriver> {
    with(|inner| inner.scheduler.driver.io().clone())
}
