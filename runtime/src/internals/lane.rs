//! Doors to the event loop: its lane, and what a promise is made of.

use crate::event_loop::{self, CallbackHandle, Gate, Next};
use std::collections::VecDeque;
use std::panic::Location;
use std::task::Waker;

/// The lane of an event loop.
#[derive(Default)]
pub struct Lane(event_loop::Lane);

/// What a turn of a lane came to.
#[derive(Debug, PartialEq, Eq)]
pub enum LaneTurn {
    Ran,
    Idle,
    Stopped,
}

impl Lane {
    pub fn new() -> Self {
        Self::default()
    }

    fn push_with(&self, gate: Gate, call: impl FnOnce() + Send + 'static) -> Option<CallbackHandle> {
        let callback = event_loop::once(call, Location::caller());
        self.0.push(callback.clone(), gate).ok().map(|()| CallbackHandle::new(callback))
    }

    /// Queues a callback; `None` when the lane is closed.
    pub fn push(&self, call: impl FnOnce() + Send + 'static) -> Option<CallbackHandle> {
        self.push_with(Gate::Free, call)
    }

    pub fn push_in_step(&self, step: usize, is_first: bool, call: impl FnOnce() + Send + 'static) {
        let gate = if is_first { Gate::Opens(step) } else { Gate::Open };
        assert!(self.push_with(gate, call).is_some(), "models do not close a lane in a step");
    }

    pub fn end_step(&self, step: usize) {
        self.0.end_step(step);
    }

    pub fn begin(&self) -> bool {
        self.0.begin().is_ok()
    }

    /// Ends the run after the turn that is under way.
    pub fn stop(&self) {
        self.0.stop();
    }

    /// What the lane's task does again and again.
    pub fn turn(&self, waker: &Waker, is_new: bool) -> LaneTurn {
        let mut batch = VecDeque::new();
        match self.0.next(&mut batch, &mut Some(waker.clone()), is_new, || 0) {
            Next::Batch => batch.iter().for_each(|callback| callback.call()),
            Next::Idle(_) => return LaneTurn::Idle,
            Next::Stopped => return LaneTurn::Stopped,
        }
        LaneTurn::Ran
    }

    /// Closes it and drops what is queued: how many callbacks; `None` while it runs.
    pub fn close(&self) -> Option<usize> {
        self.0.close().ok().map(|queued| queued.len())
    }
}

/// What a promise is made of.
pub struct Settled<O, C>(event_loop::Settled<O, C>);

impl<O, C> Default for Settled<O, C> {
    fn default() -> Self {
        Self(event_loop::Settled::default())
    }
}

impl<O, C> Settled<O, C> {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn get(&self) -> Option<&O> {
        self.0.get()
    }

    /// # Errors
    /// When it is settled already.
    pub fn settle(&self, outcome: O) -> Result<Vec<(u64, C)>, O> {
        self.0.settle(outcome)
    }

    /// # Errors
    /// When it is settled already.
    pub fn add(&self, callback: C) -> Result<u64, C> {
        self.0.add(callback)
    }

    pub fn remove(&self, number: u64) -> Option<C> {
        self.0.remove(number)
    }

    /// Waits for the outcome, which is there when this returns.
    pub async fn wait(&self) -> &O {
        let mut wait = std::pin::pin!(self.0.wait());
        std::future::poll_fn(|cx| wait.as_mut().poll(cx)).await
    }
}
