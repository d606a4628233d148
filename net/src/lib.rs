//! Sockets on the raddle runtime.
//!
//! [`TcpListener`], [`TcpStream`] and [`TcpSocket`] carry the names and habits of the standard library and tokio, and
//! the `futures-io` traits. [`lookup_host`] asks the system's resolver on threads of its own. [`poll_fd::AsyncFd`]
//! waits for any other file descriptor.
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
mod error;
mod lookup;
pub mod tcp;

pub use addr::ToSocketAddrs;
pub use lookup::lookup_host;
pub use tcp::{TcpListener, TcpSocket, TcpStream};

/// Readiness of any file descriptor; the runtime's own, under the name the network crate gives it.
pub mod poll_fd {
    pub use raddle_runtime::io::async_fd::{AsyncFdReadyGuard, AsyncFdReadyMutGuard, TryIoError};
    pub use raddle_runtime::io::{AsyncFd, Interest, Ready};
}
