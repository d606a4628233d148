//! The pool for calls that block: threads on demand up to a cap, the one that idled last goes first, so that extras run
//! out of time and end.
//!
//! The rule to keep: while a job waits, a thread is on its way to the queue, or as many threads as the cap allows are
//! running jobs (and each looks at the queue when it is done). At most one thread is on its way at a time; when it
//! takes its job and leaves others behind, it sends the next (f17).

mod pool;

pub(crate) use pool::{Limits, Pool};

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A blocking call as a future: its first poll makes the call.
pub(crate) struct Job<F>(Option<F>);

impl<F> Job<F> {
    pub(crate) fn new(call: F) -> Self {
        Self(Some(call))
    }
}

// The closure is never pinned: it is moved out and called.
impl<F> Unpin for Job<F> {}

struct CallIsOver;

impl Drop for CallIsOver {
    fn drop(&mut self) {
        pool::Here::call_is_over();
    }
}

impl<F: FnOnce() -> T, T> Future for Job<F> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<T> {
        let call = self.0.take().expect("a job is polled once: nobody has its waker");
        // Also when the call panics.
        let _over = CallIsOver;
        // A blocking call has no turn to give back.
        Poll::Ready(crate::budget::without_budget(call))
    }
}
