//! Unix sockets: streams, datagrams, and what only they can do: credentials of the peer, and passing descriptors.
//!
//! ```
//! # fn main() -> std::io::Result<()> {
//! use futures_lite::AsyncWriteExt;
//! use raddle_net::{UnixListener, UnixStream};
//!
//! # raddle_runtime::runtime::Builder::new().worker_threads(1).build()?.block_on(async {
//! # let path = std::env::temp_dir().join(format!("raddle-doc-{}", std::process::id()));
//! let listener = UnixListener::bind(&path)?;
//! let mut stream = UnixStream::connect(&path).await?;
//! stream.write_all(b"hello").await?;
//! let (served, _) = listener.accept().await?;
//! println!("process {:?} of user {} came", served.peer_cred()?.pid, served.peer_cred()?.uid);
//! # std::fs::remove_file(path)?;
//! # Ok(()) })
//! # }
//! ```
//!
//! An address is a path, an abstract name (Linux only: the path begins with a zero byte), or a [`SocketAddr`]. Binding
//! to a path makes a file there, which stays when the socket is gone: whoever binds again has to remove it first, when
//! he knows that nobody listens there any more. Nothing here removes it by itself: it may be another's.

mod addr;
mod cred;
mod datagram;
mod datagram_to;
mod fds;
mod kind;
mod listener;
mod stream;

pub use cred::UCred;
pub use datagram::UnixDatagram;
pub use listener::UnixListener;
pub use std::os::unix::net::SocketAddr;
pub use stream::UnixStream;

/// The stream of [`UnixListener::incoming`].
pub type Incoming<'a> = crate::socket::Incoming<'a, std::os::unix::net::UnixListener>;

/// The reading half of [`UnixStream::split`].
pub type ReadHalf<'a> = crate::socket::ReadHalf<'a, std::os::unix::net::UnixStream>;

/// The writing half of [`UnixStream::split`].
pub type WriteHalf<'a> = crate::socket::WriteHalf<'a, std::os::unix::net::UnixStream>;

/// The reading half of [`UnixStream::into_split`].
pub type OwnedReadHalf = crate::socket::OwnedReadHalf<std::os::unix::net::UnixStream>;

/// The writing half of [`UnixStream::into_split`]. Dropping it ends the writing, unless by [`OwnedWriteHalf::forget`].
pub type OwnedWriteHalf = crate::socket::OwnedWriteHalf<std::os::unix::net::UnixStream>;

/// Two halves that do not belong together.
pub type ReuniteError = crate::socket::ReuniteError<std::os::unix::net::UnixStream>;
