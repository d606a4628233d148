//! Addresses of Unix sockets: from paths, and as errors show them.

use crate::error::at;
use socket2::SockAddr;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::ffi::OsStr;
use std::io;
#[cfg(target_os = "android")]
use std::os::android::net::SocketAddrExt;
#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::SocketAddr;
use std::path::Path;

/// The address that `path` means; with a zero byte in front, on Linux, an abstract name. `what` was to be done there.
pub(super) fn from_path(what: &str, path: &Path) -> io::Result<SocketAddr> {
    if path.as_os_str().is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{what} a path: the path is empty")));
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(name) = path.as_os_str().as_bytes().strip_prefix(b"\0") {
        let told = |error| at(what, show_name(name), &error);
        return SocketAddr::from_abstract_name(name).map_err(told);
    }
    SocketAddr::from_pathname(path).map_err(|error| at(what, path.display(), &error))
}

/// As `ss` and `netstat` write it: `/run/a.sock`, `@abstract`.
pub(super) fn show(addr: &SocketAddr) -> String {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(name) = addr.as_abstract_name() {
        return show_name(name);
    }
    match addr.as_pathname() {
        Some(path) => path.display().to_string(),
        None => "an unnamed socket".to_owned(),
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn show_name(name: &[u8]) -> String {
    format!("@{}", name.escape_ascii())
}

/// The same address for `connect`, which the standard library has only in a form that waits.
pub(super) fn for_system(addr: &SocketAddr) -> io::Result<SockAddr> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(name) = addr.as_abstract_name() {
        let bytes = [b"\0", name].concat();
        return SockAddr::unix(OsStr::from_bytes(&bytes));
    }
    SockAddr::unix(addr.as_pathname().unwrap_or(Path::new("")))
}

/// `error` of binding at `addr`; a path in use says what may be done about it.
pub(super) fn bind_error(what: &str, addr: &SocketAddr, error: &io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::AddrInUse && addr.as_pathname().is_some() {
        let advice = "if no process uses it any more, remove the file first";
        return io::Error::new(error.kind(), format!("{what} {}: {error}; {advice}", show(addr)));
    }
    at(what, show(addr), error)
}
