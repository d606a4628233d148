//! How many file descriptors there may be, and running out of them. For tests that are alone in their process.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::fs::File;

/// Lets the process have so many.
pub(crate) fn limit_descriptors(to: libc::rlim_t) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is valid for writing.
    let rc = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    assert_eq!(rc, 0);
    assert!(to <= limit.rlim_max, "the test needs {to} descriptors, and {} are allowed", limit.rlim_max);
    limit.rlim_cur = to;
    // SAFETY: `limit` is valid for reading.
    let rc = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    assert_eq!(rc, 0);
}

/// Opens files until the system refuses.
pub(crate) fn take_all_descriptors() -> Vec<File> {
    let mut taken = Vec::new();
    loop {
        match File::open("/dev/null") {
            Ok(file) => taken.push(file),
            Err(error) if error.raw_os_error() == Some(libc::EMFILE) => return taken,
            Err(error) => panic!("{error}"),
        }
    }
}
