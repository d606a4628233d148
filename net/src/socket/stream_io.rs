//! Reading from and writing to a [`Stream`].

use super::kind::{Socket, Transfer};
use super::stream::Stream;
use futures_io::{AsyncRead, AsyncWrite};
use raddle_runtime::io::{Direction, Interest};
use std::io::{self, IoSlice, IoSliceMut};
#[cfg(any(feature = "hyper", feature = "tokio-io"))]
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Every system takes this many buffers in one call (`_XOPEN_IOV_MAX`).
const BUFFERS_SURE: usize = 16;

/// How many bytes a call with these buffers asks for. More buffers than the system takes would make any count look
/// short: then the answer is more than any call can move, from which nothing is concluded.
fn requested(lengths: impl ExactSizeIterator<Item = usize>) -> usize {
    if lengths.len() > BUFFERS_SURE { usize::MAX } else { lengths.fold(0, usize::saturating_add) }
}

impl<S: Transfer> Stream<S> {
    #[inline]
    fn poll_transfer(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
        requested: usize,
        f: impl FnMut() -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        if S::SHORT_IS_ALL {
            self.registration.poll_stream_io(direction, cx, requested, f)
        } else {
            self.registration.poll_io(direction, cx, f)
        }
    }

    fn try_transfer(
        &self,
        direction: Direction,
        requested: usize,
        f: impl FnOnce() -> io::Result<usize>,
    ) -> io::Result<usize> {
        if S::SHORT_IS_ALL {
            self.registration.try_stream_io(direction, requested, f)
        } else {
            self.registration.try_io(direction.into(), f)
        }
    }

    #[inline]
    pub(crate) fn poll_read_stream(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll_transfer(Direction::Read, cx, buf.len(), || self.io.read(buf))
    }

    /// As [`Self::poll_read_stream`], to a buffer that nobody has cleared.
    #[cfg(any(feature = "hyper", feature = "tokio-io"))]
    #[inline]
    pub(crate) fn poll_read_uninit(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [MaybeUninit<u8>],
    ) -> Poll<io::Result<usize>> {
        self.poll_transfer(Direction::Read, cx, buf.len(), || {
            let (read, _) = rustix::io::read(&self.io, &mut *buf)?;
            Ok(read.len())
        })
    }

    pub(crate) fn poll_read_vectored_stream(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let requested = requested(bufs.iter().map(|buf| buf.len()));
        self.poll_transfer(Direction::Read, cx, requested, || self.io.read_vectored(bufs))
    }

    #[inline]
    pub(crate) fn poll_write_stream(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_transfer(Direction::Write, cx, buf.len(), || self.io.write(buf))
    }

    pub(crate) fn poll_write_vectored_stream(
        &self,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let requested = requested(bufs.iter().map(|buf| buf.len()));
        self.poll_transfer(Direction::Write, cx, requested, || self.io.write_vectored(bufs))
    }

    /// Reads without waiting. 0 is the end (or an empty `buf`).
    ///
    /// # Errors
    /// `WouldBlock` when there is nothing to read or the driver has not said that there is: wait for `readable`.
    pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.try_transfer(Direction::Read, buf.len(), || self.io.read(buf))
    }

    /// Reads into several buffers without waiting.
    ///
    /// # Errors
    /// As for [`Stream::try_read`].
    pub fn try_read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let requested = requested(bufs.iter().map(|buf| buf.len()));
        self.try_transfer(Direction::Read, requested, || self.io.read_vectored(bufs))
    }

    /// Writes without waiting, and says how many bytes were taken.
    ///
    /// # Errors
    /// `WouldBlock` when there is no room or the driver has not said that there is: wait for `writable`.
    pub fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
        self.try_transfer(Direction::Write, buf.len(), || self.io.write(buf))
    }

    /// Writes several buffers without waiting, and says how many bytes were taken.
    ///
    /// # Errors
    /// As for [`Stream::try_write`].
    pub fn try_write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let requested = requested(bufs.iter().map(|buf| buf.len()));
        self.try_transfer(Direction::Write, requested, || self.io.write_vectored(bufs))
    }

    /// Calls `f`, which does something of its own with the descriptor, if any of `interest` is known to be ready. When
    /// `f` says `WouldBlock`, the readiness is taken back: it must be the system's answer for this descriptor.
    ///
    /// # Errors
    /// `WouldBlock`, and those of `f`.
    pub fn try_io<R>(&self, interest: Interest, f: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
        self.registration.try_io(interest, f)
    }

    /// Calls `f`, which does something of its own with the descriptor, whenever any of `interest` is ready, until it
    /// does not say `WouldBlock`: that must be the system's answer for this descriptor.
    ///
    /// # Errors
    /// Those of `f` but for `WouldBlock` and `Interrupted`, and when the runtime has shut down.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing that `f` has done: what it did is returned in the same poll.
    pub async fn async_io<R>(&self, interest: Interest, f: impl FnMut() -> io::Result<R>) -> io::Result<R> {
        self.registration.async_io(interest, f).await
    }

    /// Waits until a read would find something, for the task that polled last.
    ///
    /// # Errors
    /// When the runtime has shut down.
    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.registration.poll_read_ready(cx))?;
        Poll::Ready(Ok(()))
    }

    /// Waits until a write would find room, for the task that polled last.
    ///
    /// # Errors
    /// When the runtime has shut down.
    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.registration.poll_write_ready(cx))?;
        Poll::Ready(Ok(()))
    }
}

impl<S: Socket> Stream<S> {
    /// Waits for bytes and copies them to `buf`, leaving them to be read. 0 is the end.
    ///
    /// # Errors
    /// Those of the system, and when the runtime has shut down.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.registration.async_io(Interest::READABLE, || self.io.peek(buf)).await
    }

    /// As [`Stream::peek`], for one task at a time: the one that polled last.
    ///
    /// # Errors
    /// As for [`Stream::peek`].
    pub fn poll_peek(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.registration.poll_io(Direction::Read, cx, || self.io.peek(buf))
    }
}

impl<S: Transfer> AsyncRead for &Stream<S> {
    #[inline]
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll_read_stream(cx, buf)
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_read_vectored_stream(cx, bufs)
    }
}

impl<S: Transfer> AsyncRead for Stream<S> {
    #[inline]
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll_read_stream(cx, buf)
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_read_vectored_stream(cx, bufs)
    }
}

/// Flushing does nothing: a write has handed its bytes to the system. Closing ends the writing.
impl<S: Transfer> AsyncWrite for &Stream<S> {
    #[inline]
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_stream(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored_stream(cx, bufs)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.io.close_writing())
    }
}

/// Flushing does nothing: a write has handed its bytes to the system. Closing ends the writing.
impl<S: Transfer> AsyncWrite for Stream<S> {
    #[inline]
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_stream(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored_stream(cx, bufs)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.io.close_writing())
    }
}
