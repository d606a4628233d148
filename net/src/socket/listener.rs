//! [`Listener`].

use super::backoff::{Backoff, Failure, classify};
use super::kind::{Listening, Socket};
use super::stream::Stream;
use crate::error::at;
use raddle_runtime::io::{Direction, Interest, Registration};
use raddle_runtime::prim::lock::Mutex;
use raddle_runtime::time::{Sleep, sleep};
use socket2::{SockAddr, SockRef};
use std::fmt;
use std::future::Future;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The addresses of the connections that an `L` accepts.
type Addr<L> = <<L as Listening>::Socket as Socket>::Addr;

/// A connection, and who made it.
type Accepted<L> = (Stream<<L as Listening>::Socket>, Addr<L>);

/// A listener of any kind: [`TcpListener`](crate::TcpListener) or `UnixListener`.
///
/// When the process or the system has no descriptor left for a connection, accepting waits 5 ms, then twice as long
/// each time up to a second, and goes on; the runtime's metrics count how often.
pub struct Listener<L> {
    /// Dropped before `io`, which closes the descriptor.
    registration: Registration,
    pub(crate) io: L,
    /// Of `poll_accept`: it has no future to keep it in.
    waiting: Mutex<Waiting>,
}

struct Waiting {
    backoff: Backoff,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl<L: Listening> Listener<L> {
    /// Takes over a listener of the standard library, and makes it non-blocking.
    ///
    /// # Errors
    /// When it cannot be made so or cannot be watched.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn from_std(listener: L) -> io::Result<Self> {
        listener.set_nonblocking()?;
        let registration = Registration::new(listener.as_raw_fd(), Interest::READABLE)?;
        let waiting = Mutex::new(Waiting { backoff: Backoff::new(), sleep: None });
        Ok(Self { registration, io: listener, waiting })
    }

    /// Gives a listener of the standard library back. It stays non-blocking: `set_nonblocking(false)` makes its
    /// `accept` wait.
    ///
    /// # Errors
    /// None today.
    pub fn into_std(self) -> io::Result<L> {
        drop(self.registration);
        Ok(self.io)
    }

    /// Waits for a connection, and says who connected. Any number of tasks may wait at one listener.
    ///
    /// # Errors
    /// When the listener itself fails, or the new connection cannot be watched, or the runtime has shut down; the error
    /// names the address. A connection that was lost while it waited, and a lack of descriptors or memory, are no
    /// errors here.
    ///
    /// # Cancel safety
    /// Dropping the future loses no connection.
    pub async fn accept(&self) -> io::Result<Accepted<L>> {
        let mut backoff = Backoff::new();
        loop {
            let error = match self.registration.async_io(Interest::READABLE, || self.io.accept()).await {
                Ok((io, peer)) => return Self::adopt(io, peer),
                Err(error) => error,
            };
            match classify(&error) {
                Failure::ThisConnection => {}
                Failure::Exhausted => {
                    self.registration.count_accept_backoff();
                    sleep(backoff.next()).await;
                }
                Failure::Listener => return Err(self.error(&error)),
            }
        }
    }

    /// As [`Listener::accept`], for one task at a time: the one that polled last.
    ///
    /// # Errors
    /// As for [`Listener::accept`].
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Accepted<L>>> {
        loop {
            ready!(self.poll_waiting(cx));
            let error = match ready!(self.registration.poll_io(Direction::Read, cx, || self.io.accept())) {
                Ok((io, peer)) => {
                    self.waiting.lock().backoff = Backoff::new();
                    return Poll::Ready(Self::adopt(io, peer));
                }
                Err(error) => error,
            };
            match classify(&error) {
                Failure::ThisConnection => {}
                Failure::Exhausted => self.begin_waiting(),
                Failure::Listener => return Poll::Ready(Err(self.error(&error))),
            }
        }
    }

    fn begin_waiting(&self) {
        self.registration.count_accept_backoff();
        let wait = self.waiting.lock().backoff.next();
        let sleep = Box::pin(sleep(wait));
        let other = self.waiting.lock().sleep.replace(sleep);
        // Out of the lock, as below.
        drop(other);
    }

    fn poll_waiting(&self, cx: &mut Context<'_>) -> Poll<()> {
        // Out of the lock: a sleep keeps our waker, and a waker is foreign code.
        let sleep = self.waiting.lock().sleep.take();
        let Some(mut sleep) = sleep else { return Poll::Ready(()) };
        let polled = sleep.as_mut().poll(cx);
        if polled.is_pending() {
            let other = self.waiting.lock().sleep.replace(sleep);
            drop(other);
        }
        polled
    }

    /// The connections one after the other, as a stream that never ends by itself. Any number of such streams, in any
    /// number of tasks, share them.
    pub fn incoming(&self) -> Incoming<'_, L> {
        Incoming { listener: self, accepting: None }
    }

    fn adopt(io: L::Socket, peer: Addr<L>) -> io::Result<Accepted<L>> {
        match Stream::adopt(io) {
            Ok(stream) => Ok((stream, peer)),
            Err(error) => Err(at("accept a connection from", L::show(&peer), &error)),
        }
    }

    fn error(&self, error: &io::Error) -> io::Error {
        match self.io.local_addr() {
            Ok(addr) => at("accept at", L::show(&addr), error),
            Err(_) => at("accept at", "a listener without address", error),
        }
    }

    /// Where it listens: with the port, or under the name, that the system chose.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn local_addr(&self) -> io::Result<Addr<L>> {
        self.io.local_addr()
    }

    /// The error that the socket keeps, if any, and forgets it.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.io.take_error()
    }
}

/// One `accept`, whose connection is non-blocking and closed on exec from the start.
pub(crate) fn accept(listener: &impl AsFd) -> io::Result<(socket2::Socket, SockAddr)> {
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    {
        SockRef::from(listener).accept4(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC)
    }
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    {
        let (socket, peer) = SockRef::from(listener).accept()?;
        socket.set_nonblocking(true)?;
        Ok((socket, peer))
    }
}

impl<L: fmt::Debug> fmt::Debug for Listener<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.fmt(f)
    }
}

impl<L: AsFd> AsFd for Listener<L> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}

impl<L: AsRawFd> AsRawFd for Listener<L> {
    fn as_raw_fd(&self) -> RawFd {
        self.io.as_raw_fd()
    }
}

/// An `accept` under way.
type Accepting<'a, L> = Pin<Box<dyn Future<Output = io::Result<Accepted<L>>> + Send + 'a>>;

/// The stream of [`Listener::incoming`]. Dropping it loses no connection.
#[must_use = "streams do nothing unless polled"]
pub struct Incoming<'a, L: Listening> {
    listener: &'a Listener<L>,
    /// A place of its own among those who wait, which `poll_accept` would not have.
    accepting: Option<Accepting<'a, L>>,
}

impl<L: Listening> futures_core::Stream for Incoming<'_, L> {
    type Item = io::Result<Stream<L::Socket>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let listener = self.listener;
        let accepting = self.accepting.get_or_insert_with(|| Box::pin(listener.accept()));
        let accepted = ready!(accepting.as_mut().poll(cx));
        self.accepting = None;
        Poll::Ready(Some(accepted.map(|(stream, _)| stream)))
    }
}

impl<L: Listening> fmt::Debug for Incoming<'_, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("listener", self.listener).finish_non_exhaustive()
    }
}
