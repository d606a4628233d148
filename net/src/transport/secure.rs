//! Protocols over TLS: [`create_tls_server`], [`create_tls_connection`], both over Unix sockets too, and
//! [`Transport::start_tls`].

use super::driver::Driver;
use super::handle::Transport;
use super::link::Link;
use super::plain::Plain;
use super::protocol::AnyProtocol;
use super::server::Server;
use crate::addr::ToSocketAddrs;
use crate::tcp::TcpStream;
use crate::tls::{Setup, TlsAcceptor, TlsConnector, TlsInfo};
use crate::unix::UnixStream;
use raddle_runtime::TaskBuilder;
use raddle_runtime::report::warn;
use raddle_runtime::task::JoinHandle;
use std::future::Future;
use std::io;
use std::panic::Location;
use std::path::Path;
use std::sync::Arc;

/// As [`create_server`](super::create_server), with TLS. `connection_made` is called when the handshake is done, which
/// happens in the connection's own task; a client that fails it, or takes too long, is dropped, and its protocol with
/// it, without a call, and counted: [`Server::failed_handshakes`].
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
#[track_caller]
pub fn create_tls_server<P: AnyProtocol<Kind>, Kind: 'static>(
    factory: impl Fn() -> P + Send + Sync + 'static,
    addr: impl ToSocketAddrs,
    acceptor: TlsAcceptor,
) -> impl Future<Output = io::Result<Server>> {
    Server::start(addr, usize::MAX, serve(factory, acceptor, Location::caller()))
}

/// As [`create_tls_server`], at the Unix socket `path`, which is treated as by
/// [`create_unix_server`](super::create_unix_server).
///
/// # Errors
/// As for [`create_unix_server`](super::create_unix_server).
///
/// # Panics
/// Outside a runtime.
///
/// # Cancel safety
/// It does not wait.
#[track_caller]
pub fn create_tls_unix_server<P: AnyProtocol<Kind>, Kind: 'static>(
    factory: impl Fn() -> P + Send + Sync + 'static,
    path: impl AsRef<Path>,
    acceptor: TlsAcceptor,
) -> impl Future<Output = io::Result<Server>> {
    let caller = Location::caller();
    async move { Server::start_unix(path, usize::MAX, serve(factory, acceptor, caller)) }
}

/// What is done with each new connection of a server.
fn serve<P: AnyProtocol<Kind>, Kind: 'static>(
    factory: impl Fn() -> P + Send + Sync + 'static,
    acceptor: TlsAcceptor,
    started_at: &'static Location<'static>,
) -> impl Fn(Link) + Send + Sync + 'static {
    let factory = Arc::new(factory);
    move |link| {
        let (factory, acceptor) = (factory.clone(), acceptor.clone());
        let drive = async move {
            let setup = match acceptor.setup(link.peer_addr().ok()) {
                Ok(setup) => setup,
                // The fault of the acceptor's settings, and nobody else gets to see it.
                Err(error) => return warn(format_args!("{error}")),
            };
            let mut driver = Driver::new(link, factory());
            // Boxed: the task would keep a place for it as long as the connection lives.
            let handshake = Box::pin(driver.start_tls(setup));
            // Whoever is at the other end was told by an alert.
            if handshake.await.is_ok() {
                drop(driver.run().await);
            }
        };
        TaskBuilder::new().spawned_at(started_at).spawn(drive).detach();
    }
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
#[track_caller]
pub fn create_tls_connection<P: AnyProtocol<Kind>, Kind: 'static>(
    factory: impl FnOnce() -> P,
    addr: impl ToSocketAddrs,
    connector: &TlsConnector,
    name: impl Into<String>,
) -> impl Future<Output = io::Result<(Transport, JoinHandle<P>)>> {
    let plain = async move { TcpStream::connect(addr).await.map(Plain::Tcp) };
    connect(plain, connector.setup(name), factory, Location::caller())
}

/// As [`create_tls_connection`], to the Unix socket at `path`.
///
/// # Errors
/// As for [`create_unix_connection`](super::create_unix_connection) and [`TlsConnector::connect`].
///
/// # Panics
/// Outside a runtime; and when `factory` or `connection_made` does.
///
/// # Cancel safety
/// Dropping the future closes what was begun.
#[track_caller]
pub fn create_tls_unix_connection<P: AnyProtocol<Kind>, Kind: 'static>(
    factory: impl FnOnce() -> P,
    path: impl AsRef<Path>,
    connector: &TlsConnector,
    name: impl Into<String>,
) -> impl Future<Output = io::Result<(Transport, JoinHandle<P>)>> {
    let plain = async move { UnixStream::connect(path).await.map(Plain::Unix) };
    connect(plain, connector.setup(name), factory, Location::caller())
}

/// Makes a connection, and has it driven by a protocol once its handshake is done.
async fn connect<P: AnyProtocol<Kind>, Kind: 'static>(
    plain: impl Future<Output = io::Result<Plain>>,
    setup: io::Result<Setup>,
    factory: impl FnOnce() -> P,
    caller: &'static Location<'static>,
) -> io::Result<(Transport, JoinHandle<P>)> {
    let setup = setup?;
    let mut driver = Driver::new(Link::new(plain.await?), factory());
    driver.start_tls(setup).await?;
    Ok(driver.start(caller))
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
