//! [`UnixStream`].

use super::addr::{for_system, from_path, show};
use super::cred::{self, UCred};
use super::fds;
use crate::error::at;
use crate::socket::Stream;
use crate::socket::backoff::Backoff;
use raddle_runtime::io::Interest;
use raddle_runtime::time::sleep;
use socket2::{Domain, Socket, Type};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::SocketAddr;
use std::path::Path;

/// A Unix connection.
///
/// It reads and writes through the `futures-io` traits, for `UnixStream` and `&UnixStream` alike; `futures_lite::io`
/// has the methods. Of these, one task at a time may read and one may write: the one that polled last is woken. Any
/// number may use `readable`, `writable`, `ready` and `peek` with the `try_*` methods. [`UnixStream::split`] and
/// [`UnixStream::into_split`] give the two directions to two owners.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use futures_lite::{AsyncReadExt, AsyncWriteExt};
/// use raddle_net::UnixStream;
///
/// raddle_runtime::runtime::Builder::new().worker_threads(1).build()?.block_on(async {
///     let (mut ours, mut theirs) = UnixStream::pair()?;
///     ours.write_all(b"hello").await?;
///     let mut buf = [0; 5];
///     theirs.read_exact(&mut buf).await?;
///     assert_eq!(&buf, b"hello");
///     assert_eq!(theirs.peer_cred()?.pid, Some(std::process::id()));
///     Ok(())
/// })
/// # }
/// ```
pub type UnixStream = Stream<std::os::unix::net::UnixStream>;

impl UnixStream {
    /// Connects to the listener at `path`; with a zero byte in front, on Linux, at an abstract name. While the
    /// listener's queue is full, tries again after 5 ms, then after twice as long each time up to a second: the system
    /// has no event for it.
    ///
    /// # Errors
    /// Names the path: when nobody listens there, or the file is missing or may not be written, or the path is too
    /// long for an address.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Cancel safety
    /// Dropping the future closes what was begun.
    pub async fn connect(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::connect_addr(&from_path("connect to", path.as_ref())?).await
    }

    /// As [`UnixStream::connect`], to an address.
    ///
    /// # Errors
    /// As for [`UnixStream::connect`].
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Cancel safety
    /// As for [`UnixStream::connect`].
    pub async fn connect_addr(addr: &SocketAddr) -> io::Result<Self> {
        Self::connect_unnamed(addr).await.map_err(|error| at("connect to", show(addr), &error))
    }

    async fn connect_unnamed(addr: &SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        let addr = for_system(addr)?;
        let mut backoff = Backoff::new();
        loop {
            match socket.connect(&addr) {
                Ok(()) => return Self::adopt(socket.into()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => sleep(backoff.next()).await,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Two streams that are connected to each other and have no name.
    ///
    /// # Errors
    /// When the process or the system has no more descriptors.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn pair() -> io::Result<(Self, Self)> {
        let (a, b) = std::os::unix::net::UnixStream::pair()?;
        Ok((Self::from_std(a)?, Self::from_std(b)?))
    }

    /// Who is at the other end, by the system's word.
    ///
    /// # Errors
    /// When the system cannot tell.
    pub fn peer_cred(&self) -> io::Result<UCred> {
        cred::of_peer(self.as_fd())
    }

    /// Sends bytes and, with the first of them, copies of descriptors. Returns how many bytes were taken, one at least:
    /// send the rest with ordinary writes.
    ///
    /// # Errors
    /// When there are descriptors but no bytes to carry them, or more than 253 descriptors; those of the system.
    ///
    /// # Cancel safety
    /// When the future is dropped, nothing was sent.
    pub async fn send_fds(&self, data: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<usize> {
        if data.is_empty() && !fds.is_empty() {
            let text = "descriptors go through a stream only along with a byte or more";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        fds::check(fds.len())?;
        self.registration.async_io(Interest::WRITABLE, || fds::send(self.as_fd(), data, fds)).await
    }

    /// Reads bytes and takes the descriptors that came with them, at most `max`, each closed on exec. 0 bytes are the
    /// end. Where descriptors came, a read stops: ordinary reads and this one may be mixed, but a plain read that meets
    /// descriptors has the system close them.
    ///
    /// # Errors
    /// When more than `max` came, or more than this process can have open: those that came are closed, and the bytes
    /// they came with are lost. When `max` is more than 253; those of the system.
    ///
    /// # Cancel safety
    /// When the future is dropped, nothing was received.
    pub async fn recv_fds(&self, buf: &mut [u8], max: usize) -> io::Result<(usize, Vec<OwnedFd>)> {
        fds::check(max)?;
        self.registration.async_io(Interest::READABLE, || fds::receive(self.as_fd(), buf, max)).await
    }
}
