//! The options of sockets that are not connected yet, and those of connections that go beyond `stream.rs`.
//!
//! For any other option, `socket2::SockRef::from(&socket)` takes every socket of this crate.

use super::socket::TcpSocket;
use super::stream::TcpStream;
#[cfg(any(target_os = "linux", target_os = "android"))]
use crate::socket::device;
use socket2::{Domain, SockRef, Socket, TcpKeepalive};
use std::io;
use std::time::Duration;

impl TcpSocket {
    /// Whether an address may be bound that connections of an earlier listener still use (`SO_REUSEADDR`).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn reuseaddr(&self) -> io::Result<bool> {
        self.io.reuse_address()
    }

    /// Sets whether an address may be bound that connections of an earlier listener still use (`SO_REUSEADDR`).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_reuseaddr(&self, reuse: bool) -> io::Result<()> {
        self.io.set_reuse_address(reuse)
    }

    /// Whether several sockets may listen at the same address (`SO_REUSEPORT`).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn reuseport(&self) -> io::Result<bool> {
        self.io.reuse_port()
    }

    /// Sets whether several sockets may listen at the same address (`SO_REUSEPORT`), the system spreading connections
    /// over them.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_reuseport(&self, reuse: bool) -> io::Result<()> {
        self.io.set_reuse_port(reuse)
    }

    /// The size of the send buffer in bytes, as the system counts it.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn send_buffer_size(&self) -> io::Result<usize> {
        self.io.send_buffer_size()
    }

    /// Asks for a send buffer of that many bytes.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_send_buffer_size(&self, bytes: usize) -> io::Result<()> {
        self.io.set_send_buffer_size(bytes)
    }

    /// The size of the receive buffer in bytes, as the system counts it.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn recv_buffer_size(&self) -> io::Result<usize> {
        self.io.recv_buffer_size()
    }

    /// Asks for a receive buffer of that many bytes. Set it before connecting: the window is agreed on then.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_recv_buffer_size(&self, bytes: usize) -> io::Result<()> {
        self.io.set_recv_buffer_size(bytes)
    }

    /// Whether small writes are sent at once (`TCP_NODELAY`).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.io.tcp_nodelay()
    }

    /// Sets whether small writes are sent at once (`TCP_NODELAY`).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.io.set_tcp_nodelay(nodelay)
    }

    /// Whether the system asks a silent peer for a sign of life (`SO_KEEPALIVE`).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn keepalive(&self) -> io::Result<bool> {
        self.io.keepalive()
    }

    /// Sets whether the system asks a silent peer for a sign of life (`SO_KEEPALIVE`).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_keepalive(&self, keepalive: bool) -> io::Result<()> {
        self.io.set_keepalive(keepalive)
    }

    /// Has the system ask a silent peer for a sign of life, and says when, how often, and how many times it is asked
    /// before the connection is given up.
    ///
    /// # Errors
    /// When the system refuses.
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// use raddle_net::{TcpKeepalive, TcpSocket};
    /// use std::time::Duration;
    ///
    /// let second = Duration::from_secs(1);
    /// let keepalive = TcpKeepalive::new().with_time(60 * second).with_interval(10 * second).with_retries(3);
    /// TcpSocket::new_v4()?.set_tcp_keepalive(&keepalive)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_tcp_keepalive(&self, keepalive: &TcpKeepalive) -> io::Result<()> {
        self.io.set_tcp_keepalive(keepalive)
    }

    /// How long closing waits for what is not yet sent (`SO_LINGER`); `None` is the system's own way.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        self.io.linger()
    }

    /// Sets how long closing waits for what is not yet sent (`SO_LINGER`), in whole seconds. Zero resets the connection
    /// at once; any other wait blocks the worker that drops the connection.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        self.io.set_linger(linger)
    }

    /// Whether an IPv6 socket leaves IPv4 alone (`IPV6_V6ONLY`).
    ///
    /// # Errors
    /// When the system refuses, as it does for a socket for IPv4.
    pub fn only_v6(&self) -> io::Result<bool> {
        self.io.only_v6()
    }

    /// Sets whether an IPv6 socket leaves IPv4 alone (`IPV6_V6ONLY`). Otherwise one bound to `[::]` serves both.
    ///
    /// # Errors
    /// When the system refuses, as it does for a socket for IPv4, or one that is bound.
    pub fn set_only_v6(&self, only_v6: bool) -> io::Result<()> {
        self.io.set_only_v6(only_v6)
    }

    /// The type of service of packets: `IP_TOS`, or the traffic class of IPv6.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn tos(&self) -> io::Result<u32> {
        tos(&self.io)
    }

    /// Sets the type of service of packets, 0 to 255: `IP_TOS`, or the traffic class of IPv6.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_tos(&self, tos: u32) -> io::Result<()> {
        set_tos(&self.io, tos)
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl TcpSocket {
    /// The network interface the socket is bound to, such as `"eth0"` (`SO_BINDTODEVICE`).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn device(&self) -> io::Result<Option<String>> {
        device::device((&self.io).into())
    }

    /// Has the socket send and receive through one network interface only, such as `"eth0"` (`SO_BINDTODEVICE`);
    /// `None` ends that.
    ///
    /// # Errors
    /// Names the interface, when there is none of that name or the process may not.
    pub fn bind_device(&self, interface: Option<&str>) -> io::Result<()> {
        device::bind_device((&self.io).into(), interface)
    }

    /// The largest segment, in bytes (`TCP_MAXSEG`).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn mss(&self) -> io::Result<u32> {
        self.io.tcp_mss()
    }

    /// Asks for segments of that many bytes at most (`TCP_MAXSEG`).
    ///
    /// # Errors
    /// When the system refuses, as Linux does outside 88 to 32,767.
    pub fn set_mss(&self, bytes: u32) -> io::Result<()> {
        self.io.set_tcp_mss(bytes)
    }

    /// How long what was sent may stay unacknowledged before the connection is given up (`TCP_USER_TIMEOUT`); `None` is
    /// the system's own limit.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn user_timeout(&self) -> io::Result<Option<Duration>> {
        self.io.tcp_user_timeout()
    }

    /// Sets how long what was sent may stay unacknowledged before the connection is given up (`TCP_USER_TIMEOUT`), in
    /// milliseconds; `None` is the system's own limit.
    ///
    /// # Errors
    /// When the system refuses, as it does for more than 24 days.
    pub fn set_user_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.io.set_tcp_user_timeout(limit)
    }

    /// Whether the socket may be bound to an address that this machine does not have (yet): `IP_FREEBIND`.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn freebind(&self) -> io::Result<bool> {
        if is_v6(&self.io)? { self.io.freebind_v6() } else { self.io.freebind_v4() }
    }

    /// Sets whether the socket may be bound to an address that this machine does not have (yet): `IP_FREEBIND`.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_freebind(&self, freebind: bool) -> io::Result<()> {
        if is_v6(&self.io)? { self.io.set_freebind_v6(freebind) } else { self.io.set_freebind_v4(freebind) }
    }
}

impl TcpStream {
    /// Has the system ask a silent peer for a sign of life; see [`TcpSocket::set_tcp_keepalive`].
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_tcp_keepalive(&self, keepalive: &TcpKeepalive) -> io::Result<()> {
        SockRef::from(self).set_tcp_keepalive(keepalive)
    }

    /// The type of service of packets: `IP_TOS`, or the traffic class of IPv6.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn tos(&self) -> io::Result<u32> {
        tos(&SockRef::from(self))
    }

    /// Sets the type of service of packets, 0 to 255: `IP_TOS`, or the traffic class of IPv6.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_tos(&self, tos: u32) -> io::Result<()> {
        set_tos(&SockRef::from(self), tos)
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl TcpStream {
    /// The largest segment, in bytes (`TCP_MAXSEG`).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn mss(&self) -> io::Result<u32> {
        SockRef::from(self).tcp_mss()
    }

    /// How long what was sent may stay unacknowledged; see [`TcpSocket::user_timeout`].
    ///
    /// # Errors
    /// When the system refuses.
    pub fn user_timeout(&self) -> io::Result<Option<Duration>> {
        SockRef::from(self).tcp_user_timeout()
    }

    /// Sets how long what was sent may stay unacknowledged; see [`TcpSocket::set_user_timeout`].
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_user_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        SockRef::from(self).set_tcp_user_timeout(limit)
    }

    /// Sets whether what comes is acknowledged at once (`TCP_QUICKACK`). The system goes back to its own way by itself.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_quickack(&self, quickack: bool) -> io::Result<()> {
        SockRef::from(self).set_tcp_quickack(quickack)
    }
}

fn is_v6(socket: &Socket) -> io::Result<bool> {
    Ok(socket.local_addr()?.domain() == Domain::IPV6)
}

fn tos(socket: &Socket) -> io::Result<u32> {
    if is_v6(socket)? { socket.tclass_v6() } else { socket.tos_v4() }
}

fn set_tos(socket: &Socket, tos: u32) -> io::Result<()> {
    if is_v6(socket)? { socket.set_tclass_v6(tos) } else { socket.set_tos_v4(tos) }
}
