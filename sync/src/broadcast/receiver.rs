//! The end of a broadcast channel that receives.

use super::shared::{Cursor, Nothing, Shared};
use super::{RecvError, TryRecvError};
use raddle_runtime::budget;
use raddle_runtime::wait::thread;
use std::fmt;
use std::sync::Arc;

/// Gets every message that was sent since it subscribed, as far as it keeps up.
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    next: Cursor,
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.shared.remove_receiver(self.next);
    }
}

impl<T> Receiver<T> {
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        let next = shared.add_receiver();
        Self { shared, next }
    }

    /// How many messages were sent that it has not seen, also if they are lost: when this is more than the capacity,
    /// the next `recv` says so.
    pub fn len(&self) -> usize {
        usize::try_from(self.shared.sent_since(self.next.position)).unwrap_or(usize::MAX)
    }

    /// True when it has seen every message.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True when all senders are gone; there may be messages still.
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed()
    }

    /// A new receiver on the same channel, which gets what is sent from now on.
    pub fn resubscribe(&self) -> Self {
        Self::new(self.shared.clone())
    }

    /// True when both receive from one channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl<T: Clone> Receiver<T> {
    /// Waits for the next message.
    ///
    /// # Errors
    /// [`RecvError::Lagged`] when it was too slow, with the exact number of messages that it has missed; the next call
    /// goes on behind these. [`RecvError::Closed`] when all senders are gone and every message has been seen.
    ///
    /// # Cancel safety
    /// Dropping the future before it is ready loses no message.
    #[inline]
    pub async fn recv(&mut self) -> Result<T, RecvError> {
        loop {
            if self.shared.has_news(self.next.position) && budget::try_spend() {
                if let Some(result) = self.take() {
                    return result;
                }
                continue;
            }
            self.shared.until_news(self.next.position).await;
            // The wait has taken its unit of the budget.
            if let Some(result) = self.take() {
                return result;
            }
        }
    }

    /// Takes the next message if it is there; never waits.
    ///
    /// # Errors
    /// As [`recv`](Self::recv), and [`TryRecvError::Empty`] when there is none yet.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.shared.take(&mut self.next).map_err(|nothing| match nothing {
            Nothing::Empty => TryRecvError::Empty,
            Nothing::Closed => TryRecvError::Closed,
            Nothing::Lagged(missed) => TryRecvError::Lagged(missed),
        })
    }

    /// As [`recv`](Self::recv), on a thread outside the tasks.
    ///
    /// # Errors
    /// As `recv`.
    ///
    /// # Panics
    /// In async code.
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Result<T, RecvError> {
        thread::block_on("broadcast::Receiver::blocking_recv", self.recv())
    }

    #[inline]
    fn take(&mut self) -> Option<Result<T, RecvError>> {
        match self.shared.take(&mut self.next) {
            Ok(message) => Some(Ok(message)),
            Err(Nothing::Closed) => Some(Err(RecvError::Closed)),
            Err(Nothing::Lagged(missed)) => Some(Err(RecvError::Lagged(missed))),
            Err(Nothing::Empty) => None,
        }
    }
}
