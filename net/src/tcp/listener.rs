//! [`TcpListener`].

use super::socket::TcpSocket;
use crate::addr::{ToSocketAddrs, resolve};
use crate::error::{Failures, at};
use crate::socket::{Listener, Listening};
use std::io;
use std::net::SocketAddr;

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
pub type TcpListener = Listener<std::net::TcpListener>;

impl TcpListener {
    /// Listens at `addr`; of several addresses at the first that works. Port 0 asks the system for a free port, which
    /// [`TcpListener::local_addr`] then tells. The address may be in use by connections of an earlier listener
    /// (`SO_REUSEADDR`). `[::]` takes connections over IPv4 too, unless the system's own default says otherwise; see
    /// [`TcpSocket::bind`].
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
}

impl Listening for std::net::TcpListener {
    type Socket = std::net::TcpStream;

    fn accept(&self) -> io::Result<(std::net::TcpStream, SocketAddr)> {
        let (socket, peer) = crate::socket::accept(self)?;
        let not_ip = || io::Error::other("the peer has no internet address");
        Ok((socket.into(), peer.as_socket().ok_or_else(not_ip)?))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }

    fn show(addr: &SocketAddr) -> String {
        addr.to_string()
    }
}
