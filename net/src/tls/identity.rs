//! The certificates that this side shows, each with its key.

use super::pem::Pem;
use super::provider;
use futures_rustls::rustls::client::verify_server_name;
use futures_rustls::rustls::pki_types::ServerName;
use futures_rustls::rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use futures_rustls::rustls::sign::CertifiedKey;
use std::io;
use std::sync::Arc;

/// A chain of certificates and the key of the first.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) chain: Pem,
    pub(super) key: Pem,
}

impl Identity {
    /// Reads both, and sees whether they belong together.
    pub(super) fn load(&self) -> io::Result<Arc<CertifiedKey>> {
        let (chain, key) = (self.chain.certificates()?, self.key.key()?);
        match CertifiedKey::from_der(chain, key, &provider()) {
            Ok(certified) => Ok(Arc::new(certified)),
            Err(error) => {
                let text = format!("the certificate of {} with the key of {}: {error}", self.chain, self.key);
                Err(io::Error::new(io::ErrorKind::InvalidData, text))
            }
        }
    }
}

/// The certificates of a server, in the order of preference; at least one.
#[derive(Debug)]
pub(super) struct Identities(pub(super) Vec<Arc<CertifiedKey>>);

impl ResolvesServerCert for Identities {
    /// The first that has the name which the client wants and whose signatures it understands, else the first.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let wanted = hello.server_name().and_then(|name| ServerName::try_from(name).ok());
        let suits = |identity: &&Arc<CertifiedKey>| {
            let named = wanted.as_ref().is_none_or(|name| has_name(identity, name));
            named && identity.key.choose_scheme(hello.signature_schemes()).is_some()
        };
        let found = if self.0.len() > 1 { self.0.iter().find(suits) } else { None };
        found.or(self.0.first()).cloned()
    }
}

fn has_name(identity: &CertifiedKey, name: &ServerName<'_>) -> bool {
    let Some(certificate) = identity.cert.first() else { return false };
    ParsedCertificate::try_from(certificate).is_ok_and(|parsed| verify_server_name(&parsed, name).is_ok())
}
