//! [`Receiver`].

use super::kind::{self, Pipe, Use};
use crate::socket::{ReadEnd, Stream};
use raddle_runtime::io::Interest;
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::task::{Context, Poll};

/// The reading end of a pipe. It reads through the `futures-io` traits. The end comes when all writers are gone.
pub type Receiver = ReadEnd<Stream<Pipe>>;

impl Receiver {
    /// Takes over a file that is the reading end of a pipe, and makes it non-blocking: for all who share the opened
    /// file, other processes too.
    ///
    /// # Errors
    /// When it is not such an end, or cannot be watched. The file is closed then.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn from_file(file: File) -> io::Result<Self> {
        Pipe::watch(file, Use::Read).map(ReadEnd)
    }

    /// As [`Receiver::from_file`], from a descriptor.
    ///
    /// # Errors
    /// As for [`Receiver::from_file`].
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn from_owned_fd(fd: OwnedFd) -> io::Result<Self> {
        Self::from_file(fd.into())
    }

    /// As [`Receiver::from_file`], without the check that it is the reading end of a pipe.
    ///
    /// # Errors
    /// When it cannot be watched.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn from_file_unchecked(file: File) -> io::Result<Self> {
        Pipe::watch_unchecked(file, Use::Read).map(ReadEnd)
    }

    /// As [`Receiver::from_file_unchecked`], from a descriptor.
    ///
    /// # Errors
    /// As for [`Receiver::from_file_unchecked`].
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn from_owned_fd_unchecked(fd: OwnedFd) -> io::Result<Self> {
        Self::from_file_unchecked(fd.into())
    }

    /// Gives the descriptor back, in blocking mode: for a child process, say.
    ///
    /// # Errors
    /// When the system refuses the mode; the descriptor is closed then.
    pub fn into_blocking_fd(self) -> io::Result<OwnedFd> {
        kind::into_blocking_fd(self.0)
    }

    /// Gives the descriptor back as it is: non-blocking.
    ///
    /// # Errors
    /// None today.
    pub fn into_nonblocking_fd(self) -> io::Result<OwnedFd> {
        Ok(kind::into_fd(self.0))
    }

    /// Waits until a read would find something: then call `try_read`.
    ///
    /// # Errors
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the readiness for the next who asks.
    pub async fn readable(&self) -> io::Result<()> {
        self.0.readable().await
    }

    /// Waits until a read would find something, for the task that polled last.
    ///
    /// # Errors
    /// When the runtime has shut down.
    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_read_ready(cx)
    }

    /// Reads without waiting. 0 is the end (or an empty `buf`).
    ///
    /// # Errors
    /// `WouldBlock` when there is nothing to read or the driver has not said that there is: wait for `readable`.
    pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buf)
    }

    /// Reads into several buffers without waiting.
    ///
    /// # Errors
    /// As for [`Receiver::try_read`].
    pub fn try_read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.0.try_read_vectored(bufs)
    }

    /// Calls `f`, which does something of its own with the descriptor, if it is known to be ready for reading. When `f`
    /// says `WouldBlock`, the readiness is taken back: it must be the system's answer for this descriptor.
    ///
    /// # Errors
    /// `WouldBlock`, and those of `f`.
    pub fn try_io<R>(&self, f: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
        self.0.try_io(Interest::READABLE, f)
    }
}

impl AsFd for Receiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Receiver {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
