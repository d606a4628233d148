//! Simulated tasks: each waits in one future, polled by hand, with a new waker for each poll.

use super::Count;
use raddle_runtime::prim::atomic::Ordering::SeqCst;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// A future that is waited in.
pub(crate) type Wait<'a, R> = Pin<Box<dyn Future<Output = R> + 'a>>;

/// One task.
pub(crate) struct Task<'a, R> {
    wait: Option<Wait<'a, R>>,
    count: Arc<Count>,
}

impl<'a, R> Task<'a, R> {
    /// One that waits for nothing.
    pub(crate) fn idle() -> Self {
        Self { wait: None, count: Arc::default() }
    }

    /// So many that wait for nothing.
    pub(crate) fn crowd(n: usize) -> Vec<Self> {
        (0..n).map(|_| Self::idle()).collect()
    }

    /// One that waits in `wait`, which is not polled yet.
    pub(crate) fn new(wait: Wait<'a, R>) -> Self {
        Self { wait: Some(wait), count: Arc::default() }
    }

    /// Has it wait in `wait`, which is not polled yet.
    pub(crate) fn start(&mut self, wait: impl Future<Output = R> + 'a) {
        assert!(!self.waits(), "it waits already");
        *self = Self::new(Box::pin(wait));
    }

    pub(crate) fn waits(&self) -> bool {
        self.wait.is_some()
    }

    /// Polls once. The waker of an earlier poll must not be kept, nor any once it is ready.
    pub(crate) fn poll(&mut self) -> Option<R> {
        let wait = self.wait.as_mut().expect("it waits");
        let before = std::mem::take(&mut self.count);
        let waker = Waker::from(self.count.clone());
        let polled = wait.as_mut().poll(&mut Context::from_waker(&waker));
        drop(waker);
        assert_eq!(Arc::strong_count(&before), 1, "the waker of an earlier poll is kept (f27)");
        match polled {
            Poll::Pending => None,
            Poll::Ready(output) => {
                assert_eq!(self.kept(), 0, "a waker is kept after the wait is over (f27)");
                Some(output)
            }
        }
    }

    /// Polls once; when it is ready the future goes.
    pub(crate) fn step(&mut self) -> Option<R> {
        let output = self.poll();
        if output.is_some() {
            self.cancel();
        }
        output
    }

    /// Drops the future.
    pub(crate) fn cancel(&mut self) {
        self.wait = None;
    }

    /// How often the waker of the last poll was called.
    pub(crate) fn wakes(&self) -> usize {
        self.count.0.load(SeqCst)
    }

    /// How many clones of it somebody keeps.
    pub(crate) fn kept(&self) -> usize {
        Arc::strong_count(&self.count) - 1
    }
}
