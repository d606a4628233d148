//! A task that lingers: its future is gone, and children of groups that it dropped have not ended yet. It completes
//! when they have, so that whoever joins it knows that nothing it started in a group still runs.
//!
//! The word is `Extras::ends`: 1 for the runner, and 2 for each group that was dropped with children alive (a
//! [`Hold`]). Whoever takes the last of it away has the right to complete the task, as a value: [`Over`].
//!
//! - A hold is taken by the thread that polls the task or drops its future, hence before the runner leaves. So the word
//!   does not rise from 0, and falls to it once.
//! - It falls by AcqRel operations: whoever brings it to 0 sees the output that the runner put in place, and all that
//!   the other children did.
//! - From the runner's leaving until then the task stays RUNNING: a wake or a cancel sets its flag and owes nothing,
//!   nobody queues it, and `stage` is nobody's but the completer's. It is not complete, so the scheduler's reference
//!   keeps it alive, and holds need none of their own.
//! - Extras that others make while the runner looks for them have a word of 1 that nobody takes away: holds are taken
//!   by the runner's own thread, so no extras means no holds.

use super::current;
use super::header::Header;
use crate::prim::atomic::{AtomicUsize, Ordering::AcqRel, Ordering::Relaxed};
use std::ptr::NonNull;

const RUNNER: usize = 1;
const HOLD: usize = 2;

/// The runner, and the dropped groups, that a task's completion waits for.
#[derive(Debug)]
pub(super) struct Ends(AtomicUsize);

impl Default for Ends {
    fn default() -> Self {
        Self(AtomicUsize::new(RUNNER))
    }
}

impl Ends {
    /// Takes a share away; true when it was the last.
    fn take(&self, share: usize) -> bool {
        let before = self.0.fetch_sub(share, AcqRel);
        debug_assert!(before >= share);
        before == share
    }

    /// True when the runner has left.
    pub(super) fn is_runner_gone(&self) -> bool {
        self.0.load(Relaxed) & RUNNER == 0
    }
}

/// Keeps a task from completing.
#[derive(Debug)]
#[must_use = "a hold that is not released keeps its task from ever completing"]
pub(crate) struct Hold(NonNull<Header>);

// SAFETY: the task is alive until it completes (see above); its header is made for use from any thread (rule 1).
unsafe impl Send for Hold {}

impl Hold {
    /// A hold on the task that this thread polls or ends now, if it does.
    pub(crate) fn on_current() -> Option<Self> {
        let task = current::pointer()?;
        // SAFETY: it is being polled or ended by this thread, hence not complete.
        let header = unsafe { task.as_ref() };
        header.extras_or_new().ends.0.fetch_add(HOLD, Relaxed);
        Some(Self(task))
    }

    /// Lets the task complete, as far as this hold goes.
    #[must_use = "the task waits to be completed"]
    pub(crate) fn release(self) -> Option<Over> {
        // SAFETY: not complete, because of this hold.
        let header = unsafe { self.0.as_ref() };
        header.extras_or_new().ends.take(HOLD).then_some(Over(self.0))
    }
}

/// The right, and the duty, to complete a task (rule 7).
#[derive(Debug)]
#[must_use = "nobody else will complete the task"]
pub(crate) struct Over(NonNull<Header>);

impl Over {
    /// Completes the task by `complete`, and then those whose end waited for it.
    #[inline]
    pub(super) fn complete_by(self, complete: impl FnOnce(NonNull<Header>) -> Option<Self>) {
        if let Some(next) = complete(self.0) {
            next.complete();
        }
    }

    /// Completes the task, and those whose end waited for it.
    pub(super) fn complete(self) {
        // A loop: groups may be nested deeper than the stack.
        let mut over = Some(self);
        while let Some(Self(task)) = over {
            // SAFETY: not complete, so the scheduler's reference is there.
            let vtable = unsafe { task.as_ref() }.vtable;
            // SAFETY: as above; its output is in place.
            over = unsafe { (vtable.complete)(task) };
        }
    }
}

/// The runner is through with a task: the output is in place. Says whether the task is to be completed now.
///
/// # Safety
/// By the runner, once; the task is not complete.
#[inline]
pub(super) unsafe fn leave(task: NonNull<Header>) -> Option<Over> {
    // SAFETY: not complete, by contract.
    let header = unsafe { task.as_ref() };
    let is_over = header.extras().is_none_or(|extras| extras.ends.take(RUNNER));
    is_over.then_some(Over(task))
}
