//! Cancelling with a grace period: ask, wait, insist.

use super::Duration;
use super::sleep::sleep;
use crate::task::{CancelHandle, Incoming, JoinHandle, Request, Spawn};
use crate::worker::{Shared, SharedRef};
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::pin;
use std::task::{Context, Poll};

impl<T> JoinHandle<T> {
    /// Asks the task to end, gives it `grace` to clean up, then ends it as [`cancel`](Self::cancel) does.
    ///
    /// The task hears of it through [`task::cancelled`](crate::task::cancelled); one that does not listen goes on until
    /// the grace period is over. Whoever joins it then sees the place of this call, unless another request was first.
    #[track_caller]
    pub fn cancel_within(&self, grace: Duration) {
        self.abort_handle().cancel_within(grace);
    }
}

impl CancelHandle {
    /// As [`JoinHandle::cancel_within`].
    #[track_caller]
    pub fn cancel_within(&self, grace: Duration) {
        if self.is_finished() {
            return;
        }
        let request = Request::new(None, Location::caller());
        self.ask(&request);
        let scheduler = self.scheduler().cast::<Shared>();
        // SAFETY: every task of this crate is made with a SharedRef as its scheduler, and ours keeps it alive.
        let scheduler = unsafe { SharedRef::from_ptr(scheduler) };
        let task = self.clone();
        let spawn = Spawn { spawned_at: Location::caller(), extras: None, joiner: None };
        let insist = async move {
            {
                let (mut ended, mut over) = (pin!(task.ended()), pin!(sleep(grace)));
                let either = |cx: &mut Context<'_>| match ended.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(()),
                    Poll::Pending => over.as_mut().poll(cx),
                };
                poll_fn(either).await;
            }
            task.cancel_for(&request);
        };
        scheduler.spawn(Incoming::new(insist), spawn).detach();
    }
}
