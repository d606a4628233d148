//! [`UdpSocket`]: making one, its addresses and its readiness.

use super::sys::Offload;
use crate::addr::{ToSocketAddrs, resolve};
use crate::error::{self, Failures, at};
use raddle_runtime::io::{Direction, Interest, Ready, Registration};
use socket2::{Domain, Protocol, Socket, Type};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::task::{Context, Poll, ready};

/// A UDP socket.
///
/// It takes `&self` for everything: share it in an `Arc`, and any number of tasks may send and receive at once. Only
/// the `poll_*` functions serve one task per direction, the one that polled last.
///
/// One `recv` is one datagram. What does not fit into the buffer is cut off and lost, as in the system's own call.
/// UDP tells no sender that a datagram was lost. On a connected socket the system does tell, by an error of the next
/// call in either direction, that nobody listens at the peer's port (`ConnectionRefused`): the call has then sent or
/// received nothing and can be repeated.
///
/// When the system has no memory for a datagram (`ENOBUFS`), sending is an error at once, and is not tried again: the
/// socket stays writable meanwhile, so there is nothing to wait for.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use raddle_net::UdpSocket;
///
/// raddle_runtime::runtime::Builder::new().worker_threads(1).build()?.block_on(async {
///     let server = UdpSocket::bind("127.0.0.1:0").await?;
///     let client = UdpSocket::bind("127.0.0.1:0").await?;
///     client.connect(server.local_addr()?).await?;
///     client.send(b"hello").await?;
///     let mut buf = [0; 1500];
///     let (len, from) = server.recv_from(&mut buf).await?;
///     server.send_to(&buf[..len], from).await?;
///     assert_eq!(client.recv(&mut buf).await?, 5);
///     Ok(())
/// })
/// # }
/// ```
pub struct UdpSocket {
    /// Dropped before `io`, which closes the descriptor.
    pub(super) registration: Registration,
    pub(super) io: std::net::UdpSocket,
    pub(super) offload: Offload,
}

impl UdpSocket {
    /// A socket at `addr`; of several addresses at the first that works. Port 0 asks the system for a free port, which
    /// [`UdpSocket::local_addr`] then tells.
    ///
    /// For options that have to be set before, such as `SO_REUSEADDR` for several receivers of one multicast group,
    /// make the socket with the `socket2` crate and take it over with [`UdpSocket::from_std`].
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
            match bind_one(addr) {
                Ok(io) => return Self::adopt(io, false),
                Err(error) => failures.push(at("bind to", addr, &error)),
            }
        }
        Err(failures.into_error("cannot bind"))
    }

    /// Takes over a socket of the standard library, and makes it non-blocking.
    ///
    /// # Errors
    /// When it cannot be made so or cannot be watched.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn from_std(socket: std::net::UdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let is_joining = Offload::is_joining(&socket);
        Self::adopt(socket, is_joining)
    }

    #[track_caller]
    fn adopt(io: std::net::UdpSocket, is_joining: bool) -> io::Result<Self> {
        let registration = Registration::new(io.as_raw_fd(), Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self { registration, io, offload: Offload::new(is_joining) })
    }

    /// Gives a socket of the standard library back. It stays non-blocking: `set_nonblocking(false)` makes it wait.
    ///
    /// # Errors
    /// None today.
    pub fn into_std(self) -> io::Result<std::net::UdpSocket> {
        drop(self.registration);
        Ok(self.io)
    }

    /// Has the socket send to `addr` and receive from there only; of several addresses the first that works. Another
    /// `connect` changes the peer. Nothing is sent by it, and nobody need be there.
    ///
    /// # Errors
    /// When no address works, for instance because there is no route: the error names the address, or all of them.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the socket as it was.
    pub async fn connect(&self, addr: impl ToSocketAddrs) -> io::Result<()> {
        let mut failures = Failures::new();
        for addr in resolve(addr.target()).await? {
            match self.io.connect(addr) {
                Ok(()) => return Ok(()),
                Err(error) => failures.push(at("connect to", addr, &error)),
            }
        }
        Err(failures.into_error("cannot connect"))
    }

    /// This side's address.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.local_addr()
    }

    /// The address that the socket is connected to.
    ///
    /// # Errors
    /// `NotConnected` before [`UdpSocket::connect`].
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.peer_addr()
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

    /// Waits until there is a datagram: then call `try_recv`.
    ///
    /// # Errors
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    /// As for [`UdpSocket::ready`].
    pub async fn readable(&self) -> io::Result<()> {
        self.registration.readiness(Interest::READABLE).await.map(drop)
    }

    /// Waits until there is room for a datagram: then call `try_send`.
    ///
    /// # Errors
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    /// As for [`UdpSocket::ready`].
    pub async fn writable(&self) -> io::Result<()> {
        self.registration.readiness(Interest::WRITABLE).await.map(drop)
    }

    /// As [`UdpSocket::readable`], for one task at a time: the one that polled last.
    ///
    /// # Errors
    /// When the runtime has shut down.
    pub fn poll_recv_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.registration.poll_read_ready(cx).map_ok(drop)
    }

    /// As [`UdpSocket::writable`], for one task at a time: the one that polled last.
    ///
    /// # Errors
    /// When the runtime has shut down.
    pub fn poll_send_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.registration.poll_write_ready(cx).map_ok(drop)
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

    /// Does `f`, naming in its errors where a datagram was to go.
    pub(super) async fn sending<R>(
        &self,
        to: Option<SocketAddr>,
        f: impl FnMut() -> io::Result<R>,
    ) -> io::Result<R> {
        let sent = self.registration.async_io(Interest::WRITABLE, f).await;
        sent.map_err(|error| self.send_error(to, error))
    }

    /// Does `f`, naming in its errors where a datagram was to come.
    pub(super) async fn receiving<R>(&self, f: impl FnMut() -> io::Result<R>) -> io::Result<R> {
        let received = self.registration.async_io(Interest::READABLE, f).await;
        received.map_err(|error| self.receive_error(error))
    }

    pub(super) fn poll_sending<R>(
        &self,
        cx: &mut Context<'_>,
        to: Option<SocketAddr>,
        f: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let sent = ready!(self.registration.poll_io(Direction::Write, cx, f));
        Poll::Ready(sent.map_err(|error| self.send_error(to, error)))
    }

    pub(super) fn poll_receiving<R>(
        &self,
        cx: &mut Context<'_>,
        f: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let received = ready!(self.registration.poll_io(Direction::Read, cx, f));
        Poll::Ready(received.map_err(|error| self.receive_error(error)))
    }

    pub(super) fn try_sending<R>(
        &self,
        to: Option<SocketAddr>,
        f: impl FnOnce() -> io::Result<R>,
    ) -> io::Result<R> {
        self.registration.try_io(Interest::WRITABLE, f).map_err(|error| self.send_error(to, error))
    }

    pub(super) fn try_receiving<R>(&self, f: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
        self.registration.try_io(Interest::READABLE, f).map_err(|error| self.receive_error(error))
    }

    pub(super) fn send_error(&self, to: Option<SocketAddr>, error: io::Error) -> io::Error {
        error::sending(|| to.or_else(|| self.io.peer_addr().ok()), error)
    }

    pub(super) fn receive_error(&self, error: io::Error) -> io::Error {
        error::receiving(|| self.io.peer_addr().ok(), || self.io.local_addr().ok(), error)
    }
}

fn bind_one(addr: SocketAddr) -> io::Result<std::net::UdpSocket> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    Ok(socket.into())
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.fmt(f)
    }
}

impl AsFd for UdpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}

impl AsRawFd for UdpSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.io.as_raw_fd()
    }
}
