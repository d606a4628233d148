//! Futures polled by hand, with wakers that count.
#![allow(dead_code, reason = "each test binary uses its part")]

pub(crate) mod plain;
pub(crate) mod task;

use raddle_runtime::prim::atomic::{AtomicUsize, Ordering::SeqCst};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// Counts how often its task would have been woken.
#[derive(Default)]
pub(crate) struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// A future that is polled by hand.
pub(crate) struct Hand<F> {
    future: Pin<Box<F>>,
    count: Arc<Count>,
}

impl<F: Future> Hand<F> {
    /// Takes `future` in hand, not yet polled.
    pub(crate) fn new(future: F) -> Self {
        Self { future: Box::pin(future), count: Arc::default() }
    }

    /// The waker that counts for this one.
    pub(crate) fn waker(&self) -> Waker {
        Waker::from(self.count.clone())
    }

    /// Polls once; true when it is ready.
    pub(crate) fn poll(&mut self) -> bool {
        self.output().is_some()
    }

    /// Polls once; the output when it is ready.
    pub(crate) fn output(&mut self) -> Option<F::Output> {
        let waker = self.waker();
        match self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    /// Polls once with a waker of the caller's.
    pub(crate) fn poll_with(&mut self, waker: &Waker) -> bool {
        matches!(self.future.as_mut().poll(&mut Context::from_waker(waker)), Poll::Ready(_))
    }

    /// How often it was woken.
    pub(crate) fn wakes(&self) -> usize {
        self.count.0.load(SeqCst)
    }
}
