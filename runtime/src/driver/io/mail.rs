//! Events of sources that another worker looks after. Whoever fetched them leaves them to that worker: the source, the
//! task behind it and the socket are in the caches of that core.
//!
//! When is an event left to a worker, and who takes it if that worker does not come? See kind 4 in
//! `runtime/src/idle/README.md`.

use super::fetched::Fetched;
use super::sys::Event;
use crate::prim::atomic::{AtomicUsize, Ordering::AcqRel, Ordering::Acquire, Ordering::SeqCst, fence};
use crate::prim::lock::{TryLock, TryLockGuard};
use crate::prim::thread::spin;
use std::cell::RefCell;

/// A worker that turns the driver: it leaves events to the others.
pub(crate) struct Sorting<'a> {
    me: usize,
    /// Whether a worker runs tasks, and comes to its mailbox before it sleeps. No sleeper is woken for an event: that
    /// takes longer than to hand it on.
    is_at_work: &'a dyn Fn(usize) -> bool,
    /// Workers that had gone when events had been left to them.
    gone: RefCell<Vec<usize>>,
}

impl<'a> Sorting<'a> {
    pub(crate) fn new(me: usize, is_at_work: &'a dyn Fn(usize) -> bool) -> Self {
        Self { me, is_at_work, gone: RefCell::default() }
    }

    /// Those whose mail has to be taken back.
    pub(crate) fn gone(&self) -> Vec<usize> {
        self.gone.take()
    }

    pub(super) fn wants_to_leave(&self, home: usize) -> bool {
        home != self.me && (self.is_at_work)(home)
    }

    /// An event has been left to a worker that had none before.
    pub(super) fn left_first(&self, home: usize) {
        // Pairs with the fence of a worker that falls asleep or blocks: it sees the event, or we see it gone.
        fence(SeqCst);
        if !(self.is_at_work)(home) {
            self.gone.borrow_mut().push(home);
        }
    }
}

/// What is left to one worker. It lies in two places, so that nobody finds the door shut for as long as it takes to
/// hand events on.
#[derive(Debug)]
pub(crate) struct Mailbox {
    /// Left, and not looked at yet.
    slot: TryLock<Vec<Event>>,
    /// In the hands of who opened the box last.
    opened: TryLock<Fetched>,
    /// Events in both, so that looking takes no lock. Counted before they come, and after they have been handed on.
    len: AtomicUsize,
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

    /// Leaves events here. True if there were none: the worker has to be seen at work after this.
    pub(super) fn post(&self, events: impl ExactSizeIterator<Item = Event>) -> bool {
        let mut turn = 0;
        let mut slot = loop {
            match self.slot.try_lock() {
                Some(slot) => break slot,
                // Somebody moves what is in there to another place.
                None => spin(turn),
            }
            turn += 1;
        };
        let before = self.len.fetch_add(events.len(), AcqRel);
        slot.extend(events);
        before == 0
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
