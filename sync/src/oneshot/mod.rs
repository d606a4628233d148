//! A channel for one value, from one task to another.
//!
//! ```
//! # fn main() { futures_lite::future::block_on(async {
//! use raddle_sync::oneshot;
//! let (sender, receiver) = oneshot::channel();
//! assert_eq!(sender.send(7), Ok(()));
//! assert_eq!(receiver.await, Ok(7));
//! # }) }
//! ```

mod shared;

use raddle_runtime::budget;
use raddle_runtime::wait::note::{What, note, noted};
use raddle_runtime::wait::thread;
use shared::{Progress, Rx, Tx};
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A channel for one value, in one allocation.
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = shared::allocate();
    (Sender(sender), Receiver(Some(receiver)))
}

/// The sender was dropped without sending, or the receiver had closed the channel before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecvError;

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the oneshot channel ended without a value")
    }
}

impl std::error::Error for RecvError {}

/// Why there is no value now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryRecvError {
    /// The sender has not sent yet.
    Empty,
    /// No value will come: the sender is gone, the channel is closed, or the value has been received.
    Closed,
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the oneshot channel has no value yet",
            Self::Closed => "the oneshot channel ended without a value, or its value has been received",
        })
    }
}

impl std::error::Error for TryRecvError {}

/// Sends the one value. Dropping it without sending ends the receiver's wait with an error.
pub struct Sender<T>(Tx<T>);

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("is_closed", &self.is_closed()).finish()
    }
}

impl<T> Sender<T> {
    /// Hands `value` to the receiver; never waits.
    ///
    /// # Errors
    /// Gives the value back when the receiver is gone or has closed the channel. `Ok` does not say that the receiver
    /// will look: it may be dropped with the value.
    #[inline]
    pub fn send(self, value: T) -> Result<(), T> {
        self.0.send(value)
    }

    /// True when the receiver is gone or has closed the channel: sending would fail.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// Waits until the receiver is gone or has closed the channel, to give up work that nobody waits for.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn closed(&mut self) {
        let forget = ForgetWaker(&self.0);
        poll_fn(|cx| {
            let unit = ready!(budget::poll_unit(cx));
            ready!(noted(What::Closed, forget.0.poll_closed(cx.waker())));
            unit.spend();
            Poll::Ready(())
        })
        .await;
    }

    /// As [`closed`](Self::closed), for a future written by hand: when pending, the task is woken once it is closed.
    pub fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let unit = ready!(budget::poll_unit(cx));
        ready!(self.0.poll_closed(cx.waker()));
        unit.spend();
        Poll::Ready(())
    }
}

/// Keeps no waker of a wait that is over.
struct ForgetWaker<'a, T>(&'a Tx<T>);

impl<T> Drop for ForgetWaker<'_, T> {
    fn drop(&mut self) {
        self.0.forget_waker();
    }
}

/// Receives the one value: a future, or by [`try_recv`](Self::try_recv).
///
/// # Cancel safety
/// It can be awaited as `&mut receiver`, in a select loop say: nothing is lost when that is dropped. The waker of the
/// last poll is kept until it is called or the receiver goes. Dropping the receiver itself closes the channel; a value
/// that is already there is dropped with it.
#[must_use = "the sender fails once the receiver is dropped"]
pub struct Receiver<T>(Option<Rx<T>>);

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("progress", &self.0.as_ref().map(Rx::progress)).finish()
    }
}

impl<T> Receiver<T> {
    /// Takes the value if it is there; never waits.
    ///
    /// # Errors
    /// [`TryRecvError::Empty`] while it may still come, [`TryRecvError::Closed`] when it will not.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        match self.0.as_ref().map(Rx::progress) {
            Some(Progress::Open) => Err(TryRecvError::Empty),
            Some(_) => self.finish().map_err(|RecvError| TryRecvError::Closed),
            None => Err(TryRecvError::Closed),
        }
    }

    /// Refuses a value from now on, and tells the sender. One that was sent before can still be received.
    pub fn close(&mut self) {
        if let Some(end) = &self.0 {
            end.close();
        }
    }

    /// True when there is no value to take now.
    pub fn is_empty(&self) -> bool {
        !self.0.as_ref().is_some_and(Rx::has_value)
    }

    /// True once it has returned the value or an error: it must not be awaited again.
    pub fn is_terminated(&self) -> bool {
        self.0.is_none()
    }

    /// Waits for the value on a thread outside the tasks.
    ///
    /// # Errors
    /// [`RecvError`] when no value will come.
    ///
    /// # Panics
    /// In async code, and when it has returned before.
    #[track_caller]
    pub fn blocking_recv(self) -> Result<T, RecvError> {
        thread::block_on("oneshot::Receiver::blocking_recv", self)
    }

    #[inline]
    fn finish(&mut self) -> Result<T, RecvError> {
        self.0.take().and_then(Rx::finish).ok_or(RecvError)
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, RecvError>;

    /// # Panics
    /// When it has returned before.
    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let unit = ready!(budget::poll_unit(cx));
        let end = self.0.as_ref().expect("a oneshot receiver was polled after it had returned");
        if end.poll_progress(cx.waker()) == Progress::Open {
            note(What::Oneshot);
            return Poll::Pending;
        }
        unit.spend();
        Poll::Ready(self.finish())
    }
}
