//! f30: what fails leaves no descriptor behind, those that were passed included. Alone in its process, because it
//! counts them.

mod common;
#[path = "common/temp.rs"]
mod temp;

use common::{open_fds, poll_once, run};
use raddle_net::{UnixDatagram, UnixListener, UnixStream, pipe};
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::pin::pin;
use temp::{TempDir, fill_receiver};

#[test]
fn f30_what_fails_or_is_dropped_leaves_no_descriptor() {
    run(async {
        let dir = TempDir::new();
        let listener = UnixListener::bind(dir.join("listener")).expect("a listener");
        let full = UnixDatagram::bind(dir.join("full")).expect("a socket");
        let sender = UnixDatagram::unbound().expect("a socket");
        let (_fillers, _) = fill_receiver(&dir.join("full")).await;
        let before = open_fds();
        for _ in 0..50 {
            assert!(UnixStream::connect(dir.join("nobody")).await.is_err());
            assert!(UnixListener::bind(dir.join("listener")).is_err());
            assert!(UnixDatagram::bind(dir.join("listener")).is_err());
            assert!(pipe::OpenOptions::new().open_receiver(dir.join("nothing")).is_err());
            // Regular files: as a pipe by name, by descriptor, and unchecked, where the watch refuses it.
            assert!(pipe::OpenOptions::new().open_receiver("/proc/self/exe").is_err());
            assert!(pipe::OpenOptions::new().unchecked(true).open_receiver("/proc/self/exe").is_err());
            let exe = || File::open("/proc/self/exe").expect("our own program");
            assert!(pipe::Receiver::from_file(exe()).is_err());
            assert!(pipe::Sender::from_file_unchecked(exe()).is_err());
            // Waits that are dropped; the second one holds a socket that waits in its stead.
            assert!(poll_once(&mut pin!(listener.accept())).await.is_none());
            assert!(poll_once(&mut pin!(sender.send_to(b"x", dir.join("full")))).await.is_none());
            let stream = UnixStream::connect(dir.join("listener")).await.expect("a client");
            let (served, _) = listener.accept().await.expect("a connection");
            drop((stream, served, pipe::pipe().expect("a pipe")));
            pass_too_many().await;
        }
        assert_eq!(open_fds(), before);
        with_no_descriptor_left().await;
        assert_eq!(open_fds(), before);
        drop(full);
    });
}

/// More descriptors than expected: those that came are closed. Those that nobody received, the system closes.
async fn pass_too_many() {
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    let file = File::open("/dev/null").expect("a file");
    for _ in 0..2 {
        ours.send_fds(b"x", &[file.as_fd(), file.as_fd()]).await.expect("sent");
    }
    for max in [0, 1] {
        let error = theirs.recv_fds(&mut [0; 8], max).await.expect_err("two came");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(error.to_string().contains("2 descriptors came"), "{error}");
    }
    ours.send_fds(b"x", &[file.as_fd()]).await.expect("sent");
}

/// Room for one descriptor where three come.
async fn with_no_descriptor_left() {
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    let file = File::open("/dev/null").expect("a file");
    ours.send_fds(b"x", &[file.as_fd(); 3]).await.expect("sent");
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is valid for writing.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) }, 0);
    let few = libc::rlimit { rlim_cur: 256, ..limit };
    // SAFETY: `few` is valid for reading.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const few) }, 0);
    let mut taken = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        taken.push(file);
    }
    drop(taken.pop());
    let error = theirs.recv_fds(&mut [0; 8], 3).await.expect_err("no room for three");
    assert!(error.to_string().contains("too many open"), "{error}");
    drop(taken);
    // SAFETY: `limit` is valid for reading.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
}
