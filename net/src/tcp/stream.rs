//! [`TcpStream`]: connecting, and the options of TCP. What it shares with other streams is in `socket/`.

use crate::addr::ToSocketAddrs;
use crate::connect;
use crate::socket::Stream;
use raddle_runtime::io::{Interest, ReadyEvent};
use socket2::{SockRef, Socket, TcpKeepalive};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// A TCP connection.
///
/// It reads and writes through the `futures-io` traits, for `TcpStream` and `&TcpStream` alike; `futures_lite::io` has
/// the methods. Of these, one task at a time may read and one may write: the one that polled last is woken. Any number
/// may use `readable`, `writable`, `ready` and `peek` with the `try_*` methods. [`TcpStream::split`] and
/// [`TcpStream::into_split`] give the two directions to two owners.
///
/// Errors of reading and writing are the system's own; the peer is in [`TcpStream::peer_addr`].
pub type TcpStream = Stream<std::net::TcpStream>;

impl TcpStream {
    /// Connects to `addr`; of several addresses to the one that answers first.
    ///
    /// Several addresses are tried by "happy eyeballs" (RFC 8305): in their order, those of a name with IPv6 and IPv4
    /// taking turns; the next attempt starts 250 ms after the last one, or at once when one fails; the first that
    /// stands is returned, and the others are closed.
    ///
    /// # Errors
    /// When no address works: the error names the address, or all of them, and what each said.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Cancel safety
    /// Dropping the future closes what was begun.
    pub async fn connect(addr: impl ToSocketAddrs) -> io::Result<Self> {
        connect::connect(addr.target()).await
    }

    /// As [`TcpStream::connect`], for at most `limit`, the look-up of a name included.
    ///
    /// # Errors
    /// As for [`TcpStream::connect`]. When the time is over it is `TimedOut`, and names the time and each address (or
    /// the name, when not even its addresses were found).
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Cancel safety
    /// Dropping the future closes what was begun, as the end of the time does.
    pub async fn connect_timeout(addr: impl ToSocketAddrs, limit: Duration) -> io::Result<Self> {
        connect::connect_within(addr.target(), limit).await
    }

    /// Connects a non-blocking socket. Whatever happens, what is not returned is closed.
    pub(super) async fn connect_socket(socket: Socket, addr: SocketAddr) -> io::Result<Self> {
        match socket.connect(&addr.into()) {
            // Interrupted or not, the system goes on connecting.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EINPROGRESS | libc::EINTR)) => {}
            connected => connected?,
        }
        // Only now: a socket that does nothing yet is reported as hung up.
        let stream = Self::adopt(socket.into())?;
        let mut event = None;
        // A loopback connection is there before the driver could say so: look first.
        while !stream.is_connected(event)? {
            if let Some(event) = event {
                stream.registration.clear_readiness(event);
            }
            event = Some(stream.registration.readiness(Interest::WRITABLE).await?);
        }
        Ok(stream)
    }

    /// True when connected, false when it is not known yet; `event` is what the driver last said.
    fn is_connected(&self, event: Option<ReadyEvent>) -> io::Result<bool> {
        // First what is so most of the time, with one call.
        let not_connected = match self.io.peer_addr() {
            Ok(_) => return Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => error,
            Err(error) => return Err(error),
        };
        if let Some(error) = self.io.take_error()? {
            return Err(error);
        }
        let hung_up = event.is_some_and(|event| event.ready().is_write_closed());
        if hung_up { Err(not_connected) } else { Ok(false) }
    }

    /// Whether small writes are sent at once (`TCP_NODELAY`).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.io.nodelay()
    }

    /// Sets whether small writes are sent at once (`TCP_NODELAY`).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.io.set_nodelay(nodelay)
    }

    /// How long closing waits for what is not yet sent (`SO_LINGER`); `None` is the system's own way.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        SockRef::from(&self.io).linger()
    }

    /// Sets how long closing waits for what is not yet sent (`SO_LINGER`), in whole seconds. Zero resets the connection
    /// at once; any other wait blocks the worker that drops the stream.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        SockRef::from(&self.io).set_linger(linger)
    }

    /// The time to live (hops) of packets.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn ttl(&self) -> io::Result<u32> {
        self.io.ttl()
    }

    /// Sets the time to live (hops) of packets.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.io.set_ttl(ttl)
    }

    /// Whether the system asks a silent peer for a sign of life (`SO_KEEPALIVE`).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn keepalive(&self) -> io::Result<bool> {
        SockRef::from(&self.io).keepalive()
    }

    /// Has the system ask a peer that was silent for so long (whole seconds) for a sign of life; `None` ends that.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_keepalive(&self, idle: Option<Duration>) -> io::Result<()> {
        let socket = SockRef::from(&self.io);
        match idle {
            Some(idle) => socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(idle)),
            None => socket.set_keepalive(false),
        }
    }

    /// The size of the send buffer in bytes, as the system counts it.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn send_buffer_size(&self) -> io::Result<usize> {
        SockRef::from(&self.io).send_buffer_size()
    }

    /// Asks for a send buffer of that many bytes.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_send_buffer_size(&self, bytes: usize) -> io::Result<()> {
        SockRef::from(&self.io).set_send_buffer_size(bytes)
    }

    /// The size of the receive buffer in bytes, as the system counts it.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn recv_buffer_size(&self) -> io::Result<usize> {
        SockRef::from(&self.io).recv_buffer_size()
    }

    /// Asks for a receive buffer of that many bytes.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_recv_buffer_size(&self, bytes: usize) -> io::Result<()> {
        SockRef::from(&self.io).set_recv_buffer_size(bytes)
    }
}
