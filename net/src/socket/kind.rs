//! What the kinds of sockets differ in.

use super::bytes;
use raddle_runtime::io::Interest;
use socket2::SockRef;
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd};

/// A trait that is sealed: only this crate can say [`Seal`](sealed::Seal) of a type.
pub(crate) mod sealed {
    /// Said of the types that are kinds of sockets.
    pub trait Seal {}
}

/// A descriptor that moves bytes in order: a TCP or Unix connection, or an end of a pipe. The trait is sealed.
///
/// What is not said otherwise is that of a socket.
pub trait Transfer: sealed::Seal + AsFd + AsRawFd + fmt::Debug + Send + Sync + Unpin + Sized {
    /// Whether a transfer that moves fewer bytes than asked for proves that there are no more, or no more room. So it
    /// is with TCP, see `Registration::poll_stream_io`. A Unix socket also stops where descriptors were passed along,
    /// and a pipe where a whole page does not fit.
    const SHORT_IS_ALL: bool;

    /// What has to be watched.
    fn interest() -> Interest {
        Interest::READABLE | Interest::WRITABLE
    }

    /// One read.
    ///
    /// # Errors
    /// Those of the system.
    #[inline]
    fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        bytes::read(self, buf)
    }

    /// One read into several buffers.
    ///
    /// # Errors
    /// Those of the system.
    #[inline]
    fn read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        bytes::read_vectored(self, bufs)
    }

    /// One write.
    ///
    /// # Errors
    /// Those of the system.
    #[inline]
    fn write(&self, buf: &[u8]) -> io::Result<usize> {
        bytes::write(self, buf)
    }

    /// One write of several buffers.
    ///
    /// # Errors
    /// Those of the system.
    #[inline]
    fn write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        bytes::write_vectored(self, bufs)
    }

    /// Ends the writing, so that the peer sees the end.
    ///
    /// # Errors
    /// Those of the system, but for a connection that is gone already: that is as good.
    fn close_writing(&self) -> io::Result<()> {
        match SockRef::from(self).shutdown(Shutdown::Write) {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            ended => ended,
        }
    }

    /// Has the system answer `WouldBlock` instead of waiting.
    ///
    /// # Errors
    /// Those of the system.
    fn set_nonblocking(&self) -> io::Result<()> {
        SockRef::from(self).set_nonblocking(true)
    }
}

/// A connected stream socket: TCP or Unix. The trait is sealed.
pub trait Socket: Transfer {
    /// The addresses of its kind.
    type Addr: fmt::Debug;

    /// Ends reading, writing, or both.
    ///
    /// # Errors
    /// Those of the system.
    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        SockRef::from(self).shutdown(how)
    }

    /// This side's address.
    ///
    /// # Errors
    /// Those of the system.
    fn local_addr(&self) -> io::Result<Self::Addr>;

    /// The other side's address.
    ///
    /// # Errors
    /// Those of the system.
    fn peer_addr(&self) -> io::Result<Self::Addr>;

    /// The error that the socket keeps, if any, and forgets it.
    ///
    /// # Errors
    /// Those of the system.
    fn take_error(&self) -> io::Result<Option<io::Error>> {
        SockRef::from(self).take_error()
    }

    /// One read that leaves the bytes to be read.
    ///
    /// # Errors
    /// Those of the system.
    fn peek(&self, buf: &mut [u8]) -> io::Result<usize>;
}

/// A socket that accepts connections: TCP or Unix. The trait is sealed.
pub trait Listening: sealed::Seal + AsFd + AsRawFd + fmt::Debug + Send + Sync + Unpin + Sized {
    /// The connections it accepts.
    type Socket: Socket;

    /// One `accept`, whose connection is non-blocking and closed on exec.
    ///
    /// # Errors
    /// Those of the system.
    fn accept(&self) -> io::Result<(Self::Socket, <Self::Socket as Socket>::Addr)>;

    /// Where it listens.
    ///
    /// # Errors
    /// Those of the system.
    fn local_addr(&self) -> io::Result<<Self::Socket as Socket>::Addr>;

    /// An address as errors show it.
    fn show(addr: &<Self::Socket as Socket>::Addr) -> String;

    /// The error that the socket keeps, if any, and forgets it.
    ///
    /// # Errors
    /// Those of the system.
    fn take_error(&self) -> io::Result<Option<io::Error>> {
        SockRef::from(self).take_error()
    }

    /// Has the system answer `WouldBlock` instead of waiting.
    ///
    /// # Errors
    /// Those of the system.
    fn set_nonblocking(&self) -> io::Result<()> {
        SockRef::from(self).set_nonblocking(true)
    }
}
