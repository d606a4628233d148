//! Streams over TLS whose peers do it wrong: each is an error that says so, and costs the others nothing.

use crate::certs::{Authority, both};
use crate::common::{pattern, poll_once, run};
use crate::streams::{check, end, handing_out, secure_pair, serve};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use raddle_net::tls::TlsStream;
use raddle_net::{Server, StreamOptions, StreamReader, StreamWriter, TcpStream};
use std::io::ErrorKind;
use std::pin::pin;
use std::time::Duration;

async fn tcp(server: &Server) -> TcpStream {
    TcpStream::connect(server.sockets()[0]).await.expect("a connection")
}

/// A TLS client over a stream of its own, and the server's streams.
async fn bare_client(tcp: fn(TcpStream) -> TcpStream) -> (TlsStream, (StreamReader, StreamWriter)) {
    let (connector, acceptor) = both();
    let (server, mut served) = handing_out(StreamOptions::new().tls_acceptor(&acceptor)).await;
    let stream = tcp(TcpStream::connect(server.sockets()[0]).await.expect("a connection"));
    let client = connector.connect("localhost", stream).await.expect("a handshake");
    (client, served.recv().await.expect("a connection"))
}

#[test]
fn a_connection_that_is_cut_off_is_no_clean_end() {
    run(async {
        let (mut client, (mut reader, writer)) = bare_client(|tcp| tcp).await;
        client.write_all(b"all of it?").await.expect("a write");
        client.flush().await.expect("a write");
        client.get_mut().close().await.expect("the end of TCP");
        let error = reader.read_to_end().await.expect_err("cut off");
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        assert!(error.to_string().contains("close_notify"), "{error}");
        // What came can be had, and the other direction lives.
        assert_eq!(reader.read(100).await.expect("it came"), b"all of it?");
        assert_eq!(reader.read(100).await.expect_err("still").kind(), ErrorKind::UnexpectedEof);
        writer.write("an answer");
        writer.close();
        let mut got = Vec::new();
        client.read_to_end(&mut got).await.expect("a clean end");
        assert_eq!(got, b"an answer");
    });
}

#[test]
fn garbage_behind_good_records_is_an_error_after_them() {
    run(async {
        let (mut client, (mut reader, writer)) = bare_client(|tcp| tcp).await;
        client.write_all(b"good").await.expect("a write");
        client.flush().await.expect("a write");
        client.get_mut().write_all(&pattern(10_000)).await.expect("a write");
        assert_eq!(reader.readexactly(4).await.expect("what was good"), b"good");
        let error = reader.read(1).await.expect_err("garbage");
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
        assert_eq!(writer.drain().await.expect_err("lost").kind(), ErrorKind::InvalidData);
        // And the peer is told, if the reset does not overtake it.
        let _ = client.read_to_end(&mut Vec::new()).await;
    });
}

#[test]
fn a_reset_is_an_error() {
    run(async {
        let (client, (mut reader, writer)) = bare_client(|tcp| tcp).await;
        client.get_ref().set_linger(Some(Duration::ZERO)).expect("an option");
        drop(client);
        assert_eq!(reader.read(1).await.expect_err("a reset").kind(), ErrorKind::ConnectionReset);
        assert_eq!(writer.wait_closed().await.expect_err("a reset").kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn bad_handshakes_cost_the_others_nothing() {
    run(async {
        let authority = Authority::new();
        let connector = authority.client().build().expect("a connector");
        let acceptor = authority.server(&["localhost"]).handshake_timeout(Duration::from_millis(200)).build();
        let server = serve(&acceptor.expect("an acceptor")).await;
        let mut silent = tcp(&server).await;
        for round in 0..10 {
            let mut garbage = tcp(&server).await;
            garbage.write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("a write");
            let mut answer = Vec::new();
            garbage.read_to_end(&mut answer).await.expect("the end");
            assert_eq!(answer.first(), Some(&21), "an alert");

            let reset = tcp(&server).await;
            if round % 2 == 0 {
                // In the middle of it, or right after.
                let _ = poll_once(&mut pin!(connector.connect("localhost", &reset))).await;
            }
            reset.set_linger(Some(Duration::ZERO)).expect("an option");
            drop(reset);

            let options = StreamOptions::new().tls(&connector, "other.name");
            let error = options.open_connection(server.sockets()[0]).await.expect_err("the wrong name");
            assert!(error.kind() == ErrorKind::InvalidData && error.to_string().contains("other.name"));
            check(&server, &connector).await;
        }
        // It says nothing, and is closed when its time is up.
        assert_eq!(silent.read(&mut [0]).await.expect("the end"), 0);
        end(server.clone()).await;
        // The silent one and three a round, but for those that were reset: one poll may be a whole handshake.
        assert!((26..=31).contains(&server.failed_handshakes()));
    });
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    run(async {
        let authority = Authority::new();
        let limit = Duration::from_millis(50);
        let connector = authority.client().handshake_timeout(limit).build().expect("a connector");
        let (server, mut served) = handing_out(StreamOptions::new()).await;
        let options = StreamOptions::new().tls(&connector, "localhost");
        let error = options.open_connection(server.sockets()[0]).await.expect_err("no answer");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let (mut reader, _writer) = served.recv().await.expect("a connection");
        assert_eq!(reader.read(1).await.expect("its hello"), [22]);
    });
}

#[test]
fn a_flood_is_read_as_it_is_asked_for() {
    run(async {
        let (mut client, (mut reader, _writer)) = bare_client(|tcp| tcp).await;
        let flood = raddle_runtime::spawn(async move {
            let data = pattern(1 << 16);
            for _ in 0..128 {
                client.write_all(&data).await?;
            }
            client.close().await?;
            // A client that is dropped with the server's tickets unread resets the connection.
            std::io::Result::Ok(client)
        });
        let (mut left, wanted) = (128 << 16, [1, 7, 4095, 4096, 100_000]);
        for n in wanted.into_iter().cycle() {
            let n = n.min(left);
            if n == 0 {
                break;
            }
            let got = reader.readexactly(n).await.expect("more of it");
            let from = (128 << 16) - left;
            assert!(got.iter().enumerate().all(|(i, byte)| *byte == (((from + i) % (1 << 16)) % 251) as u8));
            left -= n;
        }
        assert!(reader.read(1).await.expect("a clean end").is_empty());
        drop(flood.await.expect("no panic").expect("all is written"));
    });
}

#[test]
fn closing_in_the_handshake_ends_it() {
    run(async {
        let (_server, mut served) = handing_out(StreamOptions::new()).await;
        let (connector, _) = both();
        let client = raddle_net::open_connection(_server.sockets()[0]).await.expect("a connection");
        let (mut reader, writer) = client;
        let _peer = served.recv().await.expect("a connection");
        let upgrade = writer.start_tls(&mut reader, &connector, "localhost");
        let (shaken, ()) = futures_lite::future::zip(upgrade, async {
            writer.write("never sent");
            writer.close();
        })
        .await;
        assert_eq!(shaken.expect_err("closed").kind(), ErrorKind::ConnectionAborted);
        // It was accepted, and could not be sent.
        assert!(writer.wait_closed().await.is_err());
    });
}

#[test]
fn aborting_is_a_reset_for_the_peer() {
    run(async {
        let ((mut reader, _w), (_r, writer)) = secure_pair().await;
        writer.abort();
        let error = reader.read(1).await.expect_err("no clean end");
        assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof), "{error}");
    });
}
