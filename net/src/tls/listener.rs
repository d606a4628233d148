//! [`TlsListener`].

use super::acceptor::{Settings, TlsAcceptor};
use super::error::Peer;
use super::stream::TlsStream;
use crate::{TcpListener, TcpStream, ToSocketAddrs};
use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

/// A TCP listener whose connections begin with a TLS handshake.
///
/// Accepting does not wait for the handshake, so that a client that dawdles holds nobody up: await the [`Handshake`] in
/// the connection's own task.
#[derive(Debug)]
pub struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl TlsListener {
    /// Listens at `addr`, as [`TcpListener::bind`] does.
    ///
    /// # Errors
    /// As for [`TcpListener::bind`].
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing behind.
    pub async fn bind(addr: impl ToSocketAddrs, acceptor: TlsAcceptor) -> io::Result<Self> {
        Ok(Self::new(TcpListener::bind(addr).await?, acceptor))
    }

    /// Accepts at a listener that is there.
    pub fn new(tcp: TcpListener, acceptor: TlsAcceptor) -> Self {
        Self { tcp, acceptor }
    }

    /// Waits for a connection, and says who connected.
    ///
    /// # Errors
    /// As for [`TcpListener::accept`]; what a client does wrong is an error of its [`Handshake`].
    ///
    /// # Cancel safety
    /// Dropping the future loses no connection.
    pub async fn accept(&self) -> io::Result<(Handshake, SocketAddr)> {
        let (tcp, peer) = self.tcp.accept().await?;
        Ok((Handshake { settings: self.acceptor.settings(), tcp, peer }, peer))
    }

    /// Where it listens, with the port that the system chose.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// What does the handshakes, for [`TlsAcceptor::reload`].
    pub fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    /// The listener below.
    pub fn get_ref(&self) -> &TcpListener {
        &self.tcp
    }
}

/// A connection whose handshake is still to be done: await it.
///
/// # Errors
/// As for [`TlsAcceptor::accept`]; the error names the client's address.
///
/// # Cancel safety
/// Dropping it, or its future, closes the connection.
#[must_use = "the handshake begins when this is awaited"]
pub struct Handshake {
    settings: Settings,
    tcp: TcpStream,
    peer: SocketAddr,
}

impl Handshake {
    /// The connection as it is before the handshake.
    pub fn get_ref(&self) -> &TcpStream {
        &self.tcp
    }
}

impl IntoFuture for Handshake {
    type Output = io::Result<TlsStream>;
    type IntoFuture = Pin<Box<dyn Future<Output = io::Result<TlsStream>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.settings.handshake(self.tcp, Peer::Client(Some(self.peer))))
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake").field("tcp", &self.tcp).finish_non_exhaustive()
    }
}
