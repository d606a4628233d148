//! Events on their way from the system to the sources: fetched, and not yet handed on.

use super::source::Wakes;
use super::sys::Event;
use std::collections::VecDeque;

/// The line of events. The first may have been seen by its source already, and wait for room for its waiters.
#[derive(Debug, Default)]
pub(crate) struct Fetched {
    events: VecDeque<Event>,
    /// Waiters of the first event that did not fit into the last batch.
    wakes: Option<Wakes>,
}

impl Fetched {
    #[cfg(not(loom))]
    pub(super) fn with_capacity(events: usize) -> Self {
        Self { events: VecDeque::with_capacity(events), wakes: None }
    }

    pub(super) fn push(&mut self, event: Event) {
        self.events.push_back(event);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// The event to be handed on next.
    #[inline]
    pub(crate) fn first(&self) -> Option<Event> {
        self.events.front().copied()
    }

    /// The first event, whole, if its source has not seen it.
    #[inline]
    pub(super) fn unseen(&self) -> Option<Event> {
        if self.wakes.is_some() { None } else { self.first() }
    }

    /// The waiters of the first event that were put aside, if its source has seen it.
    #[inline]
    pub(super) fn take_wakes(&mut self) -> Option<Wakes> {
        self.wakes.take()
    }

    /// Puts aside the waiters of the first event that did not fit.
    pub(super) fn put_wakes(&mut self, wakes: Wakes) {
        self.wakes = Some(wakes);
    }

    /// The first event has been handed on, to all of its waiters.
    #[inline]
    pub(super) fn advance(&mut self) {
        self.wakes = None;
        self.events.pop_front();
        if self.events.is_empty() {
            // The line begins anew in the same place: what lies further on may be in another core's caches.
            self.events.clear();
        }
    }
}
