//! The task behind a lane: it runs callbacks in batches, one at a time, and gives way in between.

use super::callback::Queued;
use super::core::Core;
use super::frame::Frame;
use super::lane::Next;
use crate::driver::clock::real_now;
use crate::task::current::yield_soon;
use crate::time::{Instant, Sleep, sleep_until};
use crate::wait::note::{What, note};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Callbacks in one poll: then other tasks have their turn.
const PER_POLL: u32 = 128;
/// After so many it looks at the clock.
const PER_LOOK: u32 = 16;
/// A poll that has gone on for so long gives way at its next look.
const LONG: Duration = Duration::from_millis(1);

/// One run of a lane.
pub(super) struct Turns {
    core: Arc<Core>,
    batch: VecDeque<Queued>,
    /// For the earliest timer.
    sleep: Option<Pin<Box<Sleep>>>,
    is_new: bool,
    is_over: bool,
}

impl Turns {
    pub(super) fn new(core: Arc<Core>) -> Self {
        Self { core, batch: VecDeque::new(), sleep: None, is_new: true, is_over: false }
    }

    /// Runs the batch; false when it has to give way before the end.
    fn run_batch(&mut self, left: &mut u32, began: std::time::Instant) -> bool {
        while let Some(callback) = self.batch.pop_front() {
            self.core.call(&*callback);
            drop(callback);
            *left -= 1;
            let is_long = left.is_multiple_of(PER_LOOK) && real_now() - began > LONG;
            if *left == 0 || is_long {
                return false;
            }
        }
        true
    }

    fn next(&mut self, cx: &Context<'_>) -> Next {
        // Cloned with no lock held.
        let mut waker: Option<Waker> = Some(cx.waker().clone());
        let core = &self.core;
        let is_new = std::mem::replace(&mut self.is_new, false);
        core.lane.next(&mut self.batch, &mut waker, is_new, || core.now())
    }

    /// Waits for a wake, or for that time; true when it has come.
    fn is_due(&mut self, until: Option<u64>, cx: &mut Context<'_>) -> bool {
        let Some(until) = until else {
            self.sleep = None;
            return false;
        };
        let deadline = Instant::from(self.core.handle.inner().clock().instant(until));
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() != deadline {
            sleep.as_mut().reset(deadline);
        }
        sleep.as_mut().poll(cx).is_ready()
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (mut left, began) = (PER_POLL, real_now());
        loop {
            if !self.run_batch(&mut left, began) {
                yield_soon(cx);
                return Poll::Pending;
            }
            match self.next(cx) {
                Next::Batch => {}
                Next::Idle(until) if self.is_due(until, cx) => {}
                Next::Idle(_) => {
                    note(What::Callbacks);
                    return Poll::Pending;
                }
                Next::Stopped => {
                    self.is_over = true;
                    return Poll::Ready(());
                }
            }
        }
    }
}

impl Future for Turns {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let core = self.core.clone();
        Frame::lane(&core).run(|| self.turn(cx))
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        // The runtime has shut down.
        let left = self.core.lane.end();
        let batch = std::mem::take(&mut self.batch);
        batch.iter().chain(&left).for_each(|callback| {
            callback.cancel();
        });
    }
}
