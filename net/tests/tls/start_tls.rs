//! `start_tls` on connections that began in the clear.

use crate::certs::both;
use crate::common::{pattern, poll_once, run};
use crate::streams::{Streams, handing_out};
use futures_lite::future::zip;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use raddle_net::{StreamOptions, TcpStream, open_connection};
use std::io::ErrorKind;
use std::pin::pin;

/// Both ends of one connection in the clear.
async fn clear_pair() -> (Streams, Streams) {
    let (server, mut served) = handing_out(StreamOptions::new()).await;
    let client = open_connection(server.sockets()[0]).await.expect("a connection");
    let served = served.recv().await.expect("a connection");
    server.close();
    (client, served)
}

/// A plain client, and the server's end.
async fn plain_client() -> (TcpStream, Streams) {
    let (server, mut served) = handing_out(StreamOptions::new()).await;
    let client = TcpStream::connect(server.sockets()[0]).await.expect("a connection");
    let served = served.recv().await.expect("a connection");
    server.close();
    (client, served)
}

#[test]
fn what_was_written_before_goes_in_the_clear_and_first() {
    run(async {
        let (connector, acceptor) = both();
        let ((mut client_reads, client), (mut server_reads, server)) = clear_pair().await;
        let clear = pattern(4 << 20);
        // More than the system takes: the handshake comes after it.
        client.write(&clear);
        assert!(client.get_write_buffer_size() > 0);
        let ours = async {
            let name = "localhost";
            client.start_tls(&mut client_reads, &connector, name).await.expect("a handshake");
            client.write("secret\n");
            client_reads.readline().await.expect("an answer")
        };
        let theirs = async {
            assert!(server_reads.readexactly(clear.len()).await.expect("a read") == clear);
            // Written before the handshake is done, sent after it.
            let mut upgrade = Box::pin(server.start_tls_server(&mut server_reads, &acceptor));
            assert!(poll_once(&mut upgrade).await.is_none());
            server.write("early ");
            assert_eq!(server.get_write_buffer_size(), 6);
            upgrade.await.expect("a handshake");
            assert_eq!(server_reads.readline().await.expect("a line"), b"secret\n");
            server.write("and late\n");
        };
        assert_eq!(zip(ours, theirs).await.0, b"early and late\n");
        assert!(client.get_extra_info().tls.is_some() && server.get_extra_info().tls.is_some());
        let again = client.start_tls(&mut client_reads, &connector, "localhost").await;
        assert_eq!(again.expect_err("it is encrypted").kind(), ErrorKind::InvalidInput);
        client.write("still there\n");
        assert_eq!(server_reads.readline().await.expect("a line"), b"still there\n");
    });
}

#[test]
fn bytes_in_the_clear_behind_the_upgrade_never_reach_the_program() {
    run(async {
        let (connector, acceptor) = both();
        let (mut evil, (mut reader, writer)) = plain_client().await;
        evil.write_all(b"STARTTLS\r\nEVIL\r\nmore of it\r\n").await.expect("a write");
        assert_eq!(reader.readline().await.expect("a line"), b"STARTTLS\r\n");
        let error = writer.start_tls_server(&mut reader, &acceptor).await.expect_err("injected");
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert_eq!(reader.readline().await.expect_err("nothing of it").kind(), ErrorKind::InvalidData);
        assert_eq!(writer.drain().await.expect_err("lost").kind(), ErrorKind::InvalidData);

        let (mut evil, (mut reader, writer)) = plain_client().await;
        evil.write_all(b"220 go\r\n250 EVIL\r\n").await.expect("a write");
        assert_eq!(reader.readline().await.expect("a line"), b"220 go\r\n");
        let error = writer.start_tls(&mut reader, &connector, "localhost").await.expect_err("injected");
        assert!(error.to_string().contains("localhost"), "{error}");
        assert!(reader.read(100).await.is_err());
    });
}

#[test]
fn a_hello_that_came_along_with_the_request_is_taken() {
    run(async {
        let (connector, acceptor) = both();
        let (mut client, (mut reader, writer)) = plain_client().await;
        client.write_all(b"STARTTLS\n").await.expect("a write");
        // The client does not wait for the answer; all it has sent is in the reader before the server reads the line.
        let mut handshake = pin!(connector.connect("localhost", &client));
        assert!(poll_once(&mut handshake).await.is_none());
        let theirs = async {
            assert_eq!(reader.readline().await.expect("a line"), b"STARTTLS\n");
            writer.start_tls_server(&mut reader, &acceptor).await.expect("a handshake");
            writer.write("hello");
        };
        let (stream, ()) = zip(handshake, theirs).await;
        let mut stream = stream.expect("a handshake");
        let mut got = [0; 5];
        stream.read_exact(&mut got).await.expect("a greeting");
        assert_eq!(&got, b"hello");
    });
}

#[test]
fn the_reader_of_another_connection_is_refused() {
    run(async {
        let (connector, acceptor) = both();
        let ((_r, writer), (mut other, served)) = clear_pair().await;
        let error = writer.start_tls(&mut other, &connector, "localhost").await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        writer.write("in the clear\n");
        assert_eq!(other.readline().await.expect("a line"), b"in the clear\n");
        drop((_r, writer));
        assert!(other.read(1).await.expect("the end").is_empty());
        assert!(served.start_tls_server(&mut other, &acceptor).await.is_err());
    });
}

/// Drops the client's upgrade after `polls` polls; true when it was done by then.
async fn dropped_after(polls: usize) -> bool {
    let (connector, acceptor) = both();
    let ((mut client_reads, client), (mut server_reads, server)) = clear_pair().await;
    client.write("clear\n");
    assert_eq!(server_reads.readline().await.expect("a line"), b"clear\n");
    let mut theirs = Box::pin(async move {
        let shaken = server.start_tls_server(&mut server_reads, &acceptor).await;
        let read = server_reads.read_to_end().await;
        (shaken, read)
    });
    let mut done = None;
    {
        let mut upgrade = pin!(client.start_tls(&mut client_reads, &connector, "localhost"));
        for _ in 0..polls {
            done = poll_once(&mut upgrade).await;
            if done.is_some() {
                break;
            }
            assert!(poll_once(&mut theirs).await.is_none(), "it waits for us");
            raddle_runtime::yield_now().await;
        }
    }
    let is_done = done.is_some();
    if polls == 0 {
        client.write("clear still\n");
        client.close();
        assert!(theirs.await.0.is_err(), "it was no handshake");
        return false;
    }
    if is_done {
        client.write("secret");
        client.close();
        assert_eq!(theirs.await.1.expect("a clean end"), b"secret");
    } else {
        let error = client.drain().await.expect_err("lost");
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted, "{error}");
        assert_eq!(client_reads.read(1).await.expect_err("lost").kind(), ErrorKind::ConnectionAborted);
        assert!(theirs.await.1.is_err());
    }
    is_done
}

#[test]
fn an_upgrade_that_is_dropped_loses_the_connection_and_nothing_hangs() {
    run(async {
        let mut polls = 0;
        while !dropped_after(polls).await {
            polls += 1;
        }
        assert!(polls > 1, "it waits at least once");
    });
}
