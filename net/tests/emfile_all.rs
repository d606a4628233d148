//! f30, f36: what needs a descriptor when there are none: an error that says for what, and all is well once some are
//! free again. Alone in its process, because it takes them all.

mod common;
#[path = "common/descriptors.rs"]
mod descriptors;
#[path = "common/temp.rs"]
mod temp;

use common::{open_fds, pair, poll_once, run};
use descriptors::{limit_descriptors, take_all_descriptors};
use raddle_net::{
    TcpListener, TcpSocket, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream, lookup_host, pipe,
    splice, splice_bidirectional,
};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use temp::{TempDir, fill_receiver};

/// Each thing that needs a descriptor, with what its error has to name.
async fn errors(addr: SocketAddr, dir: &TempDir) -> Vec<(String, io::Result<()>)> {
    let shown = |path: &Path| path.display().to_string();
    let (listening, new) = (dir.join("listening"), dir.join("new"));
    let (a, b) = (UnixStream::pair(), UdpSocket::bind("127.0.0.1:0").await);
    let limit = std::time::Duration::from_secs(30);
    vec![
        (String::new(), a.map(drop)),
        (String::from("127.0.0.1:0"), b.map(drop)),
        (addr.to_string(), TcpStream::connect(addr).await.map(drop)),
        (addr.to_string(), TcpStream::connect_timeout(addr, limit).await.map(drop)),
        (String::from("127.0.0.1:0"), TcpListener::bind("127.0.0.1:0").await.map(drop)),
        (String::new(), TcpSocket::new_v4().map(drop)),
        (shown(&listening), UnixStream::connect(&listening).await.map(drop)),
        (shown(&new), UnixListener::bind(&new).map(drop)),
        (shown(&new), UnixDatagram::bind(&new).map(drop)),
        (String::new(), UnixDatagram::unbound().map(drop)),
        (String::new(), UnixDatagram::pair().map(drop)),
        (String::new(), pipe::pipe().map(drop)),
        (shown(&new), pipe::OpenOptions::new().open_receiver(&new).map(drop)),
    ]
}

#[test]
fn f36_what_needs_a_descriptor_says_so_and_works_once_there_is_one() {
    limit_descriptors(128);
    run(async {
        let dir = TempDir::new();
        let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let unix = UnixListener::bind(dir.join("listening")).expect("a listener");
        let addr = tcp.local_addr().expect("an address");
        let ((ours, theirs), full) = (pair().await, UnixDatagram::bind(dir.join("full")).expect("a socket"));
        let (fillers, _) = fill_receiver(&dir.join("full")).await;
        let sender = UnixDatagram::unbound().expect("a socket");
        let waiting = std::os::unix::net::UnixStream::connect(dir.join("listening")).expect("a client");

        let before = open_fds();
        let taken = take_all_descriptors();
        for (name, result) in errors(addr, &dir).await {
            let error = result.expect_err(&name);
            let text = error.to_string();
            assert!(text.contains("Too many open files") && text.contains(&name), "{text}");
        }
        for error in
            [splice(&ours, &theirs).await.map(drop), splice_bidirectional(&ours, &theirs).await.map(drop)]
        {
            let error = error.expect_err("no pipe");
            assert!(error.to_string().contains("splice"), "{error}");
        }
        let path = dir.join("full");
        let error = sender.send_to(b"x", &path).await.expect_err("nothing to wait with");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        let mut accepting = pin!(unix.accept());
        assert!(poll_once(&mut accepting).await.is_none());
        // Without files the resolver may or may not know a name; it says something, in time.
        let _ = lookup_host("localhost:1").await.map(drop);
        drop(taken);
        assert_eq!(open_fds(), before);

        accepting.await.expect("a connection");
        full.recv(&mut [0; 8]).await.expect("a message");
        sender.send_to(b"x", &path).await.expect("there is room");
        for (name, result) in errors(addr, &dir).await.into_iter().take(8) {
            result.expect(&name);
        }
        drop((fillers, waiting));
    });
}
