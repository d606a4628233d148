//! Authorities and certificates for tests.

use raddle_net::TcpStream;
use raddle_net::tls::{TlsAcceptor, TlsAcceptorBuilder, TlsConnector, TlsConnectorBuilder, TlsStream};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use std::io;
use std::path::PathBuf;

/// PEM texts.
pub(crate) struct Pair {
    pub(crate) cert: String,
    pub(crate) key: String,
}

impl Pair {
    /// Writes both to files of this name.
    pub(crate) fn write(&self, name: &str) -> (PathBuf, PathBuf) {
        (write(&format!("{name}.pem"), &self.cert), write(&format!("{name}.key"), &self.key))
    }
}

/// Writes a file that only this run uses.
pub(crate) fn write(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()));
    std::fs::write(&path, text).expect("a file in the target folder");
    path
}

/// Whoever signs certificates.
pub(crate) struct Authority {
    pub(crate) cert: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        // Of two with one name, the wrong one would be tried.
        let name = format!("authority {:x?}", &key.public_key_raw()[..8]);
        params.distinguished_name.push(DnType::CommonName, name);
        let cert = params.self_signed(&key).expect("a certificate").pem();
        Self { cert, issuer: Issuer::new(params, key) }
    }

    /// A certificate for `names`, after `change` has changed it.
    pub(crate) fn sign_with(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Pair {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("good names");
        params.use_authority_key_identifier_extension = true;
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let cert = params.signed_by(&key, &self.issuer).expect("a certificate").pem();
        Pair { cert, key: key.serialize_pem() }
    }

    pub(crate) fn sign(&self, names: &[&str]) -> Pair {
        self.sign_with(names, |_| ())
    }

    /// A connector that trusts this authority and no other.
    pub(crate) fn client(&self) -> TlsConnectorBuilder {
        TlsConnector::builder().without_system_roots().root_pem(&self.cert)
    }

    /// An acceptor with a certificate for `names`.
    pub(crate) fn server(&self, names: &[&str]) -> TlsAcceptorBuilder {
        let Pair { cert, key } = self.sign(names);
        TlsAcceptor::builder().identity_pem(cert, key)
    }
}

/// Both ends' results of a handshake for `name` over a new connection.
pub(crate) async fn try_handshake(
    connector: &TlsConnector,
    acceptor: &TlsAcceptor,
    name: &str,
) -> (io::Result<TlsStream>, io::Result<TlsStream>) {
    let (client, server) = crate::common::pair().await;
    futures_lite::future::zip(connector.connect(name, client), acceptor.accept(server)).await
}

/// Both ends of a connection on which the handshake went well.
pub(crate) async fn handshake(
    connector: &TlsConnector,
    acceptor: &TlsAcceptor,
    name: &str,
) -> (TlsStream, TlsStream) {
    let (client, server) = try_handshake(connector, acceptor, name).await;
    (client.expect("a client"), server.expect("a server"))
}

/// A client that trusts the server of the name "localhost", and that server.
pub(crate) fn both() -> (TlsConnector, TlsAcceptor) {
    let authority = Authority::new();
    let connector = authority.client().build().expect("a connector");
    (connector, authority.server(&["localhost"]).build().expect("an acceptor"))
}

/// Both ends of a connection with the name "localhost".
pub(crate) async fn tls_pair() -> (TlsStream, TlsStream) {
    let (connector, acceptor) = both();
    handshake(&connector, &acceptor, "localhost").await
}

/// Starts a handshake over a stream of plain bytes.
pub(crate) async fn accept_plain(limit: std::time::Duration, stream: TcpStream) -> io::Result<TlsStream> {
    let acceptor = Authority::new().server(&["localhost"]).handshake_timeout(limit).build();
    acceptor.expect("an acceptor").accept(stream).await
}
