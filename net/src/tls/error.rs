//! What went wrong, with whom, and what to do about it.

use futures_rustls::rustls::{self, AlertDescription, CertificateError, InvalidMessage};
use rustls::pki_types::ServerName;
use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// Who is at the other end.
#[derive(Clone, Debug)]
pub(crate) enum Peer {
    Server(ServerName<'static>),
    Client(Option<SocketAddr>),
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Server(name) => write!(f, "{}", name.to_str()),
            Peer::Client(Some(addr)) => write!(f, "the client {addr}"),
            Peer::Client(None) => f.write_str("a client"),
        }
    }
}

/// A failure of the protocol. What rustls said is its source.
#[derive(Debug)]
struct TlsError {
    text: String,
    source: rustls::Error,
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for TlsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

impl Peer {
    /// The error of a handshake.
    pub(crate) fn handshake(&self, error: io::Error) -> io::Error {
        let what = format!("TLS handshake with {self}");
        match self.explained(&what, error) {
            Ok(explained) => explained,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                let text = format!("{what}: it closed the connection before the handshake was done");
                io::Error::new(io::ErrorKind::UnexpectedEof, text)
            }
            Err(error) => crate::error::at("TLS handshake with", self, &error),
        }
    }

    /// The error of a handshake that took too long.
    pub(crate) fn timed_out(&self, limit: Duration) -> io::Error {
        let text = format!("TLS handshake with {self}: not done within {limit:?}; does it speak TLS?");
        io::Error::new(io::ErrorKind::TimedOut, text)
    }

    /// The error of reading or writing later on; the system's own stays as it is.
    pub(crate) fn transfer(&self, error: io::Error) -> io::Error {
        self.explained(&format!("TLS with {self}"), error).unwrap_or_else(|error| error)
    }

    /// The end of the connection that nobody announced.
    pub(crate) fn truncated(&self) -> io::Error {
        let text = format!(
            "TLS with {self}: the connection ended without close_notify; what was received may be cut off"
        );
        io::Error::new(io::ErrorKind::UnexpectedEof, text)
    }

    /// With the text, if rustls is who failed.
    fn explained(&self, what: &str, error: io::Error) -> Result<io::Error, io::Error> {
        let kind = error.kind();
        let source = error.downcast::<rustls::Error>()?;
        let text = format!("{what}: {}", self.reason(&source));
        // A configuration that does not fit is the caller's fault, what comes in is data.
        let kind = if kind == io::ErrorKind::Other { io::ErrorKind::InvalidInput } else { kind };
        Ok(io::Error::new(kind, TlsError { text, source }))
    }

    fn reason(&self, error: &rustls::Error) -> String {
        match error {
            rustls::Error::InvalidCertificate(fault) => self.certificate(fault),
            rustls::Error::NoCertificatesPresented => "it shows no certificate, and has to".into(),
            rustls::Error::AlertReceived(alert) => alert_received(*alert),
            rustls::Error::InvalidMessage(
                InvalidMessage::InvalidContentType
                | InvalidMessage::UnknownProtocolVersion
                | InvalidMessage::InvalidEmptyPayload
                | InvalidMessage::MessageTooLarge,
            ) => "it does not speak TLS (plain text, such as HTTP, on a port for TLS?)".into(),
            rustls::Error::NoApplicationProtocol => {
                "it speaks none of the protocols offered here (ALPN)".into()
            }
            other => other.to_string(),
        }
    }

    /// What is wrong with the certificate of the peer.
    fn certificate(&self, fault: &CertificateError) -> String {
        let add_root = match self {
            Peer::Server(_) => "`root_pem` or `root_file` of the connector's builder",
            Peer::Client(_) => "`client_root_pem` or `client_root_file` of the acceptor's builder",
        };
        match fault {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                format!("{fault}: its certificate has expired; renew it, or set this machine's clock")
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                format!("{fault}: its certificate is not valid yet; set this machine's clock")
            }
            CertificateError::UnknownIssuer => {
                format!(
                    "its certificate is signed by an unknown authority; to trust that one, add it with {add_root}"
                )
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                format!("{fault}; connect with a name that the certificate has")
            }
            other => format!("its certificate is not accepted: {other}"),
        }
    }
}

/// What the peer complains of.
fn alert_received(alert: AlertDescription) -> String {
    let hint = match alert {
        AlertDescription::CertificateRequired => {
            "it wants a certificate: give this side one with `identity_pem`"
        }
        AlertDescription::UnknownCA => "it does not trust the authority that signed our certificate",
        AlertDescription::CertificateExpired => "our certificate has expired",
        AlertDescription::BadCertificate | AlertDescription::CertificateUnknown => {
            "it does not accept our certificate"
        }
        AlertDescription::NoApplicationProtocol => "it speaks none of the protocols we offer (ALPN)",
        AlertDescription::UnrecognisedName => "it does not serve this name",
        AlertDescription::ProtocolVersion => "it speaks other versions of TLS; 1.2 and 1.3 are spoken here",
        AlertDescription::HandshakeFailure => "it found no cipher or certificate that suits both",
        _ => return format!("it ended the connection with the alert {alert:?}"),
    };
    format!("{hint} (alert {alert:?})")
}
