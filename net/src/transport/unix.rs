//! Protocols over Unix sockets, and the socket file of a server.

use super::driver::Driver;
use super::handle::Transport;
use super::link::Link;
use super::plain::Plain;
use super::protocol::AnyProtocol;
use super::server::Server;
use super::tcp::serve;
use crate::unix::{UnixListener, UnixStream};
use raddle_runtime::task::JoinHandle;
use socket2::{Domain, SockAddr, Socket, Type};
use std::fs;
use std::future::Future;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::panic::Location;
use std::path::{Path, PathBuf};

/// As [`create_server`](super::create_server), at `path`.
///
/// A socket file that is there and that nobody listens at is replaced. [`Server::close`] removes the file, if it is
/// still the one that was made here.
///
/// # Errors
/// Names the path: when something else is there, or somebody listens; and those of
/// [`UnixListener::bind`](crate::UnixListener::bind).
///
/// # Panics
/// Outside a runtime.
///
/// # Cancel safety
/// It does not wait.
#[track_caller]
pub fn create_unix_server<P: AnyProtocol<Kind>, Kind: 'static>(
    factory: impl Fn() -> P + Send + Sync + 'static,
    path: impl AsRef<Path>,
) -> impl Future<Output = io::Result<Server>> {
    let caller = Location::caller();
    async move { Server::start_unix(path, usize::MAX, serve(factory, caller)) }
}

/// As [`create_connection`](super::create_connection), to the socket at `path`.
///
/// # Errors
/// Names the path.
///
/// # Panics
/// Outside a runtime; and when `factory` or `connection_made` does.
///
/// # Cancel safety
/// Dropping the future closes what was begun.
#[track_caller]
pub fn create_unix_connection<P: AnyProtocol<Kind>, Kind: 'static>(
    factory: impl FnOnce() -> P,
    path: impl AsRef<Path>,
) -> impl Future<Output = io::Result<(Transport, JoinHandle<P>)>> {
    let caller = Location::caller();
    async move {
        let link = Link::new(Plain::Unix(UnixStream::connect(path).await?));
        Ok(Driver::new(link, factory()).start(caller))
    }
}

/// The file that a server listens at.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    id: (u64, u64),
}

impl SocketFile {
    /// Listens at `path`, in place of a socket that was left there.
    pub(super) fn bind(path: &Path) -> io::Result<(UnixListener, Option<Self>)> {
        let listener = match UnixListener::bind(path) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_left_over(path) => {
                fs::remove_file(path)?;
                UnixListener::bind(path)?
            }
            bound => bound?,
        };
        // Absent for an abstract name.
        let file = id(path).map(|id| Self { path: path.to_owned(), id });
        Ok((listener, file))
    }

    /// Removes it, unless someone else has put another in its place.
    pub(super) fn remove(self) {
        if id(&self.path) == Some(self.id) {
            // Who may not write to the folder leaves it for the next who listens there.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn id(path: &Path) -> Option<(u64, u64)> {
    let file = fs::symlink_metadata(path).ok()?;
    file.file_type().is_socket().then(|| (file.dev(), file.ino()))
}

/// A socket that refuses has nobody behind it. One that somebody listens at says that it is of another type, and its
/// owner does not notice.
fn is_left_over(path: &Path) -> bool {
    let connected = || Socket::new(Domain::UNIX, Type::DGRAM, None)?.connect(&SockAddr::unix(path)?);
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    id(path).is_some() && connected().is_err_and(refused)
}
