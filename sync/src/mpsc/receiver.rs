//! The receiving end.

use super::bound::{Bound, Bounded};
use super::chan::Chan;
use super::error::TryRecvError;
use super::list::{Head, Outlook};
use futures_core::Stream;
use raddle_runtime::budget;
use raddle_runtime::prim::arc::Arc;
use raddle_runtime::prim::thread::spin;
use raddle_runtime::wait::note::{What, note};
use raddle_runtime::wait::thread;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The receiving end of a channel; there is one. It is a [`Stream`] of the messages too.
///
/// When it is dropped, so are the messages that nobody received.
///
/// [`channel`](super::channel) makes it. `B` says whether the channel has a limit:
/// [`UnboundedReceiver`](super::UnboundedReceiver) is this type too.
pub struct Receiver<T, B: Bound = Bounded> {
    chan: Arc<Chan<T, B>>,
    head: Head<T>,
}

impl<T, B: Bound> fmt::Debug for Receiver<T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// For channels with a limit and without.
impl<T, B: Bound> Receiver<T, B> {
    pub(super) fn new(chan: Arc<Chan<T, B>>, head: Head<T>) -> Self {
        Self { chan, head }
    }

    /// Waits for the next message. `None` once the channel is empty and none can come: all senders are gone, or it was
    /// [closed](Self::close) and nobody holds a permit.
    ///
    /// ```
    /// # fn main() { futures_lite::future::block_on(async {
    /// let (sender, mut receiver) = raddle_sync::mpsc::channel(8);
    /// sender.send(1).await.unwrap();
    /// sender.send(2).await.unwrap();
    /// drop(sender);
    /// assert_eq!(receiver.recv().await, Some(1));
    /// assert_eq!(receiver.recv().await, Some(2));
    /// assert_eq!(receiver.recv().await, None);
    /// # }) }
    /// ```
    ///
    /// # Cancel safety
    /// If the future is dropped before it is ready no message has been received.
    #[inline]
    pub async fn recv(&mut self) -> Option<T> {
        let mut visit = Visit { receiver: self, is_asleep: false };
        poll_fn(|cx| visit.poll(|receiver| receiver.poll_recv(cx))).await
    }

    /// Waits for messages and appends up to `limit` of those that are there; says how many. Zero once the channel is
    /// empty and none can come, and if `limit` is zero.
    ///
    /// # Cancel safety
    /// If the future is dropped before it is ready no message has been received.
    pub async fn recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
        let mut visit = Visit { receiver: self, is_asleep: false };
        poll_fn(|cx| visit.poll(|receiver| receiver.poll_recv_many(cx, buffer, limit))).await
    }

    /// Takes the next message, if it is there.
    ///
    /// Finds every message whose sending has returned before: if one that is sent just now is in front of it, that one
    /// is waited for, which takes its sender a few instructions.
    ///
    /// # Errors
    /// When the channel is empty; which says whether a message may come.
    #[inline]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        let mut turn = 0;
        loop {
            if let Some(message) = self.pop() {
                return Ok(message);
            }
            match self.outlook() {
                Outlook::Soon => spin(turn),
                Outlook::Open => return Err(TryRecvError::Empty),
                Outlook::Over => return Err(TryRecvError::Disconnected),
            }
            turn += 1;
        }
    }

    /// As [`recv`](Self::recv), for a thread outside async code: it sleeps meanwhile.
    ///
    /// # Panics
    /// In async code, where it would keep other tasks from running.
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Option<T> {
        thread::block_on("mpsc::Receiver::blocking_recv", self.recv())
    }

    /// As [`recv_many`](Self::recv_many), for a thread outside async code: it sleeps meanwhile.
    ///
    /// # Panics
    /// In async code, where it would keep other tasks from running.
    #[track_caller]
    pub fn blocking_recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
        thread::block_on("mpsc::Receiver::blocking_recv_many", self.recv_many(buffer, limit))
    }

    /// As [`recv`](Self::recv), for use in a hand-written future. The channel keeps the waker of the last call that was
    /// pending until a message comes or the receiver is dropped.
    #[inline]
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let unit = ready!(budget::poll_unit(cx));
        let message = match self.pop() {
            Some(message) => Some(message),
            None => ready!(self.poll_slow(cx, Self::pop)),
        };
        unit.spend();
        Poll::Ready(message)
    }

    /// As [`recv_many`](Self::recv_many), for use in a hand-written future; keeps the waker as
    /// [`poll_recv`](Self::poll_recv) does.
    pub fn poll_recv_many(&mut self, cx: &mut Context<'_>, buffer: &mut Vec<T>, limit: usize) -> Poll<usize> {
        if limit == 0 {
            return Poll::Ready(0);
        }
        let unit = ready!(budget::poll_unit(cx));
        let mut take = |receiver: &mut Self| receiver.pop_many(buffer, limit);
        let taken = match take(self) {
            Some(taken) => Some(taken),
            None => ready!(self.poll_slow(cx, take)),
        };
        unit.spend();
        Poll::Ready(taken.unwrap_or(0))
    }

    /// Goes to sleep, unless there is something to take after all or nothing will come.
    #[cold]
    fn poll_slow<R>(
        &mut self,
        cx: &Context<'_>,
        mut take: impl FnMut(&mut Self) -> Option<R>,
    ) -> Poll<Option<R>> {
        // First the waker, then the mark: whoever finds the mark finds the waker. And first the waker, then the look:
        // whoever comes too late for the look (the last sender, the last permit of a closed channel) finds it too.
        self.chan.sleeper.register(cx.waker());
        let taken = if !self.head.sleep(&self.chan.flow.list) {
            take(self)
        } else if self.outlook() == Outlook::Over {
            None
        } else {
            note(What::Recv);
            return Poll::Pending;
        };
        drop(self.chan.sleeper.take());
        Poll::Ready(taken)
    }

    #[inline]
    fn pop(&mut self) -> Option<T> {
        let message = self.head.pop(&self.chan.flow.list)?;
        self.chan.give_back(1);
        Some(message)
    }

    /// Takes what is there, up to `limit`; the room goes back in one piece.
    fn pop_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> Option<usize> {
        let list = &self.chan.flow.list;
        let limit = limit.min(self.head.len(list));
        // So that no message is in nobody's hands when memory runs out.
        buffer.reserve(limit);
        let before = buffer.len();
        buffer.extend((0..limit).map_while(|_| self.head.pop(list)));
        let taken = buffer.len() - before;
        self.chan.give_back(taken);
        (taken > 0).then_some(taken)
    }

    fn outlook(&self) -> Outlook {
        let outlook = self.head.outlook(&self.chan.flow.list);
        let limit = self.chan.flow.bound.limit();
        // A message that came since the first look has its permit still.
        if outlook == Outlook::Open && limit.is_some_and(Bounded::is_over) {
            return Outlook::Over;
        }
        outlook
    }

    /// Takes no more messages: whoever sends from now on, or waits for room, gets the value back. What was sent can
    /// still be received, also with permits that are out.
    pub fn close(&mut self) {
        match self.chan.flow.bound.limit() {
            Some(limit) => limit.permits.close(),
            None => self.head.close(&self.chan.flow.list),
        }
        self.chan.closed.set();
    }

    /// Whether it was closed, or the last sender is gone. Messages may still be there.
    pub fn is_closed(&self) -> bool {
        self.chan.is_closed()
    }

    /// Whether there is no message.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many messages there are.
    pub fn len(&self) -> usize {
        self.head.len(&self.chan.flow.list)
    }

    /// How many senders there are, owned permits among them.
    pub fn sender_strong_count(&self) -> usize {
        self.chan.senders()
    }

    /// How many weak senders there are.
    pub fn sender_weak_count(&self) -> usize {
        self.chan.weak_senders()
    }
}

impl<T> Receiver<T, Bounded> {
    /// How many messages there is room for now.
    pub fn capacity(&self) -> usize {
        self.chan.flow.bound.permits.available()
    }

    /// How many messages the channel was made for.
    pub fn max_capacity(&self) -> usize {
        self.chan.flow.bound.max
    }
}

impl<T, B: Bound> Stream for Receiver<T, B> {
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.get_mut().poll_recv(cx)
    }
}

/// A future that receives. When it is dropped the channel forgets its waker (f27).
struct Visit<'a, T, B: Bound> {
    receiver: &'a mut Receiver<T, B>,
    is_asleep: bool,
}

impl<T, B: Bound> Visit<'_, T, B> {
    #[inline]
    fn poll<R>(&mut self, f: impl FnOnce(&mut Receiver<T, B>) -> Poll<R>) -> Poll<R> {
        let polled = f(self.receiver);
        self.is_asleep = polled.is_pending();
        polled
    }
}

impl<T, B: Bound> Drop for Visit<'_, T, B> {
    #[inline]
    fn drop(&mut self) {
        if self.is_asleep {
            drop(self.receiver.chan.sleeper.take());
        }
    }
}

impl<T, B: Bound> Drop for Receiver<T, B> {
    fn drop(&mut self) {
        self.close();
        drop(self.chan.sleeper.take());
        Leave(self).all();
    }
}

/// Empties the channel for good.
struct Leave<'a, T, B: Bound>(&'a mut Receiver<T, B>);

impl<T, B: Bound> Leave<'_, T, B> {
    fn all(&mut self) {
        let Receiver { chan, head } = &mut *self.0;
        while let Some(message) = head.leave(&chan.flow.list) {
            if let Some(message) = message {
                chan.give_back(1);
                drop(message);
            }
        }
    }
}

impl<T, B: Bound> Drop for Leave<'_, T, B> {
    /// After a message whose destructor panicked: the others are dropped all the same, as in a `Vec`.
    fn drop(&mut self) {
        self.all();
    }
}
