//! What a connection needs to begin a handshake, and what is known after it.

use super::error::Peer;
use futures_rustls::rustls::pki_types::CertificateDer;
use futures_rustls::rustls::{CipherSuite, Connection, ProtocolVersion};
use std::time::Duration;

/// A handshake that has not begun.
pub(crate) struct Setup {
    pub(crate) connection: Connection,
    pub(crate) peer: Peer,
    /// How long it may take.
    pub(crate) limit: Duration,
}

/// What both sides of an encrypted connection have agreed on, and what they know of each other.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsInfo {
    /// The version of TLS; `None` before the handshake is done, as for the others.
    pub version: Option<ProtocolVersion>,
    /// The cipher suite.
    pub cipher: Option<CipherSuite>,
    /// The protocol above (ALPN), such as `b"h2"`.
    pub alpn: Option<Vec<u8>>,
    /// The certificates that the peer has shown, its own first.
    pub peer_certificates: Vec<CertificateDer<'static>>,
    /// On a server, the name that the client asked for (SNI).
    pub server_name: Option<String>,
}

impl TlsInfo {
    pub(crate) fn of(connection: &Connection) -> Self {
        let server_name = match connection {
            Connection::Server(server) => server.server_name().map(str::to_owned),
            Connection::Client(_) => None,
        };
        Self {
            version: connection.protocol_version(),
            cipher: connection.negotiated_cipher_suite().map(|suite| suite.suite()),
            alpn: connection.alpn_protocol().map(<[u8]>::to_vec),
            peer_certificates: connection.peer_certificates().unwrap_or_default().to_vec(),
            server_name,
        }
    }
}
