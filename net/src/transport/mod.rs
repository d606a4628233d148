//! asyncio's transports and protocols: a connection that calls back.
//!
//! A [`Protocol`] is told what happens (`connection_made`, `data_received`, `eof_received`, `connection_lost`), and
//! acts on its connection through a [`Transport`], whose `write` never waits. [`create_server`] makes a protocol for
//! each connection that comes, [`create_connection`] makes one connection; `create_unix_*` do so over Unix sockets, and
//! [`create_datagram_endpoint`] has a [`DatagramProtocol`] for UDP. [`Server`] is the one of streams, too.
//!
//! Flow is controlled both ways: `pause_writing` and `resume_writing` tell a protocol that its peer does not keep up,
//! [`Transport::pause_reading`] holds the peer back.
//!
//! ```
//! # fn main() -> std::io::Result<()> {
//! use raddle_net::{Protocol, Transport, create_connection, create_server};
//!
//! #[derive(Default)]
//! struct Upper(Option<Transport>);
//!
//! impl Protocol for Upper {
//!     fn connection_made(&mut self, transport: Transport) {
//!         self.0 = Some(transport);
//!     }
//!     fn data_received(&mut self, data: &[u8]) {
//!         self.0.as_ref().expect("connection_made comes first").write(data.to_ascii_uppercase());
//!     }
//! }
//!
//! #[derive(Default)]
//! struct Keep(Vec<u8>);
//!
//! impl Protocol for Keep {
//!     fn data_received(&mut self, data: &[u8]) {
//!         self.0.extend_from_slice(data);
//!     }
//! }
//!
//! # raddle_runtime::runtime::Builder::new().worker_threads(1).build()?.block_on(async {
//! let server = create_server(Upper::default, "127.0.0.1:0").await?;
//! let (transport, ended) = create_connection(Keep::default, server.sockets()[0]).await?;
//! transport.write("hello");
//! transport.write_eof();
//! // The server's protocol closes when it sees the end, and ours comes back when the connection has ended.
//! assert_eq!(ended.await.expect("no panic").0, b"HELLO");
//! server.close();
//! # Ok(()) })
//! # }
//! ```

// `Link` is one connection, under streams and protocols alike: reading without a lock, writing through the `Outbox`,
// which keeps what the system does not take at once. `Server` accepts connections and knows those that live.
mod datagram;
mod driver;
mod flush;
mod handle;
mod link;
mod listen;
mod outbox;
mod plain;
mod protocol;
#[cfg(feature = "tls")]
mod secure;
mod server;
#[cfg(feature = "tls")]
mod session;
mod tcp;
mod udp;
mod unix;
mod word;

pub use datagram::{DatagramProtocol, DatagramTransport};
pub use handle::Transport;
pub(crate) use link::Link;
pub(crate) use plain::Plain;
pub use protocol::{AnyProtocol, BufferedProtocol, Buffering, Protocol, Streaming};
#[cfg(feature = "tls")]
pub use secure::{
    create_tls_connection, create_tls_server, create_tls_unix_connection, create_tls_unix_server,
};
pub use server::Server;
pub use tcp::{create_connection, create_server};
pub use udp::create_datagram_endpoint;
// Named here, so that a model of a link may bring its own.
use raddle_runtime::runtime::Handle;
pub use unix::{create_unix_connection, create_unix_server};
