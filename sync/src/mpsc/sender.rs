//! The sending end.

use super::bound::{Bound, Bounded, Unbounded};
use super::chan::Chan;
use super::error::{SendError, TrySendError};
use super::permit::{OwnedPermit, Permit, PermitIterator};
use crate::permits::{Permits, Refused};
use raddle_runtime::prim::arc::Arc;
use raddle_runtime::wait::{What, thread};
use std::fmt;
use std::mem;

/// The sending end of a channel; clone it for more. Once all are gone the receiver gets what was sent, and then `None`.
///
/// [`channel`](super::channel) makes it. `B` says whether the channel has a limit:
/// [`UnboundedSender`](super::UnboundedSender) is this type too.
pub struct Sender<T, B: Bound = Bounded> {
    pub(super) chan: Arc<Chan<T, B>>,
}

impl<T, B: Bound> fmt::Debug for Sender<T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("is_closed", &self.is_closed()).finish_non_exhaustive()
    }
}

impl<T, B: Bound> Clone for Sender<T, B> {
    fn clone(&self) -> Self {
        self.chan.add_sender();
        Self { chan: self.chan.clone() }
    }
}

impl<T, B: Bound> Drop for Sender<T, B> {
    fn drop(&mut self) {
        self.chan.remove_sender();
    }
}

/// For channels with a limit and without.
impl<T, B: Bound> Sender<T, B> {
    /// Waits until the receiver is gone or has closed the channel: until nobody is interested in messages any more.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing; the next call waits for the same.
    pub async fn closed(&self) {
        self.chan.closed.wait().await;
    }

    /// Whether the receiver is gone or has closed the channel.
    pub fn is_closed(&self) -> bool {
        self.chan.is_closed()
    }

    /// Whether `other` sends to the same receiver.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.chan, &other.chan)
    }

    /// A handle that does not keep the channel open.
    #[must_use = "a weak sender that is dropped does nothing"]
    pub fn downgrade(&self) -> WeakSender<T, B> {
        self.chan.add_weak_sender();
        WeakSender { chan: self.chan.clone() }
    }

    /// How many senders there are, owned permits among them.
    pub fn strong_count(&self) -> usize {
        self.chan.senders()
    }

    /// How many weak senders there are.
    pub fn weak_count(&self) -> usize {
        self.chan.weak_senders()
    }
}

impl<T> Sender<T, Unbounded> {
    /// Sends a message at once.
    ///
    /// ```
    /// # fn main() { futures_lite::future::block_on(async {
    /// let (sender, mut receiver) = raddle_sync::mpsc::unbounded();
    /// sender.send("hello").unwrap();
    /// assert_eq!(receiver.recv().await, Some("hello"));
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// The value, when the receiver is gone or has closed the channel.
    #[inline]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        self.chan.push(value).map_err(SendError)
    }
}

impl<T> Sender<T, Bounded> {
    fn permits(&self) -> &Permits {
        &self.chan.flow.bound.permits
    }

    /// Waits until the channel has room and sends a message. Those who wait are served in the order they came.
    ///
    /// ```
    /// # fn main() { futures_lite::future::block_on(async {
    /// let (sender, mut receiver) = raddle_sync::mpsc::channel(8);
    /// sender.send("hello").await.unwrap();
    /// assert_eq!(receiver.recv().await, Some("hello"));
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// The value, when the receiver is gone or has closed the channel.
    ///
    /// # Cancel safety
    /// If the future is dropped before it is ready the value has not been sent, and is dropped; the room goes to the
    /// next in line. To keep the value, wait with [`reserve`](Self::reserve).
    #[inline]
    pub async fn send(&self, value: T) -> Result<(), SendError<T>> {
        let unsettled = Unsettled(&self.chan);
        let acquired = self.permits().acquire(What::Send, 1).await;
        mem::forget(unsettled);
        match acquired {
            Ok(()) => self.chan.push(value).map_err(SendError),
            Err(_) => Err(SendError(value)),
        }
    }

    /// Sends a message if the channel has room and nobody waits for it.
    ///
    /// # Errors
    /// The value, when the channel is full, or closed.
    #[inline]
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        match self.permits().try_acquire(1) {
            Ok(()) => self.chan.push(value).map_err(TrySendError::Closed),
            Err(Refused::Taken) => Err(TrySendError::Full(value)),
            Err(Refused::Closed) => Err(TrySendError::Closed(value)),
        }
    }

    /// As [`send`](Self::send), for a thread outside async code: it sleeps meanwhile.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    ///
    /// # Panics
    /// In async code, where it would keep other tasks from running.
    #[track_caller]
    pub fn blocking_send(&self, value: T) -> Result<(), SendError<T>> {
        thread::block_on("mpsc::Sender::blocking_send", self.send(value))
    }

    /// Waits until the channel has room and keeps it for one message.
    ///
    /// ```
    /// # fn main() { futures_lite::future::block_on(async {
    /// let (sender, mut receiver) = raddle_sync::mpsc::channel(1);
    /// let permit = sender.reserve().await.unwrap();
    /// assert!(sender.try_send("no room").is_err());
    /// permit.send("hello");
    /// assert_eq!(receiver.recv().await, Some("hello"));
    /// # }) }
    /// ```
    ///
    /// # Errors
    /// When the receiver is gone or has closed the channel.
    ///
    /// # Cancel safety
    /// Dropping the future gives the place in line up, and room that it was given to the next.
    pub async fn reserve(&self) -> Result<Permit<'_, T>, SendError<()>> {
        self.acquire(1).await?;
        Ok(Permit::new(&self.chan))
    }

    /// As [`reserve`](Self::reserve), with the room for `n` messages, all at once.
    ///
    /// # Errors
    /// When the receiver is gone or has closed the channel; when `n` is more than the channel ever has room for.
    ///
    /// # Cancel safety
    /// As [`reserve`](Self::reserve).
    pub async fn reserve_many(&self, n: usize) -> Result<PermitIterator<'_, T>, SendError<()>> {
        self.acquire(n).await?;
        Ok(PermitIterator::new(&self.chan, n))
    }

    /// As [`reserve`](Self::reserve), with a permit that owns this sender.
    ///
    /// # Errors
    /// As [`reserve`](Self::reserve); the sender is dropped then.
    ///
    /// # Cancel safety
    /// As [`reserve`](Self::reserve); the sender is dropped with the future.
    pub async fn reserve_owned(self) -> Result<OwnedPermit<T>, SendError<()>> {
        self.acquire(1).await?;
        Ok(OwnedPermit::new(self))
    }

    async fn acquire(&self, n: usize) -> Result<(), SendError<()>> {
        if n > self.max_capacity() {
            return Err(SendError(()));
        }
        let unsettled = Unsettled(&self.chan);
        let acquired = self.permits().acquire(What::Send, n).await;
        mem::forget(unsettled);
        acquired.map_err(|_| SendError(()))
    }

    /// Keeps room for one message, if there is some and nobody waits for it.
    ///
    /// # Errors
    /// When the channel is full, or closed.
    pub fn try_reserve(&self) -> Result<Permit<'_, T>, TrySendError<()>> {
        self.try_acquire(1)?;
        Ok(Permit::new(&self.chan))
    }

    /// As [`try_reserve`](Self::try_reserve), for `n` messages.
    ///
    /// # Errors
    /// When there is not enough room, or the channel is closed.
    pub fn try_reserve_many(&self, n: usize) -> Result<PermitIterator<'_, T>, TrySendError<()>> {
        self.try_acquire(n)?;
        Ok(PermitIterator::new(&self.chan, n))
    }

    /// As [`try_reserve`](Self::try_reserve), with a permit that owns this sender.
    ///
    /// # Errors
    /// The sender, when the channel is full, or closed.
    pub fn try_reserve_owned(self) -> Result<OwnedPermit<T>, TrySendError<Self>> {
        match self.try_acquire(1) {
            Ok(()) => Ok(OwnedPermit::new(self)),
            Err(error) => Err(error.map(|()| self)),
        }
    }

    fn try_acquire(&self, n: usize) -> Result<(), TrySendError<()>> {
        match self.permits().try_acquire(n.min(self.max_capacity() + 1)) {
            Ok(()) => Ok(()),
            Err(Refused::Taken) => Err(TrySendError::Full(())),
            Err(Refused::Closed) => Err(TrySendError::Closed(())),
        }
    }

    /// How many messages there is room for now.
    pub fn capacity(&self) -> usize {
        self.permits().available()
    }

    /// How many messages the channel was made for.
    pub fn max_capacity(&self) -> usize {
        self.chan.flow.bound.max
    }
}

/// Outlives a wait for room that is dropped: the room may have been handed to it, and have been the last that the
/// receiver of a closed channel waits for.
struct Unsettled<'a, T>(&'a Chan<T, Bounded>);

impl<T> Drop for Unsettled<'_, T> {
    fn drop(&mut self) {
        if self.0.flow.bound.is_over() {
            self.0.sleeper.wake();
        }
    }
}

/// A sender that does not keep the channel open: [`upgrade`](Self::upgrade) makes a real one of it, while there is one.
pub struct WeakSender<T, B: Bound = Bounded> {
    chan: Arc<Chan<T, B>>,
}

impl<T, B: Bound> WeakSender<T, B> {
    /// A sender, unless the last one is gone.
    pub fn upgrade(&self) -> Option<Sender<T, B>> {
        self.chan.try_add_sender().then(|| Sender { chan: self.chan.clone() })
    }

    /// How many senders there are, owned permits among them.
    pub fn strong_count(&self) -> usize {
        self.chan.senders()
    }

    /// How many weak senders there are.
    pub fn weak_count(&self) -> usize {
        self.chan.weak_senders()
    }
}

impl<T, B: Bound> fmt::Debug for WeakSender<T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakSender").finish_non_exhaustive()
    }
}

impl<T, B: Bound> Clone for WeakSender<T, B> {
    fn clone(&self) -> Self {
        self.chan.add_weak_sender();
        Self { chan: self.chan.clone() }
    }
}

impl<T, B: Bound> Drop for WeakSender<T, B> {
    fn drop(&mut self) {
        self.chan.remove_weak_sender();
    }
}
