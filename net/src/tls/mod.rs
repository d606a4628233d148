//! TLS on [rustls](https://docs.rs/rustls), over any stream: [`TlsConnector`] for clients, [`TlsAcceptor`] for servers.
//!
//! What asyncio does with `ssl=` is done here with a connector or an acceptor: made once, with the certificates it
//! shows and those it trusts, then used for each connection.
//!
//! A server that sends back what it gets, with a certificate for development:
//!
//! ```
//! # fn main() -> std::io::Result<()> {
//! # use futures_lite::{AsyncReadExt, AsyncWriteExt};
//! # use raddle_net::TcpStream;
//! # use raddle_net::tls::{TlsAcceptor, TlsConnector, TlsListener, self_signed};
//! # raddle_runtime::runtime::Builder::new().worker_threads(1).build()?.block_on(async {
//! let (cert, key) = self_signed(["localhost"])?;
//! let acceptor = TlsAcceptor::builder().identity_pem(&cert, key).build()?;
//! let listener = TlsListener::bind("127.0.0.1:0", acceptor).await?;
//! # let addr = listener.local_addr()?;
//! # let serve = async move {
//! loop {
//!     let (handshake, _peer) = listener.accept().await?;
//!     raddle_runtime::spawn(async move {
//!         let (reader, writer) = futures_lite::io::split(handshake.await?);
//!         futures_lite::io::copy(reader, writer).await
//!     })
//!     .detach();
//! }
//! # #[allow(unreachable_code)]
//! # Ok::<(), std::io::Error>(())
//! # };
//! # raddle_runtime::spawn(serve).detach();
//! # let connector = TlsConnector::builder().root_pem(cert).build()?;
//! # let mut client = connector.connect("localhost", TcpStream::connect(addr).await?).await?;
//! # client.write_all(b"hello").await?;
//! # let mut buf = [0; 5];
//! # client.read_exact(&mut buf).await?;
//! # assert_eq!(&buf, b"hello");
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! The streams and protocols of asyncio are encrypted by [`StreamOptions::tls`](crate::StreamOptions::tls) and
//! [`StreamOptions::tls_acceptor`](crate::StreamOptions::tls_acceptor), by [`create_tls_server`] and
//! [`create_tls_connection`] or their like for Unix sockets, and later on by
//! [`StreamWriter::start_tls`](crate::StreamWriter::start_tls) and
//! [`Transport::start_tls`](crate::Transport::start_tls). When such a connection is closed on this side, its descriptor
//! stays open until the peer has closed too, 30 s at most: otherwise the peer could lose the last of what was sent.
//!
//! The settings that have no method here are those of [`rustls`]: both [`TlsConnector`] and [`TlsAcceptor`] are made
//! from a configuration of its as well.

mod accepting;
mod acceptor;
mod connector;
mod danger;
mod error;
#[cfg(feature = "hyper")]
mod hyper_io;
mod identity;
mod listener;
mod pem;
mod self_signed;
mod setup;
mod stream;
#[cfg(feature = "tokio-io")]
mod tokio_io;

pub use accepting::TlsAcceptorBuilder;
pub use acceptor::TlsAcceptor;
pub use connector::{TlsConnector, TlsConnectorBuilder};
pub use futures_rustls::rustls;
pub use listener::{Handshake, TlsListener};
pub use self_signed::self_signed;
pub use setup::TlsInfo;
pub use stream::TlsStream;

pub use crate::transport::{
    create_tls_connection, create_tls_server, create_tls_unix_connection, create_tls_unix_server,
};

pub(crate) use error::Peer as TlsPeer;
pub(crate) use setup::Setup;

use rustls::crypto::CryptoProvider;
use std::sync::Arc;
use std::time::Duration;

/// How long a handshake may take unless its builder says otherwise, as in asyncio.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(60);

/// The most that is cleared for one read into a buffer that nobody has cleared: what one record brings.
#[cfg(any(feature = "hyper", feature = "tokio-io"))]
const READ_MAX: usize = 16 * 1024;

/// The cryptography behind all that is made here, whatever the process has installed as its default.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
