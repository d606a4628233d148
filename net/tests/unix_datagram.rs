//! Unix datagrams: whole messages, full receivers, cancelled waits, errors.

mod common;
#[path = "common/temp.rs"]
mod temp;

use common::{dropped_after_each_poll, run};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use raddle_net::UnixDatagram;
use raddle_runtime::prim::atomic::{AtomicU32, Ordering::Relaxed};
use raddle_runtime::spawn;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use temp::{TempDir, fill_receiver};

#[test]
fn messages_arrive_whole_and_are_answered_to_whom_they_came_from() {
    run(async {
        let dir = TempDir::new();
        let server = UnixDatagram::bind(dir.join("server")).expect("a socket");
        let client = UnixDatagram::bind(dir.join("client")).expect("a socket");
        for len in [0, 1, 1_000, 60_000] {
            let sent = common::pattern(len);
            assert_eq!(client.send_to(&sent, dir.join("server")).await.expect("sent"), len);
            let mut buf = vec![0; 70_000];
            let (n, from) = server.recv_from(&mut buf).await.expect("a message");
            assert!(buf[..n] == sent);
            assert_eq!(from.as_pathname(), Some(&*dir.join("client")));
            server.send_to_addr(&buf[..n], &from).await.expect("an answer");
            assert_eq!(client.peek(&mut buf).await.expect("a message"), len);
            assert_eq!(client.recv(&mut buf).await.expect("a message"), len);
        }
        client.connect(dir.join("server")).expect("connected");
        client.send(b"longer than the buffer").await.expect("sent");
        let mut buf = [0; 6];
        assert_eq!(server.recv(&mut buf).await.expect("a message"), 6);
        assert_eq!(&buf, b"longer");
        assert_eq!(
            server.try_recv(&mut buf).expect_err("the rest is gone").kind(),
            io::ErrorKind::WouldBlock
        );
    });
}

#[test]
fn f03_a_sender_that_is_not_connected_wakes_when_a_full_receiver_has_room_again() {
    run(async {
        let dir = TempDir::new();
        let path = dir.join("server");
        let server = UnixDatagram::bind(&path).expect("a socket");
        let (fillers, queued) = fill_receiver(&path).await;
        let client = UnixDatagram::unbound().expect("a socket");
        client.writable().await.expect("room in our own buffer");
        let error = client.try_send_to(b"late", &path).expect_err("the receiver is full");
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        client.writable().await.expect("there is room still");
        let sender = async {
            for i in 0..2_000_u32 {
                let sent = dropped_after_each_poll(async || client.send_to(&i.to_be_bytes(), &path).await);
                assert_eq!(sent.await.expect("sent"), 4);
            }
        };
        let receiver = async {
            let mut buf = [0; 8];
            for _ in 0..queued {
                assert_eq!(server.recv(&mut buf).await.expect("a message"), 1);
            }
            for i in 0..2_000_u32 {
                assert_eq!(server.recv(&mut buf).await.expect("a message"), 4);
                assert_eq!(buf[..4], i.to_be_bytes());
            }
        };
        futures_lite::future::zip(sender, receiver).await;
        drop(fillers);
    });
}

#[test]
fn f14_a_sender_to_a_full_receiver_sleeps_until_there_is_room() {
    run(async {
        let dir = TempDir::new();
        let path = dir.join("server");
        let server = UnixDatagram::bind(&path).expect("a socket");
        let (_fillers, _) = fill_receiver(&path).await;
        let client = UnixDatagram::unbound().expect("a socket");
        let polls = Arc::new(AtomicU32::new(0));
        let counted = polls.clone();
        let sender = spawn(async move {
            let mut sending = pin!(client.send_to(b"late", &path));
            let counting = poll_fn(|cx| {
                counted.fetch_add(1, Relaxed);
                sending.as_mut().poll(cx)
            });
            counting.await
        });
        // Elsewhere there is much to do: the driver has many turns.
        let (mut ours, mut theirs) = common::pair().await;
        for _ in 0..500 {
            ours.write_all(b"x").await.expect("a write");
            theirs.read_exact(&mut [0]).await.expect("a read");
        }
        let polls = polls.load(Relaxed);
        assert!((1..20).contains(&polls), "{polls} polls while there was no room");
        server.recv(&mut [0]).await.expect("a message");
        assert_eq!(sender.await.expect("the sender ends well").expect("sent"), 4);
    });
}

#[test]
fn a_connected_sender_wakes_too_and_dropped_futures_neither_lose_nor_double() {
    run(async {
        let dir = TempDir::new();
        let path = dir.join("server");
        let server = UnixDatagram::bind(&path).expect("a socket");
        let client = UnixDatagram::unbound().expect("a socket");
        client.connect(&path).expect("connected");
        let sender = async {
            for i in 0..2_000_u32 {
                let sent = dropped_after_each_poll(async || client.send(&i.to_be_bytes()).await).await;
                assert_eq!(sent.expect("sent"), 4);
            }
        };
        let receiver = async {
            for i in 0..2_000_u32 {
                let mut buf = [0; 8];
                let received = dropped_after_each_poll(async || server.recv(&mut buf).await).await;
                assert_eq!(received.expect("a message"), 4);
                assert_eq!(buf[..4], i.to_be_bytes());
            }
        };
        futures_lite::future::zip(sender, receiver).await;
    });
}

#[test]
fn a_full_own_buffer_is_waited_out() {
    run(async {
        let (ours, theirs) = UnixDatagram::pair().expect("a pair");
        let big = vec![7; 30_000];
        let mut sent = 0;
        ours.writable().await.expect("room");
        while ours.try_send(&big).is_ok() {
            sent += 1;
            assert!(sent < 100, "no end of room");
        }
        assert!(sent > 0, "no room at all");
        let later = spawn(async move { poll_fn(|cx| ours.poll_send(cx, &big)).await });
        let mut buf = vec![0; 40_000];
        for _ in 0..=sent {
            let n = poll_fn(|cx| theirs.poll_recv(cx, &mut buf)).await.expect("a message");
            assert_eq!(n, 30_000);
        }
        assert_eq!(later.await.expect("the sender ends well").expect("sent"), 30_000);
    });
}

#[test]
fn f03_a_connected_socket_sends_elsewhere_while_its_own_receiver_is_full() {
    run(async {
        let dir = TempDir::new();
        let (own, other) = (dir.join("own"), dir.join("other"));
        let _own = UnixDatagram::bind(&own).expect("a socket");
        let receiver = UnixDatagram::bind(&other).expect("a socket");
        let (_fillers, _) = fill_receiver(&own).await;
        let client = UnixDatagram::unbound().expect("a socket");
        client.connect(&own).expect("connected");
        let error = client.try_send(b"x").expect_err("its receiver is full");
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        // The other has room.
        assert_eq!(client.send_to(b"one", &other).await.expect("sent"), 3);
        assert_eq!(client.try_send_to(b"two", &other).expect("room"), 3);
        // The other is full, too, and then has room again, while its own has not.
        let (_fillers, queued) = fill_receiver(&other).await;
        let mut sending = pin!(client.send_to(b"three", &other));
        assert!(common::poll_once(&mut sending).await.is_none());
        let mut buf = [0; 8];
        for _ in 0..queued + 2 {
            receiver.recv(&mut buf).await.expect("a message");
        }
        assert_eq!(sending.await.expect("sent"), 5);
        assert_eq!(receiver.recv(&mut buf).await.expect("a message"), 5);
    });
}

#[test]
fn failures_name_the_path() {
    run(async {
        let dir = TempDir::new();
        let path = dir.join("nobody");
        let name = path.display().to_string();
        let client = UnixDatagram::unbound().expect("a socket");
        let errors = [
            client.send_to(b"x", &path).await.expect_err("nobody there"),
            client.try_send_to(b"x", &path).expect_err("nobody there"),
            client.connect(&path).expect_err("nobody there"),
        ];
        for error in errors {
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
            assert!(error.to_string().contains(&name), "{error}");
        }
        drop(UnixDatagram::bind(&path).expect("a socket"));
        let error = client.send_to(b"x", &path).await.expect_err("the file is left, nobody is there");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let error = UnixDatagram::bind(&path).expect_err("the file is left");
        assert!(error.to_string().contains(&name) && error.to_string().contains("remove"), "{error}");
        let error = client.send(b"x").await.expect_err("not connected");
        assert!(error.to_string().contains("not connected"), "{error}");
        let server = UnixDatagram::bind(dir.join("server")).expect("a socket");
        client.connect(dir.join("server")).expect("connected");
        let too_long = client.send(&vec![0; 10 << 20]).await.expect_err("too long");
        let too_many = client.recv_fds(&mut [0], 1_000).await.expect_err("at once, though nothing came");
        for error in [too_long, too_many] {
            assert!(error.to_string().contains(&dir.join("server").display().to_string()), "{error}");
        }
        drop(server);
        // The system forgets the peer with the error that says so.
        let error = client.send(b"x").await.expect_err("gone");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(error.to_string().starts_with("send to the peer, which is gone: "), "{error}");
        assert_eq!(client.send(b"x").await.expect_err("gone").kind(), io::ErrorKind::NotConnected);

        let (ours, theirs) = UnixDatagram::pair().expect("a pair");
        drop(theirs);
        assert_eq!(ours.send(b"x").await.expect_err("gone").kind(), io::ErrorKind::ConnectionRefused);
        let ours = UnixDatagram::from_std(ours.into_std().expect("a socket")).expect("a socket");
        let error = ours.send(&vec![0; 10 << 20]).await.expect_err("too long, or gone");
        assert_ne!(error.kind(), io::ErrorKind::WouldBlock);
    });
}
