//! What a server listens at.

use super::plain::Plain;
use crate::error::{Failures, at};
use crate::tcp::{TcpListener, TcpSocket};
use crate::unix::UnixListener;
use socket2::SockRef;
use std::io;
use std::net::{Shutdown, SocketAddr};

/// Connections the system keeps until they are accepted; it may have a lower limit of its own.
const BACKLOG: u32 = 1024;

/// A listener of either kind.
#[derive(Debug)]
pub(super) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    pub(super) async fn accept(&self) -> io::Result<Plain> {
        match self {
            Self::Tcp(listener) => listener.accept().await.map(|(stream, _)| Plain::Tcp(stream)),
            Self::Unix(listener) => listener.accept().await.map(|(stream, _)| Plain::Unix(stream)),
        }
    }

    pub(super) fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }

    /// Refuses connections from now on, where the system can do so before the descriptor is closed.
    pub(super) fn stop(&self) {
        let _ = match self {
            Self::Tcp(listener) => SockRef::from(listener).shutdown(Shutdown::Both),
            Self::Unix(listener) => SockRef::from(listener).shutdown(Shutdown::Both),
        };
    }
}

/// Listens at each of `addrs`. An address that this machine does not have is left out if there are others: a name may
/// stand for an IPv6 address where there is no IPv6.
pub(super) fn bind_all(mut addrs: Vec<SocketAddr>) -> io::Result<Vec<TcpListener>> {
    let mut seen = Vec::new();
    addrs.retain(|addr| {
        !seen.contains(addr) && {
            seen.push(*addr);
            true
        }
    });
    let (mut listeners, mut failures) = (Vec::new(), Failures::new());
    for addr in addrs {
        match bind_one(addr) {
            Ok(listener) => listeners.push(listener),
            Err(error) if is_absent(&error) => failures.push(error),
            Err(error) => return Err(error),
        }
    }
    if listeners.is_empty() { Err(failures.into_error("cannot listen")) } else { Ok(listeners) }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
}

fn bind_one(addr: SocketAddr) -> io::Result<TcpListener> {
    let made = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
    let told = |error: io::Error| match error.raw_os_error() {
        Some(libc::EAFNOSUPPORT) => io::Error::new(io::ErrorKind::Unsupported, error),
        _ => error,
    };
    let socket = made.map_err(told).map_err(|error| at("listen at", addr, &error))?;
    socket.set_reuseaddr(true).map_err(|error| at("listen at", addr, &error))?;
    if addr.is_ipv6() {
        // The IPv4 addresses of a name are listened at by a socket of their own.
        SockRef::from(&socket).set_only_v6(true).map_err(|error| at("listen at", addr, &error))?;
    }
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}
