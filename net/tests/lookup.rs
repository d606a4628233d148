//! Names become addresses, on threads that nobody waits for.

mod common;

use common::{dropped_after_each_poll, run};
use raddle_net::{TcpListener, TcpStream, UdpSocket, lookup_host, lookup_host_timeout};
use raddle_runtime::runtime::Builder;
use raddle_runtime::time::Instant;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

#[test]
fn literals_come_back_as_they_are() {
    run(async {
        let addrs: Vec<_> = lookup_host("127.0.0.1:80").await.expect("a literal").collect();
        assert_eq!(addrs, [SocketAddr::from(([127, 0, 0, 1], 80))]);
        let addrs: Vec<_> = lookup_host("::1").await.expect("a literal").collect();
        assert_eq!(addrs, ["[::1]:0".parse().expect("an address")]);
    });
}

#[test]
fn names_are_looked_up_many_at_once() {
    run(async {
        let lookups: Vec<_> = (0..40_u16)
            .map(|port| {
                raddle_runtime::spawn(
                    async move { lookup_host(("localhost", port)).await.map(Vec::from_iter) },
                )
            })
            .collect();
        for (port, lookup) in (0..).zip(lookups) {
            let addrs = lookup.await.expect("the task ends well").expect("localhost");
            assert!(addrs.iter().all(|addr| addr.ip().is_loopback() && addr.port() == port), "{addrs:?}");
            assert!(!addrs.is_empty());
        }
    });
}

#[test]
fn a_name_can_be_listened_and_connected_to() {
    run(async {
        let listener = TcpListener::bind("localhost:0").await.expect("a listener");
        let port = listener.local_addr().expect("an address").port();
        let stream = TcpStream::connect(("localhost", port)).await.expect("a client");
        assert_eq!(stream.peer_addr().expect("a peer").port(), port);
    });
}

#[test]
fn a_name_that_does_not_exist_is_named() {
    run(async {
        // A label of more than 63 letters is no name: no server is asked.
        let name = "x".repeat(64) + ".invalid";
        let error = lookup_host((name.as_str(), 80)).await.map(drop).expect_err("no such name");
        assert!(error.to_string().contains(&name), "{error}");
        let host = (name.as_str(), 80);
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
        let errors = [
            TcpStream::connect(host).await.map(drop).expect_err("no such name"),
            TcpStream::connect_timeout(host, Duration::MAX).await.map(drop).expect_err("no such name"),
            TcpListener::bind(host).await.map(drop).expect_err("no such name"),
            UdpSocket::bind(host).await.map(drop).expect_err("no such name"),
            socket.connect(host).await.expect_err("no such name"),
            socket.send_to(b"x", host).await.map(drop).expect_err("no such name"),
        ];
        for error in errors {
            assert!(error.to_string().contains(&name), "{error}");
        }
        // What is no name at all: a zero byte, nothing, brackets around nothing.
        for host in ["a\0b", "", "[]", "[::1"] {
            let error = TcpStream::connect((host, 80)).await.expect_err("no such name");
            assert_ne!(error.kind(), io::ErrorKind::WouldBlock, "{error}");
        }
        let error = lookup_host("").await.map(drop).expect_err("empty");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    });
}

#[test]
fn f22_a_look_up_takes_no_paused_time() {
    let runtime = Builder::new().worker_threads(2).start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let began = Instant::now();
        for _ in 0..20 {
            let limit = Duration::from_secs(1);
            let addrs = lookup_host_timeout("localhost:80", limit).await.expect("localhost");
            assert!(addrs.count() >= 1);
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
    });
}

#[test]
fn lookups_dropped_after_each_poll_lose_nothing() {
    run(async {
        for _ in 0..50 {
            let mut addrs = dropped_after_each_poll(|| lookup_host("localhost:1")).await.expect("localhost");
            assert!(addrs.next().is_some_and(|addr| addr.port() == 1));
        }
    });
}

#[test]
fn a_look_up_that_takes_too_long_says_whose_it_was() {
    run(async {
        let addrs =
            lookup_host_timeout("127.0.0.1:80", Duration::ZERO).await.expect("a literal is never too late");
        assert_eq!(addrs.count(), 1);
        let addrs = lookup_host_timeout("localhost:80", Duration::MAX).await.expect("localhost");
        assert!(addrs.count() >= 1);
        // No resolver answers before we look for the first time, but a very lucky one.
        let error = loop {
            if let Err(error) = lookup_host_timeout("localhost:80", Duration::ZERO).await.map(drop) {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(error.to_string(), "look up localhost: no answer within 0ns");
        let name = "x".repeat(64) + ".invalid";
        let error = lookup_host_timeout((name.as_str(), 80), Duration::MAX)
            .await
            .map(drop)
            .expect_err("no such name");
        assert!(error.to_string().contains(&name), "{error}");
    });
}
