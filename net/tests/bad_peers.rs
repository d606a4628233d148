//! Peers that trickle, flood, never read, reset and half-close, all at one server, over TCP and Unix sockets: each that
//! can gets every byte back, and none costs another one.

mod common;
#[path = "common/temp.rs"]
mod temp;

use common::{pattern, run};
use futures_lite::future::zip;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use raddle_net::socket::{Listener, Listening, Socket, Stream};
use raddle_net::{TcpListener, TcpStream, UnixListener, UnixStream, pipe};
use raddle_runtime::{spawn, yield_now};
use std::net::Shutdown;
use temp::TempDir;

const FLOOD: usize = 4 << 20;

/// Writes back what comes. A peer that is gone ends it, whatever the error.
async fn echo<S: Socket>(stream: Stream<S>) {
    let mut buf = vec![0; 10_000];
    while let Ok(n @ 1..) = (&mut &stream).read(&mut buf).await {
        if (&mut &stream).write_all(&buf[..n]).await.is_err() {
            return;
        }
    }
    let _ = stream.shutdown(Shutdown::Write);
}

async fn serve<L: Listening + 'static>(listener: Listener<L>)
where
    L::Socket: 'static,
{
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        spawn(echo(stream)).detach();
    }
}

/// Byte for byte.
async fn trickle<S: Socket>(stream: Stream<S>) {
    for byte in 0..=255 {
        (&mut &stream).write_all(&[byte]).await.expect("a write");
        // Sometimes there is one to be read, sometimes two.
        if byte % 3 != 0 {
            continue;
        }
        let mut buf = vec![0; if byte == 0 { 1 } else { 3 }];
        (&mut &stream).read_exact(&mut buf).await.expect("a read");
        assert_eq!(buf.last(), Some(&byte));
    }
}

/// More than all buffers hold, and the end of one direction.
async fn flood<S: Socket>(stream: Stream<S>) {
    let sent = pattern(FLOOD);
    let write = async {
        (&mut &stream).write_all(&sent).await.expect("a write");
        stream.shutdown(Shutdown::Write).expect("the end");
    };
    let read = async {
        let mut got = Vec::new();
        (&mut &stream).read_to_end(&mut got).await.expect("up to the end");
        got
    };
    let ((), got) = zip(write, read).await;
    assert!(got == sent, "{} of {FLOOD} bytes", got.len());
}

/// Writes until there is no room, and reads nothing.
async fn never_read<S: Socket>(stream: Stream<S>) -> Stream<S> {
    stream.writable().await.expect("room");
    while let Ok(written) = stream.try_write(&[7; 65_536]) {
        assert_ne!(written, 0);
    }
    stream
}

/// With bytes unread, which makes the end a reset.
async fn reset<S: Socket>(stream: Stream<S>) {
    (&mut &stream).write_all(&pattern(1_000)).await.expect("a write");
    stream.readable().await.expect("an echo");
}

async fn all_at_once<L: Listening + 'static>(
    listener: Listener<L>,
    connect: impl AsyncFn() -> Stream<L::Socket>,
) where
    L::Socket: 'static,
{
    let server = spawn(serve(listener));
    let silent = never_read(connect().await).await;
    let resets = async {
        for _ in 0..50 {
            reset(connect().await).await;
        }
    };
    zip(zip(trickle(connect().await), flood(connect().await)), resets).await;
    trickle(connect().await).await;
    // It, too, has lost nothing: it gets back what it has sent, as soon as it reads.
    let mut buf = vec![0; 65_536];
    (&mut &silent).read_exact(&mut buf).await.expect("an echo");
    assert!(buf.iter().all(|byte| *byte == 7));
    server.cancel();
}

#[test]
fn bad_tcp_peers_cost_the_others_nothing() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let addr = listener.local_addr().expect("an address");
        all_at_once(listener, async || TcpStream::connect(addr).await.expect("a client")).await;
    });
}

#[test]
fn bad_unix_peers_cost_the_others_nothing() {
    run(async {
        let dir = TempDir::new();
        let path = dir.join("a.sock");
        let listener = UnixListener::bind(&path).expect("a listener");
        all_at_once(listener, async || UnixStream::connect(&path).await.expect("a client")).await;
    });
}

#[test]
fn a_pipe_that_is_fed_byte_by_byte_brings_each() {
    run(async {
        let (mut sender, mut receiver) = pipe::pipe().expect("a pipe");
        let write = async {
            for byte in pattern(5_000) {
                sender.write_all(&[byte]).await.expect("a write");
            }
            drop(sender);
        };
        let read = async {
            let (mut got, mut buf) = (Vec::<u8>::new(), [0; 7]);
            while let n @ 1.. = receiver.read(&mut buf).await.expect("a read") {
                got.extend(&buf[..n]);
                yield_now().await;
            }
            got
        };
        assert!(zip(write, read).await.1 == pattern(5_000));
    });
}
