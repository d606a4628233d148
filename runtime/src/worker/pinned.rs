//! Tasks whose futures are not Send: made, polled and dropped on one worker.

use super::current;
use super::shared::SharedRef;
use crate::prim::statics::{AtomicU32, Ordering};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

static NEXT: AtomicU32 = AtomicU32::new(0);

impl SharedRef {
    /// The worker for a new pinned task: the one that calls, else each in turn. Never a spare, which may end.
    pub(crate) fn pin_target(&self) -> usize {
        let here = current::with(|worker| match worker {
            Some(worker) if worker.belongs_to(self.as_ptr()) && !worker.is_spare() => Some(worker.index),
            _ => None,
        });
        here.unwrap_or_else(|| NEXT.fetch_add(1, Ordering::Relaxed) as usize % self.settings.workers)
    }
}

/// A future that is made by a closure at its first poll.
pub(crate) enum MadeOnWorker<F, Fut> {
    Make(Option<F>),
    Made(Fut),
}

impl<F: FnOnce() -> Fut, Fut> MadeOnWorker<F, Fut> {
    pub(crate) fn new(make: F) -> Self {
        Self::Make(Some(make))
    }
}

impl<F: FnOnce() -> Fut, Fut: Future> Future for MadeOnWorker<F, Fut> {
    type Output = Fut::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Fut::Output> {
        // SAFETY: `Made` is pinned from when it is put in place; the closure in `Make` never is.
        let this = unsafe { self.get_unchecked_mut() };
        if let Self::Make(make) = this {
            let make = make.take().expect("the closure is called at the first poll");
            *this = Self::Made(make());
        }
        let Self::Made(future) = this else { unreachable!("made above") };
        // SAFETY: as above.
        unsafe { Pin::new_unchecked(future) }.poll(cx)
    }
}
