//! A pipe as a kind of [`Stream`].

use crate::socket::{Stream, Transfer, sealed};
use raddle_runtime::io::Interest;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::FileTypeExt;

/// One end of a pipe, as [`Sender`](super::Sender) and [`Receiver`](super::Receiver) hold it.
#[derive(Debug)]
pub struct Pipe(File);

/// Which way an end is to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Read,
    Write,
}

impl Pipe {
    /// Takes over `file`, if it is a pipe and open for that use, and has it watched.
    #[track_caller]
    pub(super) fn watch(file: File, used: Use) -> io::Result<Stream<Self>> {
        if !file.metadata()?.file_type().is_fifo() {
            return Err(invalid("it is no pipe"));
        }
        let mode = fcntl_getfl(&file)? & OFlags::RWMODE;
        match used {
            Use::Read if mode == OFlags::WRONLY => Err(invalid("this end of the pipe is for writing only")),
            Use::Write if mode == OFlags::RDONLY => Err(invalid("this end of the pipe is for reading only")),
            _ => Self::watch_unchecked(file, used),
        }
    }

    #[track_caller]
    pub(super) fn watch_unchecked(file: File, used: Use) -> io::Result<Stream<Self>> {
        let pipe = Self(file);
        pipe.set_nonblocking()?;
        let interest = match used {
            Use::Read => Interest::READABLE,
            Use::Write => Interest::WRITABLE,
        };
        Stream::watch(pipe, interest)
    }
}

/// The descriptor of a pipe that is watched no more.
pub(super) fn into_fd(stream: Stream<Pipe>) -> OwnedFd {
    let Stream { registration, io } = stream;
    drop(registration);
    io.0.into()
}

/// The same, in blocking mode.
pub(super) fn into_blocking_fd(stream: Stream<Pipe>) -> io::Result<OwnedFd> {
    let fd = into_fd(stream);
    let flags = fcntl_getfl(&fd)?;
    fcntl_setfl(&fd, flags - OFlags::NONBLOCK)?;
    Ok(fd)
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

impl sealed::Seal for Pipe {}

impl Transfer for Pipe {
    const SHORT_IS_ALL: bool = false;

    #[inline]
    fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        (&self.0).read(buf)
    }

    fn read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&self.0).read_vectored(bufs)
    }

    #[inline]
    fn write(&self, buf: &[u8]) -> io::Result<usize> {
        (&self.0).write(buf)
    }

    fn write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        (&self.0).write_vectored(bufs)
    }

    /// A pipe has no end of writing but that of its writers.
    fn close_writing(&self) -> io::Result<()> {
        Ok(())
    }

    fn set_nonblocking(&self) -> io::Result<()> {
        let flags = fcntl_getfl(&self.0)?;
        if !flags.contains(OFlags::NONBLOCK) {
            fcntl_setfl(&self.0, flags | OFlags::NONBLOCK)?;
        }
        Ok(())
    }
}

impl AsFd for Pipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Pipe {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
