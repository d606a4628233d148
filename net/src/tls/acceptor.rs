//! [`TlsAcceptor`].

use super::accepting::TlsAcceptorBuilder;
use super::error::Peer;
use super::stream::TlsStream;
use super::{HANDSHAKE_TIMEOUT, Setup};
use futures_io::{AsyncRead, AsyncWrite};
use futures_rustls::rustls::{ServerConfig, ServerConnection};
use raddle_runtime::prim::lock::RwLock;
use raddle_runtime::time::timeout;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Makes servers' connections secret. Clones share their settings; [`TlsAcceptor::reload`] changes them for all.
///
/// ```no_run
/// # async fn serve() -> std::io::Result<()> {
/// use raddle_net::{TcpListener, tls::TlsAcceptor};
///
/// let settings = TlsAcceptor::builder().identity_files("cert.pem", "key.pem").alpn(["h2", "http/1.1"]);
/// let acceptor = settings.build()?;
/// let (tcp, _) = TcpListener::bind("0.0.0.0:443").await?.accept().await?;
/// let stream = acceptor.accept(tcp).await?;
/// // The files are new: from now on they are shown.
/// acceptor.reload(&settings)?;
/// # drop(stream);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TlsAcceptor {
    shared: Arc<RwLock<Settings>>,
}

/// What a handshake needs.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) config: Arc<ServerConfig>,
    pub(super) handshake_timeout: Duration,
}

impl TlsAcceptor {
    /// The settings to begin with: no certificate yet, none wanted from clients.
    pub fn builder() -> TlsAcceptorBuilder {
        TlsAcceptorBuilder::default()
    }

    pub(super) fn new(settings: Settings) -> Self {
        Self { shared: Arc::new(RwLock::new(settings)) }
    }

    /// Reads the files of `settings` again, and serves new connections with them. Connections that are there, and
    /// handshakes that have begun, go on as before; no session from before is resumed.
    ///
    /// # Errors
    /// As for [`TlsAcceptorBuilder::build`]; then everything stays as it was.
    pub fn reload(&self, settings: &TlsAcceptorBuilder) -> io::Result<()> {
        let new = settings.settings()?;
        let old = std::mem::replace(&mut *self.shared.write(), new);
        drop(old);
        Ok(())
    }

    /// Does the handshake with the client at the other end of `stream`.
    ///
    /// `stream` may be borrowed (`&TcpStream`), and may have been in use: this is how a connection that began in the
    /// clear goes on encrypted.
    ///
    /// # Errors
    /// `InvalidData` when the client does not speak TLS, shows no valid certificate and has to, or refuses; `TimedOut`
    /// when the handshake takes too long; `UnexpectedEof` when the client leaves; those of `stream`.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Cancel safety
    /// Dropping the future drops `stream`.
    pub async fn accept<S>(&self, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.settings().handshake(stream, Peer::Client(None)).await
    }

    /// A handshake with a client.
    pub(crate) fn setup(&self, client: Option<SocketAddr>) -> io::Result<Setup> {
        let Settings { config, handshake_timeout: limit } = self.settings();
        let peer = Peer::Client(client);
        match ServerConnection::new(config) {
            Ok(connection) => Ok(Setup { connection: connection.into(), peer, limit }),
            Err(error) => Err(peer.handshake(io::Error::other(error))),
        }
    }

    pub(super) fn settings(&self) -> Settings {
        self.shared.read().clone()
    }
}

impl Settings {
    pub(super) async fn handshake<S>(self, stream: S, peer: Peer) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let acceptor = futures_rustls::TlsAcceptor::from(self.config);
        match timeout(self.handshake_timeout, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => Ok(TlsStream::new(stream, peer)),
            Ok(Err(error)) => Err(peer.handshake(error)),
            Err(_) => Err(peer.timed_out(self.handshake_timeout)),
        }
    }
}

/// With the time-out that builders start with.
impl From<Arc<ServerConfig>> for TlsAcceptor {
    fn from(config: Arc<ServerConfig>) -> Self {
        Self::new(Settings { config, handshake_timeout: HANDSHAKE_TIMEOUT })
    }
}

impl fmt::Debug for TlsAcceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self.settings().handshake_timeout;
        f.debug_struct("TlsAcceptor").field("handshake_timeout", &limit).finish_non_exhaustive()
    }
}
