//! Running out of file descriptors. For tests that are alone in their process.

use std::fs::File;

/// Lets the process have few.
pub(crate) fn limit_descriptors() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is valid for writing.
    let rc = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    assert_eq!(rc, 0);
    limit.rlim_cur = 128;
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
