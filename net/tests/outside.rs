//! Sockets without a runtime: never made, or outliving theirs.

mod common;

use common::run;
use futures_lite::future::block_on;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use raddle_net::{TcpListener, TcpStream};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The message of the panic of `f`.
fn panic_of<T>(f: impl FnOnce() -> T) -> String {
    let panic = catch_unwind(AssertUnwindSafe(f)).map(drop).expect_err("it panics");
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => (*panic.downcast::<&str>().expect("a text")).to_owned(),
    }
}

#[test]
fn making_a_socket_outside_a_runtime_panics_and_says_what_to_do() {
    let texts = [
        panic_of(|| block_on(TcpListener::bind("127.0.0.1:0"))),
        panic_of(|| block_on(TcpStream::connect("127.0.0.1:9"))),
        panic_of(|| TcpListener::from_std(std::net::TcpListener::bind("127.0.0.1:0").expect("a listener"))),
    ];
    for text in texts {
        assert!(text.contains("runtime") && text.contains("raddle::run"), "{text}");
    }
}

#[test]
fn a_socket_that_outlives_its_runtime_gives_errors_and_does_not_hang() {
    let (listener, mut stream, mut other) = run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let stream = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("a client");
        let (other, _) = listener.accept().await.expect("a connection");
        (listener, stream, other)
    });
    let errors = [
        block_on(listener.accept()).map(drop).expect_err("no driver"),
        block_on(stream.read(&mut [0])).map(drop).expect_err("no driver"),
        block_on(other.write(b"x")).map(drop).expect_err("no driver"),
        block_on(other.readable()).expect_err("no driver"),
        other.try_write(b"x").map(drop).expect_err("no driver"),
    ];
    for error in errors {
        assert_eq!(error.kind(), io::ErrorKind::Other);
        assert!(error.to_string().contains("shut down"), "{error}");
    }
    // What is theirs still works: the descriptor.
    stream.into_std().expect("a socket").peer_addr().expect("a peer");
    drop((listener, other));
}

#[test]
fn a_socket_is_used_from_another_runtime() {
    let (mut ours, mut theirs) = (None, None);
    let first = raddle_runtime::runtime::Builder::new().worker_threads(1).build().expect("a runtime");
    first.block_on(async {
        let (a, b) = common::pair().await;
        (ours, theirs) = (Some(a), Some(b));
    });
    let (mut ours, mut theirs) = (ours.expect("made"), theirs.expect("made"));
    run(async move {
        ours.write_all(b"x").await.expect("a write");
        theirs.read_exact(&mut [0]).await.expect("a read");
    });
    drop(first);
}
