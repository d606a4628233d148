//! [`Stream`]: making one, its readiness and addresses. Reading and writing is in `stream_io.rs`.

use super::kind::{Socket, Transfer};
use super::split::{ReadHalf, WriteHalf};
use super::split_owned::{OwnedReadHalf, OwnedWriteHalf};
use raddle_runtime::io::{Interest, Ready, Registration};
use std::fmt;
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

/// A connection of any kind: [`TcpStream`](crate::TcpStream) or `UnixStream`.
///
/// It reads and writes through the `futures-io` traits, for a stream and a reference to it alike; `futures_lite::io`
/// has the methods. Of these, one task at a time may read and one may write: the one that polled last is woken. Any
/// number may use `readable`, `writable`, `ready` and `peek` with the `try_*` methods. [`Stream::split`] and
/// [`Stream::into_split`] give the two directions to two owners.
///
/// Errors of reading and writing are the system's own; the peer is in [`Stream::peer_addr`].
pub struct Stream<S> {
    /// Dropped before `io`, which closes the descriptor.
    pub(crate) registration: Registration,
    pub(crate) io: S,
}

impl<S: Transfer> Stream<S> {
    /// Has a non-blocking descriptor watched.
    #[track_caller]
    pub(crate) fn adopt(io: S) -> io::Result<Self> {
        Self::watch(io, S::interest())
    }

    /// Has a non-blocking descriptor watched for `interest` only.
    #[track_caller]
    pub(crate) fn watch(io: S, interest: Interest) -> io::Result<Self> {
        let registration = Registration::new(io.as_raw_fd(), interest)?;
        Ok(Self { registration, io })
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

    /// Waits until a read would find something: then call `try_read`.
    ///
    /// # Errors
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    /// As for [`Stream::ready`].
    pub async fn readable(&self) -> io::Result<()> {
        self.registration.readiness(Interest::READABLE).await.map(drop)
    }

    /// Waits until a write would find room: then call `try_write`.
    ///
    /// # Errors
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    /// As for [`Stream::ready`].
    pub async fn writable(&self) -> io::Result<()> {
        self.registration.readiness(Interest::WRITABLE).await.map(drop)
    }
}

impl<S: Socket> Stream<S> {
    /// Takes over a connection of the standard library, and makes it non-blocking.
    ///
    /// # Errors
    /// When it cannot be made so or cannot be watched.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn from_std(stream: S) -> io::Result<Self> {
        stream.set_nonblocking()?;
        Self::adopt(stream)
    }

    /// Gives a connection of the standard library back. It stays non-blocking: `set_nonblocking(false)` makes its reads
    /// and writes wait.
    ///
    /// # Errors
    /// None today.
    pub fn into_std(self) -> io::Result<S> {
        drop(self.registration);
        Ok(self.io)
    }

    /// The reading and the writing half, borrowed.
    pub fn split(&mut self) -> (ReadHalf<'_, S>, WriteHalf<'_, S>) {
        super::split::split(self)
    }

    /// The reading and the writing half, each its own owner. Dropping the writing half ends the writing, so that the
    /// peer sees the end.
    pub fn into_split(self) -> (OwnedReadHalf<S>, OwnedWriteHalf<S>) {
        super::split_owned::split(self)
    }

    /// Ends reading, writing, or both. What was written before is still sent.
    ///
    /// # Errors
    /// When the connection is gone already.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.io.shutdown(how)
    }

    /// This side's address.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn local_addr(&self) -> io::Result<S::Addr> {
        self.io.local_addr()
    }

    /// The other side's address.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn peer_addr(&self) -> io::Result<S::Addr> {
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

impl<S: fmt::Debug> fmt::Debug for Stream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.fmt(f)
    }
}

impl<S: AsFd> AsFd for Stream<S> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}

impl<S: AsRawFd> AsRawFd for Stream<S> {
    fn as_raw_fd(&self) -> RawFd {
        self.io.as_raw_fd()
    }
}
