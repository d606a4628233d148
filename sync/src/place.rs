//! A place in the line of a primitive: what every future of this crate is made of, and its only unsafe code.
//!
//! The wait queue has no step "look at the state, else enter". So a place looks, enters, and looks again: whatever was
//! changed between the first look and the entry is seen by the second, and whoever changes it later sees the place.

use raddle_runtime::budget;
use raddle_runtime::wait::queue::Outcome;
use raddle_runtime::wait::{Queue, QueueGuard, Waiter};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

/// A future's place in the line of `queue`. It is left when dropped; a primitive that hands something to single waiters
/// calls [`Place::leave`] before.
#[derive(Debug)]
pub(crate) struct Place<'a, S> {
    queue: &'a Queue<S>,
    waiter: Waiter,
    done: bool,
}

impl<'a, S> Place<'a, S> {
    pub(crate) fn new(queue: &'a Queue<S>) -> Self {
        Self { queue, waiter: Waiter::new(), done: false }
    }

    /// Ready once `admit` says so of the state or a notification came, with a unit of the budget spent.
    pub(crate) fn poll(
        self: Pin<&mut Self>,
        cx: &Context<'_>,
        admit: impl FnMut(&mut S) -> bool,
    ) -> Poll<()> {
        let unit = ready!(budget::poll_unit(cx));
        ready!(self.poll_uncounted(cx, admit));
        unit.spend();
        Poll::Ready(())
    }

    /// As [`Place::poll`], outside the budget.
    pub(crate) fn poll_uncounted(
        self: Pin<&mut Self>,
        cx: &Context<'_>,
        mut admit: impl FnMut(&mut S) -> bool,
    ) -> Poll<()> {
        // SAFETY: nothing is moved out: the waiter stays pinned with us, the rest is plain.
        let this = unsafe { self.get_unchecked_mut() };
        if !this.done && !this.is_over(&mut admit) {
            // SAFETY: the waiter is ours, for this queue, and `leave` takes it out before we are dropped.
            let entered = unsafe { this.queue.poll_waiter(this.pinned_waiter(), 1, cx) };
            if entered.is_pending() && !this.is_over(&mut admit) {
                return Poll::Pending;
            }
        }
        this.done = true;
        Poll::Ready(())
    }

    /// True when a notification came or `admit` says so; we are then out of the line.
    fn is_over(&self, admit: &mut impl FnMut(&mut S) -> bool) -> bool {
        let mut guard = self.queue.lock();
        // The outcome first: one who was chosen must not be admitted, and take something, as well.
        if self.waiter.outcome() == Outcome::Waiting && !admit(&mut guard) {
            return false;
        }
        // SAFETY: it enters this queue only.
        let removed = unsafe { guard.remove(self.pinned_waiter()) };
        drop(guard);
        drop(removed);
        true
    }

    /// Leaves the line for good. If we were chosen by a notification meant for one and have not returned it, `pass_on`
    /// says who gets it instead; that waker is woken here.
    pub(crate) fn leave(&mut self, pass_on: impl FnOnce(&mut QueueGuard<'_, S>) -> Option<Waker>) {
        if std::mem::replace(&mut self.done, true) {
            return;
        }
        let mut guard = self.queue.lock();
        // SAFETY: it enters this queue only.
        let removed = unsafe { guard.remove(self.pinned_waiter()) };
        // Taken out by us or by a notifier: the outcome is final now.
        let next = if self.waiter.outcome() == Outcome::One { pass_on(&mut guard) } else { None };
        drop(guard);
        drop(removed);
        if let Some(next) = next {
            next.wake();
        }
    }

    fn pinned_waiter(&self) -> Pin<&Waiter> {
        // SAFETY: it enters the queue in `poll_uncounted` only, for which we are pinned, and leaves it before it is
        // dropped, by `leave`.
        unsafe { Pin::new_unchecked(&self.waiter) }
    }
}

impl<S> Drop for Place<'_, S> {
    fn drop(&mut self) {
        self.leave(|_| None);
    }
}
