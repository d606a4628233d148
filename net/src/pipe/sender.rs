//! [`Sender`].

use super::kind::{self, Pipe, Use};
use crate::socket::{Stream, WriteEnd};
use raddle_runtime::io::Interest;
use std::fs::File;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::task::{Context, Poll};

/// The writing end of a pipe. It writes through the `futures-io` traits. Closing it does nothing: the reader sees the
/// end when all writers are dropped. When all readers are gone, writes fail (`BrokenPipe`).
pub type Sender = WriteEnd<Stream<Pipe>>;

impl Sender {
    /// Takes over a file that is the writing end of a pipe, and makes it non-blocking: for all who share the opened
    /// file, other processes too.
    ///
    /// # Errors
    /// When it is not such an end, or cannot be watched. The file is closed then.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn from_file(file: File) -> io::Result<Self> {
        Pipe::watch(file, Use::Write).map(WriteEnd)
    }

    /// As [`Sender::from_file`], from a descriptor.
    ///
    /// # Errors
    /// As for [`Sender::from_file`].
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn from_owned_fd(fd: OwnedFd) -> io::Result<Self> {
        Self::from_file(fd.into())
    }

    /// As [`Sender::from_file`], without the check that it is the writing end of a pipe.
    ///
    /// # Errors
    /// When it cannot be watched.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn from_file_unchecked(file: File) -> io::Result<Self> {
        Pipe::watch_unchecked(file, Use::Write).map(WriteEnd)
    }

    /// As [`Sender::from_file_unchecked`], from a descriptor.
    ///
    /// # Errors
    /// As for [`Sender::from_file_unchecked`].
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

    /// Waits until a write would find room: then call `try_write`.
    ///
    /// # Errors
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the readiness for the next who asks.
    pub async fn writable(&self) -> io::Result<()> {
        self.0.writable().await
    }

    /// Waits until a write would find room, for the task that polled last.
    ///
    /// # Errors
    /// When the runtime has shut down.
    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_write_ready(cx)
    }

    /// Writes without waiting, and says how many bytes were taken.
    ///
    /// # Errors
    /// `WouldBlock` when there is no room or the driver has not said that there is: wait for `writable`.
    pub fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
        self.0.try_write(buf)
    }

    /// Writes several buffers without waiting, and says how many bytes were taken.
    ///
    /// # Errors
    /// As for [`Sender::try_write`].
    pub fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(bufs)
    }

    /// Calls `f`, which does something of its own with the descriptor, if it is known to be ready for writing. When `f`
    /// says `WouldBlock`, the readiness is taken back: it must be the system's answer for this descriptor.
    ///
    /// # Errors
    /// `WouldBlock`, and those of `f`.
    pub fn try_io<R>(&self, f: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
        self.0.try_io(Interest::WRITABLE, f)
    }
}

impl AsFd for Sender {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Sender {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
