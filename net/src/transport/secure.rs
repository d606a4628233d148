//! Protocols over TLS: [`create_tls_server`], [`create_tls_connection`], and [`Transport::start_tls`].

use super::driver::Driver;
use super::handle::Transport;
use super::link::Link;
use super::plain::Plain;
use super::protocol::AnyProtocol;
use super::server::Server;
use crate::addr::ToSocketAddrs;
use crate::tcp::TcpStream;
use crate::tls::{Setup, TlsAcceptor, TlsConnector, TlsInfo};
use raddle_runtime::task::JoinHandle;
use std::io;
use std::sync::Arc;

/// As [`create_server`](super::create_server), with TLS. `connection_made` is called when the handshake is done, which
/// happens in the connection's own task; a client that fails it, or takes too long, is dropped, and its protocol with
/// it, without a call.
///
/// # Errors
/// As for [`create_server`](super::create_server).
///
/// # Panics
/// Outside a runtime.
///
/// # Cancel safety
/// Dropping the future leaves nothing behind.
///
/// ```no_run
/// # async fn serve() -> std::io::Result<()> {
/// use raddle_net::{Protocol, tls::{TlsAcceptor, create_tls_server}};
///
/// struct Silent;
/// impl Protocol for Silent {}
///
/// let acceptor = TlsAcceptor::builder().identity_files("cert.pem", "key.pem").build()?;
/// let server = create_tls_server(|| Silent, "0.0.0.0:443", acceptor).await?;
/// server.serve_forever().await;
/// # Ok(())
/// # }
/// ```
pub async fn create_tls_server<P: AnyProtocol<Kind>, Kind: 'static>(
    factory: impl Fn() -> P + Send + Sync + 'static,
    addr: impl ToSocketAddrs,
    acceptor: TlsAcceptor,
) -> io::Result<Server> {
    let factory = Arc::new(factory);
    let serve = move |link: Link| {
        let setup = acceptor.setup(link.peer_addr().ok());
        let factory = factory.clone();
        let drive = async move {
            let Ok(setup) = setup else { return };
            let mut driver = Driver::new(link, factory());
            // Whoever is at the other end is told by an alert.
            if driver.start_tls(setup).await.is_ok() {
                drop(driver.run().await);
            }
        };
        raddle_runtime::spawn(drive).detach();
    };
    Server::start(addr, usize::MAX, serve).await
}

/// As [`create_connection`](super::create_connection), with TLS: `connection_made` was called, after the handshake,
/// when this returns. The server has to have a certificate for `name`.
///
/// # Errors
/// As for [`create_connection`](super::create_connection) and [`TlsConnector::connect`].
///
/// # Panics
/// Outside a runtime; and when `factory` or `connection_made` does.
///
/// # Cancel safety
/// Dropping the future closes what was begun.
pub async fn create_tls_connection<P: AnyProtocol<Kind>, Kind: 'static>(
    factory: impl FnOnce() -> P,
    addr: impl ToSocketAddrs,
    connector: &TlsConnector,
    name: impl Into<String>,
) -> io::Result<(Transport, JoinHandle<P>)> {
    let setup = connector.setup(name)?;
    let link = Link::new(Plain::Tcp(TcpStream::connect(addr).await?));
    let mut driver = Driver::new(link, factory());
    driver.start_tls(setup).await?;
    let transport = driver.make();
    Ok((transport, raddle_runtime::spawn(driver.run())))
}

impl Transport {
    /// Goes on encrypted, as the client of the server `name`: asyncio's `loop.start_tls`. What was written before is
    /// sent in the clear, what is written from now on is sent after the handshake. The protocol stays the same.
    ///
    /// Call it in a callback of the protocol: then nothing that comes after it is taken as it is. What the peer has
    /// sent along with what the callback was called for is in the protocol's hands already, and was not encrypted:
    /// whoever is on the way may have put it there.
    ///
    /// The task does not have to be awaited. Cancelling it in the handshake ends the connection.
    ///
    /// # Errors
    /// Those of the task: as for [`TlsConnector::connect`]; and when the connection is closed, or encrypted already. A
    /// handshake that fails ends the connection: `connection_lost` gets the error.
    ///
    /// # Panics
    /// Outside a runtime.
    pub fn start_tls(&self, connector: &TlsConnector, name: impl Into<String>) -> JoinHandle<io::Result<()>> {
        self.begin_tls(connector.setup(name))
    }

    /// As [`Transport::start_tls`], as the server.
    ///
    /// # Errors
    /// As for [`Transport::start_tls`] and [`TlsAcceptor::accept`].
    ///
    /// # Panics
    /// Outside a runtime.
    pub fn start_tls_server(&self, acceptor: &TlsAcceptor) -> JoinHandle<io::Result<()>> {
        self.begin_tls(acceptor.setup(self.peer_addr().ok()))
    }

    fn begin_tls(&self, setup: io::Result<Setup>) -> JoinHandle<io::Result<()>> {
        let link = self.link();
        let begun = setup.and_then(|setup| {
            let text = "start_tls: the connection has ended";
            let link = link.ok_or_else(|| io::Error::new(io::ErrorKind::NotConnected, text))?;
            let limit = setup.limit;
            link.begin_tls(setup, Vec::new)?;
            Ok((link, limit))
        });
        raddle_runtime::spawn(async move {
            let (link, limit) = begun?;
            link.wait_shaken(limit).await
        })
    }

    /// What both sides have agreed on; `None` when the connection is in the clear, or has ended.
    pub fn tls_info(&self) -> Option<TlsInfo> {
        self.link()?.tls_info()
    }
}
