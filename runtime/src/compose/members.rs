//! The tasks of a group: who is in it, whom to cancel, and who waits for the last one to end.
//!
//! A child is entered before it is queued and taken out when it is complete, both under the lock; so what cancels the
//! group finds every child, and a child that comes later is refused. The one who takes the last child out wakes the
//! parent, or completes it if it lingers (`task/linger.rs`).

use crate::prim::lock::Mutex;
use crate::task::linger::{Hold, Over};
use crate::task::{CancelHandle, Id, Request};
use crate::wait::note::{What, note};
use crate::wait::{Batch, Slot};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The tasks of a group.
#[derive(Debug, Default)]
pub(crate) struct Members {
    state: Mutex<State>,
    /// The parent, which waits for a failure or for the last child's end.
    parent: Slot,
}

#[derive(Debug, Default)]
struct State {
    /// By id, so that they are cancelled in about the order of their spawning, the same in each run.
    alive: BTreeMap<Id, CancelHandle>,
    /// Why no child is let in any more.
    closed: Option<Arc<Request>>,
    has_failed: bool,
    /// The parent waits for the last child's end, and for nothing else.
    is_joining: bool,
    /// The task that dropped the group and lingers until the last child has ended.
    lingers: Option<Hold>,
}

impl Members {
    /// Enters a child that has not been queued yet.
    ///
    /// # Errors
    /// Why it is not to be started, when the group is cancelled or over.
    pub(crate) fn enter(&self, child: CancelHandle) -> Result<(), Arc<Request>> {
        let mut state = self.state.lock();
        match &state.closed {
            Some(request) => Err(request.clone()),
            None => {
                state.alive.insert(child.id(), child);
                Ok(())
            }
        }
    }

    /// A child is complete.
    #[must_use = "that task waits to be completed"]
    pub(crate) fn leave(&self, id: Id) -> Option<Over> {
        let mut state = self.state.lock();
        let child = state.alive.remove(&id);
        let is_last = state.alive.is_empty();
        let lingers = if is_last { state.lingers.take() } else { None };
        let is_joining = state.is_joining;
        drop(state);
        drop(child);
        if is_last && is_joining {
            self.wake_parent();
        }
        lingers.and_then(Hold::release)
    }

    /// Cancels all children, and those to come. Of several requests the first counts.
    pub(crate) fn cancel(&self, request: &Arc<Request>) {
        let mut state = self.state.lock();
        if state.closed.is_some() {
            return;
        }
        state.closed = Some(request.clone());
        let children: Vec<CancelHandle> = state.alive.values().cloned().collect();
        drop(state);
        children.iter().for_each(|child| child.cancel_for(request));
    }

    /// As [`cancel`](Self::cancel), and tells the parent that the group has failed.
    pub(crate) fn fail(&self, request: &Arc<Request>) {
        self.state.lock().has_failed = true;
        self.cancel(request);
        self.wake_parent();
    }

    /// The parent drops the group: as [`cancel`](Self::cancel), and the task that calls does not complete before the
    /// children have.
    pub(crate) fn abandon(&self, request: &Arc<Request>) {
        let mut state = self.state.lock();
        if !state.alive.is_empty() {
            state.lingers = Hold::on_current();
        }
        drop(state);
        self.cancel(request);
    }

    /// True once something in the group has failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.state.lock().has_failed
    }

    /// Waits for the group to fail. By the parent.
    pub(crate) fn poll_failed(&self, cx: &Context<'_>) -> Poll<()> {
        self.parent.register(cx.waker());
        if self.has_failed() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Waits for the last child's end, and closes the group then. By the parent.
    pub(crate) fn poll_joined(&self, cx: &Context<'_>, over: impl FnOnce() -> Arc<Request>) -> Poll<()> {
        self.parent.register(cx.waker());
        let mut state = self.state.lock();
        state.is_joining = true;
        if !state.alive.is_empty() {
            note(What::Group);
            return Poll::Pending;
        }
        state.closed.get_or_insert_with(over);
        Poll::Ready(())
    }

    /// True when the group is closed and every child has ended.
    pub(crate) fn is_over(&self) -> bool {
        let state = self.state.lock();
        state.closed.is_some() && state.alive.is_empty()
    }

    /// Children that have not ended.
    pub(crate) fn len(&self) -> usize {
        self.state.lock().alive.len()
    }

    fn wake_parent(&self) {
        // As a batch, which survives a waker that panics.
        let mut batch = Batch::new();
        batch.extend(self.parent.take());
        batch.wake();
    }
}
