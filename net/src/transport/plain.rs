//! The socket under a connection, of whatever kind.

use crate::tcp::TcpStream;
use crate::unix::UnixStream;
use socket2::SockRef;
use std::io::{self, IoSlice};
use std::net::{Shutdown, SocketAddr};
use std::task::{Context, Poll};
use std::time::Duration;

/// A peer that is gone is an error of the call, and not a signal to the process.
#[cfg(not(target_vendor = "apple"))]
const FLAGS: libc::c_int = libc::MSG_NOSIGNAL;
/// Here it is an option of the socket, which it has from the start.
#[cfg(target_vendor = "apple")]
const FLAGS: libc::c_int = 0;

/// A connected socket.
#[derive(Debug)]
pub(crate) enum Plain {
    /// TCP.
    Tcp(TcpStream),
    /// A Unix stream socket.
    Unix(UnixStream),
}

impl Plain {
    /// As asyncio: small writes are sent at once. A peer that is gone already shows when it is read from.
    pub(super) fn prepare(&self) {
        match self {
            Self::Tcp(stream) => drop(stream.set_nodelay(true)),
            Self::Unix(_) => {}
        }
    }

    fn socket(&self) -> SockRef<'_> {
        match self {
            Self::Tcp(stream) => SockRef::from(stream),
            Self::Unix(stream) => SockRef::from(stream),
        }
    }

    pub(super) fn poll_read(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(stream) => stream.poll_read_stream(cx, buf),
            Self::Unix(stream) => stream.poll_read_stream(cx, buf),
        }
    }

    pub(super) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(stream) => stream.poll_write_ready(cx),
            Self::Unix(stream) => stream.poll_write_ready(cx),
        }
    }

    /// Waits until there is something to read; any number may.
    #[cfg(feature = "tls")]
    pub(super) async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.readable().await,
            Self::Unix(stream) => stream.readable().await,
        }
    }

    /// Reads what is there.
    #[cfg(feature = "tls")]
    pub(super) fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_read(buf),
            Self::Unix(stream) => stream.try_read(buf),
        }
    }

    /// Sends what the system takes, if the driver has said that it takes some.
    pub(super) fn try_send(&self, data: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write(data),
            Self::Unix(stream) => stream.try_write(data),
        }
    }

    /// Sends what the system takes, also when the driver has said nothing yet: it knows a new socket only from its next
    /// turn on.
    pub(super) fn send(&self, data: &[u8]) -> io::Result<usize> {
        match self.try_send(data) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.socket().send_with_flags(data, FLAGS)
            }
            sent => sent,
        }
    }

    /// As [`Plain::send`], for several pieces.
    pub(super) fn send_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.socket().send_vectored_with_flags(pieces, FLAGS)
    }

    /// Ends reading, writing or both. That the connection is gone already is as good.
    pub(super) fn shutdown(&self, how: Shutdown) {
        let _ = self.socket().shutdown(how);
    }

    /// Ends the connection without sending what the system still has: the peer is told by a reset, where there is one.
    pub(super) fn reset(&self) {
        match self {
            Self::Tcp(stream) => {
                let _ = stream.set_linger(Some(Duration::ZERO));
                disconnect(stream);
            }
            // There is no such thing; closing drops nothing that the peer could still read.
            Self::Unix(_) => {}
        }
        // Wakes those who read, where nothing else did.
        self.shutdown(Shutdown::Both);
    }

    pub(super) fn peer_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.peer_addr(),
            Self::Unix(_) => Err(not_ip()),
        }
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.local_addr(),
            Self::Unix(_) => Err(not_ip()),
        }
    }
}

fn not_ip() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "a Unix socket has no internet address")
}

/// Resets the connection now, while others still have the descriptor: connecting to no address is disconnecting.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn disconnect(stream: &TcpStream) {
    use std::os::fd::AsRawFd;
    let nowhere = libc::sockaddr { sa_family: libc::AF_UNSPEC as libc::sa_family_t, sa_data: [0; 14] };
    let len = size_of::<libc::sockaddr>() as libc::socklen_t;
    // SAFETY: the descriptor is open, and `nowhere` is an address of that length.
    let _ = unsafe { libc::connect(stream.as_raw_fd(), &raw const nowhere, len) };
}

/// The reset is sent when the descriptor is closed.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn disconnect(_: &TcpStream) {}
