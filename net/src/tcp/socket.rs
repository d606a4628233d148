//! [`TcpSocket`]: a socket that is neither listening nor connected yet. Its options are in `options.rs`.

use super::listener::TcpListener;
use super::stream::TcpStream;
use crate::error::at;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

/// A TCP socket to be set up before it listens or connects.
///
/// Making one needs no runtime; `listen` and `connect` do.
///
/// ```no_run
/// # async fn serve() -> std::io::Result<()> {
/// let addr = "127.0.0.1:8080".parse().expect("an address");
/// let socket = raddle_net::TcpSocket::new_v4()?;
/// socket.set_reuseport(true)?;
/// socket.bind(addr)?;
/// let listener = socket.listen(1024)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct TcpSocket {
    pub(super) io: Socket,
}

impl TcpSocket {
    /// A socket for IPv4.
    ///
    /// # Errors
    /// When the process or the system has no more descriptors.
    pub fn new_v4() -> io::Result<Self> {
        Self::new(Domain::IPV4)
    }

    /// A socket for IPv6.
    ///
    /// # Errors
    /// When the process or the system has no more descriptors, or no IPv6.
    pub fn new_v6() -> io::Result<Self> {
        Self::new(Domain::IPV6)
    }

    fn new(domain: Domain) -> io::Result<Self> {
        #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
        let io = Socket::new(domain, Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
        #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
        let io = {
            let io = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
            io.set_nonblocking(true)?;
            io
        };
        Ok(Self { io })
    }

    /// A socket that can be bound or connected to `addr`.
    pub(crate) fn for_addr(addr: SocketAddr) -> io::Result<Self> {
        Self::new(Domain::for_address(addr)).map_err(|error| at("make a socket for", addr, &error))
    }

    /// Takes over a socket of the standard library that is not connected yet, whatever its type says, and makes it
    /// non-blocking.
    ///
    /// # Errors
    /// When it cannot be made so.
    pub fn from_std_stream(socket: std::net::TcpStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self { io: socket.into() })
    }

    /// Gives the socket as one of the standard library back: neither listening nor connected, whatever its type says,
    /// and non-blocking.
    pub fn into_std_stream(self) -> std::net::TcpStream {
        self.io.into()
    }

    /// Binds the socket to a local address; port 0 asks the system for a free one.
    ///
    /// `[::]` takes connections over IPv4 too (the peer is then an address such as `::ffff:127.0.0.1`), unless
    /// [`set_only_v6`](Self::set_only_v6) or the system's own default (Linux: `net.ipv6.bindv6only`; the BSDs) says
    /// otherwise: a program that depends on it sets it.
    ///
    /// # Errors
    /// Names the address, for instance when it is in use.
    pub fn bind(&self, addr: SocketAddr) -> io::Result<()> {
        self.io.bind(&addr.into()).map_err(|error| at("bind to", addr, &error))
    }

    /// Starts to listen. The system keeps up to `backlog` connections until they are accepted; it may have a lower
    /// limit of its own.
    ///
    /// # Errors
    /// Names the address it is bound to, for instance when another socket listens there.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn listen(self, backlog: u32) -> io::Result<TcpListener> {
        let backlog = i32::try_from(backlog).unwrap_or(i32::MAX);
        let listening = self.io.listen(backlog);
        let told = |error| match self.local_addr() {
            Ok(addr) => at("listen at", addr, &error),
            Err(_) => error,
        };
        listening.map_err(told)?;
        TcpListener::from_std(self.io.into())
    }

    /// Connects.
    ///
    /// # Errors
    /// Names the address.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Cancel safety
    /// Dropping the future closes the socket.
    pub async fn connect(self, addr: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect_socket(self.io, addr).await.map_err(|error| at("connect to", addr, &error))
    }

    /// The local address it is bound to.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let addr = self.io.local_addr()?;
        addr.as_socket().ok_or_else(|| io::Error::other("the socket has no internet address"))
    }

    /// The error that the socket keeps, if any, and forgets it.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.io.take_error()
    }
}

impl AsFd for TcpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}

impl From<TcpSocket> for OwnedFd {
    fn from(socket: TcpSocket) -> Self {
        socket.io.into()
    }
}

impl AsRawFd for TcpSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.io.as_raw_fd()
    }
}
