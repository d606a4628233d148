//! What this thread is doing for a loop: running a callback of it, or a step of one of its coroutines.
//!
//! A callback that a coroutine gives to its loop runs after the coroutine's current step, as asyncio has it, though the
//! lane may be free on another core: the lane holds it back until the step says that it is over.

use super::core::Core;
use super::lane::Gate;
use std::cell::Cell;
use std::ptr;
use std::sync::Arc;

thread_local! {
    static CURRENT: Cell<*const Frame<'static>> = const { Cell::new(ptr::null()) };
}

/// A poll on behalf of a loop.
pub(super) struct Frame<'a> {
    /// Which loop: see [`Core::id`].
    owner: *const (),
    core: Option<&'a Arc<Core>>,
    is_lane: bool,
    /// The loop that holds callbacks back until this is over, once it does.
    holds: Cell<Option<Arc<Core>>>,
}

impl<'a> Frame<'a> {
    /// The lane itself runs.
    pub(super) fn lane(core: &'a Arc<Core>) -> Self {
        Self { owner: core.id(), core: Some(core), is_lane: true, holds: Cell::new(None) }
    }

    /// A step of a coroutine of this loop.
    pub(super) fn step(core: &'a Arc<Core>) -> Self {
        Self { owner: core.id(), core: Some(core), is_lane: false, holds: Cell::new(None) }
    }

    /// A step of the main coroutine of a runtime, whose own loop may not exist yet.
    pub(super) fn main(runtime: *const ()) -> Self {
        Self { owner: runtime, core: None, is_lane: false, holds: Cell::new(None) }
    }

    /// Runs `f` as what this frame says.
    pub(super) fn run<R>(&self, f: impl FnOnce() -> R) -> R {
        let own = ptr::from_ref(self).cast::<Frame<'static>>();
        let _leave = Leave { frame: self, outer: CURRENT.replace(own) };
        f()
    }

    fn id(&self) -> usize {
        ptr::from_ref(self).addr()
    }
}

/// The end of a frame, also by a panic.
struct Leave<'a> {
    frame: &'a Frame<'a>,
    outer: *const Frame<'static>,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        CURRENT.set(self.outer);
        if let Some(core) = self.frame.holds.take() {
            core.lane.end_step(self.frame.id());
        }
    }
}

fn with<R>(f: impl FnOnce(Option<&Frame<'_>>) -> R) -> R {
    // SAFETY: set for the time of `run`, which borrows the frame; `f` takes it for a shorter time than that.
    f(unsafe { CURRENT.get().as_ref() })
}

/// The loop this thread is polling for.
pub(super) fn current() -> Option<Arc<Core>> {
    with(|frame| frame.and_then(|frame| frame.core.cloned()))
}

/// True while the lane of `core` runs a callback on this thread.
pub(super) fn is_lane_of(core: &Core) -> bool {
    with(|frame| frame.is_some_and(|frame| frame.is_lane && frame.owner == core.id()))
}

/// How a push to `core` from here is to be made. Once told that it opens the gate, it must be pushed.
#[inline]
pub(super) fn gate(core: &Arc<Core>) -> Gate {
    with(|frame| match frame {
        Some(frame) if !frame.is_lane && frame.owner == core.id() => {
            let held = frame.holds.take();
            let gate = if held.is_some() { Gate::Open } else { Gate::Opens(frame.id()) };
            frame.holds.set(held.or_else(|| Some(core.clone())));
            gate
        }
        _ => Gate::Free,
    })
}
