//! Echo over TLS, and the certificate for development that needs nobody to sign it.

use crate::server::{CHUNK, Counts, PAUSE};
use futures_lite::{AsyncReadExt, AsyncWriteExt, future};
use raddle::net::TcpStream;
use raddle::net::tls::{Handshake, TlsAcceptor, TlsConnector, TlsListener, TlsStream, self_signed};
use raddle::sync::Event;
use raddle::time::sleep;
use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// The names that a certificate for development is always for.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Where a client connects to, and whom it trusts.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) addr: String,
    pub(crate) connector: TlsConnector,
}

impl Target {
    /// Trusts the authorities or certificates in `root`, PEM text; without it, those that the system trusts.
    ///
    /// # Errors
    /// When there is nothing to trust in it.
    pub(crate) fn new(addr: String, root: Option<&[u8]>) -> io::Result<Self> {
        let connector = match root {
            Some(pem) => TlsConnector::builder().without_system_roots().root_pem(pem).build()?,
            None => TlsConnector::new()?,
        };
        Ok(Self { addr, connector })
    }

    /// Connects, and does the handshake.
    ///
    /// # Errors
    /// When there is nobody, or somebody else.
    ///
    /// # Cancel safety
    /// Dropping the future closes what was begun.
    pub(crate) async fn connect(&self) -> io::Result<TlsStream> {
        let tcp = TcpStream::connect(&self.addr).await?;
        tcp.set_nodelay(true)?;
        self.connector.connect(host(&self.addr), tcp).await
    }
}

/// The host of `HOST:PORT`.
fn host(addr: &str) -> &str {
    let host = addr.rsplit_once(':').map_or(addr, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

/// A certificate for development, as PEM text, and an acceptor that shows it: for this machine, and for the host of
/// `addr`.
///
/// # Errors
/// When the host of `addr` is none.
pub(crate) fn development(addr: &str) -> io::Result<(String, TlsAcceptor)> {
    let host = host(addr);
    let is_new = !LOCAL.contains(&host) && !host.is_empty();
    let (cert, key) = self_signed(LOCAL.into_iter().chain(is_new.then_some(host)))?;
    let acceptor = TlsAcceptor::builder().identity_pem(&cert, key).build()?;
    Ok((cert, acceptor))
}

/// An acceptor that shows the certificate of these files.
///
/// # Errors
/// Names the file.
pub(crate) fn from_files(cert: &Path, key: &Path) -> io::Result<TlsAcceptor> {
    TlsAcceptor::builder().identity_files(cert, key).build()
}

/// Serves each client in a task of its own; when `closing` is set, ends when the last one is told.
pub(crate) async fn serve(listener: TlsListener, counts: Arc<Counts>, closing: Arc<Event>) {
    let serving = raddle::task_group(async |clients| {
        let mut asked_to_end = std::pin::pin!(closing.wait());
        loop {
            let asked = async {
                asked_to_end.as_mut().await;
                None
            };
            match future::or(asked, async { Some(listener.accept().await) }).await {
                None => return Ok(()),
                Some(Ok((handshake, _))) => {
                    let (counts, closing) = (counts.clone(), closing.clone());
                    let client = async move {
                        attend(handshake, &counts, &closing).await;
                        Ok::<_, Infallible>(())
                    };
                    drop(clients.spawn(client));
                }
                Some(Err(error)) => {
                    eprintln!("echo: a connection could not be accepted: {error}");
                    sleep(PAUSE).await;
                }
            }
        }
    });
    // Clients do not fail, they are counted; what is left is a panic, which was reported.
    let _ = serving.await;
}

/// Serves one client to its end, or to that of the server.
async fn attend(handshake: Handshake, counts: &Counts, closing: &Event) {
    counts.connections.fetch_add(1, Relaxed);
    let serving = async {
        let mut stream = handshake.await?;
        let ended = async {
            closing.wait().await;
            Ok(())
        };
        future::or(echo(&mut stream, counts), ended).await?;
        // Says that this is the end, and that nothing was cut off.
        stream.close().await
    };
    if let Err(error) = serving.await {
        counts.broken.fetch_add(1, Relaxed);
        eprintln!("echo: {error}");
    }
}

async fn echo(stream: &mut TlsStream, counts: &Counts) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let n = stream.read(&mut chunk).await?;
        if n == 0 {
            return Ok(());
        }
        stream.write_all(&chunk[..n]).await?;
        stream.flush().await?;
        counts.note(n);
    }
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn the_host_is_what_stands_before_the_port() {
        let hosts = ["example.org:443", "127.0.0.1:7", "[::1]:7", "localhost"].map(host);
        assert_eq!(hosts, ["example.org", "127.0.0.1", "::1", "localhost"]);
    }
}
