//! What TCP and Unix sockets have in common, written once: [`Stream`], [`Listener`] and the halves of a stream.
//!
//! The types people use are aliases: [`TcpStream`](crate::TcpStream) is `Stream<std::net::TcpStream>`. Code of your own
//! that is to work with both kinds is generic over `S: Socket`:
//!
//! ```
//! use futures_lite::AsyncWriteExt;
//! use raddle_net::socket::{Socket, Stream};
//!
//! async fn greet<S: Socket>(stream: &mut Stream<S>) -> std::io::Result<()> {
//!     stream.write_all(b"hello\n").await
//! }
//! # async fn both(tcp: &mut raddle_net::TcpStream, unix: &mut raddle_net::UnixStream) -> std::io::Result<()> {
//! greet(tcp).await?;
//! greet(unix).await
//! # }
//! ```

pub(crate) mod backoff;
pub(crate) mod bytes;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) mod device;
mod kind;
mod listener;
mod split;
mod split_owned;
mod stream;
mod stream_io;

pub(crate) use kind::sealed;
pub use kind::{Listening, Socket, Transfer};
pub(crate) use listener::accept;
pub use listener::{Incoming, Listener};
pub use split::{Hold, ReadEnd, ReadHalf, WriteEnd, WriteHalf};
pub use split_owned::{OwnedReadHalf, OwnedWriteHalf, Owner, ReuniteError};
pub use stream::Stream;
