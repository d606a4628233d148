//! Descriptors that go through Unix sockets.

mod common;

use common::{dropped_after_each_poll, run};
use futures_lite::future::zip;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use raddle_net::{UnixDatagram, UnixStream, pipe};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

fn closes_on_exec(fd: &OwnedFd) -> bool {
    // SAFETY: the descriptor is open.
    let flags = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFD) };
    assert!(flags >= 0);
    flags & libc::FD_CLOEXEC != 0
}

#[test]
fn a_pipe_passed_through_a_stream_works_at_the_other_side() {
    run(async {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        let (sender, mut receiver) = pipe::pipe().expect("a pipe");
        let sending = dropped_after_each_poll(async || ours.send_fds(b"here", &[sender.as_fd()]).await);
        let mut buf = [0; 8];
        let receiving = dropped_after_each_poll(async || theirs.recv_fds(&mut buf, 1).await);
        let (sent, received) = zip(sending, receiving).await;
        assert_eq!(sent.expect("sent"), 4);
        let (n, fds) = received.expect("received");
        assert_eq!(&buf[..n], b"here");
        drop(sender);
        assert!(fds.iter().all(closes_on_exec));
        for fd in fds {
            let mut passed = pipe::Sender::from_owned_fd(fd).expect("the writing end");
            passed.write_all(b"through").await.expect("a write");
        }
        let mut text = String::new();
        receiver.read_to_string(&mut text).await.expect("up to the end");
        assert_eq!(text, "through");
        // Without descriptors it is an ordinary read; at the end it is the end.
        (&ours).write_all(b"plain").await.expect("a write");
        assert!(matches!(theirs.recv_fds(&mut buf, 3).await, Ok((5, fds)) if fds.is_empty()));
        drop(ours);
        assert!(matches!(theirs.recv_fds(&mut buf, 3).await, Ok((0, fds)) if fds.is_empty()));
    });
}

#[test]
fn bytes_around_descriptors_keep_their_order() {
    run(async {
        let (mut ours, theirs) = UnixStream::pair().expect("a pair");
        let file = File::open("/dev/null").expect("a file");
        ours.write_all(b"before").await.expect("a write");
        ours.send_fds(b"with", &[file.as_fd(), file.as_fd()]).await.expect("sent");
        ours.write_all(b"after").await.expect("a write");
        drop(ours);
        let (mut text, mut passed, mut buf) = (Vec::new(), 0, [0; 64]);
        loop {
            let (n, fds) = theirs.recv_fds(&mut buf, 2).await.expect("received");
            if n == 0 {
                break;
            }
            text.extend_from_slice(&buf[..n]);
            passed += fds.len();
        }
        assert_eq!((text.as_slice(), passed), (b"beforewithafter".as_slice(), 2));
    });
}

#[test]
fn datagrams_carry_as_many_as_the_system_takes_and_no_more() {
    run(async {
        let (ours, theirs) = UnixDatagram::pair().expect("a pair");
        let file = File::open("/dev/null").expect("a file");
        let mut buf = [0; 8];
        for count in [0, 1, 2, 253] {
            let fds = vec![file.as_fd(); count];
            assert_eq!(ours.send_fds(b"x", &fds).await.expect("sent"), 1);
            let (n, fds) = theirs.recv_fds(&mut buf, 253).await.expect("received");
            assert_eq!((n, fds.len()), (1, count));
            assert!(fds.iter().all(closes_on_exec));
        }
        let error = ours.send_fds(b"x", &[file.as_fd(); 254]).await.expect_err("too many");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("254") && error.to_string().contains("253"), "{error}");
        ours.send(b"x").await.expect("sent");
        let error = theirs.recv_fds(&mut buf, 254).await.expect_err("too many");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        let (stream, _other) = UnixStream::pair().expect("a pair");
        let error = stream.send_fds(b"", &[file.as_fd()]).await.expect_err("nothing to carry them");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    });
}
