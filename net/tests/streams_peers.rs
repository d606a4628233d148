//! Servers on streams and the peers they meet: each ends or goes on alone, and costs the others nothing.

mod common;

use common::{open_fds, pattern, poll_once, run};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use raddle_net::streams::LimitOverrunError;
use raddle_net::{
    Server, StreamOptions, StreamReader, StreamWriter, TcpStream, open_connection, start_server,
};
use raddle_runtime::task;
use std::io;
use std::pin::pin;
use std::time::Duration;

/// Answers each line with "got LINE", and each line over the limit with "too long".
async fn answer(mut reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
    loop {
        match reader.readline().await {
            Ok(line) if line.is_empty() => return Ok(()),
            Ok(line) => writer.writelines([&b"got "[..], &line]),
            Err(error) if error.get_ref().is_some_and(|inner| inner.is::<LimitOverrunError>()) => {
                writer.write("too long\n");
            }
            Err(error) => return Err(error),
        }
        writer.drain().await?;
    }
}

async fn server(options: StreamOptions) -> Server {
    options.start_server(answer, "127.0.0.1:0").await.expect("a server")
}

async fn peer(server: &Server) -> TcpStream {
    TcpStream::connect(server.sockets()[0]).await.expect("a connection")
}

/// A well-behaved client gets its answer.
async fn check(server: &Server) {
    let (mut reader, writer) = open_connection(server.sockets()[0]).await.expect("a connection");
    writer.write("hello\n");
    assert_eq!(reader.readline().await.expect("an answer"), b"got hello\n");
}

async fn end(server: Server) {
    server.close();
    server.wait_closed().await;
}

#[test]
fn a_peer_that_resets_is_an_error_that_names_it() {
    run(async {
        let listener = raddle_net::TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let addr = listener.local_addr().expect("an address");
        let (mut reader, writer) = open_connection(addr).await.expect("a connection");
        let (mut peer, _) = listener.accept().await.expect("a connection");
        peer.write_all(b"half").await.expect("a write");
        assert!(poll_once(&mut pin!(reader.readline())).await.is_none());
        peer.set_linger(Some(Duration::ZERO)).expect("an option");
        drop(peer);
        let error = reader.readline().await.expect_err("a reset");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert!(error.to_string().contains(&addr.to_string()), "{error}");
        let error = writer.drain().await.expect_err("a reset");
        assert!(error.to_string().contains(&addr.to_string()), "{error}");
        assert!(writer.wait_closed().await.is_err());
        assert_eq!(writer.get_extra_info().peer, Some(addr));
        // The system throws away what it has when a reset comes; what the reader had stays.
        let left = reader.read(10).await;
        assert!(left.is_err() || left.is_ok_and(|left| left == b"half"));
        assert_eq!(reader.read(10).await.expect_err("still").kind(), io::ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_loss_that_the_writer_met_is_no_clean_end_for_the_reader() {
    run(async {
        let listener = raddle_net::TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let addr = listener.local_addr().expect("an address");
        let (mut reader, writer) = open_connection(addr).await.expect("a connection");
        let (mut peer, _) = listener.accept().await.expect("a connection");
        peer.write_all(b"half").await.expect("a write");
        peer.set_linger(Some(Duration::ZERO)).expect("an option");
        drop(peer);
        // The system tells of the reset once, and here that is to the writer.
        while !writer.is_closing() {
            writer.write("x");
            raddle_runtime::yield_now().await;
        }
        for _ in 0..2 {
            let error = reader.read_to_end().await.expect_err("half is not all");
            let kinds = [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];
            assert!(kinds.contains(&error.kind()), "{error}");
        }
        // One that was closed on this side has ended, and is not lost.
        let (mut reader, writer) = open_connection(addr).await.expect("a connection");
        writer.abort();
        assert_eq!(reader.read_to_end().await.expect("the end"), b"");
    });
}

#[test]
fn a_reset_peer_of_a_server_harms_no_other() {
    run(async {
        let server = server(StreamOptions::new()).await;
        let fds = open_fds();
        for _ in 0..100 {
            let mut bad = peer(&server).await;
            bad.write_all(b"line\nhalf").await.expect("a write");
            bad.set_linger(Some(Duration::ZERO)).expect("an option");
            drop(bad);
        }
        check(&server).await;
        end(server).await;
        assert!(open_fds() <= fds, "nothing is left open");
    });
}

#[test]
fn one_byte_at_a_time_is_as_good() {
    run(async {
        let server = server(StreamOptions::new()).await;
        let mut slow = peer(&server).await;
        for byte in b"slow\nvery slow\n" {
            slow.write_all(&[*byte]).await.expect("a write");
            check(&server).await;
        }
        slow.close().await.expect("the end of writing");
        let mut got = String::new();
        slow.read_to_string(&mut got).await.expect("the answers");
        assert_eq!(got, "got slow\ngot very slow\n");
        end(server).await;
    });
}

#[test]
fn a_half_closed_peer_gets_its_answers() {
    run(async {
        let server = server(StreamOptions::new()).await;
        let mut half = peer(&server).await;
        half.write_all(b"first\nlast without newline").await.expect("a write");
        half.close().await.expect("the end of writing");
        let mut got = String::new();
        half.read_to_string(&mut got).await.expect("the answers");
        assert_eq!(got, "got first\ngot last without newline");
        end(server).await;
    });
}

#[test]
fn a_line_over_the_limit_is_answered_and_the_next_is_served() {
    run(async {
        let server = server(StreamOptions::new().limit(16)).await;
        let mut long = peer(&server).await;
        long.write_all(&[&[b'x'; 100][..], b"\nnext\n"].concat()).await.expect("a write");
        long.close().await.expect("the end of writing");
        let mut got = String::new();
        long.read_to_string(&mut got).await.expect("the answers");
        assert!(got.starts_with("too long\n") && got.ends_with("got next\n"), "{got}");
        end(server).await;
    });
}

#[test]
fn a_flood_without_newlines_is_dropped_as_it_comes() {
    run(async {
        let server = server(StreamOptions::new()).await;
        let flood = peer(&server).await;
        let (mut read, mut write) = flood.into_split();
        let flooding = raddle_runtime::spawn(async move {
            for _ in 0..256 {
                write.write_all(&[b'x'; 64 * 1024]).await?;
            }
            write.write_all(b"\nend\n").await
        });
        check(&server).await;
        flooding.await.expect("no panic").expect("all is written");
        let mut got = String::new();
        read.read_to_string(&mut got).await.expect("the answers");
        assert!(got.starts_with("too long\n") && got.ends_with("got end\n"), "{}", got.len());
        end(server).await;
    });
}

#[test]
fn a_peer_that_never_reads_holds_up_only_itself() {
    run(async {
        let server = start_server(
            |_reader, writer: StreamWriter| async move {
                let data = pattern(1 << 16);
                loop {
                    writer.write(&data);
                    assert!(writer.get_write_buffer_size() <= 2 << 16, "drain keeps the buffer small");
                    if writer.drain().await.is_err() {
                        return;
                    }
                }
            },
            "127.0.0.1:0",
        )
        .await
        .expect("a server");
        let mute = peer(&server).await;
        let mut other = peer(&server).await;
        let mut got = vec![0; 64 << 16];
        other.read_exact(&mut got).await.expect("a lot");
        drop(other);
        // As the server's end of it: nothing is sent any more, and nobody waits for ever.
        server.close();
        server.abort_clients();
        server.wait_closed().await;
        drop(mute);
    });
}

#[test]
fn a_panic_ends_its_connection_and_not_the_server() {
    run(async {
        let handler = |mut reader: StreamReader, writer: StreamWriter| async move {
            let line = reader.readline().await.expect("a line");
            writer.write(&line);
            assert_ne!(line, b"panic\n", "as asked for");
        };
        let server = start_server(handler, "127.0.0.1:0").await.expect("a server");
        for word in ["panic\n", "peace\n"] {
            let (mut reader, writer) = open_connection(server.sockets()[0]).await.expect("a connection");
            writer.write(word);
            assert_eq!(reader.read_to_end().await.expect("the echo"), word.as_bytes());
        }
        end(server).await;
    });
}

#[test]
fn a_handlers_task_counts_as_spawned_where_the_server_was_started() {
    run(async {
        let handler = |_: StreamReader, writer: StreamWriter| async move {
            writer.write(task::current().spawned_at().to_string());
        };
        let server = start_server(handler, "127.0.0.1:0").await.expect("a server");
        let line = line!() - 1;
        let (mut reader, _writer) = open_connection(server.sockets()[0]).await.expect("a connection");
        let site = String::from_utf8(reader.read_to_end().await.expect("a place")).expect("text");
        assert!(site.contains(&format!("streams_peers.rs:{line}:")), "{site}");
        end(server).await;
    });
}

#[test]
fn over_the_connection_limit_the_next_waits_for_a_place() {
    run(async {
        let server = server(StreamOptions::new().connection_limit(1)).await;
        let mut first = peer(&server).await;
        first.write_all(b"one\n").await.expect("a write");
        first.read_exact(&mut [0; 8]).await.expect("an answer");
        let mut second = peer(&server).await;
        second.write_all(b"two\n").await.expect("a write");
        first.write_all(b"one\n").await.expect("a write");
        first.read_exact(&mut [0; 8]).await.expect("an answer");
        assert_eq!(server.connections(), 1);
        assert_eq!(second.try_read(&mut [0; 8]).expect_err("not served").kind(), io::ErrorKind::WouldBlock);
        drop(first);
        let mut got = [0; 8];
        second.read_exact(&mut got).await.expect("an answer");
        assert_eq!(&got, b"got two\n");
        drop(second);
        end(server).await;
    });
}
