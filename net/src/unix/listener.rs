//! [`UnixListener`].

use super::addr::{bind_error, from_path};
use crate::socket::Listener;
use std::io;
use std::os::unix::net::SocketAddr;
use std::path::Path;

/// A socket that accepts Unix connections.
///
/// When the process or the system has no descriptor left for a connection, accepting waits 5 ms, then twice as long
/// each time up to a second, and goes on; the runtime's metrics count how often.
///
/// ```no_run
/// # async fn serve() -> std::io::Result<()> {
/// let listener = raddle_net::UnixListener::bind("/run/service.sock")?;
/// loop {
///     let (stream, _) = listener.accept().await?;
///     let user = stream.peer_cred()?.uid;
///     raddle_runtime::spawn(async move { println!("user {user} came: {stream:?}") }).detach();
/// }
/// # }
/// ```
pub type UnixListener = Listener<std::os::unix::net::UnixListener>;

impl UnixListener {
    /// Makes a socket file at `path` and listens there; with a zero byte in front, on Linux, under an abstract name.
    /// Whoever may write to the file may connect. The file stays when the listener is dropped.
    ///
    /// # Errors
    /// Names the path: when something is there already (a file that an earlier listener has left is not removed), when
    /// it is too long for an address, when its folder is missing.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn bind(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::bind_addr(&from_path("listen at", path.as_ref())?)
    }

    /// As [`UnixListener::bind`], at an address.
    ///
    /// # Errors
    /// As for [`UnixListener::bind`].
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn bind_addr(addr: &SocketAddr) -> io::Result<Self> {
        let listener = std::os::unix::net::UnixListener::bind_addr(addr)
            .map_err(|error| bind_error("listen at", addr, &error))?;
        Self::from_std(listener)
    }
}
