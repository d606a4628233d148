//! Bytes go through: echoed, in pieces, through many buffers at once, against a slow reader, by dropped futures.

mod common;

use common::{dropped_after_each_poll, pair, pattern, run};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use raddle_net::{TcpListener, TcpStream};
use raddle_runtime::spawn;
use std::io::{IoSlice, IoSliceMut};

async fn echo(mut stream: TcpStream) {
    let mut buf = [0; 4096];
    loop {
        match stream.read(&mut buf).await.expect("a read") {
            0 => return,
            n => stream.write_all(&buf[..n]).await.expect("a write"),
        }
    }
}

#[test]
fn fifty_connections_are_echoed_at_once() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let addr = listener.local_addr().expect("an address");
        let server = spawn(async move {
            for _ in 0..50 {
                let (stream, _) = listener.accept().await.expect("a connection");
                spawn(echo(stream)).detach();
            }
        });
        let clients: Vec<_> = (0..50)
            .map(|i| {
                spawn(async move {
                    let mut stream = TcpStream::connect(addr).await.expect("a client");
                    for round in 0..200 {
                        let sent = pattern(1 + (i * 37 + round) % 3000);
                        stream.write_all(&sent).await.expect("a write");
                        let mut got = vec![0; sent.len()];
                        stream.read_exact(&mut got).await.expect("a read");
                        assert!(sent == got);
                    }
                })
            })
            .collect();
        for client in clients {
            client.await.expect("the client ends well");
        }
        server.await.expect("the server ends well");
    });
}

#[test]
fn f01_a_read_that_is_cut_short_loses_neither_the_next_bytes_nor_the_end() {
    run(async {
        let (mut ours, mut theirs) = pair().await;
        let mut buf = [0; 64];
        for i in 0..2_000_u32 {
            theirs.write_all(&i.to_be_bytes()).await.expect("a write");
            assert_eq!(ours.read(&mut buf).await.expect("a read"), 4);
            assert_eq!(buf[..4], i.to_be_bytes());
        }
        // Bytes and end in one event: the short read must not take the end with it.
        theirs.write_all(b"last").await.expect("a write");
        drop(theirs);
        assert_eq!(ours.read(&mut buf).await.expect("a read"), 4);
        assert_eq!(ours.read(&mut buf).await.expect("the end"), 0);
        assert_eq!(ours.read(&mut buf).await.expect("the end again"), 0);
    });
}

#[test]
fn f01_bytes_behind_urgent_data_are_not_lost() {
    run(async {
        let (mut ours, theirs) = pair().await;
        let theirs = theirs.into_std().expect("a socket");
        theirs.set_nonblocking(false).expect("blocking");
        let theirs = socket2::Socket::from(theirs);
        theirs.send(b"before").expect("a write");
        theirs.send_out_of_band(b"!").expect("an urgent write");
        theirs.send(b"behind").expect("a write");
        let mut got = Vec::new();
        let mut buf = [0; 64];
        while got.len() < 12 {
            let n = ours.read(&mut buf).await.expect("a read");
            got.extend_from_slice(&buf[..n]);
        }
        assert_eq!(got, b"beforebehind");
    });
}

#[test]
fn a_slow_reader_holds_the_writer_up_and_gets_every_byte() {
    run(async {
        let (mut ours, mut theirs) = pair().await;
        ours.set_send_buffer_size(256 * 1024).expect("a buffer");
        let sent = pattern(8 << 20);
        let expected = sent.clone();
        let writer = spawn(async move {
            ours.write_all(&sent).await.expect("a write");
            ours.close().await.expect("the end");
            ours
        });
        let mut got = Vec::new();
        let mut buf = vec![0; 10_007];
        loop {
            match theirs.read(&mut buf).await.expect("a read") {
                0 => break,
                n => got.extend_from_slice(&buf[..n]),
            }
            raddle_runtime::yield_now().await;
        }
        assert!(got == expected);
        drop(writer.await.expect("the writer ends well"));
    });
}

#[test]
fn both_directions_are_busy_at_once() {
    run(async {
        let (ours, theirs) = pair().await;
        let all = [ours, theirs].map(|stream| {
            let (mut read, mut write) = stream.into_split();
            let writer = spawn(async move { write.write_all(&pattern(4 << 20)).await });
            let reader = spawn(async move {
                let mut got = Vec::new();
                read.read_to_end(&mut got).await.map(|_| got)
            });
            (writer, reader)
        });
        for (writer, reader) in all {
            writer.await.expect("the writer ends").expect("a write");
            assert!(reader.await.expect("the reader ends").expect("a read") == pattern(4 << 20));
        }
    });
}

#[test]
fn vectored_reads_and_writes_keep_order_however_many_the_buffers() {
    run(async {
        // More than are surely taken in one call (16), and more than the system takes (1,024).
        for count in [1, 2, 16, 17, 1_500] {
            let (mut ours, mut theirs) = pair().await;
            let sent = pattern(count * 7);
            let slices: Vec<_> = sent.chunks(7).map(IoSlice::new).collect();
            let mut written = ours.write_vectored(&slices).await.expect("a write");
            ours.write_all(&sent[written..]).await.expect("a write");
            written = sent.len();
            let (mut first, mut second) = (vec![0; 5], vec![0; written - 5]);
            theirs.peek(&mut [0]).await.expect("a byte");
            let mut bufs = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
            let read = theirs.read_vectored(&mut bufs).await.expect("a read");
            let mut got = [first, second].concat();
            theirs.read_exact(&mut got[read..]).await.expect("the rest");
            assert!(got == sent, "{count} buffers");
        }
    });
}

#[test]
fn futures_dropped_after_each_poll_lose_nothing() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let addr = listener.local_addr().expect("an address");
        let client = async {
            let mut stream = dropped_after_each_poll(|| TcpStream::connect(addr)).await.expect("a client");
            for piece in pattern(60_000).chunks(97) {
                stream.write_all(piece).await.expect("a write");
                raddle_runtime::yield_now().await;
            }
            stream
        };
        // A connect that was dropped may have left a connection that ends at once.
        let server = async {
            loop {
                let (mut stream, _) =
                    dropped_after_each_poll(|| listener.accept()).await.expect("a connection");
                let got = read_with_dropped_futures(&mut stream).await;
                if !got.is_empty() {
                    return got;
                }
            }
        };
        let (stream, got) = futures_lite::future::zip(client, server).await;
        assert!(got == pattern(60_000));
        drop(stream);
    });
}

/// Reads 60,000 bytes, or to the end.
async fn read_with_dropped_futures(stream: &mut TcpStream) -> Vec<u8> {
    let mut got = Vec::new();
    while got.len() < 60_000 {
        dropped_after_each_poll(|| stream.readable()).await.expect("readiness");
        let mut buf = [0; 1_000];
        let peeked =
            dropped_after_each_poll(async || stream.peek(&mut buf[..1]).await).await.expect("a peek");
        if peeked == 0 {
            break;
        }
        let n = dropped_after_each_poll(async || stream.read(&mut buf).await).await.expect("a read");
        got.extend_from_slice(&buf[..n]);
    }
    got
}
