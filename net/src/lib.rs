//! Sockets, streams, servers, protocols and TLS on the raddle runtime.
//!
//! A connection can be held in three ways:
//!
//! - As a reader and a writer, see [`streams`]: [`open_connection`], [`start_server`]. This is what most programs want:
//!   lines, exact counts, writing without waiting, as asyncio has it.
//! - As callbacks, see [`transport`]: [`create_connection`], [`create_server`]. This is asyncio's `Protocol`.
//! - As a socket, see [`tcp`], [`unix`], [`udp`] and [`pipe`]: [`TcpStream`], [`TcpListener`] and their like, with the
//!   names and habits of the standard library and tokio, and all that the system can do.
//!
//! Sockets have the `futures-io` traits; with the feature `tokio-io` those of `tokio::io` too, with `hyper` streams
//! have those of `hyper::rt`, and with `tls` there is [TLS](https://docs.rs/rustls) in the module of that name.
//! [`lookup_host`] asks the system's resolver on threads of its own. [`copy_bidirectional`] and its like move bytes
//! between two ends, [`poll_fd::AsyncFd`] waits for any other file descriptor.
//!
//! One read or write is one system call. Errors name the address, path or host that they are about. Everything here
//! needs a runtime: outside one, it panics and says so.
//!
//! ```
//! # fn main() -> std::io::Result<()> {
//! use futures_lite::{AsyncReadExt, AsyncWriteExt};
//! use raddle_net::{TcpListener, TcpStream};
//!
//! raddle_runtime::runtime::Builder::new().worker_threads(1).build()?.block_on(async {
//!     let listener = TcpListener::bind("127.0.0.1:0").await?;
//!     let mut client = TcpStream::connect(listener.local_addr()?).await?;
//!     let (mut served, _) = listener.accept().await?;
//!     client.write_all(b"hello").await?;
//!     let mut buf = [0; 5];
//!     served.read_exact(&mut buf).await?;
//!     assert_eq!(&buf, b"hello");
//!     Ok(())
//! })
//! # }
//! ```

mod addr;
mod connect;
mod copy;
mod error;
#[cfg(feature = "hyper")]
pub mod hyper_io;
mod lookup;
pub mod pipe;
pub mod socket;
pub mod streams;
pub mod tcp;
#[cfg(feature = "tls")]
pub mod tls;
#[cfg(feature = "tokio-io")]
mod tokio_io;
pub mod transport;
pub mod udp;
pub mod unix;

pub use addr::ToSocketAddrs;
pub use copy::{copy, copy_bidirectional, copy_buf, sendfile};
#[cfg(any(target_os = "linux", target_os = "android"))]
pub use copy::{splice, splice_bidirectional};
pub use lookup::{lookup_host, lookup_host_timeout};
pub use streams::{
    StreamOptions, StreamReader, StreamWriter, open_connection, open_unix_connection, start_server,
    start_unix_server,
};
pub use tcp::{TcpKeepalive, TcpListener, TcpSocket, TcpStream};
pub use transport::{
    BufferedProtocol, DatagramProtocol, DatagramTransport, Protocol, Server, Transport, create_connection,
    create_datagram_endpoint, create_server, create_unix_connection, create_unix_server,
};
pub use udp::{RecvBatch, SendBatch, UdpSocket};
pub use unix::{UnixDatagram, UnixListener, UnixStream};

/// Readiness of any file descriptor; the runtime's own, under the name the network crate gives it.
pub mod poll_fd {
    pub use raddle_runtime::io::async_fd::{AsyncFdReadyGuard, AsyncFdReadyMutGuard, TryIoError};
    pub use raddle_runtime::io::{AsyncFd, Interest, Ready};
}
