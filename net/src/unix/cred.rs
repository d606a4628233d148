//! Who is at the other end of a Unix socket: the system's word, not the peer's.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// The process at the other end, as it was when it connected, listened, or made the pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UCred {
    /// Its process id; `None` where the system does not tell, or when the process is outside of this one's namespace.
    pub pid: Option<u32>,
    /// Its effective user id.
    pub uid: u32,
    /// Its effective group id.
    pub gid: u32,
}

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn of_peer(socket: BorrowedFd<'_>) -> io::Result<UCred> {
    let mut cred = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut len = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: `cred` and `len` are valid for writing, and `len` is the size of `cred`.
    let rc = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut cred).cast(),
            &raw mut len,
        )
    };
    if rc != 0 {
        return Err(io::Error::last_os_error());
    }
    let pid = u32::try_from(cred.pid).ok().filter(|&pid| pid != 0);
    Ok(UCred { pid, uid: cred.uid, gid: cred.gid })
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn of_peer(socket: BorrowedFd<'_>) -> io::Result<UCred> {
    let (mut uid, mut gid) = (0, 0);
    // SAFETY: `uid` and `gid` are valid for writing.
    let rc = unsafe { libc::getpeereid(socket.as_raw_fd(), &raw mut uid, &raw mut gid) };
    if rc != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(UCred { pid: None, uid, gid })
}
