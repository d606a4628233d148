//! The end of a watch channel that sets the value.

use super::shared::Shared;
use super::{Receiver, Ref, SendError};
use std::sync::Arc;

/// Sets the value; can be cloned. When the last one is dropped, the receivers are told.
#[derive(Debug)]
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.shared.add_sender();
        Self { shared: self.shared.clone() }
    }
}

impl<T: Default> Default for Sender<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.shared.remove_sender();
    }
}

impl<T> Sender<T> {
    /// A channel without a receiver; [`subscribe`](Self::subscribe) makes one.
    pub fn new(initial: T) -> Self {
        Self { shared: Arc::new(Shared::new(initial)) }
    }

    /// Sets the value and wakes all who wait for a change, equal to the old one or not. Blocks the thread while someone
    /// has the value borrowed.
    ///
    /// # Errors
    /// Gives the value back, and changes nothing, when there is no receiver.
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        if self.is_closed() {
            return Err(SendError(value));
        }
        // The old value is dropped here, with the lock released.
        drop(self.send_replace(value));
        Ok(())
    }

    /// As [`send`](Self::send), with or without receivers; returns the old value.
    pub fn send_replace(&self, value: T) -> T {
        self.shared.change(|old| (true, std::mem::replace(old, value)))
    }

    /// Changes the value in place, and wakes all who wait for a change. There need be no receiver. `modify` runs under
    /// the channel's lock: see [`Ref`].
    ///
    /// # Panics
    /// When `modify` does. The channel stays usable: the value is what `modify` has left of it, and nobody is told of a
    /// change.
    pub fn send_modify(&self, modify: impl FnOnce(&mut T)) {
        self.shared.change(|value| (true, modify(value)));
    }

    /// As [`send_modify`](Self::send_modify), if `modify` says that it has changed the value: returns what it says, and
    /// wakes nobody if that is false.
    ///
    /// # Panics
    /// As `send_modify`.
    pub fn send_if_modified(&self, modify: impl FnOnce(&mut T) -> bool) -> bool {
        self.shared.change(|value| {
            let has_changed = modify(value);
            (has_changed, has_changed)
        })
    }

    /// The value; see [`Ref`] for what that holds up.
    pub fn borrow(&self) -> Ref<'_, T> {
        Ref { value: self.shared.value.read(), has_changed: false }
    }

    /// A new receiver; the value that is set now counts as seen.
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver::new(self.shared.clone())
    }

    /// True when there is no receiver. That may change: see [`subscribe`](Self::subscribe).
    pub fn is_closed(&self) -> bool {
        self.receiver_count() == 0
    }

    /// Waits until there is no receiver; returns at once if there is none.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn closed(&self) {
        self.shared.receivers.until_empty().await;
    }

    /// How many receivers there are.
    pub fn receiver_count(&self) -> usize {
        self.shared.receivers.size()
    }

    /// How many senders there are.
    pub fn sender_count(&self) -> usize {
        self.shared.senders()
    }

    /// True when both send on one channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}
