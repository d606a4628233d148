//! The task this thread is polling.

use super::error::Origin;
use super::header::Header;
use super::id::Id;
use super::join::TaskRef;
use super::request::Request;
use super::waits::WaitInfo;
use super::waker;
use crate::wait::note;
use std::cell::Cell;
use std::fmt;
use std::future::poll_fn;
use std::panic::Location;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::task::{Context, Poll};

thread_local! {
    static CURRENT: Cell<*const Header> = const { Cell::new(ptr::null()) };
    /// Set by `yield_now`: the poll that is about to return Pending wants to run again, after the others.
    static YIELDED: Cell<bool> = const { Cell::new(false) };
}

/// Marks `task` as the one being polled until it is dropped.
#[inline]
pub(super) fn enter(task: NonNull<Header>) -> Entered {
    Entered {
        outer: CURRENT.replace(task.as_ptr()),
        outer_yielded: YIELDED.replace(false),
        outer_note: note::replace(0),
    }
}

pub(super) struct Entered {
    outer: *const Header,
    outer_yielded: bool,
    outer_note: u64,
}

impl Entered {
    #[inline]
    pub(super) fn take_yielded(&self) -> bool {
        YIELDED.take()
    }

    /// What the poll has noted that it waits for.
    #[inline]
    pub(super) fn noted(&self) -> u64 {
        note::replace(0)
    }
}

impl Drop for Entered {
    #[inline]
    fn drop(&mut self) {
        CURRENT.set(self.outer);
        YIELDED.set(self.outer_yielded);
        note::replace(self.outer_note);
    }
}

/// Runs `f` with the header of the task being polled.
#[inline]
pub(super) fn with<R>(f: impl FnOnce(Option<&Header>) -> R) -> R {
    // SAFETY: the pointer is set for the time of a poll, during which the task is alive.
    f(unsafe { CURRENT.get().as_ref() })
}

/// True when the task being polled runs on one worker only.
pub(crate) fn is_pinned() -> bool {
    with(|task| task.is_some_and(|task| task.live_key().pinned().is_some()))
}

/// The task being polled, as a pointer that reaches all of it.
#[inline]
pub(super) fn pointer() -> Option<NonNull<Header>> {
    NonNull::new(CURRENT.get().cast_mut())
}

/// A reference to the task being polled.
pub(super) fn to_ref() -> Option<TaskRef> {
    // SAFETY: the task is being polled by this thread, hence alive.
    pointer().map(|task| unsafe { TaskRef::retain(task) })
}

/// Ends the current task at its next suspension, as one that was cancelled by `request`.
pub(crate) fn cancel(request: &Arc<Request>) {
    if let Some(task) = to_ref() {
        task.cancel(request);
    }
}

/// The request that the current task is being cancelled by, if it is.
pub(crate) fn cancellation() -> Option<Arc<Request>> {
    with(|header| {
        let header = header.filter(|header| header.state.is_cancelled())?;
        let request = header.extras().and_then(super::Extras::request);
        Some(request.unwrap_or_else(Request::of_the_end))
    })
}

/// Asks that the current task be queued again behind the others once this poll returns Pending.
#[inline]
pub(crate) fn yield_soon(cx: &Context<'_>) {
    let current = CURRENT.get();
    if !current.is_null() && waker::is_for(cx.waker(), current) {
        YIELDED.set(true);
    } else {
        // Polled through a foreign waker (a combinator of its own, another executor).
        cx.waker().wake_by_ref();
    }
}

/// The current task is about to end with an output that counts as a failure for who waits for it among others.
pub(crate) fn fail() {
    with(|header| {
        if let Some(header) = header {
            header.extras_or_new().fail();
        }
    });
}

/// What is known about a task.
#[derive(Debug, Clone)]
pub struct TaskInfo {
    origin: Origin,
    running: bool,
    parent: Option<Id>,
    waits_for: Option<WaitInfo>,
}

impl TaskInfo {
    pub(crate) fn of(header: &Header, running: bool) -> Self {
        let waits_for = if running { None } else { header.wait_info() };
        Self { origin: header.origin(), running, parent: header.spawned_by(), waits_for }
    }

    /// What is waited for, to be completed by who knows time and tasks.
    pub(super) fn wait_mut(&mut self) -> Option<&mut WaitInfo> {
        self.waits_for.as_mut()
    }

    pub(crate) fn into_origin(self) -> Origin {
        self.origin
    }

    /// Its id, unique in the process.
    pub fn id(&self) -> Id {
        self.origin.id
    }

    /// Its name, if it was given one.
    pub fn name(&self) -> Option<&str> {
        self.origin.name.as_deref()
    }

    /// Where it was spawned.
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.origin.spawned_at
    }

    /// True if it was being polled when this was taken.
    pub fn is_running(&self) -> bool {
        self.running
    }

    /// The task that spawned it, which may have ended since; `None` when it was spawned outside a task.
    pub fn parent(&self) -> Option<Id> {
        self.parent
    }

    /// What it waited for when this was taken; `None` when it was being polled, or about to be. In a listing
    /// ([`Handle::tasks`](crate::runtime::Handle::tasks)) with time and joined task.
    pub fn waits_for(&self) -> Option<&WaitInfo> {
        self.waits_for.as_ref()
    }
}

impl fmt::Display for TaskInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.origin.fmt(f)
    }
}

/// The task that calls.
///
/// # Panics
/// Outside a task; [`try_current`] asks first.
#[track_caller]
pub fn current() -> TaskInfo {
    try_current().expect("task::current() was called outside a task; use task::try_current() to ask first")
}

/// The task that calls, or `None` outside a task.
pub fn try_current() -> Option<TaskInfo> {
    with(|header| header.map(|header| TaskInfo::of(header, true)))
}

/// Waits until someone asks the current task to end, and returns the reason if one was given.
///
/// A task that is cancelled with [`JoinHandle::cancel_within`](super::JoinHandle::cancel_within) has that long from
/// here to clean up; one that is cancelled with `cancel()` is dropped at once and does not see this.
///
/// # Cancel safety
/// Dropping it loses nothing: a request stays on the task.
///
/// # Panics
/// Outside a task.
pub async fn cancelled() -> Option<String> {
    // A reference, so that this future may be dropped anywhere.
    let task = to_ref().expect("task::cancelled() was awaited outside a task: only a task can be cancelled");
    let extras = task.header().extras_or_new();
    let mut wait = std::pin::pin!(extras.asked.wait());
    poll_fn(|cx| {
        // Enter the queue first, look second: a request that comes in between finds us.
        let notified = note::noted(note::What::Cancelled, wait.as_mut().poll_wait(cx));
        if extras.is_asked() { Poll::Ready(()) } else { notified }
    })
    .await;
    extras.request()?.reason().map(String::from)
}
