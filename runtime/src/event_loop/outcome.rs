//! What a promise is made of: an outcome that is written once, and those who wait for it.
//!
//! `is_done` is set under the queue's lock, after the outcome was written, and never cleared: who sees it set reads the
//! outcome without the lock, for it does not change any more.

use crate::budget;
use crate::prim::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
use crate::prim::cell::UnsafeCell;
use crate::wait::{Place, Queue, Stage, What};
use std::pin::Pin;
use std::task::{Context, Poll};

/// An outcome `O` to come, and callbacks `C` for when it has.
#[derive(Debug)]
pub(crate) struct Settled<O, C> {
    queue: Queue<Callbacks<C>>,
    is_done: AtomicBool,
    outcome: UnsafeCell<Option<O>>,
}

/// Callbacks by their number.
#[derive(Debug)]
pub(crate) struct Callbacks<C> {
    made: u64,
    list: Vec<(u64, C)>,
}

// SAFETY: the outcome is written once, under the queue's lock, before `is_done` says so; from then on it is shared, and
// in the end it is dropped by one thread.
unsafe impl<O: Send + Sync, C: Send> Sync for Settled<O, C> {}

impl<O, C> Default for Settled<O, C> {
    fn default() -> Self {
        let callbacks = Callbacks { made: 0, list: Vec::new() };
        Self { queue: Queue::new(callbacks), is_done: AtomicBool::new(false), outcome: UnsafeCell::new(None) }
    }
}

impl<O, C> Settled<O, C> {
    /// The outcome, once there is one.
    #[inline]
    pub(crate) fn get(&self) -> Option<&O> {
        if !self.is_done.load(Acquire) {
            return None;
        }
        // SAFETY: it was written before `is_done` was set, and is not written again.
        self.outcome.with(|outcome| unsafe { &*outcome }).as_ref()
    }

    /// Writes the outcome and wakes all who wait; returns the callbacks, to be given their turn.
    ///
    /// # Errors
    /// When there is one already: the outcome is given back.
    pub(crate) fn settle(&self, outcome: O) -> Result<Vec<(u64, C)>, O> {
        let mut queue = self.queue.lock();
        if self.get().is_some() {
            drop(queue);
            return Err(outcome);
        }
        // SAFETY: under the lock, and nobody reads before `is_done` is set. `None` was there: nothing is dropped.
        self.outcome.with_mut(|cell| unsafe { *cell = Some(outcome) });
        self.is_done.store(true, Release);
        let callbacks = std::mem::take(&mut queue.list);
        queue.release_all();
        Ok(callbacks)
    }

    /// Keeps a callback until there is an outcome; returns its number.
    ///
    /// # Errors
    /// When there is one already: the callback is given back.
    pub(crate) fn add(&self, callback: C) -> Result<u64, C> {
        let mut queue = self.queue.lock();
        if self.get().is_some() {
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
    pub(crate) fn place(&self) -> Place<'_, Callbacks<C>> {
        Place::new(&self.queue).named(What::Promise)
    }

    /// Waits in `place`, which is one of ours, for the outcome.
    pub(crate) fn poll(&self, place: Pin<&mut Place<'_, Callbacks<C>>>, cx: &Context<'_>) -> Poll<&O> {
        if place.stage() == Stage::New && self.get().is_some() && budget::try_spend() {
            place.skip();
        } else {
            std::task::ready!(place.poll(cx, 1, |_| self.get().map(drop)));
        }
        match self.get() {
            Some(outcome) => Poll::Ready(outcome),
            None => unreachable!("only the outcome notifies"),
        }
    }
}
