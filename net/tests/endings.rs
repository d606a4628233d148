//! How connections end, and what their halves do about it.

mod common;

use common::{pair, poll_once, run};
use futures_lite::{AsyncReadExt, AsyncWriteExt, StreamExt};
use raddle_net::{TcpListener, TcpSocket, TcpStream};
use raddle_runtime::prim::atomic::{AtomicUsize, Ordering::Relaxed};
use raddle_runtime::spawn;
use std::io;
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

#[test]
fn a_half_closed_connection_goes_on_in_the_other_direction() {
    run(async {
        let (mut ours, mut theirs) = pair().await;
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
        let error = ours.write(b"more").await.expect_err("writing has ended");
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        ours.close().await.expect("closing twice");
    });
}

#[test]
fn a_reset_ends_reads_and_writes_that_wait() {
    run(async {
        let (ours, theirs) = pair().await;
        let (mut read, mut write) = ours.into_split();
        let reader = raddle_runtime::spawn(async move { read.read(&mut [0; 8]).await });
        let writer = raddle_runtime::spawn(async move {
            loop {
                if let Err(error) = write.write(&[0; 64 * 1024]).await {
                    return error;
                }
            }
        });
        raddle_runtime::yield_now().await;
        theirs.set_linger(Some(Duration::ZERO)).expect("an option");
        drop(theirs);
        let kinds = [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];
        let error = writer.await.expect("the writer ends");
        assert!(kinds.contains(&error.kind()), "{error:?}");
        // The error of the connection is told once: to the reader or to the writer.
        match reader.await.expect("the reader ends") {
            Ok(n) => assert_eq!(n, 0),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
        }
    });
}

#[test]
fn dropping_the_owned_writing_half_ends_the_writing_and_forgetting_it_does_not() {
    run(async {
        let (ours, mut theirs) = pair().await;
        let (mut read, write) = ours.into_split();
        drop(write);
        assert_eq!(theirs.read(&mut [0]).await.expect("the end"), 0);
        theirs.write_all(b"still").await.expect("a write");
        read.read_exact(&mut [0; 5]).await.expect("a read");

        let (ours, mut theirs) = pair().await;
        let (read, write) = ours.into_split();
        write.forget();
        theirs.write_all(b"x").await.expect("a write");
        read.readable().await.expect("readiness");
        assert_eq!(theirs.try_read(&mut [0]).expect_err("no end").kind(), io::ErrorKind::WouldBlock);
        drop(read);
        // Unread bytes make the system reset instead of ending.
        let _ = theirs.read(&mut [0]).await;
    });
}

#[test]
fn halves_become_the_stream_again_only_with_their_own_other_half() {
    run(async {
        let (ours, theirs) = pair().await;
        let addr = ours.local_addr().expect("an address");
        let (our_read, our_write) = ours.into_split();
        let (their_read, their_write) = theirs.into_split();
        let error = our_read.reunite(their_write).expect_err("two streams");
        assert!(error.to_string().contains("not of the same"), "{error}");
        let mut ours = our_write.reunite(error.read).expect("one stream");
        let mut theirs = their_read.reunite(error.write).expect("one stream");
        assert_eq!(ours.local_addr().expect("an address"), addr);
        // No half has ended anything on its way.
        ours.write_all(b"x").await.expect("a write");
        theirs.read_exact(&mut [0]).await.expect("a read");
    });
}

#[test]
fn borrowed_halves_work_side_by_side() {
    run(async {
        let (mut ours, mut theirs) = pair().await;
        let (mut read, mut write) = ours.split();
        let mut buf = [0; 4];
        let echo = async {
            let mut buf = [0; 4];
            theirs.read_exact(&mut buf).await?;
            theirs.write_all(&buf).await
        };
        let (asked, (answered, echoed)) = futures_lite::future::zip(
            write.write_all(b"ping"),
            futures_lite::future::zip(read.read_exact(&mut buf), echo),
        )
        .await;
        asked.and(answered).and(echoed).expect("a round trip");
        assert_eq!(&buf, b"ping");
    });
}

#[test]
fn failures_name_the_address() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let addr = listener.local_addr().expect("an address");
        let error = TcpListener::bind(addr).await.expect_err("in use");
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&addr.to_string()), "{error}");
        drop(listener);

        let error = TcpStream::connect(addr).await.expect_err("nobody listens");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(error.to_string().contains(&addr.to_string()), "{error}");

        let mut other = addr;
        other.set_ip([127, 0, 0, 2].into());
        let error = TcpStream::connect([addr, other]).await.expect_err("nobody listens at either");
        assert!(error.to_string().contains(&addr.to_string()), "{error}");
        assert!(error.to_string().contains(&other.to_string()), "{error}");

        for (text, hint) in [("127.0.0.1", "no port"), ("host:http", "not a port"), ("", "empty")] {
            let error = TcpStream::connect(text).await.expect_err("no address");
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            assert!(error.to_string().contains(hint), "{error}");
        }
        let none: [std::net::SocketAddr; 0] = [];
        assert!(TcpStream::connect(none).await.is_err());
    });
}

#[test]
fn the_second_address_is_tried_when_the_first_refuses() {
    run(async {
        let closed = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let refused = closed.local_addr().expect("an address");
        drop(closed);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let addr = listener.local_addr().expect("an address");
        let stream = TcpStream::connect([refused, addr].as_slice()).await.expect("the second works");
        assert_eq!(stream.peer_addr().expect("a peer"), addr);
    });
}

#[test]
fn sockets_go_to_std_and_back_and_keep_their_options() {
    run(async {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("an option");
        socket.set_reuseport(true).expect("an option");
        assert!(socket.reuseaddr().expect("an option") && socket.reuseport().expect("an option"));
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
        let listener = socket.listen(16).expect("a listener").into_std().expect("a listener");
        let listener = TcpListener::from_std(listener).expect("a listener");
        listener.set_ttl(42).expect("an option");
        assert_eq!(listener.ttl().expect("an option"), 42);

        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_nodelay(true).expect("an option");
        let stream = socket.connect(listener.local_addr().expect("an address")).await.expect("a client");
        assert!(stream.nodelay().expect("an option"));
        stream.set_keepalive(Some(Duration::from_secs(30))).expect("an option");
        assert!(stream.keepalive().expect("an option"));
        stream.set_keepalive(None).expect("an option");
        assert!(!stream.keepalive().expect("an option"));
        stream.set_linger(Some(Duration::from_secs(1))).expect("an option");
        assert_eq!(stream.linger().expect("an option"), Some(Duration::from_secs(1)));
        stream.set_linger(None).expect("an option");
        assert!(stream.take_error().expect("an option").is_none());

        let mut stream = TcpStream::from_std(stream.into_std().expect("a stream")).expect("a stream");
        let (mut served, _) = listener.accept().await.expect("a connection");
        stream.write_all(b"x").await.expect("a write");
        served.read_exact(&mut [0]).await.expect("a read");
    });
}

#[test]
fn f23_streams_of_connections_in_several_tasks_share_what_comes() {
    run(async {
        let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await.expect("a listener"));
        let addr = listener.local_addr().expect("an address");
        let waiting = Arc::new(AtomicUsize::new(0));
        let take_one = |listener: Arc<TcpListener>, waiting: Arc<AtomicUsize>| async move {
            let mut incoming = listener.incoming();
            assert!(poll_once(&mut incoming.next()).await.is_none());
            // It waits in a place that the others leave alone, until the next poll and from there on.
            waiting.fetch_add(1, Relaxed);
            incoming.next().await.expect("no end").is_ok()
        };
        let tasks = [(); 3].map(|()| spawn(take_one(listener.clone(), waiting.clone())));
        while waiting.load(Relaxed) < 3 {
            raddle_runtime::yield_now().await;
        }
        let mut clients = Vec::new();
        for ended in 1..=3 {
            clients.push(TcpStream::connect(addr).await.expect("a client"));
            while tasks.iter().filter(|task| task.is_finished()).count() < ended {
                raddle_runtime::yield_now().await;
            }
        }
        for task in tasks {
            assert!(task.await.expect("it ends"));
        }
    });
}
