//! For the channels' tests: wakers that count, values that count their drops, futures polled once.
#![allow(dead_code, reason = "no test file uses all of it")]

use raddle_runtime::prim::atomic::{AtomicUsize, Ordering::SeqCst};
use raddle_runtime::prim::thread::{JoinHandle, Spec, spawn};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// Counts how often its task would have been woken.
#[derive(Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

impl Wakes {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(SeqCst)
    }

    /// Polls once with a waker that counts here.
    pub(crate) fn poll<F: Future + ?Sized>(self: &Arc<Self>, future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(&Waker::from(self.clone())))
    }

    /// How many wakers are kept somewhere.
    pub(crate) fn kept(self: &Arc<Self>) -> usize {
        Arc::strong_count(self) - 1
    }
}

/// Polls once with a waker that does nothing.
pub(crate) fn now<F: Future>(future: F) -> Poll<F::Output> {
    std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// How many values there are, and how many have been dropped.
#[derive(Clone, Default)]
pub(crate) struct Census(Arc<(AtomicUsize, AtomicUsize)>);

/// A value that is counted.
pub(crate) struct Counted(Census);

impl Census {
    pub(crate) fn value(&self) -> Counted {
        self.0.0.fetch_add(1, SeqCst);
        Counted(self.clone())
    }

    pub(crate) fn made(&self) -> usize {
        self.0.0.load(SeqCst)
    }

    pub(crate) fn dropped(&self) -> usize {
        self.0.1.load(SeqCst)
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.value()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.1.fetch_add(1, SeqCst);
    }
}

impl std::fmt::Debug for Counted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Counted")
    }
}

/// A thread.
pub(crate) fn thread(f: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    spawn(&Spec::default(), f).expect("a thread starts")
}

/// What is `Send` and `Sync`.
pub(crate) fn is_send_and_sync<T: Send + Sync>(_: &T) {}

/// What is `Send`.
pub(crate) fn is_send<T: Send>(_: &T) {}
