//! asyncio's streams between two of ours, and with sockets that misbehave in no way.

mod common;

use common::{dropped_after_each_poll, pattern, poll_once, run};
use futures_lite::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, StreamExt};
use raddle_net::streams::{IncompleteReadError, LimitOverrunError};
use raddle_net::{
    StreamOptions, StreamReader, StreamWriter, TcpListener, TcpStream, open_connection, start_server,
};
use std::io;
use std::pin::pin;

/// Streams on this side, a socket on the other.
async fn streams(options: StreamOptions) -> (StreamReader, StreamWriter, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let addr = listener.local_addr().expect("an address");
    let (reader, writer) = options.open_connection(addr).await.expect("a connection");
    let (peer, _) = listener.accept().await.expect("a connection");
    (reader, writer, peer)
}

fn inner<E: std::error::Error + 'static>(error: &io::Error) -> &E {
    error.get_ref().and_then(|inner| inner.downcast_ref()).expect("an error of this kind")
}

#[test]
fn each_method_reads_what_it_says() {
    run(async {
        let (mut reader, _writer, mut peer) = streams(StreamOptions::new()).await;
        peer.write_all(b"line\nexact|a;b,rest").await.expect("a write");
        assert_eq!(reader.readline().await.expect("a line"), b"line\n");
        assert_eq!(reader.readexactly(5).await.expect("five bytes"), b"exact");
        assert_eq!(reader.readuntil("|").await.expect("a separator"), b"|");
        assert_eq!(reader.readuntil_any(&[b",", b";"]).await.expect("a separator"), b"a;");
        assert_eq!(reader.readuntil_any(&[b",", b";"]).await.expect("a separator"), b"b,");
        assert_eq!(reader.read(2).await.expect("two bytes"), b"re");
        assert_eq!(reader.read(0).await.expect("nothing"), b"");
        assert_eq!(reader.read(100).await.expect("what is there"), b"st");
        assert!(!reader.at_eof());
        peer.write_all(b"all of it").await.expect("a write");
        drop(peer);
        assert_eq!(reader.read_to_end().await.expect("all"), b"all of it");
        assert!(reader.at_eof());
        assert_eq!(reader.read(1).await.expect("the end"), b"");
        assert_eq!(reader.readline().await.expect("the end"), b"");
    });
}

#[test]
fn a_dropped_read_loses_no_byte() {
    run(async {
        let (mut reader, _writer, mut peer) = streams(StreamOptions::new()).await;
        let sent = pattern(100_000);
        let expected = sent.clone();
        let task = raddle_runtime::spawn(async move {
            for chunk in sent.chunks(97) {
                peer.write_all(chunk).await.expect("a write");
                raddle_runtime::yield_now().await;
            }
        });
        let mut got = Vec::new();
        let mut turn = 0;
        while got.len() < 90_000 {
            turn += 1;
            let part = match turn % 3 {
                0 => dropped_after_each_poll(async || reader.readexactly(501).await).await,
                1 => dropped_after_each_poll(async || reader.readuntil_any(&[&[7, 8], &[250]]).await).await,
                _ => dropped_after_each_poll(async || reader.readline().await).await,
            };
            got.extend(part.expect("a part"));
        }
        got.extend(dropped_after_each_poll(async || reader.read_to_end().await).await.expect("the rest"));
        task.await.expect("the peer ends");
        assert_eq!(got, expected);
    });
}

#[test]
fn the_end_before_what_was_asked_for_tells_what_came() {
    run(async {
        for (expected, text) in [(Some(10), "4 of 10"), (None, "before a separator")] {
            let (mut reader, _writer, mut peer) = streams(StreamOptions::new()).await;
            peer.write_all(b"four").await.expect("a write");
            drop(peer);
            let error = match expected {
                Some(n) => reader.readexactly(n).await,
                None => reader.readuntil(b"\n").await,
            };
            let error = error.expect_err("it ends");
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
            assert!(error.to_string().contains(text), "{error}");
            let incomplete: &IncompleteReadError = inner(&error);
            assert_eq!((incomplete.partial.as_slice(), incomplete.expected), (&b"four"[..], expected));
            assert!(reader.at_eof());
        }
        let (mut reader, _writer, mut peer) = streams(StreamOptions::new()).await;
        peer.write_all(b"four").await.expect("a write");
        drop(peer);
        assert_eq!(reader.readline().await.expect("what is left"), b"four");
    });
}

#[test]
fn over_the_limit_readuntil_keeps_and_readline_drops() {
    run(async {
        let (mut reader, _writer, mut peer) = streams(StreamOptions::new().limit(10)).await;
        assert_eq!(reader.limit(), 10);
        peer.write_all(b"eleven bytes\nten bytes.\n").await.expect("a write");
        for _ in 0..2 {
            let error = reader.readuntil(b"\n").await.expect_err("it is too long");
            let overrun: &LimitOverrunError = inner(&error);
            assert_eq!((overrun.consumed, overrun.limit, error.kind()), (12, 10, io::ErrorKind::InvalidData));
            assert_eq!(error.to_string(), "12 bytes came without a separator, and the reader's limit is 10");
        }
        let error = reader.readline().await.expect_err("it is too long");
        assert_eq!(inner::<LimitOverrunError>(&error).consumed, 12);
        assert_eq!(reader.readline().await.expect("the next one"), b"ten bytes.\n");
        for bad in [&[][..], &[&b""[..]], &[b"x", b""]] {
            let error = reader.readuntil_any(bad).await.expect_err("no separator");
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
    });
}

#[test]
fn limits_of_zero_are_errors_that_name_the_option() {
    run(async {
        let error = StreamOptions::new().limit(0).open_connection("127.0.0.1:9").await.expect_err("no limit");
        assert!(error.to_string().contains("StreamOptions::limit"), "{error}");
        let none = StreamOptions::new().connection_limit(0);
        let error = none.start_server(|_, _| async {}, "127.0.0.1:0").await.expect_err("no connections");
        assert!(error.to_string().contains("connection_limit"), "{error}");
    });
}

#[test]
fn the_reader_has_the_traits_of_futures_io() {
    run(async {
        let (mut reader, _writer, mut peer) = streams(StreamOptions::new()).await;
        // An empty buffer is filled at once, whether or not something has come.
        let none = poll_once(&mut AsyncReadExt::read(&mut reader, &mut [])).await;
        assert_eq!(none.expect("at once").expect("nothing"), 0);
        let sent = pattern(300_000);
        let expected = sent.clone();
        let task = raddle_runtime::spawn(async move {
            peer.write_all(b"one\ntwo\n").await?;
            peer.write_all(&sent).await?;
            peer.close().await
        });
        let mut line = String::new();
        reader.read_line(&mut line).await.expect("a line");
        assert_eq!(line, "one\n");
        let next = (&mut reader).lines().next().await.expect("a line").expect("a line");
        assert_eq!(next, "two");
        assert_eq!(AsyncReadExt::read(&mut reader, &mut []).await.expect("nothing"), 0);
        let mut got = vec![0; 5];
        AsyncReadExt::read_exact(&mut reader, &mut got).await.expect("five bytes");
        AsyncReadExt::read_to_end(&mut reader, &mut got).await.expect("all");
        assert!(got == expected && reader.at_eof());
        task.await.expect("the peer ends").expect("the peer has written");
    });
}

#[test]
fn either_direction_ends_alone() {
    run(async {
        let (mut reader, writer, mut peer) = streams(StreamOptions::new()).await;
        assert!(writer.can_write_eof());
        writer.writelines([&b"ques"[..], b"", b"tion"]);
        writer.write_eof();
        let mut got = String::new();
        peer.read_to_string(&mut got).await.expect("up to the end");
        assert_eq!(got, "question");
        peer.write_all(b"answer").await.expect("a write");
        drop(peer);
        assert_eq!(reader.read_to_end().await.expect("the answer"), b"answer");
        writer.write(b"too late");
        assert_eq!(writer.drain().await.expect_err("after the end").kind(), io::ErrorKind::BrokenPipe);
    });
}

#[test]
fn a_dropped_writer_sends_what_it_accepted_and_ends_the_connection() {
    run(async {
        let (mut reader, writer, mut peer) = streams(StreamOptions::new()).await;
        let sent = pattern(8 << 20);
        writer.write(&sent);
        assert!(writer.get_write_buffer_size() > 0, "more than the system takes");
        drop(writer);
        assert_eq!(reader.read(1).await.expect("the end"), b"");
        let mut got = Vec::new();
        peer.read_to_end(&mut got).await.expect("up to the end");
        assert!(got == sent);
    });
}

#[test]
fn close_sends_first_and_wait_closed_waits_for_it() {
    run(async {
        let (_reader, writer, mut peer) = streams(StreamOptions::new()).await;
        let sent = pattern(8 << 20);
        writer.write(&sent);
        writer.close();
        assert!(writer.is_closing());
        let mut closed = pin!(writer.wait_closed());
        assert!(poll_once(&mut closed).await.is_none());
        let mut got = Vec::new();
        let read = async { peer.read_to_end(&mut got).await.map(drop) };
        let (read, closed) = futures_lite::future::zip(read, closed).await;
        read.and(closed).expect("both end well");
        assert!(got == sent);
    });
}

#[test]
fn drain_waits_above_the_high_mark() {
    run(async {
        let options = StreamOptions::new().write_buffer_limits(Some(1 << 20), Some(1 << 10));
        let (_reader, writer, mut peer) = streams(options).await;
        assert_eq!(writer.get_write_buffer_limits(), 1 << 10..=1 << 20);
        writer.drain().await.expect("nothing to wait for");
        let mut sent = 0;
        while writer.get_write_buffer_size() <= 1 << 20 {
            writer.write(pattern(1 << 16));
            sent += 1 << 16;
        }
        let mut drain = pin!(writer.drain());
        assert!(poll_once(&mut drain).await.is_none());
        let read = async {
            let mut left = vec![0; sent];
            peer.read_exact(&mut left).await
        };
        let (read, drained) = futures_lite::future::zip(read, drain).await;
        read.and(drained).expect("both go on");
        assert!(writer.get_write_buffer_size() <= 1 << 10);
    });
}

#[test]
fn addresses_are_known_to_both_sides() {
    run(async {
        let handler = |_: StreamReader, writer: StreamWriter| async move {
            let info = writer.get_extra_info();
            writer.write(format!("{} {}\n", info.peer.expect("a peer"), info.sock.expect("an address")));
        };
        let server = start_server(handler, "127.0.0.1:0").await.expect("a server");
        let (mut reader, writer) = open_connection(server.sockets()[0]).await.expect("a connection");
        let told = String::from_utf8(reader.readline().await.expect("a line")).expect("text");
        let info = writer.get_extra_info();
        assert_eq!(info.peer, Some(server.sockets()[0]));
        assert_eq!(told, format!("{} {}\n", info.sock.expect("an address"), info.peer.expect("a peer")));
        assert_eq!(writer.peer_addr().expect("a peer"), server.sockets()[0]);
        assert!(socket2::SockRef::from(&writer).tcp_nodelay().expect("an option"));
        let texts = format!("{reader:?} {writer:?}");
        assert!(
            texts.contains("buffered: 0") && texts.contains(&info.peer.expect("a peer").to_string()),
            "{texts}"
        );
        server.close();
    });
}
