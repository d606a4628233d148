//! [`UnixDatagram`].

use super::addr::{bind_error, from_path, show};
use super::fds;
use crate::error::{self, at};
use raddle_runtime::io::{Direction, Interest, Ready, Registration};
use std::fmt;
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::SocketAddr;
use std::path::Path;
use std::task::{Context, Poll, ready};

/// A Unix socket that sends and receives messages: each arrives whole, in order, and none is lost. A buffer that is too
/// small for a message gets its beginning; the rest is gone.
///
/// The `poll_*` functions serve one task per direction at a time, the one that polled last; the async functions serve
/// any number.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use raddle_net::UnixDatagram;
///
/// raddle_runtime::runtime::Builder::new().worker_threads(1).build()?.block_on(async {
///     let (ours, theirs) = UnixDatagram::pair()?;
///     ours.send(b"hello").await?;
///     let mut buf = [0; 16];
///     let n = theirs.recv(&mut buf).await?;
///     assert_eq!(&buf[..n], b"hello");
///     Ok(())
/// })
/// # }
/// ```
pub struct UnixDatagram {
    /// Dropped before `io`, which closes the descriptor.
    pub(super) registration: Registration,
    pub(super) io: std::os::unix::net::UnixDatagram,
}

impl UnixDatagram {
    /// A socket with a name: makes a socket file at `path`, or takes an abstract name, as
    /// [`UnixListener::bind`](crate::UnixListener::bind) does. The file stays when the socket is dropped.
    ///
    /// # Errors
    /// Names the path: when something is there already, when it is too long for an address, when its folder is missing.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn bind(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::bind_addr(&from_path("bind to", path.as_ref())?)
    }

    /// As [`UnixDatagram::bind`], at an address.
    ///
    /// # Errors
    /// As for [`UnixDatagram::bind`].
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn bind_addr(addr: &SocketAddr) -> io::Result<Self> {
        let socket = std::os::unix::net::UnixDatagram::bind_addr(addr)
            .map_err(|error| bind_error("bind to", addr, &error))?;
        Self::from_std(socket)
    }

    /// A socket without a name: it can send, and receives only after connecting to one that answers by connection.
    ///
    /// # Errors
    /// When the process or the system has no more descriptors.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn unbound() -> io::Result<Self> {
        Self::from_std(std::os::unix::net::UnixDatagram::unbound()?)
    }

    /// Two sockets that are connected to each other and have no name.
    ///
    /// # Errors
    /// When the process or the system has no more descriptors.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn pair() -> io::Result<(Self, Self)> {
        let (a, b) = std::os::unix::net::UnixDatagram::pair()?;
        Ok((Self::from_std(a)?, Self::from_std(b)?))
    }

    /// Takes over a socket of the standard library, and makes it non-blocking.
    ///
    /// # Errors
    /// When it cannot be made so or cannot be watched.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn from_std(socket: std::os::unix::net::UnixDatagram) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let registration = Registration::new(socket.as_raw_fd(), Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self { registration, io: socket })
    }

    /// Gives a socket of the standard library back. It stays non-blocking.
    ///
    /// # Errors
    /// None today.
    pub fn into_std(self) -> io::Result<std::os::unix::net::UnixDatagram> {
        drop(self.registration);
        Ok(self.io)
    }

    /// Sets where `send` sends to, and that only messages from there are received.
    ///
    /// # Errors
    /// Names the path: when no socket is there, or it may not be written, or the path is too long for an address.
    pub fn connect(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.connect_addr(&from_path("connect to", path.as_ref())?)
    }

    /// As [`UnixDatagram::connect`], to an address.
    ///
    /// # Errors
    /// As for [`UnixDatagram::connect`].
    pub fn connect_addr(&self, addr: &SocketAddr) -> io::Result<()> {
        self.io.connect_addr(addr).map_err(|error| at("connect to", show(addr), &error))
    }

    /// Sends a message to the socket this one is connected to, waiting for room there.
    ///
    /// # Errors
    /// Names that socket: when it is gone, or the message is too long for the send buffer; when this one is not
    /// connected; and when the runtime has shut down.
    ///
    /// # Cancel safety
    /// When the future is dropped, nothing was sent.
    pub async fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.sending(|| self.io.send(buf)).await
    }

    /// As [`UnixDatagram::send`], for one task at a time: the one that polled last.
    ///
    /// # Errors
    /// As for [`UnixDatagram::send`].
    pub fn poll_send(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let sent = ready!(self.registration.poll_io(Direction::Write, cx, || self.io.send(buf)));
        Poll::Ready(sent.map_err(|error| self.send_error(error)))
    }

    /// Sends without waiting.
    ///
    /// # Errors
    /// `WouldBlock` when there is no room or the driver has not said that there is: wait for `writable`; else as for
    /// [`UnixDatagram::send`].
    pub fn try_send(&self, buf: &[u8]) -> io::Result<usize> {
        let sent = self.registration.try_io(Interest::WRITABLE, || self.io.send(buf));
        sent.map_err(|error| self.send_error(error))
    }

    /// Waits for a message. A longer one than `buf` is cut off.
    ///
    /// # Errors
    /// Those of the system, and when the runtime has shut down; they name the peer, or where the socket is bound.
    ///
    /// # Cancel safety
    /// Dropping the future loses no message.
    pub async fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.receiving(|| self.io.recv(buf)).await
    }

    /// As [`UnixDatagram::recv`], for one task at a time: the one that polled last.
    ///
    /// # Errors
    /// As for [`UnixDatagram::recv`].
    pub fn poll_recv(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll_receiving(cx, || self.io.recv(buf))
    }

    /// Receives without waiting.
    ///
    /// # Errors
    /// `WouldBlock` when there is no message or the driver has not said that there is: wait for `readable`.
    pub fn try_recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.try_receiving(|| self.io.recv(buf))
    }

    /// Waits for a message, and says who sent it. A longer one than `buf` is cut off.
    ///
    /// # Errors
    /// Those of the system, and when the runtime has shut down.
    ///
    /// # Cancel safety
    /// Dropping the future loses no message.
    pub async fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.receiving(|| self.io.recv_from(buf)).await
    }

    /// As [`UnixDatagram::recv_from`], for one task at a time: the one that polled last.
    ///
    /// # Errors
    /// As for [`UnixDatagram::recv_from`].
    pub fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        self.poll_receiving(cx, || self.io.recv_from(buf))
    }

    /// Receives without waiting, and says who sent it.
    ///
    /// # Errors
    /// As for [`UnixDatagram::try_recv`].
    pub fn try_recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.try_receiving(|| self.io.recv_from(buf))
    }

    /// Waits for a message and copies it to `buf`, leaving it to be received.
    ///
    /// # Errors
    /// Those of the system, and when the runtime has shut down.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.receiving(|| fds::peek(&self.io, buf)).await
    }

    /// Sends a message with copies of descriptors to the socket this one is connected to.
    ///
    /// # Errors
    /// When there are more than 253 descriptors; else as for [`UnixDatagram::send`].
    ///
    /// # Cancel safety
    /// When the future is dropped, nothing was sent.
    pub async fn send_fds(&self, data: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<usize> {
        fds::check(fds.len()).map_err(|error| self.send_error(error))?;
        self.sending(|| fds::send(self.as_fd(), data, fds)).await
    }

    /// Waits for a message, and takes the descriptors that came with it, at most `max`, each closed on exec.
    ///
    /// # Errors
    /// When more than `max` came, or more than this process can have open: those that came are closed, and the message
    /// is lost. When `max` is more than 253; those of the system.
    ///
    /// # Cancel safety
    /// When the future is dropped, nothing was received.
    pub async fn recv_fds(&self, buf: &mut [u8], max: usize) -> io::Result<(usize, Vec<OwnedFd>)> {
        fds::check(max).map_err(|error| self.receive_error(error))?;
        self.receiving(|| fds::receive(self.as_fd(), buf, max)).await
    }

    /// Waits until any of `interest` is ready, and says which.
    ///
    /// # Errors
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the readiness for the next who asks.
    pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        Ok(self.registration.readiness(interest).await?.ready())
    }

    /// Waits until there is a message: then call `try_recv`.
    ///
    /// # Errors
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    /// As for [`UnixDatagram::ready`].
    pub async fn readable(&self) -> io::Result<()> {
        self.registration.readiness(Interest::READABLE).await.map(drop)
    }

    /// Waits until there is room for a message: then call `try_send`.
    ///
    /// # Errors
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    /// As for [`UnixDatagram::ready`].
    pub async fn writable(&self) -> io::Result<()> {
        self.registration.readiness(Interest::WRITABLE).await.map(drop)
    }

    /// Waits until there is a message, for the task that polled last.
    ///
    /// # Errors
    /// When the runtime has shut down.
    pub fn poll_recv_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.registration.poll_read_ready(cx))?;
        Poll::Ready(Ok(()))
    }

    /// Waits until there is room for a message, for the task that polled last.
    ///
    /// # Errors
    /// When the runtime has shut down.
    pub fn poll_send_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.registration.poll_write_ready(cx))?;
        Poll::Ready(Ok(()))
    }

    /// Calls `f`, which does something of its own with the socket, if any of `interest` is known to be ready. When `f`
    /// says `WouldBlock`, the readiness is taken back: it must be the system's answer for this socket.
    ///
    /// # Errors
    /// `WouldBlock`, and those of `f`.
    pub fn try_io<R>(&self, interest: Interest, f: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
        self.registration.try_io(interest, f)
    }

    /// Calls `f`, which does something of its own with the socket, whenever any of `interest` is ready, until it does
    /// not say `WouldBlock`: that must be the system's answer for this socket.
    ///
    /// # Errors
    /// Those of `f` but for `WouldBlock` and `Interrupted`, and when the runtime has shut down.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing that `f` has done: what it did is returned in the same poll.
    pub async fn async_io<R>(&self, interest: Interest, f: impl FnMut() -> io::Result<R>) -> io::Result<R> {
        self.registration.async_io(interest, f).await
    }

    /// Does `f`, naming in its errors where a message was to go.
    async fn sending<R>(&self, f: impl FnMut() -> io::Result<R>) -> io::Result<R> {
        let sent = self.registration.async_io(Interest::WRITABLE, f).await;
        sent.map_err(|error| self.send_error(error))
    }

    /// Does `f`, naming in its errors where a message was to come.
    async fn receiving<R>(&self, f: impl FnMut() -> io::Result<R>) -> io::Result<R> {
        let received = self.registration.async_io(Interest::READABLE, f).await;
        received.map_err(|error| self.receive_error(error))
    }

    fn poll_receiving<R>(
        &self,
        cx: &mut Context<'_>,
        f: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let received = ready!(self.registration.poll_io(Direction::Read, cx, f));
        Poll::Ready(received.map_err(|error| self.receive_error(error)))
    }

    fn try_receiving<R>(&self, f: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
        self.registration.try_io(Interest::READABLE, f).map_err(|error| self.receive_error(error))
    }

    fn send_error(&self, error: io::Error) -> io::Error {
        // The system has forgotten a peer of which it says that for the first time.
        let is_gone = error.kind() == io::ErrorKind::ConnectionRefused;
        let gone = is_gone.then(|| "the peer, which is gone".to_owned());
        error::sending(|| self.io.peer_addr().ok().map(|peer| show(&peer)).or(gone), error)
    }

    fn receive_error(&self, error: io::Error) -> io::Error {
        let shown = |addr: io::Result<SocketAddr>| addr.ok().map(|addr| show(&addr));
        error::receiving(|| shown(self.io.peer_addr()), || shown(self.io.local_addr()), error)
    }

    /// Ends sending, receiving, or both.
    ///
    /// # Errors
    /// When the socket is not connected.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.io.shutdown(how)
    }

    /// This side's address.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.local_addr()
    }

    /// The address of the socket this one is connected to.
    ///
    /// # Errors
    /// When there is none.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.peer_addr()
    }

    /// The error that the socket keeps, if any, and forgets it.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.io.take_error()
    }
}

impl fmt::Debug for UnixDatagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.fmt(f)
    }
}

impl AsFd for UnixDatagram {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}

impl AsRawFd for UnixDatagram {
    fn as_raw_fd(&self) -> RawFd {
        self.io.as_raw_fd()
    }
}
