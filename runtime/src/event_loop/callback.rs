//! A callback: one allocation that the queue and the handle share, and one word that says whose the closure is.

use crate::prim::atomic::{AtomicU8, Ordering::AcqRel, Ordering::Acquire};
use crate::prim::cell::UnsafeCell;
use crate::task::{self, InheritedScope};
use std::any::type_name;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// The closure is in its cell; who moves the word on from here takes it out.
const WAITING: u8 = 0;
/// The lane has it, or had it.
const TAKEN: u8 = 1;
/// It was cancelled before its turn.
const CANCELLED: u8 = 2;

/// What waits for its turn on a lane.
pub(crate) trait Callback: Send + Sync {
    /// Calls it, unless it was cancelled; its panics come through.
    fn call(&self);
    /// Drops the closure, now, if it has not had its turn; true if so.
    fn cancel(&self) -> bool;
    /// True once it was cancelled before its turn.
    fn is_cancelled(&self) -> bool;
    /// Where it was given to the loop, and the closure's type.
    fn origin(&self) -> Origin;
}

/// A callback in the hands of several.
pub(crate) type Queued = Arc<dyn Callback>;

/// What a report says of a callback.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) name: &'static str,
    pub(crate) made_at: &'static Location<'static>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "callback {} (from {})", self.name, self.made_at)
    }
}

/// The closure, and the inherited task-locals of whoever gave it, which it sees as asyncio's callbacks see the context.
struct Call<F> {
    call: F,
    inherited: Option<task::Inherited>,
}

/// A closure that is called once.
struct Once<F> {
    state: AtomicU8,
    call: UnsafeCell<Option<Call<F>>>,
    made_at: &'static Location<'static>,
}

// SAFETY: the closure is touched by whoever moved the word on from WAITING, once; the rest does not change.
unsafe impl<F: Send> Sync for Once<F> {}

impl<F> Once<F> {
    /// Takes the closure, for whoever moves the word to `to`.
    fn take(&self, to: u8) -> Option<Call<F>> {
        if self.state.compare_exchange(WAITING, to, AcqRel, Acquire).is_err() {
            return None;
        }
        // SAFETY: we moved the word on from WAITING, so the cell is ours.
        self.call.with_mut(|call| unsafe { (*call).take() })
    }
}

impl<F: FnOnce() + Send> Callback for Once<F> {
    fn call(&self) {
        let Some(Call { call, inherited }) = self.take(TAKEN) else { return };
        let _scope = inherited.map(|own| InheritedScope::enter(Some(own)));
        call();
    }

    fn cancel(&self) -> bool {
        self.take(CANCELLED).map(drop).is_some()
    }

    fn is_cancelled(&self) -> bool {
        self.state.load(Acquire) == CANCELLED
    }

    fn origin(&self) -> Origin {
        Origin { name: type_name::<F>(), made_at: self.made_at }
    }
}

/// Makes a callback of a closure.
pub(crate) fn once<F>(call: F, made_at: &'static Location<'static>) -> Queued
where
    F: FnOnce() + Send + 'static,
{
    Arc::new(Once {
        state: AtomicU8::new(WAITING),
        call: UnsafeCell::new(Some(Call { call, inherited: task::inherited() })),
        made_at,
    })
}

/// A callback that waits in a loop; from [`EventLoop::call_soon`](super::EventLoop::call_soon).
///
/// Dropping the handle changes nothing: the callback keeps its turn.
#[derive(Clone)]
pub struct CallbackHandle {
    callback: Queued,
}

impl CallbackHandle {
    pub(crate) fn new(callback: Queued) -> Self {
        Self { callback }
    }

    /// Takes the turn back: the callback will not run, and its closure is dropped here and now. Nothing happens when it
    /// has run or runs.
    pub fn cancel(&self) {
        self.callback.cancel();
    }

    /// True when it was cancelled before its turn came, also by the end of its loop.
    pub fn cancelled(&self) -> bool {
        self.callback.is_cancelled()
    }
}

impl fmt::Debug for CallbackHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackHandle")
            .field("made_at", &self.callback.origin().made_at)
            .field("cancelled", &self.cancelled())
            .finish()
    }
}
