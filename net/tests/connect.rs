//! Connecting where there are several addresses, and where nobody answers. On a paused clock: a listener whose queue is
//! full is an address that never answers.

mod common;

use common::{closed_port, full_listener, poll_once, run};
use raddle_net::{TcpListener, TcpStream};
use raddle_runtime::runtime::Builder;
use raddle_runtime::time::Instant;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

const HEAD_START: Duration = Duration::from_millis(250);

fn run_paused<T>(future: impl Future<Output = T>) -> T {
    Builder::new().current_thread().start_paused(true).build().expect("a runtime").block_on(future)
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let addr = listener.local_addr().expect("an address");
    (listener, addr)
}

#[test]
fn an_address_that_does_not_answer_holds_up_the_next_for_a_quarter_of_a_second() {
    run_paused(async {
        let silent = [full_listener("127.0.0.1:0").await, full_listener("127.0.0.2:0").await];
        let (_listener, good) = listen().await;
        let start = Instant::now();
        let stream = TcpStream::connect([silent[0].addr, silent[1].addr, good]).await.expect("the third");
        assert_eq!(start.elapsed(), 2 * HEAD_START);
        assert_eq!(stream.peer_addr().expect("a peer"), good);
    });
}

#[test]
fn an_address_that_refuses_holds_up_nobody() {
    run_paused(async {
        let refused = closed_port().await;
        let silent = full_listener("127.0.0.1:0").await;
        let (_listener, good) = listen().await;
        let start = Instant::now();
        let stream = TcpStream::connect([refused, good]).await.expect("the second");
        assert_eq!(stream.peer_addr().expect("a peer"), good);
        assert_eq!(start.elapsed(), Duration::ZERO);
        // The second starts at 250 ms and fails at once: so the third comes at once.
        let stream = TcpStream::connect([silent.addr, refused, good]).await.expect("the third");
        assert_eq!(stream.peer_addr().expect("a peer"), good);
        assert_eq!(start.elapsed(), HEAD_START);
    });
}

#[test]
fn what_answers_late_still_wins() {
    run(async {
        let late = full_listener("127.0.0.1:0").await;
        let silent = full_listener("127.0.0.2:0").await;
        let (late_addr, mut connecting) = (late.addr, pin!(TcpStream::connect([late.addr, silent.addr])));
        assert!(poll_once(&mut connecting).await.is_none());
        // There is room now; the system asks again after a second, when the second attempt is under way too.
        let drain = raddle_runtime::spawn(async move {
            loop {
                late.accept().await;
            }
        });
        let stream = connecting.await.expect("the first");
        assert_eq!(stream.peer_addr().expect("a peer"), late_addr);
        drain.cancel();
    });
}

#[test]
fn the_error_has_each_address_and_what_it_said() {
    run_paused(async {
        let refused = [closed_port().await, closed_port().await];
        let error = TcpStream::connect(refused).await.expect_err("nobody listens");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let text = error.to_string();
        for addr in refused {
            assert!(text.contains(&format!("connect to {addr}: Connection refused")), "{text}");
        }
        let error = TcpStream::connect([]).await.expect_err("no address");
        assert_eq!(error.to_string(), "cannot connect: no address was given");
    });
}

#[test]
fn the_end_of_the_time_has_each_address_and_what_it_said() {
    run_paused(async {
        let silent = [full_listener("127.0.0.1:0").await, full_listener("127.0.0.2:0").await];
        let refused = closed_port().await;
        let (limit, start) = (Duration::from_millis(400), Instant::now());
        let addrs = [silent[0].addr, refused, silent[1].addr];
        let error = TcpStream::connect_timeout(addrs, limit).await.expect_err("nobody answers");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed(), limit);
        let text = error.to_string();
        assert!(text.contains(&format!("connect to {refused}: Connection refused")), "{text}");
        for silent in &silent {
            assert!(text.contains(&format!("connect to {}: no answer within 400ms", silent.addr)), "{text}");
        }

        let error = TcpStream::connect_timeout(silent[0].addr, limit).await.expect_err("nobody answers");
        assert_eq!(error.to_string(), format!("connect to {}: no answer within 400ms", silent[0].addr));
    });
}

#[test]
fn f22_the_look_up_takes_nothing_of_a_paused_time_limit() {
    run_paused(async {
        let (_listener, addr) = listen().await;
        let limit = Duration::from_secs(1);
        TcpStream::connect_timeout(("localhost", addr.port()), limit).await.expect("a client");
    });
}

#[test]
fn a_time_limit_changes_nothing_for_those_who_answer() {
    run(async {
        let (listener, addr) = listen().await;
        for limit in [Duration::from_secs(1), Duration::MAX] {
            let stream = TcpStream::connect_timeout(addr, limit).await.expect("a client");
            assert_eq!(stream.peer_addr().expect("a peer"), addr);
            listener.accept().await.expect("a connection");
        }
        let port = addr.port();
        TcpStream::connect_timeout(("localhost", port), Duration::MAX).await.expect("a client");
        let refused = closed_port().await;
        let error = TcpStream::connect_timeout(refused, Duration::MAX).await.expect_err("nobody listens");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let name = "x".repeat(64) + ".invalid";
        let error =
            TcpStream::connect_timeout((name.as_str(), 80), Duration::MAX).await.expect_err("no such name");
        assert!(error.to_string().contains(&name), "{error}");
    });
}
