//! Room in a channel that is kept for a message to come.

use super::bound::Bounded;
use super::chan::Chan;
use super::sender::Sender;
use raddle_runtime::prim::arc::Arc;
use std::fmt;
use std::mem;

/// Room for one message, from [`Sender::reserve`]; given back when it is dropped.
///
/// It stays good when the receiver closes the channel: the receiver waits for it.
#[must_use = "a permit that is dropped is given back"]
pub struct Permit<'a, T> {
    chan: &'a Chan<T, Bounded>,
}

impl<'a, T> Permit<'a, T> {
    pub(super) fn new(chan: &'a Chan<T, Bounded>) -> Self {
        Self { chan }
    }

    /// Sends a message, at once. If the receiver is gone the message is dropped.
    pub fn send(self, value: T) {
        let chan = self.chan;
        mem::forget(self);
        drop(chan.push(value));
    }
}

impl<T> Drop for Permit<'_, T> {
    fn drop(&mut self) {
        self.chan.give_up(1);
    }
}

impl<T> fmt::Debug for Permit<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

/// Room for a number of messages, from [`Sender::reserve_many`], one permit at a time; what is left is given back when
/// it is dropped.
#[must_use = "permits that are dropped are given back"]
pub struct PermitIterator<'a, T> {
    chan: &'a Chan<T, Bounded>,
    n: usize,
}

impl<'a, T> PermitIterator<'a, T> {
    pub(super) fn new(chan: &'a Chan<T, Bounded>, n: usize) -> Self {
        Self { chan, n }
    }
}

impl<'a, T> Iterator for PermitIterator<'a, T> {
    type Item = Permit<'a, T>;

    fn next(&mut self) -> Option<Permit<'a, T>> {
        self.n = self.n.checked_sub(1)?;
        Some(Permit::new(self.chan))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.n, Some(self.n))
    }
}

impl<T> ExactSizeIterator for PermitIterator<'_, T> {}
impl<T> std::iter::FusedIterator for PermitIterator<'_, T> {}

impl<T> Drop for PermitIterator<'_, T> {
    fn drop(&mut self) {
        if self.n > 0 {
            self.chan.give_up(self.n);
        }
    }
}

impl<T> fmt::Debug for PermitIterator<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PermitIterator").field("len", &self.n).finish_non_exhaustive()
    }
}

/// Room for one message with the sender that it was taken from, from [`Sender::reserve_owned`]; given back when it is
/// dropped.
#[must_use = "a permit that is dropped is given back"]
pub struct OwnedPermit<T> {
    /// `None` once the permit is used or given back.
    sender: Option<Sender<T>>,
}

impl<T> OwnedPermit<T> {
    pub(super) fn new(sender: Sender<T>) -> Self {
        Self { sender: Some(sender) }
    }

    fn take(&mut self) -> Sender<T> {
        self.sender.take().expect("it is there until the permit is consumed")
    }

    /// Sends a message, at once, and gives the sender back. If the receiver is gone the message is dropped.
    pub fn send(mut self, value: T) -> Sender<T> {
        let sender = self.take();
        drop(sender.chan.push(value));
        sender
    }

    /// Gives the room back, and the sender.
    pub fn release(mut self) -> Sender<T> {
        let sender = self.take();
        sender.chan.give_up(1);
        sender
    }

    /// Whether `other` is for the same channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        self.chan_of().zip(other.chan_of()).is_some_and(|(one, other)| Arc::ptr_eq(one, other))
    }

    /// Whether it is for the channel of `sender`.
    pub fn same_channel_as_sender(&self, sender: &Sender<T>) -> bool {
        self.chan_of().is_some_and(|chan| Arc::ptr_eq(chan, &sender.chan))
    }

    fn chan_of(&self) -> Option<&Arc<Chan<T, Bounded>>> {
        self.sender.as_ref().map(|sender| &sender.chan)
    }
}

impl<T> Drop for OwnedPermit<T> {
    fn drop(&mut self) {
        if let Some(sender) = self.sender.take() {
            sender.chan.give_up(1);
        }
    }
}

impl<T> fmt::Debug for OwnedPermit<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedPermit").finish_non_exhaustive()
    }
}
