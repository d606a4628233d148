//! The handle on a callback that waits for its time.

use super::callback::Queued;
use super::core::Core;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A callback that waits for its time; from [`EventLoop::call_later`](super::EventLoop::call_later) and
/// [`call_at`](super::EventLoop::call_at).
///
/// Dropping the handle changes nothing: the callback keeps its time.
#[derive(Clone)]
pub struct TimerHandle {
    core: Arc<Core>,
    callback: Queued,
    when: u64,
}

impl TimerHandle {
    pub(super) fn new(core: Arc<Core>, callback: Queued, when: u64) -> Self {
        Self { core, callback, when }
    }

    /// Takes the timer back: the callback will not run, and its closure is dropped here and now. Nothing happens when
    /// it has run or runs. Takes no lock.
    pub fn cancel(&self) {
        if self.callback.cancel() {
            self.core.lane.note_cancelled();
        }
    }

    /// True when it was cancelled before its turn came, also by the end of its loop.
    pub fn cancelled(&self) -> bool {
        self.callback.is_cancelled()
    }

    /// When it is due, on the clock of [`EventLoop::time`](super::EventLoop::time).
    pub fn when(&self) -> Duration {
        Duration::from_nanos(self.when)
    }
}

impl fmt::Debug for TimerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimerHandle")
            .field("when", &self.when())
            .field("made_at", &self.callback.origin().made_at)
            .field("cancelled", &self.cancelled())
            .finish()
    }
}
