//! Certificates and keys as text, from memory or from files, which are read anew each time.

use crate::error::at;
use futures_rustls::rustls::RootCertStore;
use futures_rustls::rustls::pki_types::pem::PemObject;
use futures_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::io;
use std::path::PathBuf;

/// Where the text is.
#[derive(Clone)]
pub(super) enum Pem {
    Text(Vec<u8>),
    File(PathBuf),
}

impl Pem {
    pub(super) fn text(text: impl AsRef<[u8]>) -> Self {
        Pem::Text(text.as_ref().into())
    }

    fn read(&self) -> io::Result<std::borrow::Cow<'_, [u8]>> {
        match self {
            Pem::Text(text) => Ok(text.into()),
            Pem::File(path) => match std::fs::read(path) {
                Ok(text) => Ok(text.into()),
                Err(error) => Err(at("read", path.display(), &error)),
            },
        }
    }

    /// All certificates in it, of which there has to be one.
    pub(super) fn certificates(&self) -> io::Result<Vec<CertificateDer<'static>>> {
        let text = self.read()?;
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        match certificates {
            Ok(none) if none.is_empty() => Err(self.invalid("there is no `BEGIN CERTIFICATE` in it")),
            Ok(certificates) => Ok(certificates),
            Err(error) => Err(self.invalid(error)),
        }
    }

    /// The first private key in it.
    pub(super) fn key(&self) -> io::Result<PrivateKeyDer<'static>> {
        use futures_rustls::rustls::pki_types::pem::Error::NoItemsFound;
        PrivateKeyDer::from_pem_slice(&self.read()?).map_err(|error| match error {
            NoItemsFound => self.invalid("there is no `BEGIN PRIVATE KEY` in it"),
            error => self.invalid(error),
        })
    }

    /// Adds all certificates in it to `roots`.
    pub(super) fn add_to(&self, roots: &mut RootCertStore) -> io::Result<()> {
        for certificate in self.certificates()? {
            roots.add(certificate).map_err(|error| self.invalid(error))?;
        }
        Ok(())
    }

    pub(super) fn invalid(&self, why: impl fmt::Display) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, format!("{self}: {why}"))
    }
}

impl fmt::Display for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pem::Text(_) => f.write_str("the PEM text"),
            Pem::File(path) => path.display().fmt(f),
        }
    }
}

/// What the text is, a key perhaps, does not belong into a log.
impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
