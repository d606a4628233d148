//! A host that has not ignored `SIGPIPE` (a C program that loads Rust code) is not killed by a peer that goes away:
//! writing is an error, in one buffer or in several.

mod common;

use common::{pair, run};
use futures_lite::AsyncWriteExt;
use raddle_net::UnixStream;
use std::io::{self, ErrorKind, IoSlice};
use std::os::fd::AsFd;

/// Writes until the system says that the peer is gone.
async fn refused(mut stream: impl AsyncWriteExt + AsFd + Unpin, vectored: bool) -> io::Error {
    loop {
        let parts = [IoSlice::new(b"two"), IoSlice::new(b"parts")];
        let written =
            if vectored { stream.write_vectored(&parts).await } else { stream.write(b"whole").await };
        if let Err(error) = written {
            return error;
        }
    }
}

#[test]
fn a_peer_that_is_gone_is_an_error_and_no_signal() {
    // SAFETY: the default of a signal needs no handler; this test has its process to itself.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    run(async {
        for vectored in [false, true] {
            let (stream, peer) = pair().await;
            drop(peer);
            // The first write after the reset tells of that.
            while refused(&stream, vectored).await.kind() != ErrorKind::BrokenPipe {}
            let (stream, peer) = UnixStream::pair().expect("two ends");
            drop(peer);
            assert_eq!(refused(&stream, vectored).await.kind(), ErrorKind::BrokenPipe);
        }
    });
}
