//! The end of a watch channel that sees changes.

use super::shared::{Current, Shared, Version};
use super::{RecvError, Ref};
use raddle_runtime::budget;
use std::future::poll_fn;
use std::sync::Arc;

/// Sees the value, and when it changes. Each receiver, clones too, remembers for itself what it has seen.
#[derive(Debug)]
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    seen: Version,
}

impl<T> Clone for Receiver<T> {
    /// One that has seen what this one has.
    fn clone(&self) -> Self {
        self.shared.receivers.add();
        Self { shared: self.shared.clone(), seen: self.seen }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        if self.shared.receivers.remove() {
            self.shared.receivers.tell_empty();
        }
    }
}

impl<T> Receiver<T> {
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        shared.receivers.add();
        let seen = shared.current().version;
        Self { shared, seen }
    }

    /// The value, which does not count as seen; see [`Ref`] for what that holds up.
    pub fn borrow(&self) -> Ref<'_, T> {
        let value = self.shared.value.read();
        let has_changed = self.shared.current().version != self.seen;
        Ref { value, has_changed }
    }

    /// The value, which counts as seen from now on; see [`Ref`] for what that holds up.
    pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
        let value = self.shared.value.read();
        let current = self.shared.current().version;
        let has_changed = std::mem::replace(&mut self.seen, current) != current;
        Ref { value, has_changed }
    }

    /// Whether there is a value that this receiver has not seen.
    ///
    /// # Errors
    /// When all senders are gone, seen or not.
    pub fn has_changed(&self) -> Result<bool, RecvError> {
        match self.shared.current() {
            Current { is_closed: true, .. } => Err(RecvError),
            Current { version, .. } => Ok(version != self.seen),
        }
    }

    /// True when all senders are gone.
    pub fn is_closed(&self) -> bool {
        self.shared.current().is_closed
    }

    /// Makes the value count as not seen: [`changed`](Self::changed) will return at once.
    pub fn mark_changed(&mut self) {
        self.seen = self.shared.current().version.before();
    }

    /// Makes the value count as seen: [`changed`](Self::changed) will wait for another.
    pub fn mark_unchanged(&mut self) {
        self.seen = self.shared.current().version;
    }

    /// Waits for a value that this receiver has not seen, and counts it as seen; returns at once if there is one.
    ///
    /// # Errors
    /// When all senders are gone, and the last value has been seen.
    ///
    /// # Cancel safety
    /// Dropping the future before it is ready changes nothing: no value counts as seen.
    pub async fn changed(&mut self) -> Result<(), RecvError> {
        self.seen = self.shared.changed(self.seen).await?;
        Ok(())
    }

    /// Waits for a value for which `is_wanted` says true, the current one to begin with; returns it, seen. `is_wanted`
    /// runs under the channel's lock: see [`Ref`].
    ///
    /// # Errors
    /// When all senders are gone and the last value is not wanted.
    ///
    /// # Panics
    /// When `is_wanted` does; the channel and this receiver stay usable.
    ///
    /// # Cancel safety
    /// Dropping the future loses no value that is wanted; those that `is_wanted` has refused count as seen.
    ///
    /// ```
    /// # fn main() { futures_lite::future::block_on(async {
    /// let (sender, mut receiver) = raddle_sync::watch::channel(1);
    /// sender.send(5).unwrap();
    /// assert_eq!(*receiver.wait_for(|n| *n > 3).await.unwrap(), 5);
    /// # }) }
    /// ```
    pub async fn wait_for(&mut self, mut is_wanted: impl FnMut(&T) -> bool) -> Result<Ref<'_, T>, RecvError> {
        let (shared, seen) = (&*self.shared, &mut self.seen);
        // To be told at once is a completed wait too.
        poll_fn(|cx| budget::poll_unit(cx)).await.spend();
        loop {
            {
                let value = shared.value.read();
                let current = shared.current().version;
                let has_changed = std::mem::replace(seen, current) != current;
                if is_wanted(&value) {
                    return Ok(Ref { value, has_changed });
                }
            }
            // The version is not counted as seen here: the look above does that. An error says that it is the last.
            shared.changed(*seen).await?;
        }
    }

    /// True when both receive from one channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}
