//! Who is at the other end, for errors and names.

use crate::error::at;
use crate::transport::Link;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

/// The other end of a connection, as it was at the start: later the system may not know it any more.
#[derive(Clone, Debug)]
pub(super) enum Peer {
    Ip(SocketAddr),
    /// The path that is connected to or listened at; the other side of a server's connection has no name.
    Unix(Arc<Path>),
    /// It was gone before it could be asked for.
    Gone,
}

impl Peer {
    pub(super) fn of(link: &Link) -> Self {
        link.peer_addr().map_or(Self::Gone, Self::Ip)
    }

    pub(super) fn ip(&self) -> Option<SocketAddr> {
        match self {
            Self::Ip(addr) => Some(*addr),
            Self::Unix(_) | Self::Gone => None,
        }
    }

    /// The error with the peer in it.
    pub(super) fn name(&self, what: &str, error: &io::Error) -> io::Error {
        at(what, self, error)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(addr) => addr.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
            Self::Gone => f.write_str("a peer that was gone at once"),
        }
    }
}
