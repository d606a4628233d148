//! What a promise is made of: an outcome that is written once, and those who wait for it.
//!
//! Whoever settles it writes the outcome between the two steps of [`Front`], and nobody does after that: who sees that
//! it is over reads the outcome without a lock. Callbacks, and all who wait but the first, are behind the queue's lock.

use crate::prim::cell::UnsafeCell;
use crate::wait::{Front, Place, Queue, What};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// An outcome `O` to come, and callbacks `C` for when it has.
#[derive(Debug)]
pub(crate) struct Settled<O, C> {
    front: Front,
    queue: Queue<Callbacks<C>>,
    outcome: UnsafeCell<Option<O>>,
}

/// Callbacks by their number.
#[derive(Debug)]
pub(crate) struct Callbacks<C> {
    made: u64,
    list: Vec<(u64, C)>,
}

// SAFETY: the outcome is written once, by the settler, before `front` says that it is over; from then on it is shared,
// and in the end it is dropped by one thread.
unsafe impl<O: Send + Sync, C: Send> Sync for Settled<O, C> {}

impl<O, C> Default for Settled<O, C> {
    fn default() -> Self {
        let callbacks = Callbacks { made: 0, list: Vec::new() };
        Self { front: Front::new(), queue: Queue::new(callbacks), outcome: UnsafeCell::new(None) }
    }
}

impl<O, C> Settled<O, C> {
    /// The outcome, once there is one.
    #[inline]
    pub(crate) fn get(&self) -> Option<&O> {
        if !self.front.is_over() {
            return None;
        }
        // SAFETY: it was written before that, and is not written again.
        self.outcome.with(|outcome| unsafe { &*outcome }).as_ref()
    }

    /// Writes the outcome and wakes all who wait; returns the callbacks, to be given their turn.
    ///
    /// # Errors
    /// When there is one already: the outcome is given back.
    #[inline]
    pub(crate) fn settle(&self, outcome: O) -> Result<Vec<(u64, C)>, O> {
        let Some(settling) = self.front.settle() else { return Err(outcome) };
        // SAFETY: we settle it, and nobody reads before it is over. `None` was there: nothing is dropped.
        self.outcome.with_mut(|cell| unsafe { cell.write(Some(outcome)) });
        Ok(if settling.finish() { self.release_line() } else { Vec::new() })
    }

    /// Wakes all who wait in the queue; returns the callbacks.
    fn release_line(&self) -> Vec<(u64, C)> {
        let mut queue = self.queue.lock();
        let callbacks = std::mem::take(&mut queue.list);
        queue.release_all();
        callbacks
    }

    /// Keeps a callback until there is an outcome; returns its number.
    ///
    /// # Errors
    /// When there is one already: the callback is given back.
    pub(crate) fn add(&self, callback: C) -> Result<u64, C> {
        let mut queue = self.queue.lock();
        if !self.front.mark_line() {
            drop(queue);
            return Err(callback);
        }
        queue.made += 1;
        let number = queue.made;
        queue.list.push((number, callback));
        Ok(number)
    }

    /// Takes a callback back.
    pub(crate) fn remove(&self, number: u64) -> Option<C> {
        let mut queue = self.queue.lock();
        let at = queue.list.iter().position(|(other, _)| *other == number)?;
        Some(queue.list.remove(at).1)
    }

    /// A place among those who wait.
    pub(crate) fn wait(&self) -> Wait<'_, O, C> {
        Wait { settled: self, place: Place::new(&self.queue).named(What::Promise) }
    }
}

/// Waits for an outcome.
#[derive(Debug)]
pub(crate) struct Wait<'a, O, C> {
    settled: &'a Settled<O, C>,
    place: Place<'a, Callbacks<C>>,
}

impl<'a, O, C> Wait<'a, O, C> {
    pub(crate) fn poll(self: Pin<&mut Self>, cx: &Context<'_>) -> Poll<&'a O> {
        let settled = self.settled;
        // SAFETY: the place is pinned whenever we are: nothing here moves it.
        let place = unsafe { self.map_unchecked_mut(|this| &mut this.place) };
        ready!(settled.front.poll(place, cx));
        match settled.get() {
            Some(outcome) => Poll::Ready(outcome),
            None => unreachable!("only the outcome notifies"),
        }
    }
}

impl<O, C> Drop for Wait<'_, O, C> {
    #[inline]
    fn drop(&mut self) {
        self.settled.front.leave(&self.place);
    }
}
