//! [`TlsAcceptorBuilder`].

use super::acceptor::{Settings, TlsAcceptor};
use super::identity::{Identities, Identity};
use super::pem::Pem;
use super::{HANDSHAKE_TIMEOUT, provider};
use futures_rustls::rustls;
use rustls::crypto::ring::Ticketer;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The settings of a [`TlsAcceptor`]. Nothing is read before `build`.
#[derive(Clone, Debug)]
#[must_use = "it makes an acceptor with `build`"]
pub struct TlsAcceptorBuilder {
    identities: Vec<Identity>,
    client_roots: Vec<Pem>,
    client_optional: bool,
    alpn: Vec<Vec<u8>>,
    resumption: bool,
    handshake_timeout: Duration,
}

impl Default for TlsAcceptorBuilder {
    fn default() -> Self {
        Self {
            identities: Vec::new(),
            client_roots: Vec::new(),
            client_optional: false,
            alpn: Vec::new(),
            resumption: true,
            handshake_timeout: HANDSHAKE_TIMEOUT,
        }
    }
}

impl TlsAcceptorBuilder {
    /// Adds a certificate to show: PEM texts of the chain, the server's own first, and of its key.
    ///
    /// A client that asks for a name (SNI) is shown the first certificate that has it; where none does, the first of
    /// all.
    pub fn identity_pem(mut self, chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        self.identities.push(Identity { chain: Pem::text(chain), key: Pem::text(key) });
        self
    }

    /// As [`TlsAcceptorBuilder::identity_pem`], from files.
    pub fn identity_files(mut self, chain: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.identities.push(Identity { chain: Pem::File(chain.into()), key: Pem::File(key.into()) });
        self
    }

    /// Wants a certificate from each client, signed by one of the authorities in this PEM text.
    pub fn client_root_pem(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.client_roots.push(Pem::text(pem));
        self
    }

    /// As [`TlsAcceptorBuilder::client_root_pem`], from a file.
    pub fn client_root_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.client_roots.push(Pem::File(path.into()));
        self
    }

    /// Serves clients without a certificate too. One that is shown still has to be valid.
    pub fn client_certificate_optional(mut self) -> Self {
        self.client_optional = true;
        self
    }

    /// The protocols to speak, the preferred one first, such as `["h2", "http/1.1"]`. A client that offers others only
    /// is refused; one that offers nothing is served.
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

    /// Reads the certificates.
    ///
    /// # Errors
    /// When a file cannot be read (the error names it) or holds no certificate or key, when key and certificate do not
    /// belong together, or when there is no certificate to show.
    pub fn build(&self) -> io::Result<TlsAcceptor> {
        Ok(TlsAcceptor::new(self.settings()?))
    }

    pub(super) fn settings(&self) -> io::Result<Settings> {
        let identities = self.identities.iter().map(Identity::load).collect::<io::Result<Vec<_>>>()?;
        if identities.is_empty() {
            let text =
                "a TLS server needs a certificate: give it one with `identity_files` or `identity_pem`";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_client_cert_verifier(self.verifier()?)
            .with_cert_resolver(Arc::new(Identities(identities)));
        config.alpn_protocols = self.alpn.clone();
        // Sessions are kept by the clients, in tickets that only this configuration can read: no table here grows.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        if self.resumption {
            config.ticketer = Ticketer::new().map_err(io::Error::other)?;
        } else {
            config.send_tls13_tickets = 0;
        }
        Ok(Settings { config: Arc::new(config), handshake_timeout: self.handshake_timeout })
    }

    fn verifier(&self) -> io::Result<Arc<dyn ClientCertVerifier>> {
        if self.client_roots.is_empty() {
            return Ok(WebPkiClientVerifier::no_client_auth());
        }
        let mut roots = RootCertStore::empty();
        for pem in &self.client_roots {
            pem.add_to(&mut roots)?;
        }
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
        let builder = if self.client_optional { builder.allow_unauthenticated() } else { builder };
        builder.build().map_err(io::Error::other)
    }
}
