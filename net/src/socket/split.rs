//! One direction of a stream: [`ReadEnd`] and [`WriteEnd`], whatever they hold the stream by.

use super::kind::{Socket, Transfer, sealed};
use super::stream::Stream;
use futures_io::{AsyncRead, AsyncWrite};
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};

/// What an end holds of its stream: a reference, a share, or the whole. The trait is sealed.
pub trait Hold: sealed::Seal + fmt::Debug + Unpin {
    /// The kind of stream.
    type Of: Transfer;

    /// The stream.
    fn stream(&self) -> &Stream<Self::Of>;

    /// Ends the writing.
    ///
    /// # Errors
    /// Those of the system.
    fn close_writing(&mut self) -> io::Result<()> {
        self.stream().io.close_writing()
    }
}

impl<S> sealed::Seal for &Stream<S> {}

impl<S: Transfer> Hold for &Stream<S> {
    type Of = S;

    fn stream(&self) -> &Stream<S> {
        self
    }
}

impl<S> sealed::Seal for Stream<S> {}

impl<S: Transfer> Hold for Stream<S> {
    type Of = S;

    fn stream(&self) -> &Self {
        self
    }
}

/// The reading end of a stream: a half of a socket, or of a pipe. A half also has the methods of the stream that take
/// `&self`.
#[derive(Debug)]
pub struct ReadEnd<H>(pub(crate) H);

/// The writing end of a stream: a half of a socket, or of a pipe. A half also has the methods of the stream that take
/// `&self`.
#[derive(Debug)]
pub struct WriteEnd<H>(pub(crate) H);

/// The reading half of [`Stream::split`].
pub type ReadHalf<'a, S> = ReadEnd<&'a Stream<S>>;

/// The writing half of [`Stream::split`].
pub type WriteHalf<'a, S> = WriteEnd<&'a Stream<S>>;

pub(super) fn split<S>(stream: &mut Stream<S>) -> (ReadHalf<'_, S>, WriteHalf<'_, S>) {
    (ReadEnd(stream), WriteEnd(stream))
}

impl<H: Hold<Of: Socket>> Deref for ReadEnd<H> {
    type Target = Stream<H::Of>;

    fn deref(&self) -> &Self::Target {
        self.0.stream()
    }
}

impl<H: Hold<Of: Socket>> Deref for WriteEnd<H> {
    type Target = Stream<H::Of>;

    fn deref(&self) -> &Self::Target {
        self.0.stream()
    }
}

impl<H: Hold> AsyncRead for ReadEnd<H> {
    #[inline]
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        self.0.stream().poll_read_stream(cx, buf)
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.stream().poll_read_vectored_stream(cx, bufs)
    }
}

impl<H: Hold> AsyncWrite for WriteEnd<H> {
    #[inline]
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.0.stream().poll_write_stream(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.stream().poll_write_vectored_stream(cx, bufs)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.close_writing())
    }
}
