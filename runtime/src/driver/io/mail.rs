//! Events of sources that another worker looks after. Whoever fetched them leaves them to that worker: the source, the
//! task behind it and the socket are in the caches of that core.
//!
//! When is an event left to a worker, and who takes it if that worker does not come? See kind 4 in
//! `runtime/src/idle/README.md`.

use super::fetched::Fetched;
use super::sys::Event;
use crate::prim::atomic::{AtomicUsize, Ordering::AcqRel, Ordering::Acquire};
use crate::prim::lock::{TryLock, TryLockGuard};

/// What is left to one worker. It waits in two places: nobody is to find the door shut for as long as it takes to hand
/// events on.
#[derive(Debug)]
pub(crate) struct Mailbox {
    /// Left, and not looked at yet.
    slot: TryLock<Vec<Event>>,
    /// In the hands of who opened the box last.
    opened: TryLock<Fetched>,
    /// Events in both, so that looking takes no lock. Counted before they come, and after they have been handed on.
    len: AtomicUsize,
}

/// What came of an event that was to be left to a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Posted {
    /// Somebody was at the slot just then: it was not left.
    Busy,
    /// It is the only one there: the worker has to be seen at work after this.
    First,
    /// There were others.
    More,
}

impl Mailbox {
    pub(super) fn new() -> Self {
        Self {
            slot: TryLock::new(Vec::new()),
            opened: TryLock::new(Fetched::default()),
            len: AtomicUsize::new(0),
        }
    }

    /// True when nothing is left here.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len.load(Acquire) == 0
    }

    pub(super) fn post(&self, event: Event) -> Posted {
        let Some(mut slot) = self.slot.try_lock() else { return Posted::Busy };
        let before = self.len.fetch_add(1, AcqRel);
        slot.push(event);
        if before == 0 { Posted::First } else { Posted::More }
    }

    /// What is left here, for this thread alone; `None` while another takes it, or brings something just then.
    pub(super) fn open(&self) -> Option<Opened<'_>> {
        let mut events = self.opened.try_lock()?;
        self.slot.try_lock()?.drain(..).for_each(|event| events.push(event));
        let before = events.len();
        Some(Opened { events, before, len: &self.len })
    }

    /// True when nobody hands events on from here. Whoever begins afterwards sees what was done before the call.
    pub(super) fn is_at_rest(&self) -> bool {
        self.opened.try_lock().is_some()
    }
}

/// A mailbox in the hands of one thread.
pub(super) struct Opened<'a> {
    pub(super) events: TryLockGuard<'a, Fetched>,
    before: usize,
    len: &'a AtomicUsize,
}

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        self.len.fetch_sub(self.before - self.events.len(), AcqRel);
    }
}
