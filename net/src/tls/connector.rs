//! [`TlsConnector`].

use super::danger::AnyCertificate;
use super::error::Peer;
use super::identity::Identity;
use super::pem::Pem;
use super::stream::TlsStream;
use super::{HANDSHAKE_TIMEOUT, Setup, provider};
use futures_io::{AsyncRead, AsyncWrite};
use futures_rustls::rustls;
use raddle_runtime::time::timeout;
use rustls::client::Resumption;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Makes clients' connections secret. Cheap to clone; make one and keep it, because what it learns about a server makes
/// the next handshake with it shorter.
///
/// ```no_run
/// # async fn fetch() -> std::io::Result<()> {
/// use raddle_net::{TcpStream, tls::TlsConnector};
///
/// let connector = TlsConnector::new()?;
/// let tcp = TcpStream::connect("example.com:443").await?;
/// let stream = connector.connect("example.com", tcp).await?;
/// println!("{:?}", stream.protocol_version());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TlsConnector {
    config: Arc<ClientConfig>,
    handshake_timeout: Duration,
}

impl TlsConnector {
    /// Trusts the authorities that the system trusts, and shows no certificate of its own. Reads files.
    ///
    /// # Errors
    /// When the system has no authorities to trust.
    pub fn new() -> io::Result<Self> {
        Self::builder().build()
    }

    /// For other settings.
    pub fn builder() -> TlsConnectorBuilder {
        TlsConnectorBuilder::default()
    }

    /// Does the handshake with the server `name` over `stream`, which is connected to it. `name` is a host name or an
    /// address, without a port: the server has to have a certificate for it.
    ///
    /// `stream` may be borrowed (`&TcpStream`), and may have been in use: this is how a connection that began in the
    /// clear goes on encrypted.
    ///
    /// # Errors
    /// The error names the server. `InvalidData` when the server does not speak TLS, has no valid certificate for
    /// `name`, or refuses; `TimedOut` when the handshake takes too long; `InvalidInput` when `name` is no name;
    /// those of `stream`.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Cancel safety
    /// Dropping the future drops `stream`.
    pub async fn connect<S>(&self, name: impl Into<String>, stream: S) -> io::Result<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = server_name(name.into())?;
        let peer = Peer::Server(name.clone());
        let connector = futures_rustls::TlsConnector::from(Arc::clone(&self.config));
        match timeout(self.handshake_timeout, connector.connect(name, stream)).await {
            Ok(Ok(stream)) => Ok(TlsStream::new(stream, peer)),
            Ok(Err(error)) => Err(peer.handshake(error)),
            Err(_) => Err(peer.timed_out(self.handshake_timeout)),
        }
    }
}

impl TlsConnector {
    /// A handshake with the server `name`.
    pub(crate) fn setup(&self, name: impl Into<String>) -> io::Result<Setup> {
        let name = server_name(name.into())?;
        let peer = Peer::Server(name.clone());
        match ClientConnection::new(Arc::clone(&self.config), name) {
            Ok(connection) => {
                Ok(Setup { connection: connection.into(), peer, limit: self.handshake_timeout })
            }
            Err(error) => Err(peer.handshake(io::Error::other(error))),
        }
    }
}

fn server_name(name: String) -> io::Result<ServerName<'static>> {
    // An IPv6 address is often written as in a URL.
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(&name);
    ServerName::try_from(bare).map(|name| name.to_owned()).map_err(|_| {
        let text = format!("{name:?} is no server name: give a host name or an address, without a port");
        io::Error::new(io::ErrorKind::InvalidInput, text)
    })
}

/// With the time-out that builders start with.
impl From<Arc<ClientConfig>> for TlsConnector {
    fn from(config: Arc<ClientConfig>) -> Self {
        Self { config, handshake_timeout: HANDSHAKE_TIMEOUT }
    }
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("TlsConnector");
        text.field("handshake_timeout", &self.handshake_timeout).finish_non_exhaustive()
    }
}

/// The settings of a [`TlsConnector`]. Nothing is read before `build`.
#[derive(Clone, Debug)]
#[must_use = "it makes a connector with `build`"]
pub struct TlsConnectorBuilder {
    roots: Vec<Pem>,
    system_roots: bool,
    identity: Option<Identity>,
    alpn: Vec<Vec<u8>>,
    resumption: bool,
    any_certificate: bool,
    handshake_timeout: Duration,
}

impl Default for TlsConnectorBuilder {
    fn default() -> Self {
        Self {
            roots: Vec::new(),
            system_roots: true,
            identity: None,
            alpn: Vec::new(),
            resumption: true,
            any_certificate: false,
            handshake_timeout: HANDSHAKE_TIMEOUT,
        }
    }
}

impl TlsConnectorBuilder {
    /// Trusts the authorities, or self-signed certificates, in this PEM text too.
    pub fn root_pem(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.roots.push(Pem::text(pem));
        self
    }

    /// Trusts the authorities, or self-signed certificates, in this PEM file too.
    pub fn root_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.roots.push(Pem::File(path.into()));
        self
    }

    /// Trusts no authority but those that are added here.
    pub fn without_system_roots(mut self) -> Self {
        self.system_roots = false;
        self
    }

    /// Shows the server this certificate when it asks for one: PEM texts of the chain, the client's own first, and of
    /// its key.
    pub fn identity_pem(mut self, chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        self.identity = Some(Identity { chain: Pem::text(chain), key: Pem::text(key) });
        self
    }

    /// As [`TlsConnectorBuilder::identity_pem`], from files.
    pub fn identity_files(mut self, chain: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.identity = Some(Identity { chain: Pem::File(chain.into()), key: Pem::File(key.into()) });
        self
    }

    /// The protocols to offer, the preferred one first, such as `["h2", "http/1.1"]`.
    pub fn alpn(mut self, protocols: impl IntoIterator<Item = impl Into<Vec<u8>>>) -> Self {
        self.alpn = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// Does the whole handshake each time.
    pub fn without_resumption(mut self) -> Self {
        self.resumption = false;
        self
    }

    /// How long a handshake may take; 60 s unless set.
    pub fn handshake_timeout(mut self, limit: Duration) -> Self {
        self.handshake_timeout = limit;
        self
    }

    /// Accepts whatever certificate a server shows. Then anybody on the way can read and change everything: this is for
    /// tests against servers whose certificate cannot be had.
    pub fn dangerous_accept_any_certificate(mut self) -> Self {
        self.any_certificate = true;
        self
    }

    /// Reads the certificates.
    ///
    /// # Errors
    /// When a file cannot be read (the error names it) or holds no certificate, when key and certificate do not belong
    /// together, or when there is no authority to trust.
    pub fn build(&self) -> io::Result<TlsConnector> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(self.verifier()?);
        let mut config = match &self.identity {
            Some(identity) => {
                let identity = SingleCertAndKey::from(identity.load()?);
                builder.with_client_cert_resolver(Arc::new(identity))
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = self.alpn.clone();
        if !self.resumption {
            config.resumption = Resumption::disabled();
        }
        Ok(TlsConnector { config: Arc::new(config), handshake_timeout: self.handshake_timeout })
    }

    fn verifier(&self) -> io::Result<Arc<dyn ServerCertVerifier>> {
        if self.any_certificate {
            return Ok(Arc::new(AnyCertificate(provider())));
        }
        let roots = Arc::new(self.roots()?);
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider());
        Ok(verifier.build().map_err(io::Error::other)?)
    }

    fn roots(&self) -> io::Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        for pem in &self.roots {
            pem.add_to(&mut roots)?;
        }
        if self.system_roots {
            let found = rustls_native_certs::load_native_certs();
            // Systems carry certificates that nobody can parse; the others still count.
            roots.add_parsable_certificates(found.certs);
        }
        if !roots.is_empty() {
            return Ok(roots);
        }
        Err(io::Error::new(
            io::ErrorKind::NotFound,
            "no authorities to trust: install the system's (package ca-certificates), or add some with `root_file`",
        ))
    }
}
