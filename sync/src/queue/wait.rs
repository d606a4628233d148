//! The futures that wait in a queue's lines.

use super::error::QueueShutDown;
use super::state::{GETTERS, Guard, LINES, PUTTERS, State, pass_item_on, pass_slot_on, push, take};
use super::store::Store;
use raddle_runtime::budget;
use raddle_runtime::wait::{Arrival, Batch, Outcome, Place, Queue, What, batch};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// One who waits for an item.
pub(super) struct Getting<'a, S> {
    place: Place<'a, State<S>, LINES>,
}

impl<'a, S> Getting<'a, S> {
    pub(super) fn new(queue: &'a Queue<State<S>, LINES>) -> Self {
        Self { place: Place::in_line(queue, GETTERS).named(What::QueueGet) }
    }
}

impl<S: Store> Future for Getting<'_, S> {
    type Output = Result<S::Item, QueueShutDown>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let unit = ready!(budget::poll_unit(cx));
        // Declared before any guard, so that who is chosen is woken after it is dropped.
        let mut chosen = Batch::new();
        let queue = self.place.queue();
        // SAFETY: the place is pinned whenever we are: nothing here moves it.
        let place = unsafe { self.map_unchecked_mut(|this| &mut this.place) };
        let look = |guard: &mut Guard<'_, S>| {
            let may_take = guard.has_item() || guard.is_shut_down();
            may_take.then(|| take(guard, &mut chosen))
        };
        let item = match ready!(place.poll_uncounted(cx, 1, look)) {
            Arrival::Admitted(item) => item,
            Arrival::Notified(outcome) => {
                let mut guard = queue.lock();
                if outcome == Outcome::One {
                    guard.getter_came();
                }
                take(&mut guard, &mut chosen)
            }
        };
        unit.spend();
        Poll::Ready(item.ok_or(QueueShutDown(())))
    }
}

impl<S> Drop for Getting<'_, S> {
    fn drop(&mut self) {
        if let Some(next) = self.place.leave(|_| None, pass_item_on) {
            batch::wake(next);
        }
    }
}

/// One who waits for a slot, with the item for it.
pub(super) struct Putting<'a, S: Store> {
    /// Until it is put or given back.
    item: Option<S::Item>,
    place: Place<'a, State<S>, LINES>,
}

impl<'a, S: Store> Putting<'a, S> {
    pub(super) fn new(queue: &'a Queue<State<S>, LINES>, item: S::Item) -> Self {
        Self { item: Some(item), place: Place::in_line(queue, PUTTERS).named(What::QueuePut) }
    }
}

/// Puts the item, or leaves it where it is when the queue is shut down. There is a slot for it.
fn put<S: Store>(guard: &mut Guard<'_, S>, item: &mut Option<S::Item>, chosen: &mut Batch) {
    if !guard.is_shut_down()
        && let Some(item) = item.take()
    {
        push(guard, item, chosen);
    }
}

impl<S: Store> Future for Putting<'_, S> {
    type Output = Result<(), QueueShutDown<S::Item>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let unit = ready!(budget::poll_unit(cx));
        // Declared before any guard, so that who is chosen is woken after it is dropped.
        let mut chosen = Batch::new();
        // SAFETY: the place is not moved, and the item is not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        let item = &mut this.item;
        let queue = this.place.queue();
        // SAFETY: the place is pinned whenever we are.
        let place = unsafe { Pin::new_unchecked(&mut this.place) };
        let look = |guard: &mut Guard<'_, S>| {
            let may_put = guard.has_slot() || guard.is_shut_down();
            may_put.then(|| put(guard, item, &mut chosen))
        };
        if let Arrival::Notified(Outcome::One) = ready!(place.poll_uncounted(cx, 1, look)) {
            let mut guard = queue.lock();
            guard.putter_came();
            put(&mut guard, &mut this.item, &mut chosen);
        }
        unit.spend();
        Poll::Ready(this.item.take().map_or(Ok(()), |item| Err(QueueShutDown(item))))
    }
}

impl<S: Store> Drop for Putting<'_, S> {
    fn drop(&mut self) {
        if let Some(next) = self.place.leave(|_| None, pass_slot_on) {
            batch::wake(next);
        }
    }
}
