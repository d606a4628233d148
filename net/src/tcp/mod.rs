//! TCP.

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
