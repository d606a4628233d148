//! The ends of a broadcast channel that send.

use super::shared::Shared;
use super::{Receiver, SendError};
use std::fmt;
use std::sync::Arc;

/// Sends to all receivers; can be cloned. When the last one is dropped, the receivers are told once they have seen
/// every message.
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("receiver_count", &self.receiver_count()).finish_non_exhaustive()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.shared.add_sender();
        Self { shared: self.shared.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.shared.remove_sender();
    }
}

impl<T> Sender<T> {
    /// A channel without a receiver; [`subscribe`](Self::subscribe) makes one.
    ///
    /// # Panics
    /// When `capacity` is zero.
    pub fn new(capacity: usize) -> Self {
        assert!(capacity > 0, "a broadcast channel holds at least 1 message: its capacity cannot be 0");
        Self { shared: Arc::new(Shared::new(capacity)) }
    }

    /// Sends to all who are subscribed now, and says how many these are; never waits for them. If the channel is full
    /// the oldest message goes, seen or not. `Ok` does not say that each will look: it may be dropped, or be too slow.
    ///
    /// # Errors
    /// Gives the message back when there is no receiver. Later calls succeed once there is one again.
    pub fn send(&self, message: T) -> Result<usize, SendError<T>> {
        self.shared.send(message).map_err(SendError)
    }

    /// A new receiver, which gets what is sent from now on.
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver::new(self.shared.clone())
    }

    /// How many messages there are that some receiver has not seen.
    pub fn len(&self) -> usize {
        self.shared.len()
    }

    /// True when every receiver has seen every message.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many receivers there are.
    pub fn receiver_count(&self) -> usize {
        self.shared.receivers.size()
    }

    /// Waits until there is no receiver; returns at once if there is none. The channel can be used again after
    /// [`subscribe`](Self::subscribe).
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn closed(&self) {
        self.shared.receivers.until_empty().await;
    }

    /// A sender that does not keep the channel open.
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender { shared: self.shared.clone() }
    }

    /// How many senders there are, without the weak ones.
    pub fn strong_count(&self) -> usize {
        self.shared.senders()
    }

    /// True when both send on one channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

/// A sender that does not keep the channel open: it must be [`upgrade`](Self::upgrade)d to send.
pub struct WeakSender<T> {
    shared: Arc<Shared<T>>,
}

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakSender").finish_non_exhaustive()
    }
}

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<T> WeakSender<T> {
    /// A sender; none when the last one has been dropped, for then the channel is closed for good.
    pub fn upgrade(&self) -> Option<Sender<T>> {
        self.shared.revive_sender().then(|| Sender { shared: self.shared.clone() })
    }
}
