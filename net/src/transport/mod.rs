//! Connections as asyncio has them: a write never blocks, and who wants to wait for the peer says so.
//!
//! `Link` is one connection, under streams and protocols alike: reading without a lock, writing through the `Outbox`,
//! which keeps what the system does not take at once. `Server` accepts connections and knows those that live.

mod datagram;
mod driver;
mod handle;
mod link;
mod listen;
mod outbox;
mod plain;
mod protocol;
mod server;
mod tcp;
mod udp;
mod unix;
mod word;

pub use datagram::{DatagramProtocol, DatagramTransport};
pub use handle::Transport;
pub(crate) use link::Link;
pub(crate) use plain::Plain;
pub use protocol::{AnyProtocol, BufferedProtocol, Buffering, Protocol, Streaming};
pub use server::Server;
pub use tcp::{create_connection, create_server};
pub use udp::create_datagram_endpoint;
pub use unix::{create_unix_connection, create_unix_server};
