//! The traits of `hyper::rt` and hyper-util for [`TlsStream`].

use super::stream::TlsStream;
use futures_io::{AsyncRead, AsyncWrite};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

impl<S: AsyncRead + AsyncWrite + Unpin> Read for TlsStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let len = buf.remaining().min(super::READ_MAX);
        let n = ready!(AsyncRead::poll_read(self, cx, buf.initialize_unfilled_to(len)))?;
        assert!(n <= len, "a read of {len} bytes says that it has read {n}");
        // SAFETY: these bytes are initialized, and no more than there is room for.
        unsafe { buf.advance(n) };
        Poll::Ready(Ok(()))
    }
}

/// Shutting down is closing, as [`TlsStream`] says.
impl<S: AsyncRead + AsyncWrite + Unpin> Write for TlsStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        AsyncWrite::poll_write(self, cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        AsyncWrite::poll_write_vectored(self, cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_flush(self, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_close(self, cx)
    }
}

/// Says whether HTTP/2 was agreed on.
impl<S> Connection for TlsStream<S> {
    fn connected(&self) -> Connected {
        let connected = Connected::new();
        if self.alpn_protocol() == Some(b"h2") { connected.negotiated_h2() } else { connected }
    }
}
