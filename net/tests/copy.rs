//! Copying: what arrives, who is told of the end, what an error ends, and what a dropped future loses.

mod common;

use common::{dropped_after_each_poll, pair, pattern, poll_once, run};
use futures_lite::io::{BufReader, BufWriter, Cursor};
use futures_lite::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use raddle_net::{TcpStream, copy, copy_bidirectional, copy_buf, splice, splice_bidirectional};
use raddle_runtime::spawn;
use raddle_runtime::task::JoinHandle;
use std::future::poll_fn;
use std::io;
use std::net::Shutdown;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

/// More than all buffers on the way hold.
const MUCH: usize = 6 * 1024 * 1024;

/// How a proxy does it.
#[derive(Debug, Clone, Copy)]
enum By {
    Buffer,
    Pipe,
}

async fn both_ways(by: By, a: &TcpStream, b: &TcpStream) -> io::Result<(u64, u64)> {
    match by {
        By::Buffer => copy_bidirectional(a, b).await,
        By::Pipe => splice_bidirectional(a, b).await,
    }
}

/// A client, a server, and the proxy between them.
async fn proxied(by: By) -> (TcpStream, TcpStream, JoinHandle<io::Result<(u64, u64)>>) {
    let (client, front) = pair().await;
    let (back, server) = pair().await;
    let proxy = spawn(async move { both_ways(by, &front, &back).await });
    (client, server, proxy)
}

/// Sends a pattern, ends the writing, and reads what comes until the end.
async fn exchange(mut stream: TcpStream, len: usize) -> Vec<u8> {
    let mut writer = &stream;
    let sent = pattern(len);
    let mut sending = pin!(async {
        writer.write_all(&sent).await.expect("a write");
        writer.close().await.expect("the end of writing");
    });
    let mut got = Vec::new();
    let mut reader = &stream;
    let mut receiving = pin!(reader.read_to_end(&mut got));
    let mut is_sent = false;
    poll_fn(|cx| {
        is_sent = is_sent || sending.as_mut().poll(cx).is_ready();
        receiving.as_mut().poll(cx)
    })
    .await
    .expect("up to the end");
    if !is_sent {
        sending.await;
    }
    stream.flush().await.expect("a flush");
    got
}

#[test]
fn both_ways_at_once_bring_every_byte() {
    run(async {
        for by in [By::Buffer, By::Pipe] {
            let (client, server, proxy) = proxied(by).await;
            let client = spawn(exchange(client, MUCH));
            let server = spawn(exchange(server, MUCH / 2 + 1));
            assert!(client.await.expect("the client ends well") == pattern(MUCH / 2 + 1), "{by:?}");
            assert!(server.await.expect("the server ends well") == pattern(MUCH), "{by:?}");
            let counts = proxy.await.expect("the proxy ends well").expect("no error");
            assert_eq!(counts, (MUCH as u64, MUCH as u64 / 2 + 1));
        }
    });
}

#[test]
fn one_direction_ends_and_the_other_goes_on() {
    run(async {
        for by in [By::Buffer, By::Pipe] {
            let (mut client, mut server, proxy) = proxied(by).await;
            client.write_all(b"question").await.expect("a write");
            client.shutdown(Shutdown::Write).expect("the end of writing");
            let mut got = String::new();
            server.read_to_string(&mut got).await.expect("up to the end");
            assert_eq!(got, "question");
            for _ in 0..3 {
                server.write_all(b"answer").await.expect("a write");
                let mut answer = [0; 6];
                client.read_exact(&mut answer).await.expect("an answer");
                assert_eq!(&answer, b"answer");
            }
            drop(server);
            assert_eq!(client.read(&mut [0; 1]).await.expect("the end"), 0);
            assert_eq!(proxy.await.expect("the proxy ends well").expect("no error"), (8, 18));
        }
    });
}

#[test]
fn an_error_ends_both_ways() {
    run(async {
        for by in [By::Buffer, By::Pipe] {
            let (mut client, server, proxy) = proxied(by).await;
            server.set_linger(Some(Duration::ZERO)).expect("an option");
            drop(server);
            let error = proxy.await.expect("the proxy ends well").expect_err("the server has reset");
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "{by:?}");
            // The proxy has dropped both ends.
            assert_eq!(client.read(&mut [0; 1]).await.expect("the end"), 0);
        }
    });
}

#[test]
fn a_peer_that_is_gone_is_an_error_not_a_signal() {
    run(async {
        for by in [By::Buffer, By::Pipe] {
            let (client, server, proxy) = proxied(by).await;
            server.set_linger(Some(Duration::ZERO)).expect("an option");
            drop(server);
            let flood = spawn(async move {
                let mut client = client;
                while client.write_all(&[0; 4096]).await.is_ok() {}
            });
            proxy.await.expect("the proxy ends well").expect_err("the server is gone");
            flood.await.expect("the client ends well");
        }
    });
}

#[test]
fn a_way_that_never_pauses_leaves_the_other_its_turn() {
    run(async {
        // Endless zeros one way, read as fast as they come; an answer the other way.
        let (mut client, mut server) = pair().await;
        let endless = Endless { left: u64::MAX, got: Vec::new() };
        let proxy = spawn(async move { copy_bidirectional(endless, &mut server).await });
        let mut buffer = [0; 64 * 1024];
        for _ in 0..100 {
            assert!(client.read(&mut buffer).await.expect("zeros") > 0);
            client.write_all(b"x").await.expect("a write");
        }
        client.set_linger(Some(Duration::ZERO)).expect("an option");
        drop(client);
        proxy.await.expect("the proxy ends well").expect_err("the client has reset");
        // In memory nothing ever waits: only the budget makes it give way.
        let (one, other) =
            (Endless { left: 1 << 20, got: Vec::new() }, Endless { left: 1 << 20, got: Vec::new() });
        let counts = copy_bidirectional(one, other).await.expect("no error");
        assert_eq!(counts, (1 << 20, 1 << 20));
    });
}

/// Always has something to read, until there is nothing left; takes everything.
#[derive(Debug)]
struct Endless {
    left: u64,
    got: Vec<u8>,
}

impl futures_lite::AsyncRead for Endless {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let n = buf.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= n as u64;
        buf[..n].fill(0);
        Poll::Ready(Ok(n))
    }
}

impl AsyncWrite for Endless {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.got.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn one_way_copies_to_the_end_and_closes_nothing() {
    run(async {
        for by in [By::Buffer, By::Pipe] {
            let (source, from) = pair().await;
            let (to, sink) = pair().await;
            let source = spawn(async move {
                let mut source = source;
                source.write_all(&pattern(MUCH)).await.expect("a write");
            });
            let sink = spawn(async move {
                let (mut sink, mut got) = (sink, vec![0; MUCH + 4]);
                sink.read_exact(&mut got).await.expect("all bytes");
                got
            });
            let copied = match by {
                By::Buffer => copy(&from, &to).await,
                By::Pipe => splice(&from, &to).await,
            };
            assert_eq!(copied.expect("no error"), MUCH as u64);
            (&to).write_all(b"more").await.expect("it is open");
            let got = sink.await.expect("the sink ends well");
            assert!(got[..MUCH] == pattern(MUCH));
            assert_eq!(&got[MUCH..], b"more");
            source.await.expect("the source ends well");
        }
    });
}

#[test]
fn what_was_written_is_flushed_while_nothing_comes() {
    run(async {
        let (mut source, from) = pair().await;
        let (to, mut sink) = pair().await;
        let buffered = BufWriter::new(to);
        let copying = spawn(copy(from, buffered));
        source.write_all(b"question").await.expect("a write");
        let mut got = [0; 8];
        sink.read_exact(&mut got).await.expect("it was flushed");
        assert_eq!(&got, b"question");
        drop(source);
        assert_eq!(copying.await.expect("it ends well").expect("no error"), 8);
    });
}

#[test]
fn a_writer_that_takes_nothing_is_an_error() {
    run(async {
        let mut full = [0; 4];
        let error = copy(&b"too much"[..], Cursor::new(&mut full[..])).await.expect_err("it is full");
        assert_eq!(error.kind(), io::ErrorKind::WriteZero);
        let error = copy_buf(&b"too much"[..], Cursor::new(&mut full[..])).await.expect_err("it is full");
        assert_eq!(error.kind(), io::ErrorKind::WriteZero);
        assert_eq!(&full, b"too ");
    });
}

#[test]
fn a_copy_from_a_buffer_that_is_dropped_after_each_poll_loses_nothing() {
    run(async {
        let (source, from) = pair().await;
        let (to, sink) = pair().await;
        let source = spawn(async move {
            let mut source = source;
            source.write_all(&pattern(MUCH)).await.expect("a write");
        });
        let sink = spawn(exchange(sink, 0));
        let mut from = BufReader::new(from);
        // How much the last one copied says nothing about those before.
        dropped_after_each_poll(async || copy_buf(&mut from, &to).await).await.expect("no error");
        drop(to);
        assert!(sink.await.expect("the sink ends well") == pattern(MUCH));
        source.await.expect("the source ends well");
    });
}

#[test]
fn a_dropped_proxy_gives_its_ends_back_unclosed() {
    run(async {
        for by in [By::Buffer, By::Pipe] {
            let (mut client, front) = pair().await;
            let (back, mut server) = pair().await;
            {
                let mut proxy = pin!(both_ways(by, &front, &back));
                assert!(poll_once(&mut proxy).await.is_none());
            }
            // Nothing had come, so nothing was lost: another proxy goes on.
            let proxy = spawn(async move { both_ways(by, &front, &back).await });
            client.write_all(b"later").await.expect("a write");
            let mut got = [0; 5];
            server.read_exact(&mut got).await.expect("a read");
            assert_eq!(&got, b"later");
            drop((client, server));
            proxy.await.expect("the proxy ends well").expect("no error");
        }
    });
}
