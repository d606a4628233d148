//! Unix streams: addresses, endings, cancelled waits.

mod common;
#[path = "common/temp.rs"]
mod temp;

use common::{dropped_after_each_poll, pattern, poll_once, run};
use futures_lite::future::zip;
use futures_lite::{AsyncReadExt, AsyncWriteExt, StreamExt};
use raddle_net::unix::SocketAddr;
use raddle_net::{UnixListener, UnixStream};
use raddle_runtime::spawn;
use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::path::Path;
use std::pin::pin;
use temp::TempDir;

#[test]
fn many_clients_are_served_and_the_listener_tells_its_path() {
    run(async {
        let dir = TempDir::new();
        let path = dir.join("a.sock");
        let listener = UnixListener::bind(&path).expect("a listener");
        assert_eq!(listener.local_addr().expect("an address").as_pathname(), Some(&*path));
        let server = spawn(async move {
            let mut incoming = listener.incoming();
            for _ in 0..20 {
                let stream = incoming.next().await.expect("it never ends").expect("a connection");
                let echo = async move {
                    let (mut read, mut write) = stream.into_split();
                    futures_lite::io::copy(&mut read, &mut write).await
                };
                spawn(echo).detach();
            }
        });
        let clients: Vec<_> = (0..20)
            .map(|i| {
                let path = path.clone();
                spawn(async move {
                    let mut stream = UnixStream::connect(path).await.expect("a client");
                    let sent = pattern(100_000 + i);
                    let (mut read, mut write) = stream.split();
                    let sending = async {
                        write.write_all(&sent).await.expect("a write");
                        write.close().await.expect("the end");
                    };
                    let mut got = Vec::new();
                    let (_, read) = zip(sending, read.read_to_end(&mut got)).await;
                    read.expect("a read");
                    assert!(sent == got);
                })
            })
            .collect();
        for client in clients {
            client.await.expect("the client ends well");
        }
        server.await.expect("the server ends well");
    });
}

#[cfg(target_os = "linux")]
#[test]
fn abstract_names_leave_no_file_and_names_of_clients_are_told() {
    run(async {
        let name = format!("\0raddle-test-{}", std::process::id());
        let listener = UnixListener::bind(&name).expect("a listener");
        let error = UnixListener::bind(&name).expect_err("in use");
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&format!("@{}", &name[1..])), "{error}");
        let mut client = UnixStream::connect(&name).await.expect("a client");
        let (mut served, peer) = listener.accept().await.expect("a connection");
        assert!(peer.is_unnamed());
        client.write_all(b"x").await.expect("a write");
        served.read_exact(&mut [0]).await.expect("a read");

        // A client that has a name of its own.
        let dir = TempDir::new();
        let path = dir.join("client.sock");
        let socket =
            socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).expect("a socket");
        socket.bind(&socket2::SockAddr::unix(&path).expect("an address")).expect("a name");
        socket.connect(&socket2::SockAddr::unix(&name).expect("an address")).expect("a client");
        let (_, peer) = listener.accept().await.expect("a connection");
        assert_eq!(peer.as_pathname(), Some(&*path));
    });
}

#[test]
fn failures_name_the_path() {
    run(async {
        let dir = TempDir::new();
        let path = dir.join("a.sock");
        let says = |error: io::Error, path: &Path, text: &str| {
            let said = error.to_string();
            assert!(said.contains(&path.display().to_string()) && said.contains(text), "{said}");
            error.kind()
        };
        let missing = UnixStream::connect(&path).await.expect_err("no file");
        assert_eq!(says(missing, &path, "connect to"), io::ErrorKind::NotFound);
        let listener = UnixListener::bind(&path).expect("a listener");
        let in_use = UnixListener::bind(&path).expect_err("in use");
        assert_eq!(says(in_use, &path, "remove the file"), io::ErrorKind::AddrInUse);
        drop(listener);
        // The file stays, and is not removed for the next one.
        let refused = UnixStream::connect(&path).await.expect_err("nobody listens");
        assert_eq!(says(refused, &path, "connect to"), io::ErrorKind::ConnectionRefused);
        let stale = UnixListener::bind(&path).expect_err("a file is there");
        assert_eq!(says(stale, &path, "remove the file"), io::ErrorKind::AddrInUse);

        let long = dir.join("x".repeat(200));
        assert_eq!(
            says(UnixListener::bind(&long).expect_err("long"), &long, "listen"),
            io::ErrorKind::InvalidInput
        );
        let error = UnixStream::connect(&long).await.expect_err("too long");
        assert_eq!(says(error, &long, "connect"), io::ErrorKind::InvalidInput);
        assert!(UnixListener::bind("\0".repeat(200)).is_err());
        for path in ["", "a\0b"] {
            let error = UnixListener::bind(path).expect_err("no path");
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
        let unnamed = SocketAddr::from_pathname("").expect("no name");
        let error = UnixStream::connect_addr(&unnamed).await.expect_err("no name");
        assert!(error.to_string().contains("unnamed"), "{error}");
    });
}

#[test]
fn a_half_closed_connection_goes_on_in_the_other_direction() {
    run(async {
        let (mut ours, mut theirs) = UnixStream::pair().expect("a pair");
        ours.write_all(b"question").await.expect("a write");
        ours.close().await.expect("the end of writing");
        let mut got = String::new();
        theirs.read_to_string(&mut got).await.expect("up to the end");
        assert_eq!(got, "question");
        theirs.write_all(b"answer").await.expect("a write");
        theirs.shutdown(Shutdown::Write).expect("the end of writing");
        got.clear();
        ours.read_to_string(&mut got).await.expect("up to the end");
        assert_eq!(got, "answer");
        assert_eq!(ours.write(b"x").await.expect_err("ended").kind(), io::ErrorKind::BrokenPipe);
        ours.close().await.expect("closing twice");
    });
}

#[test]
fn a_peer_that_goes_with_bytes_unread_resets_and_waiting_halves_are_told() {
    run(async {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        let (mut read, mut write) = ours.into_split();
        let reader = spawn(async move { read.read(&mut [0; 8]).await });
        let writer = spawn(async move {
            loop {
                if let Err(error) = write.write(&[0; 64 * 1024]).await {
                    return error;
                }
            }
        });
        theirs.readable().await.expect("readiness");
        drop(theirs);
        let kinds = [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];
        let error = writer.await.expect("the writer ends");
        assert!(kinds.contains(&error.kind()), "{error:?}");
        match reader.await.expect("the reader ends") {
            Ok(n) => assert_eq!(n, 0),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
        }
    });
}

#[test]
fn a_full_queue_makes_clients_wait_and_none_is_lost() {
    run(async {
        let dir = TempDir::new();
        let path = dir.join("a.sock");
        let socket =
            socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).expect("a socket");
        socket.bind(&socket2::SockAddr::unix(&path).expect("an address")).expect("a name");
        socket.listen(1).expect("a listener");
        let listener = UnixListener::from_std(socket.into()).expect("a listener");
        let mut queued = Vec::new();
        while let Some(stream) = poll_once(&mut pin!(UnixStream::connect(&path))).await {
            queued.push(stream.expect("a client"));
        }
        assert!(!queued.is_empty());
        let waiting: Vec<_> = (0..4).map(|_| spawn(connect_and_send(path.clone()))).collect();
        for _ in 0..queued.len() {
            listener.accept().await.expect("a connection");
        }
        for _ in 0..4 {
            let (mut served, _) = listener.accept().await.expect("a connection");
            served.read_exact(&mut [0]).await.expect("a read");
        }
        for client in waiting {
            client.await.expect("the client ends well");
        }
    });
}

async fn connect_and_send(path: std::path::PathBuf) {
    let mut stream = UnixStream::connect(path).await.expect("a client");
    stream.write_all(b"x").await.expect("a write");
}

#[test]
fn futures_dropped_after_each_poll_lose_nothing() {
    run(async {
        let dir = TempDir::new();
        let path = dir.join("a.sock");
        let listener = UnixListener::bind(&path).expect("a listener");
        let client = async {
            let mut stream = dropped_after_each_poll(|| UnixStream::connect(&path)).await.expect("a client");
            for piece in pattern(60_000).chunks(97) {
                stream.write_all(piece).await.expect("a write");
                raddle_runtime::yield_now().await;
            }
        };
        let server = async {
            let (mut stream, _) = dropped_after_each_poll(|| listener.accept()).await.expect("a connection");
            let mut got = Vec::new();
            loop {
                dropped_after_each_poll(|| stream.readable()).await.expect("readiness");
                let mut buf = [0; 1_000];
                dropped_after_each_poll(async || stream.peek(&mut buf[..1]).await).await.expect("a peek");
                match dropped_after_each_poll(async || stream.read(&mut buf).await).await.expect("a read") {
                    0 => return got,
                    n => got.extend_from_slice(&buf[..n]),
                }
            }
        };
        let ((), got) = zip(client, server).await;
        assert!(got == pattern(60_000));
    });
}

#[test]
fn tries_peeks_and_vectored_writes_see_the_same_bytes() {
    run(async {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        assert_eq!(ours.try_read(&mut [0]).expect_err("nothing").kind(), io::ErrorKind::WouldBlock);
        ours.writable().await.expect("room");
        assert_eq!(ours.try_write_vectored(&[IoSlice::new(b"ab"), IoSlice::new(b"cd")]).expect("room"), 4);
        let mut buf = [0; 8];
        assert_eq!(theirs.peek(&mut buf[..2]).await.expect("a peek"), 2);
        assert_eq!(theirs.try_read(&mut buf).expect("bytes"), 4);
        assert_eq!(&buf[..4], b"abcd");
        let cred = theirs.peer_cred().expect("credentials");
        assert_eq!(cred.pid, Some(std::process::id()));
        let (read, write) = theirs.into_split();
        let theirs = read.reunite(write).expect("one stream");
        let theirs = UnixStream::from_std(theirs.into_std().expect("a socket")).expect("a stream");
        drop(ours);
        assert_eq!((&theirs).read(&mut buf).await.expect("the end"), 0);
    });
}
