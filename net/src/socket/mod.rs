//! What TCP and Unix sockets have in common, written once: [`Stream`], [`Listener`] and the halves of a stream.
//!
//! The types people use are aliases: [`TcpStream`](crate::TcpStream) is `Stream<std::net::TcpStream>`. Code of your own
//! that is to work with both kinds is generic over `S: Socket`.

pub(crate) mod backoff;
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
