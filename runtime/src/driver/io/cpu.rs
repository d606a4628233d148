//! Which core this thread runs on, and which one a socket's packets come in on. Hints: both may have changed since.

use std::os::fd::RawFd;

/// Whether the system says.
pub(crate) const IS_TOLD: bool = cfg!(all(target_os = "linux", not(loom)));

/// The core this thread runs on now; `None` where the system does not say.
#[cfg(all(target_os = "linux", not(loom)))]
#[inline]
pub(crate) fn here() -> Option<u32> {
    // SAFETY: it takes nothing and touches nothing.
    u32::try_from(unsafe { libc::sched_getcpu() }).ok()
}

/// Where the packets of a descriptor come in.
#[cfg_attr(any(not(target_os = "linux"), loom), allow(dead_code, reason = "only Linux says"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrivals {
    /// It has none: it is no socket, or the system does not say.
    Never,
    /// None has come yet.
    NotYet,
    /// The last one came in on this core.
    On(u32),
}

/// Asks the system where the packets of a descriptor come in.
#[cfg(all(target_os = "linux", not(loom)))]
pub(crate) fn of_arrivals(fd: RawFd) -> Arrivals {
    let mut cpu: libc::c_int = -1;
    let mut len = size_of::<libc::c_int>() as libc::socklen_t;
    let place = (&raw mut cpu).cast();
    // SAFETY: both pointers are to locals that outlive the call, and `len` says how much room there is.
    let rc = unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_INCOMING_CPU, place, &raw mut len) };
    match u32::try_from(cpu) {
        _ if rc != 0 => Arrivals::Never,
        Ok(core) => Arrivals::On(core),
        Err(_) => Arrivals::NotYet,
    }
}

#[cfg(not(all(target_os = "linux", not(loom))))]
pub(crate) fn here() -> Option<u32> {
    None
}

#[cfg(not(all(target_os = "linux", not(loom))))]
pub(crate) fn of_arrivals(_fd: RawFd) -> Arrivals {
    Arrivals::Never
}
