//! UDP one datagram at a time: what arrives, what is cut, what is refused, and what a dropped future loses (nothing).

mod common;

use common::{dropped_after_each_poll, pattern, poll_once, run};
use raddle_net::UdpSocket;
use raddle_net::poll_fd::Interest;
use raddle_runtime::runtime::Builder;
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;

/// Where no other test of this machine binds a port that was free a moment ago.
const QUIET: &str = "127.0.70.1:0";

async fn bind() -> (UdpSocket, SocketAddr) {
    bind_at("127.0.0.1:0").await
}

async fn bind_at(addr: &str) -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind(addr).await.expect("a socket");
    let addr = socket.local_addr().expect("an address");
    (socket, addr)
}

/// Two sockets, each connected to the other.
async fn connected() -> (UdpSocket, UdpSocket) {
    let ((ours, our_addr), (theirs, their_addr)) = (bind().await, bind().await);
    ours.connect(their_addr).await.expect("connected");
    theirs.connect(our_addr).await.expect("connected");
    (ours, theirs)
}

#[test]
fn datagrams_keep_their_borders_their_order_and_their_sender() {
    run(async {
        let ((ours, from), (theirs, to)) = (bind().await, bind().await);
        let lens = [1, 0, 1_400, 65_507, 3];
        let mut buf = vec![0; 70_000];
        for len in lens {
            assert_eq!(ours.send_to(&pattern(len), to).await.expect("sent"), len);
        }
        for len in lens {
            assert_eq!(theirs.peek_sender().await.expect("a sender"), from);
            assert_eq!(theirs.peek_from(&mut buf).await.expect("a datagram"), (len, from));
            assert_eq!(theirs.recv_from(&mut buf).await.expect("a datagram"), (len, from));
            assert_eq!(buf[..len], pattern(len));
        }
    });
}

#[test]
fn a_connected_socket_hears_its_peer_only() {
    run(async {
        let (ours, theirs) = connected().await;
        let (stranger, _) = bind().await;
        let to = ours.local_addr().expect("an address");
        assert_eq!(ours.peer_addr().expect("a peer"), theirs.local_addr().expect("an address"));
        stranger.send_to(b"stranger", to).await.expect("sent");
        theirs.send(b"friend").await.expect("sent");
        let mut buf = [0; 20];
        assert_eq!(ours.peek(&mut buf).await.expect("a datagram"), 6);
        assert_eq!(ours.recv(&mut buf).await.expect("a datagram"), 6);
        assert_eq!(&buf[..6], b"friend");
        assert_eq!(ours.try_recv(&mut buf).expect_err("nothing else").kind(), io::ErrorKind::WouldBlock);
    });
}

#[test]
fn what_does_not_fit_is_cut_off() {
    run(async {
        let (ours, theirs) = connected().await;
        ours.send(b"long and lost").await.expect("sent");
        ours.send(b"next").await.expect("sent");
        let mut buf = [0; 4];
        assert_eq!(theirs.recv(&mut buf).await.expect("a datagram"), 4);
        assert_eq!(&buf, b"long");
        assert_eq!(theirs.recv(&mut buf).await.expect("a datagram"), 4);
        assert_eq!(&buf, b"next");
    });
}

#[test]
fn ipv6_and_names_work_and_a_name_is_taken_in_the_socket_s_family() {
    run(async {
        for ip in ["127.0.0.1", "::1"] {
            let theirs = UdpSocket::bind((ip, 0)).await.expect("a socket");
            let port = theirs.local_addr().expect("an address").port();
            let ours = UdpSocket::bind((ip, 0)).await.expect("a socket");
            let both = [SocketAddr::from((Ipv4Addr::LOCALHOST, port)), (Ipv6Addr::LOCALHOST, port).into()];
            ours.send_to(b"of two", both).await.expect("sent");
            ours.send_to(b"literal", (ip, port)).await.expect("sent");
            let mut buf = [0; 20];
            assert_eq!(theirs.recv(&mut buf).await.expect("a datagram"), 6);
            assert_eq!(theirs.recv(&mut buf).await.expect("a datagram"), 7);
        }
        let (theirs, to) = bind().await;
        let (ours, _) = bind().await;
        ours.send_to(b"name", ("localhost", to.port())).await.expect("sent");
        assert_eq!(theirs.recv(&mut [0; 20]).await.expect("a datagram"), 4);
    });
}

#[test]
fn nobody_at_the_peer_s_port_is_an_error_of_the_next_call_and_the_socket_goes_on() {
    run(async {
        let (theirs, to) = bind_at(QUIET).await;
        drop(theirs);
        let (ours, _) = bind().await;
        ours.connect(to).await.expect("connected");
        ours.send(b"into the void").await.expect("nobody knows yet");
        let error = ours.recv(&mut [0; 9]).await.expect_err("nobody is there");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(error.to_string().starts_with(&format!("receive from {to}: ")), "{error}");

        ours.send(b"into the void").await.expect("nobody knows yet");
        let error = ours.send(b"again").await.expect_err("nobody is there");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(error.to_string().starts_with(&format!("send to {to}: ")), "{error}");

        let theirs = UdpSocket::bind(to).await.expect("the port is free");
        ours.send(b"here").await.expect("sent");
        assert_eq!(theirs.recv(&mut [0; 9]).await.expect("a datagram"), 4);
    });
}

#[test]
fn a_flood_that_nobody_reads_loses_its_end_and_nothing_later() {
    run(async {
        let ((ours, _), (theirs, to)) = (bind().await, bind().await);
        theirs.set_recv_buffer_size(20_000).expect("an option");
        for i in 0..2_000_u32 {
            assert_eq!(
                ours.send_to(&[&i.to_be_bytes()[..], &[0; 996]].concat(), to).await.expect("sent"),
                1_000
            );
        }
        let (mut buf, mut came) = ([0; 1_500], 0);
        theirs.readable().await.expect("a datagram");
        while let Ok(len) = theirs.try_recv(&mut buf) {
            assert_eq!((len, &buf[..4]), (1_000, &u32::to_be_bytes(came)[..]));
            came += 1;
        }
        assert!((1..2_000).contains(&came), "{came} of 2000 came");
        ours.send_to(b"later", to).await.expect("sent");
        assert_eq!(theirs.recv(&mut buf).await.expect("a datagram"), 5);
    });
}

#[test]
fn errors_name_the_address() {
    run(async {
        let (ours, addr) = bind().await;
        let text = |error: io::Error| error.to_string();
        let in_use = text(UdpSocket::bind(addr).await.expect_err("in use"));
        assert!(in_use.starts_with(&format!("bind to {addr}: ")), "{in_use}");
        let long = text(ours.send_to(&[0; 65_508], addr).await.expect_err("too long"));
        assert!(long.starts_with(&format!("send to {addr}: ")), "{long}");
        let alone = text(ours.send(b"x").await.expect_err("not connected"));
        assert!(alone.contains("not connected"), "{alone}");
        let six = text(ours.connect("[::1]:9").await.expect_err("another family"));
        assert!(six.starts_with("connect to [::1]:9: "), "{six}");
        let none: &[SocketAddr] = &[];
        let none = text(ours.send_to(b"x", none).await.expect_err("no address"));
        assert!(none.contains("no address"), "{none}");
        text(ours.send_to(b"x", "no port").await.expect_err("no port"));
        let group = text(ours.join_multicast_v4([127, 0, 0, 1].into(), [0; 4].into()).expect_err("no group"));
        assert!(group.starts_with("join the group 127.0.0.1 at the interface 0.0.0.0: "), "{group}");
        let card = text(ours.bind_device(Some("no such card")).expect_err("no such interface"));
        assert!(card.starts_with("bind to the interface no such card: "), "{card}");
        assert_eq!(ours.peer_addr().expect_err("none").kind(), io::ErrorKind::NotConnected);
    });
}

#[test]
fn f36_a_lack_of_memory_is_told_at_once_and_not_tried_again() {
    run(async {
        let (ours, _) = bind().await;
        let mut calls = 0;
        let sent = ours.async_io(Interest::WRITABLE, || {
            calls += 1;
            Err::<(), _>(io::Error::from_raw_os_error(libc::ENOBUFS))
        });
        assert_eq!(sent.await.expect_err("no memory").raw_os_error(), Some(libc::ENOBUFS));
        assert_eq!(calls, 1);
        ours.writable().await.expect("room");
    });
}

#[test]
fn a_receive_that_is_dropped_at_any_await_loses_no_datagram() {
    run(async {
        let (ours, theirs) = connected().await;
        let sender = async {
            for i in 0..300_u32 {
                dropped_after_each_poll(async || ours.send(&i.to_be_bytes()).await).await.expect("sent");
                ours.recv(&mut [0; 4]).await.expect("an answer");
            }
        };
        let receiver = async {
            for i in 0..300_u32 {
                let mut buf = [0; 4];
                let received = dropped_after_each_poll(async || theirs.recv(&mut buf).await);
                assert_eq!(received.await.expect("a datagram"), 4);
                assert_eq!(buf, i.to_be_bytes());
                theirs.send(b"next").await.expect("sent");
            }
        };
        futures_lite::future::zip(sender, receiver).await;
        assert_eq!(theirs.try_recv(&mut [0]).expect_err("no more").kind(), io::ErrorKind::WouldBlock);
    });
}

#[test]
fn tasks_share_a_socket_and_each_datagram_goes_to_one_of_them() {
    run(async {
        let (ours, theirs) = connected().await;
        let theirs = Arc::new(theirs);
        let receive = |theirs: Arc<UdpSocket>| async move {
            let mut buf = [0; 4];
            theirs.recv(&mut buf).await.expect("a datagram");
            u32::from_be_bytes(buf)
        };
        let tasks: Vec<_> = (0..50).map(|_| raddle_runtime::spawn(receive(theirs.clone()))).collect();
        raddle_runtime::yield_now().await;
        for i in 0..50_u32 {
            ours.send(&i.to_be_bytes()).await.expect("sent");
        }
        let mut got = Vec::new();
        for task in tasks {
            got.push(task.await.expect("the task ends well"));
        }
        got.sort_unstable();
        assert_eq!(got, (0..50).collect::<Vec<_>>());
    });
}

#[test]
fn poll_and_try_functions_do_the_same() {
    run(async {
        let (ours, theirs) = connected().await;
        let to = theirs.local_addr().expect("an address");
        let from = ours.local_addr().expect("an address");
        let mut buf = [0; 9];
        poll_fn(|cx| ours.poll_send_ready(cx)).await.expect("room");
        assert_eq!(poll_fn(|cx| ours.poll_send(cx, b"1")).await.expect("sent"), 1);
        assert_eq!(ours.try_send(b"22").expect("sent"), 2);
        poll_fn(|cx| theirs.poll_recv_ready(cx)).await.expect("a datagram");
        assert_eq!(poll_fn(|cx| theirs.poll_peek(cx, &mut buf)).await.expect("a datagram"), 1);
        assert_eq!(poll_fn(|cx| theirs.poll_recv(cx, &mut buf)).await.expect("a datagram"), 1);
        assert_eq!(theirs.try_peek(&mut buf).expect("a datagram"), 2);
        assert_eq!(theirs.try_recv(&mut buf).expect("a datagram"), 2);

        let (free, from_free) = bind().await;
        theirs.connect(from_free).await.expect("connected to another");
        assert_eq!(poll_fn(|cx| free.poll_send_to(cx, b"333", to)).await.expect("sent"), 3);
        free.writable().await.expect("room");
        assert_eq!(free.try_send_to(b"4444", to).expect("sent"), 4);
        assert_ne!(from, from_free);
        assert_eq!(poll_fn(|cx| theirs.poll_peek_sender(cx)).await.expect("a sender"), from_free);
        assert_eq!(theirs.try_peek_sender().expect("a sender"), from_free);
        let peeked = poll_fn(|cx| theirs.poll_peek_from(cx, &mut buf)).await;
        assert_eq!(peeked.expect("a datagram"), (3, from_free));
        let received = poll_fn(|cx| theirs.poll_recv_from(cx, &mut buf)).await;
        assert_eq!(received.expect("a datagram"), (3, from_free));
        assert_eq!(theirs.try_peek_from(&mut buf).expect("a datagram"), (4, from_free));
        assert_eq!(theirs.try_recv_from(&mut buf).expect("a datagram"), (4, from_free));
        // The events of what was received may still be on their way: each lets the socket look readable once more.
        loop {
            let _ = theirs.try_recv(&mut buf).expect_err("no more");
            let waits = poll_once(&mut pin!(theirs.readable())).await.is_none();
            let ready = theirs.ready(Interest::READABLE | Interest::WRITABLE).await.expect("readiness");
            assert!(ready.is_writable(), "{ready:?}");
            if waits && !ready.is_readable() {
                break;
            }
        }
    });
}

#[test]
fn a_task_whose_socket_is_never_dry_gives_way() {
    let runtime = Builder::new().worker_threads(1).build().expect("a runtime");
    runtime.block_on(async {
        let (ours, addr) = bind().await;
        let mut polls = 0;
        let mut echo = pin!(async {
            for _ in 0..2_000 {
                ours.send_to(b"to myself", addr).await.expect("sent");
                ours.recv(&mut [0; 9]).await.expect("a datagram");
            }
        });
        poll_fn(|cx| {
            polls += 1;
            echo.as_mut().poll(cx)
        })
        .await;
        assert!(polls > 10, "4,000 operations in {polls} polls");
    });
}

#[test]
fn options_are_kept_and_a_std_socket_goes_both_ways() {
    run(async {
        let (ours, addr) = bind().await;
        ours.set_broadcast(true).expect("an option");
        ours.set_ttl(9).expect("an option");
        ours.set_tos_v4(0x28).expect("an option");
        ours.set_multicast_ttl_v4(3).expect("an option");
        ours.set_multicast_loop_v4(false).expect("an option");
        ours.set_multicast_if_v4(Ipv4Addr::LOCALHOST).expect("an option");
        ours.set_send_buffer_size(30_000).expect("an option");
        ours.set_recv_buffer_size(30_000).expect("an option");
        assert!(ours.take_error().expect("an answer").is_none());
        let ours = UdpSocket::from_std(ours.into_std().expect("a socket")).expect("a socket");
        assert_eq!(ours.local_addr().expect("an address"), addr);
        assert!(ours.broadcast().expect("an option") && !ours.multicast_loop_v4().expect("an option"));
        assert_eq!(ours.ttl().expect("an option"), 9);
        assert_eq!(ours.tos_v4().expect("an option"), 0x28);
        assert_eq!(ours.multicast_ttl_v4().expect("an option"), 3);
        assert_eq!(ours.multicast_if_v4().expect("an option"), Ipv4Addr::LOCALHOST);
        assert!(ours.send_buffer_size().expect("an option") >= 30_000);
        assert!(ours.recv_buffer_size().expect("an option") >= 30_000);
        #[cfg(target_os = "linux")]
        assert_eq!(ours.device().expect("an option"), None);

        let six = UdpSocket::bind("[::1]:0").await.expect("a socket");
        six.set_multicast_loop_v6(false).expect("an option");
        six.set_multicast_hops_v6(4).expect("an option");
        six.set_tclass_v6(0x28).expect("an option");
        six.set_multicast_if_v6(1).expect("an option");
        assert!(!six.multicast_loop_v6().expect("an option"));
        assert_eq!(six.multicast_hops_v6().expect("an option"), 4);
        assert_eq!(six.tclass_v6().expect("an option"), 0x28);
        assert_eq!(six.multicast_if_v6().expect("an option"), 1);
    });
}

#[test]
fn a_group_is_joined_heard_and_left() {
    run(async {
        let group = Ipv4Addr::new(239, 255, 70, 7);
        let theirs = UdpSocket::bind("0.0.0.0:0").await.expect("a socket");
        let port = theirs.local_addr().expect("an address").port();
        let (ours, _) = bind().await;
        ours.set_multicast_if_v4(Ipv4Addr::LOCALHOST).expect("an option");
        theirs.join_multicast_v4(group, Ipv4Addr::LOCALHOST).expect("joined");
        ours.send_to(b"to all", (group, port)).await.expect("sent");
        let mut buf = [0; 9];
        assert_eq!(theirs.recv(&mut buf).await.expect("a datagram"), 6);
        theirs.leave_multicast_v4(group, Ipv4Addr::LOCALHOST).expect("left");
        theirs.leave_multicast_v4(group, Ipv4Addr::LOCALHOST).expect_err("left already");

        let group = "ff02::7070".parse().expect("an address");
        let six = UdpSocket::bind("[::]:0").await.expect("a socket");
        six.join_multicast_v6(&group, 1).expect("joined");
        six.leave_multicast_v6(&group, 1).expect("left");
        six.leave_multicast_v6(&group, 1).expect_err("left already");
    });
}

#[test]
fn a_socket_that_outlives_its_runtime_gives_errors_and_does_not_hang() {
    let ours = run(async { bind().await.0 });
    let error = futures_lite::future::block_on(ours.recv(&mut [0])).expect_err("no driver");
    assert!(error.to_string().contains("shut down"), "{error}");
    ours.try_send(b"x").expect_err("no driver");
    ours.into_std().expect("a socket").local_addr().expect("an address");
}
