//! Tasks whose futures are not Send: made, polled and dropped on one worker.

use super::current;
use super::shared::SharedRef;
use crate::prim::statics::{AtomicU32, Ordering};
use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread::ThreadId;

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

/// A future that is made by a closure at its first poll, and stays on the thread of that poll.
///
/// A worker with a thread of its own never changes it. On a current-thread runtime the worker is whoever calls
/// `block_on`: when that is another thread the next time, the future may be neither polled nor dropped there.
pub(crate) enum MadeOnWorker<F, Fut> {
    Make(Option<F>),
    Made(Home<Fut>),
}

/// A future and its thread.
pub(crate) struct Home<Fut> {
    thread: ThreadId,
    future: ManuallyDrop<Fut>,
}

impl<Fut> Home<Fut> {
    fn is_here(&self) -> bool {
        self.thread == std::thread::current().id()
    }
}

impl<Fut> Drop for Home<Fut> {
    fn drop(&mut self) {
        if self.is_here() {
            // SAFETY: dropped once, here.
            unsafe { ManuallyDrop::drop(&mut self.future) };
        } else {
            crate::report::warn(format_args!(
                "the future of a pinned task is leaked: its thread no longer runs the runtime's tasks, and it must not \
                 be dropped on another"
            ));
        }
    }
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
            *this =
                Self::Made(Home { thread: std::thread::current().id(), future: ManuallyDrop::new(make()) });
        }
        let Self::Made(home) = this else { unreachable!("made above") };
        assert!(
            home.is_here(),
            "a pinned task of a current-thread runtime was made in a block_on of another thread and cannot run here"
        );
        // SAFETY: as above.
        unsafe { Pin::new_unchecked(&mut *home.future) }.poll(cx)
    }
}
