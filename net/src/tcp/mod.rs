//! TCP.

mod backoff;
pub mod listener;
pub mod socket;
pub mod split;
pub mod split_owned;
pub mod stream;
mod stream_io;

pub use listener::{Incoming, TcpListener};
pub use socket::TcpSocket;
pub use split::{ReadHalf, WriteHalf};
pub use split_owned::{OwnedReadHalf, OwnedWriteHalf, ReuniteError};
pub use stream::TcpStream;
