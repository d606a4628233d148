//! A queue entry: the right to poll a task once.

use super::header::Header;
use super::request::Request;
use std::ptr::NonNull;
use std::sync::Arc;

/// What became of a task that was run.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ran {
    /// It has ended.
    Done,
    /// It waits for a wake.
    Idle,
    /// It was woken while it ran, or yielded: the entry is the runner's again and must be queued.
    Again,
}

/// A task that is to be polled. Whoever has it must run it or queue it: dropping it strands the task.
#[must_use = "a queue entry that is dropped strands its task"]
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Task(NonNull<Header>);

// SAFETY: the entry is handed from thread to thread by queues; the futures behind it are Send, or pinned to a worker
// and sent to no other (rule 6).
unsafe impl Send for Task {}

impl Task {
    #[inline]
    pub(super) fn new(task: NonNull<Header>) -> Self {
        Self(task)
    }

    /// Polls the task, or ends it if it is cancelled.
    #[inline]
    pub(crate) fn run(self) -> (Ran, Self) {
        // SAFETY: rule 4: the entry keeps the task alive until it is used up here.
        let vtable = unsafe { self.0.as_ref() }.vtable;
        // SAFETY: as above.
        let ran = unsafe { (vtable.run)(self.0) };
        (ran, self)
    }

    /// Ends the task without another poll: its future is dropped here and now.
    pub(crate) fn cancel(self) {
        // It is queued, so the request owes no push: we have the entry.
        let _ = self.header().state.cancel();
        let (_ran, _task) = self.run();
    }

    /// As [`cancel`](Self::cancel), with a request for the joiner to see.
    pub(crate) fn refuse(self, request: &Arc<Request>) {
        self.header().extras_or_new().ask(request);
        self.cancel();
    }

    /// The task's header.
    #[inline]
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: rule 4.
        unsafe { self.0.as_ref() }
    }

    /// Where the task is.
    #[inline]
    pub(super) fn as_ptr(&self) -> *mut Header {
        self.0.as_ptr()
    }

    /// The entry as a pointer, for a slot that can only hold one.
    #[inline]
    pub(crate) fn into_raw(self) -> *mut Header {
        self.0.as_ptr()
    }

    /// The entry back from [`into_raw`](Self::into_raw); null is `None`.
    ///
    /// # Safety
    /// The pointer came from `into_raw` and is turned back once.
    #[inline]
    pub(crate) unsafe fn from_raw(raw: *mut Header) -> Option<Self> {
        NonNull::new(raw).map(Self)
    }
}
