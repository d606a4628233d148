//! [`TcpListener`].

use super::backoff::{Backoff, Failure, classify};
use super::socket::TcpSocket;
use super::stream::TcpStream;
use crate::addr::{ToSocketAddrs, resolve};
use crate::error::{Failures, at};
use futures_core::Stream;
use raddle_runtime::io::{Direction, Interest, Registration};
use raddle_runtime::prim::lock::Mutex;
use raddle_runtime::time::{Sleep, sleep};
use socket2::SockRef;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Connections the system keeps until they are accepted; it may have a lower limit of its own.
const BACKLOG: u32 = 1024;

/// A socket that accepts TCP connections.
///
/// When the process or the system has no descriptor left for a connection, accepting waits 5 ms, then twice as long
/// each time up to a second, and goes on; the runtime's metrics count how often.
///
/// ```no_run
/// # async fn serve() -> std::io::Result<()> {
/// let listener = raddle_net::TcpListener::bind("127.0.0.1:8080").await?;
/// loop {
///     let (stream, peer) = listener.accept().await?;
///     raddle_runtime::spawn(async move { println!("{peer} came: {stream:?}") }).detach();
/// }
/// # }
/// ```
pub struct TcpListener {
    /// Dropped before `io`, which closes the descriptor.
    registration: Registration,
    io: std::net::TcpListener,
    /// Of `poll_accept`: it has no future to keep it in.
    waiting: Mutex<Waiting>,
}

struct Waiting {
    backoff: Backoff,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl TcpListener {
    /// Listens at `addr`; of several addresses at the first that works. Port 0 asks the system for a free port, which
    /// [`TcpListener::local_addr`] then tells. The address may be in use by connections of an earlier listener
    /// (`SO_REUSEADDR`).
    ///
    /// # Errors
    /// When no address works: the error names the address, or all of them.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing behind.
    pub async fn bind(addr: impl ToSocketAddrs) -> io::Result<Self> {
        let mut failures = Failures::new();
        for addr in resolve(addr.target()).await? {
            match Self::bind_one(addr) {
                Ok(listener) => return Ok(listener),
                Err(error) => failures.push(error),
            }
        }
        Err(failures.into_error("cannot listen"))
    }

    fn bind_one(addr: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::for_addr(addr)?;
        socket.set_reuseaddr(true).map_err(|error| at("listen at", addr, &error))?;
        socket.bind(addr)?;
        socket.listen(BACKLOG)
    }

    /// Takes over a listener of the standard library, and makes it non-blocking.
    ///
    /// # Errors
    /// When it cannot be made so or cannot be watched.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn from_std(listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let registration = Registration::new(listener.as_raw_fd(), Interest::READABLE)?;
        let waiting = Mutex::new(Waiting { backoff: Backoff::new(), sleep: None });
        Ok(Self { registration, io: listener, waiting })
    }

    /// Gives a listener of the standard library back. It stays non-blocking: `set_nonblocking(false)` makes its
    /// `accept` wait.
    ///
    /// # Errors
    /// None today.
    pub fn into_std(self) -> io::Result<std::net::TcpListener> {
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
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let mut backoff = Backoff::new();
        loop {
            let error = match self.registration.async_io(Interest::READABLE, || self.accept_now()).await {
                Ok(accepted) => return self.adopt(accepted),
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

    /// As [`TcpListener::accept`], for one task at a time: the one that polled last.
    ///
    /// # Errors
    /// As for [`TcpListener::accept`].
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        loop {
            ready!(self.poll_waiting(cx));
            let error = match ready!(self.registration.poll_io(Direction::Read, cx, || self.accept_now())) {
                Ok(accepted) => {
                    self.waiting.lock().backoff = Backoff::new();
                    return Poll::Ready(self.adopt(accepted));
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
        self.waiting.lock().sleep = Some(sleep);
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

    /// The connections one after the other, as a stream that never ends by itself.
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }

    /// One `accept`, whose connection is non-blocking and closed on exec from the start.
    fn accept_now(&self) -> io::Result<(std::net::TcpStream, SocketAddr)> {
        #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
        {
            let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
            let (socket, peer) = SockRef::from(&self.io).accept4(flags)?;
            let not_ip = || io::Error::other("the peer has no internet address");
            Ok((socket.into(), peer.as_socket().ok_or_else(not_ip)?))
        }
        #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
        {
            let (stream, peer) = self.io.accept()?;
            stream.set_nonblocking(true)?;
            Ok((stream, peer))
        }
    }

    fn adopt(&self, (io, peer): (std::net::TcpStream, SocketAddr)) -> io::Result<(TcpStream, SocketAddr)> {
        let stream = TcpStream::adopt(io).map_err(|error| at("accept a connection from", peer, &error))?;
        Ok((stream, peer))
    }

    fn error(&self, error: &io::Error) -> io::Error {
        match self.io.local_addr() {
            Ok(addr) => at("accept at", addr, error),
            Err(_) => at("accept at", "a listener without address", error),
        }
    }

    /// Where it listens, with the port that the system chose.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.local_addr()
    }

    /// The time to live (hops) that accepted connections start with.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn ttl(&self) -> io::Result<u32> {
        self.io.ttl()
    }

    /// Sets the time to live (hops) that accepted connections start with.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.io.set_ttl(ttl)
    }

    /// The error that the socket keeps, if any, and forgets it.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.io.take_error()
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.fmt(f)
    }
}

impl AsFd for TcpListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}

impl AsRawFd for TcpListener {
    fn as_raw_fd(&self) -> RawFd {
        self.io.as_raw_fd()
    }
}

/// The stream of [`TcpListener::incoming`].
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct Incoming<'a> {
    listener: &'a TcpListener,
}

impl Stream for Incoming<'_> {
    type Item = io::Result<TcpStream>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.listener.poll_accept(cx).map(|accepted| Some(accepted.map(|(stream, _)| stream)))
    }
}
