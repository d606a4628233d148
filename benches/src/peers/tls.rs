//! TLS streams of the runtimes under test, all with the same settings of rustls.

use std::io;
use std::sync::{Arc, OnceLock};

use futures_lite::future::zip;
use raddle::net::tls::rustls::crypto::ring::default_provider;
use raddle::net::tls::rustls::pki_types::pem::PemObject;
use raddle::net::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use raddle::net::tls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use raddle::net::tls::{TlsAcceptor, TlsConnector, TlsStream, self_signed};

use super::{Peer, Raddle, Tokio};

/// A runtime with TLS.
pub trait Tls: Peer {
    /// An encrypted connection.
    type Secure: Send + 'static;

    /// Does the handshake of both ends of a connection.
    fn secure(
        client: Self::Stream,
        server: Self::Stream,
    ) -> impl Future<Output = io::Result<(Self::Secure, Self::Secure)>> + Send;
    /// Reads what is there, at least one byte unless the stream has ended.
    fn read_tls(
        stream: &mut Self::Secure,
        buffer: &mut [u8],
    ) -> impl Future<Output = io::Result<usize>> + Send;
    /// Writes all the bytes.
    fn write_all_tls(stream: &mut Self::Secure, bytes: &[u8]) -> impl Future<Output = io::Result<()>> + Send;
    /// Ends the writing.
    fn close_tls(stream: &mut Self::Secure) -> impl Future<Output = io::Result<()>> + Send;
}

/// A client that trusts the server of the name "localhost", and that server.
fn settings() -> &'static (Arc<ClientConfig>, Arc<ServerConfig>) {
    static SETTINGS: OnceLock<(Arc<ClientConfig>, Arc<ServerConfig>)> = OnceLock::new();
    SETTINGS.get_or_init(|| {
        let (cert, key) = self_signed(["localhost"]).expect("a certificate");
        let cert = CertificateDer::from_pem_slice(cert.as_bytes()).expect("our certificate");
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("our key");
        let provider = Arc::new(default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(cert.clone()).expect("our certificate");
        let client =
            ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
        let client = client.expect("versions").with_root_certificates(roots).with_no_client_auth();
        let server = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let server = server.expect("versions").with_no_client_auth().with_single_cert(vec![cert], key);
        (Arc::new(client), Arc::new(server.expect("a key for its certificate")))
    })
}

impl Tls for Raddle {
    type Secure = TlsStream;

    async fn secure(client: Self::Stream, server: Self::Stream) -> io::Result<(TlsStream, TlsStream)> {
        let (ours, theirs) = settings().clone();
        let (connector, acceptor) = (TlsConnector::from(ours), TlsAcceptor::from(theirs));
        let (client, server) = zip(connector.connect("localhost", client), acceptor.accept(server)).await;
        Ok((client?, server?))
    }

    async fn read_tls(stream: &mut TlsStream, buffer: &mut [u8]) -> io::Result<usize> {
        futures_lite::AsyncReadExt::read(stream, buffer).await
    }

    async fn write_all_tls(stream: &mut TlsStream, bytes: &[u8]) -> io::Result<()> {
        futures_lite::AsyncWriteExt::write_all(stream, bytes).await
    }

    async fn close_tls(stream: &mut TlsStream) -> io::Result<()> {
        futures_lite::AsyncWriteExt::close(stream).await
    }
}

impl Tls for Tokio {
    type Secure = tokio_rustls::TlsStream<tokio::net::TcpStream>;

    async fn secure(client: Self::Stream, server: Self::Stream) -> io::Result<(Self::Secure, Self::Secure)> {
        let (ours, theirs) = settings().clone();
        let connector = tokio_rustls::TlsConnector::from(ours);
        let acceptor = tokio_rustls::TlsAcceptor::from(theirs);
        let name = "localhost".try_into().expect("a name");
        let (client, server) = zip(connector.connect(name, client), acceptor.accept(server)).await;
        Ok((client?.into(), server?.into()))
    }

    async fn read_tls(stream: &mut Self::Secure, buffer: &mut [u8]) -> io::Result<usize> {
        tokio::io::AsyncReadExt::read(stream, buffer).await
    }

    async fn write_all_tls(stream: &mut Self::Secure, bytes: &[u8]) -> io::Result<()> {
        tokio::io::AsyncWriteExt::write_all(stream, bytes).await
    }

    async fn close_tls(stream: &mut Self::Secure) -> io::Result<()> {
        tokio::io::AsyncWriteExt::shutdown(stream).await
    }
}
