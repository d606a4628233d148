//! The signals sent to this process, as something to await.
//!
//! While a [`Signal`] of a kind exists, that kind no longer does what it does by default (end the process, most of the
//! time). When the last one is dropped, it does so again.
//!
//! A child of `fork` inherits none of its parent's `Signal`s: there the default action is back, until the child makes
//! its own.

mod kind;
mod listener;

pub use kind::SignalKind;

use crate::io::{AsyncFd, Interest};
use futures_core::Stream;
use listener::Listener;
use std::future::poll_fn;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Listens for signals of `kind` from now on.
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// use raddle_runtime::signal::{SignalKind, signal};
/// let mut hangups = signal(SignalKind::hangup())?;
/// while hangups.recv().await.is_some() {
///     println!("reading the configuration again");
/// }
/// # Ok(()) }
/// ```
///
/// # Errors
/// `InvalidInput` for a number that is no signal, or one that cannot be listened for (SIGKILL, SIGSTOP, SIGILL, SIGFPE,
/// SIGSEGV); those of the system when it has no descriptors left.
///
/// # Panics
/// Outside a runtime.
#[track_caller]
pub fn signal(kind: SignalKind) -> io::Result<Signal> {
    let (receiver, sender) = UnixStream::pair()?;
    receiver.set_nonblocking(true)?;
    sender.set_nonblocking(true)?;
    let receiver = AsyncFd::with_interest(receiver, Interest::READABLE)?;
    let listener = Listener::new(kind, sender)?;
    Ok(Signal { _listener: listener, receiver })
}

/// Waits for Ctrl-C (SIGINT), once. It is listened for from the first poll until the future is done or dropped.
///
/// To hear the next one as well, keep a [`Signal`] of [`SignalKind::interrupt`].
///
/// # Errors
/// Those of [`signal()`]; and when the runtime has shut down.
///
/// # Panics
/// Outside a runtime.
///
/// # Cancel safety
/// Dropping the future ends the listening; a signal that came and was not returned is lost.
pub async fn ctrl_c() -> io::Result<()> {
    signal(SignalKind::interrupt())?.recv().await.ok_or_else(|| io::Error::other("the runtime has shut down"))
}

/// A listener for signals of one kind; a stream of one item per delivery.
///
/// Every `Signal` of a kind sees every delivery. The system itself delivers a signal once when it is sent again before
/// the first was delivered; beyond that, some hundred deliveries are kept until they are received.
#[derive(Debug)]
pub struct Signal {
    /// Dropped before `receiver`, so that no handler writes to a closed socket.
    _listener: Listener,
    receiver: AsyncFd<UnixStream>,
}

impl Signal {
    /// Waits for the next delivery. `None` when the runtime has shut down.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: the next call returns the delivery.
    pub async fn recv(&mut self) -> Option<()> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Takes the next delivery, or has `cx`'s task woken when there is one. `None` when the runtime has shut down.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<()>> {
        loop {
            let Ok(mut readiness) = ready!(self.receiver.poll_read_ready(cx)) else {
                return Poll::Ready(None);
            };
            match readiness.try_io(|receiver| receiver.get_ref().read(&mut [0])) {
                Err(_would_block) => {}
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(read) => return Poll::Ready(matches!(read, Ok(1)).then_some(())),
            }
        }
    }
}

impl Stream for Signal {
    type Item = ();

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<()>> {
        self.get_mut().poll_recv(cx)
    }
}
