//! What the system allows and counts: file descriptors and processor time.

use std::io;
use std::time::Duration;

/// Raises the limit on open files to `want`, or as far towards it as the system allows; gives what it is then.
pub(crate) fn raise_open_files(want: u64) -> io::Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is ours to write.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let goal = want.min(limit.rlim_max);
    if limit.rlim_cur < goal {
        limit.rlim_cur = goal;
        // SAFETY: `limit` is a valid argument that is only read.
        if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(limit.rlim_cur)
}

/// The processor time this process has used, in user and system mode, on all cores.
pub(crate) fn cpu_time() -> Duration {
    // SAFETY: all zero is a valid `rusage`: it is plain numbers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is ours to write. The call cannot fail for RUSAGE_SELF.
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) };
    let duration = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
    };
    duration(usage.ru_utime) + duration(usage.ru_stime)
}
