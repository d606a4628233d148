//! Sockets on the raddle runtime.
//!
//! [`TcpListener`], [`TcpStream`] and [`TcpSocket`] carry the names and habits of the standard library and tokio, and
//! the `futures-io` traits. [`lookup_host`] asks the system's resolver on threads of its own. [`poll_fd::AsyncFd`]
//! waits for any other file descriptor.
//!
//! [`UnixListener`], [`UnixStream`] and [`UnixDatagram`] are their like on one machine, and pass descriptors; [`pipe`]
//! has pipes and FIFOs. With the feature `tokio-io`, streams and the ends of pipes have the traits of `tokio::io` too;
//! with `hyper`, streams have those of `hyper::rt`.
//! [`UdpSocket`] moves datagrams one by one, and dozens at once with [`SendBatch`] and [`RecvBatch`].
//! Behind the feature `tls` there is a module of that name.
//!
//! One read or write is one system call. Everything here needs a runtime: outside one, it panics and says so.
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
