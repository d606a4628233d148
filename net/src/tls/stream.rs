//! [`TlsStream`].

use super::error::Peer;
use crate::TcpStream;
use futures_io::{AsyncRead, AsyncWrite};
use futures_rustls::rustls::pki_types::CertificateDer;
use futures_rustls::rustls::{CommonState, HandshakeKind, ProtocolVersion, SupportedCipherSuite};
use std::fmt;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::pin::Pin;
use std::task::{Context, Poll};

/// A stream whose bytes travel encrypted over another one.
///
/// Made by [`TlsConnector::connect`](super::TlsConnector::connect) and
/// [`TlsAcceptor::accept`](super::TlsAcceptor::accept). It reads and writes through the `futures-io` traits; one task
/// at a time may use it, and `futures_lite::io::split` gives two of them a half each.
///
/// Closing it sends `close_notify`, then closes the writing side of the stream below; reading goes on until the peer
/// closes too, and closing does not wait for that. A peer that closes is the end, `Ok(0)`. A connection that ends
/// without `close_notify` was cut off: reading is an error of kind `UnexpectedEof`. So close each stream that was
/// written to; one that is only dropped looks cut off to the peer.
///
/// A client of TLS 1.3 that never reads has the server's session tickets unread. Dropping any stream with bytes unread
/// makes the system reset the connection, by which the peer may lose the last of what was written: read to the end
/// after closing where that matters.
///
/// A write takes bytes when it has encrypted them; those that the stream below has no room for go out with the next
/// write, read or flush.
pub struct TlsStream<S = TcpStream> {
    inner: futures_rustls::TlsStream<S>,
    peer: Peer,
    /// The end came, and nobody had announced it.
    truncated: bool,
    /// `close_notify` is sent, or on its way.
    closed: bool,
    /// A task waits in the stream below until it can write.
    writer_waits: bool,
}

impl<S> TlsStream<S> {
    pub(super) fn new(inner: impl Into<futures_rustls::TlsStream<S>>, peer: Peer) -> Self {
        Self { inner: inner.into(), peer, truncated: false, closed: false, writer_waits: false }
    }

    fn session(&self) -> &CommonState {
        self.inner.get_ref().1
    }

    /// The certificates that the peer has shown, its own first; `None` when it has shown none.
    pub fn peer_certificates(&self) -> Option<&[CertificateDer<'static>]> {
        self.session().peer_certificates()
    }

    /// The protocol that both sides agreed on (ALPN), such as `b"h2"`.
    pub fn alpn_protocol(&self) -> Option<&[u8]> {
        self.session().alpn_protocol()
    }

    /// The name of the server: on a client the one it connected with, on a server the one that the client asked for, if
    /// it did (SNI).
    pub fn server_name(&self) -> Option<std::borrow::Cow<'_, str>> {
        match (&self.inner, &self.peer) {
            (futures_rustls::TlsStream::Server(server), _) => {
                server.get_ref().1.server_name().map(Into::into)
            }
            (_, Peer::Server(name)) => Some(name.to_str()),
            (_, Peer::Client(_)) => None,
        }
    }

    /// The version of TLS that both sides agreed on.
    pub fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.session().protocol_version()
    }

    /// The cipher suite that both sides agreed on.
    pub fn cipher_suite(&self) -> Option<SupportedCipherSuite> {
        self.session().negotiated_cipher_suite()
    }

    /// Whether the handshake was a short one, with what both sides knew from an earlier connection.
    pub fn is_resumed(&self) -> bool {
        self.session().handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// The stream below. Whatever is read from it or written to it is missing in the encrypted one.
    pub fn get_ref(&self) -> &S {
        self.inner.get_ref().0
    }

    /// The stream below, as for [`TlsStream::get_ref`].
    pub fn get_mut(&mut self) -> &mut S {
        self.inner.get_mut().0
    }

    /// The stream below, without TLS. What was received and not read, or written and not flushed, is lost.
    pub fn into_inner(self) -> S {
        match self.inner {
            futures_rustls::TlsStream::Client(client) => client.into_inner().0,
            futures_rustls::TlsStream::Server(server) => server.into_inner().0,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream<S> {
    fn below(&mut self) -> Pin<&mut futures_rustls::TlsStream<S>> {
        Pin::new(&mut self.inner)
    }

    /// Sends what the stream below had no room for: whoever reads may wait for the answer to just that. Not while a
    /// writer waits below, which does it itself and whose place there this would take. An error is the writer's.
    fn send_rest(&mut self, cx: &mut Context<'_>) {
        if !self.writer_waits && self.session().wants_write() {
            let _ = self.below().poll_flush(cx);
        }
    }

    /// What writing, flushing or closing came to.
    fn wrote<T>(&mut self, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        self.writer_waits = polled.is_pending();
        polled.map_err(|error| self.peer.transfer(error))
    }

    fn check_open(&self) -> io::Result<()> {
        if !self.closed {
            return Ok(());
        }
        let text = format!("TLS with {}: written after closing", self.peer);
        Err(io::Error::new(io::ErrorKind::BrokenPipe, text))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        // The stream within takes 0 bytes for the end, also when none were asked for.
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if this.truncated {
            return Poll::Ready(Err(this.peer.truncated()));
        }
        this.send_rest(cx);
        this.below().poll_read(cx, buf).map_err(|error| {
            this.truncated = error.kind() == io::ErrorKind::UnexpectedEof;
            if this.truncated { this.peer.truncated() } else { this.peer.transfer(error) }
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.check_open()?;
        let polled = this.below().poll_write(cx, buf);
        this.wrote(polled)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.check_open()?;
        let polled = this.below().poll_write_vectored(cx, bufs);
        this.wrote(polled)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = this.below().poll_flush(cx);
        this.wrote(polled)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.closed = true;
        let polled = this.below().poll_close(cx);
        this.wrote(polled)
    }
}

impl<S: fmt::Debug> fmt::Debug for TlsStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("TlsStream");
        text.field("with", &format_args!("{}", self.peer)).field("over", self.get_ref());
        text.field("version", &self.protocol_version()).finish_non_exhaustive()
    }
}

impl<S: AsFd> AsFd for TlsStream<S> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.get_ref().as_fd()
    }
}

impl<S: AsRawFd> AsRawFd for TlsStream<S> {
    fn as_raw_fd(&self) -> RawFd {
        self.get_ref().as_raw_fd()
    }
}
