//! What a queue holds and owes, and its verbs under the lock.
//!
//! Who waits and is chosen owns an item, or a free slot, from that moment on, but comes for it later. Until then the
//! item stays in the store and is counted in `owed`, the slot in `granted`, and nobody else takes them. So:
//!
//! - Getters are in line only while `items.len() == owed`: each item belongs to one who was chosen before them. A `put`
//!   adds one that does not, and chooses the first of them.
//! - Putters are in line only while `items.len() + granted == maxsize`. A `get` frees a slot, and chooses the first of
//!   them.
//! - Joiners are in line only while `unfinished > 0`.
//!
//! Hence nobody overtakes the line: whoever comes while it is not empty finds nothing that is free. And nothing is
//! lost: one who was chosen and goes gives what was his to the next in line, or, when there is none, back to all.
//!
//! A shutdown empties the lines and nobody enters them any more. From then on there is no order to keep, and an item
//! goes to whoever comes: no item stays behind for one who was chosen and went.

use super::store::Store;
use raddle_runtime::wait::{Batch, Batches, Outcome, QueueGuard};
use std::task::Waker;

/// The line of those who wait for an item.
pub(super) const GETTERS: u8 = 0;
/// The line of those who wait for a free slot.
pub(super) const PUTTERS: u8 = 1;
/// The line of those who wait until all is done.
pub(super) const JOINERS: u8 = 2;
pub(super) const LINES: usize = 3;

pub(super) struct State<S> {
    items: S,
    /// Zero: there is no bound.
    maxsize: usize,
    /// How many items belong to getters who were chosen and have not come.
    owed: usize,
    /// How many free slots belong to putters who were chosen and have not come.
    granted: usize,
    /// How many items were put and not yet said to be done.
    unfinished: usize,
    is_shut_down: bool,
}

pub(super) type Guard<'a, S> = QueueGuard<'a, State<S>, LINES>;

impl<S: Store> State<S> {
    pub(super) const fn new(maxsize: usize) -> Self {
        Self { items: S::EMPTY, maxsize, owed: 0, granted: 0, unfinished: 0, is_shut_down: false }
    }

    pub(super) fn maxsize(&self) -> usize {
        self.maxsize
    }

    pub(super) fn qsize(&self) -> usize {
        self.items.len()
    }

    pub(super) fn unfinished(&self) -> usize {
        self.unfinished
    }

    pub(super) fn is_shut_down(&self) -> bool {
        self.is_shut_down
    }

    /// True when there is a slot that belongs to nobody.
    pub(super) fn has_slot(&self) -> bool {
        self.maxsize == 0 || self.items.len() + self.granted < self.maxsize
    }

    /// True when there is an item that belongs to nobody.
    pub(super) fn has_item(&self) -> bool {
        self.items.len() > if self.is_shut_down { 0 } else { self.owed }
    }

    /// A chosen getter has come.
    pub(super) fn getter_came(&mut self) {
        self.owed -= 1;
    }

    /// A chosen putter has come.
    pub(super) fn putter_came(&mut self) {
        self.granted -= 1;
    }
}

/// Adds an item, for the getter that waits longest if one does. There is a slot for it.
///
/// All is counted before the store is touched: it may compare items, and that may panic.
pub(super) fn push<S: Store>(guard: &mut Guard<'_, S>, item: S::Item, chosen: &mut Batch) {
    guard.unfinished += 1;
    if let Some(waker) = guard.pop_from(GETTERS.into(), Outcome::One) {
        guard.owed += 1;
        chosen.push(waker);
    }
    guard.items.push(item);
}

/// Takes the next item, if there is one, and gives its slot to the putter that waits longest.
pub(super) fn take<S: Store>(guard: &mut Guard<'_, S>, chosen: &mut Batch) -> Option<S::Item> {
    if guard.items.len() == 0 {
        return None;
    }
    if let Some(waker) = guard.pop_from(PUTTERS.into(), Outcome::One) {
        guard.granted += 1;
        chosen.push(waker);
    }
    guard.items.pop()
}

/// A chosen getter goes without its item.
pub(super) fn pass_item_on<S>(guard: &mut Guard<'_, S>) -> Option<Waker> {
    let next = guard.pop_from(GETTERS.into(), Outcome::One);
    guard.owed -= usize::from(next.is_none());
    next
}

/// A chosen putter goes without using its slot.
pub(super) fn pass_slot_on<S>(guard: &mut Guard<'_, S>) -> Option<Waker> {
    let next = guard.pop_from(PUTTERS.into(), Outcome::One);
    guard.granted -= usize::from(next.is_none());
    next
}

/// One item is done; false if none was left to be.
pub(super) fn finish_one<S>(guard: &mut Guard<'_, S>, joiners: &mut Batches) -> bool {
    let Some(left) = guard.unfinished.checked_sub(1) else {
        return false;
    };
    guard.unfinished = left;
    release_joiners(guard, joiners);
    true
}

/// Refuses everybody from now on. `immediate` counts all items as done; they are returned, to be dropped with the lock
/// released.
pub(super) fn shut_down<S: Store>(guard: &mut Guard<'_, S>, immediate: bool, woken: &mut Batches) -> S {
    guard.is_shut_down = true;
    let mut drained = S::EMPTY;
    if immediate {
        std::mem::swap(&mut drained, &mut guard.items);
        guard.unfinished = guard.unfinished.saturating_sub(drained.len());
        release_joiners(guard, woken);
    }
    for line in [GETTERS, PUTTERS] {
        guard.gather(line.into(), usize::MAX, Outcome::All, woken);
    }
    drained
}

fn release_joiners<S>(guard: &mut Guard<'_, S>, joiners: &mut Batches) {
    if guard.unfinished == 0 {
        guard.gather(JOINERS.into(), usize::MAX, Outcome::All, joiners);
    }
}
