//! A folder that is gone after the test, and what tests of Unix sockets do in it.
#![allow(dead_code, reason = "each test binary uses its part")]

use raddle_net::UnixDatagram;
use raddle_runtime::prim::atomic::{AtomicU32, Ordering::Relaxed};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

static COUNT: AtomicU32 = AtomicU32::new(0);

pub(crate) struct TempDir(PathBuf);

impl TempDir {
    pub(crate) fn new() -> Self {
        let name = format!("raddle-{}-{}", std::process::id(), COUNT.fetch_add(1, Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a new folder");
        Self(path)
    }

    pub(crate) fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Sends messages of one byte to the socket at `path` until its queue is full: from many sockets, each of whose own
/// buffers has room. Returns these, and how many messages there are.
pub(crate) async fn fill_receiver(path: &Path) -> (Vec<UnixDatagram>, usize) {
    let (mut fillers, mut sent) = (Vec::new(), 0);
    loop {
        let filler = UnixDatagram::unbound().expect("a socket");
        filler.writable().await.expect("room in its own buffer");
        for _ in 0..16 {
            match filler.try_send_to(b"f", path) {
                Ok(_) => sent += 1,
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                    return (fillers, sent);
                }
            }
        }
        fillers.push(filler);
    }
}
