//! TCP: [`TcpListener`], [`TcpStream`], and [`TcpSocket`] for what has to be set before either.
//!
//! ```
//! # fn main() -> std::io::Result<()> {
//! use futures_lite::{AsyncReadExt, AsyncWriteExt};
//! use raddle_net::{TcpListener, TcpStream};
//!
//! # raddle_runtime::runtime::Builder::new().worker_threads(1).build()?.block_on(async {
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let stream = TcpStream::connect(listener.local_addr()?).await?;
//! let (mut served, _peer) = listener.accept().await?;
//! // The two directions may go to two tasks.
//! let (mut read, mut write) = stream.into_split();
//! write.write_all(b"hello").await?;
//! drop(write);
//! let mut text = String::new();
//! served.read_to_string(&mut text).await?;
//! assert_eq!(text, "hello");
//! served.write_all(b"answer").await?;
//! read.read_exact(&mut [0; 6]).await?;
//! # Ok(()) })
//! # }
//! ```

mod kind;
mod listener;
mod options;
mod socket;
mod stream;

pub use listener::TcpListener;
pub use socket::TcpSocket;
pub use socket2::TcpKeepalive;
pub use stream::TcpStream;

/// The stream of [`TcpListener::incoming`].
pub type Incoming<'a> = crate::socket::Incoming<'a, std::net::TcpListener>;

/// The reading half of [`TcpStream::split`].
pub type ReadHalf<'a> = crate::socket::ReadHalf<'a, std::net::TcpStream>;

/// The writing half of [`TcpStream::split`].
pub type WriteHalf<'a> = crate::socket::WriteHalf<'a, std::net::TcpStream>;

/// The reading half of [`TcpStream::into_split`].
pub type OwnedReadHalf = crate::socket::OwnedReadHalf<std::net::TcpStream>;

/// The writing half of [`TcpStream::into_split`]. Dropping it ends the writing, unless by [`OwnedWriteHalf::forget`].
pub type OwnedWriteHalf = crate::socket::OwnedWriteHalf<std::net::TcpStream>;

/// Two halves that do not belong together.
pub type ReuniteError = crate::socket::ReuniteError<std::net::TcpStream>;
