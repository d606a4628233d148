//! How connections end: closed, half closed, cut off.

use crate::certs::{Authority, both, tls_pair};
use crate::common::{pair, pattern, poll_once, run};
use futures_lite::future::zip;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use raddle_net::tls::TlsStream;
use std::cell::Cell;
use std::io::ErrorKind;
use std::net::Shutdown;
use std::pin::pin;

#[test]
fn closing_one_way_leaves_the_other_open() {
    run(async {
        let (mut client, mut server) = tls_pair().await;
        client.write_all(b"request").await.expect("a write");
        client.close().await.expect("closed");
        let mut request = String::new();
        server.read_to_string(&mut request).await.expect("a clean end");
        assert_eq!(request, "request");
        server.write_all(b"answer").await.expect("the other way is open");
        server.close().await.expect("closed");
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.expect("a clean end");
        assert_eq!(answer, "answer");
        // The end stays the end, and closing again is nothing.
        assert_eq!(client.read(&mut [0]).await.expect("the end"), 0);
        client.close().await.expect("closed before");
        let error = client.write(b"more").await.expect_err("closed");
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        assert!(error.to_string().contains("localhost"), "{error}");
    });
}

#[test]
fn a_connection_that_is_cut_off_is_no_clean_end() {
    run(async {
        let check = async |mut cut: TlsStream, mut reader: TlsStream, with: &str| {
            cut.write_all(b"half a mess").await.expect("a write");
            cut.get_ref().shutdown(Shutdown::Write).expect("open");
            let mut got = Vec::new();
            let error = reader.read_to_end(&mut got).await.expect_err("cut off");
            assert_eq!(got, b"half a mess");
            for error in [error, reader.read(&mut [0]).await.expect_err("for ever")] {
                assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
                let text = error.to_string();
                assert!(text.contains("close_notify") && text.contains(with), "{text}");
            }
        };
        let (client, server) = tls_pair().await;
        check(client, server, "a client").await;
        let (client, server) = tls_pair().await;
        check(server, client, "localhost").await;
    });
}

#[test]
fn a_stream_that_is_dropped_looks_cut_off() {
    run(async {
        let (client, mut server) = tls_pair().await;
        drop(client);
        let error = server.read(&mut [0]).await.expect_err("cut off");
        // The tickets of the server were not read: then the system resets.
        assert!(matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset), "{error}");
    });
}

#[test]
fn reading_nothing_is_not_the_end() {
    run(async {
        let (mut client, mut server) = tls_pair().await;
        assert_eq!(server.read(&mut []).await.expect("nothing"), 0);
        client.write_all(b"x").await.expect("a write");
        assert_eq!(server.read(&mut [0]).await.expect("a byte"), 1);
    });
}

/// f37: nobody waits for what a silent peer never says.
#[test]
fn f37_closing_ends_while_the_peer_says_nothing() {
    run(async {
        let (mut client, server) = tls_pair().await;
        client.close().await.expect("closed");
        drop(client);
        drop(server);
    });
}

/// A client that has written as much as goes in, the last of it into its own buffers only, and what that was.
async fn full() -> (TlsStream, TlsStream, Vec<u8>) {
    let (connector, acceptor) = both();
    let (client, server) = pair().await;
    client.set_send_buffer_size(10_000).expect("a socket");
    server.set_recv_buffer_size(10_000).expect("a socket");
    let (client, server) = zip(connector.connect("localhost", client), acceptor.accept(server)).await;
    let (mut client, server) = (client.expect("a client"), server.expect("a server"));
    let (bytes, mut sent) = (pattern(10_000_000), 0);
    while let Some(wrote) = poll_once(&mut pin!(client.write(&bytes[sent..]))).await {
        sent += wrote.expect("a write");
        assert!(sent < bytes.len(), "buffers without end");
    }
    (client, server, bytes[..sent].to_vec())
}

#[test]
fn closing_waits_until_what_was_written_is_on_its_way() {
    run(async {
        let (mut client, mut server, sent) = full().await;
        assert!(poll_once(&mut pin!(client.close())).await.is_none());
        let mut got = Vec::new();
        let (closed, read) = zip(client.close(), server.read_to_end(&mut got)).await;
        closed.expect("closed");
        read.expect("a clean end");
        assert!(got == sent);
    });
}

#[test]
fn whoever_reads_sends_what_was_written_before() {
    run(async {
        let (mut client, mut server, mut sent) = full().await;
        let all = Cell::new(usize::MAX);
        let asks = async {
            // Taken as soon as there is room for some of it, and left in the client's own buffers. No flush.
            let bytes = [7; 60_000];
            let wrote = client.write(&bytes).await.expect("a write");
            sent.extend(&bytes[..wrote]);
            all.set(sent.len());
            client.read_exact(&mut [0; 6]).await.expect("an answer");
        };
        let answers = async {
            let (mut got, mut buf) = (Vec::<u8>::new(), [0; 1000]);
            while got.len() < all.get() {
                let count = server.read(&mut buf).await.expect("a read");
                got.extend(&buf[..count]);
            }
            server.write_all(b"thanks").await.expect("a write");
            got
        };
        let ((), got) = zip(asks, answers).await;
        assert!(got == sent);
    });
}

#[test]
fn the_stream_below_comes_back() {
    run(async {
        let (client, server) = tls_pair().await;
        let (mut client, mut server) = (client.into_inner(), server.into_inner());
        // The tickets of the server, encrypted, are still in it.
        client.write_all(b"clear").await.expect("a write");
        server.read_exact(&mut [0; 5]).await.expect("a read");
    });
}

#[test]
fn it_says_what_it_is() {
    run(async {
        let (client, _server) = tls_pair().await;
        let text = format!("{client:?} {:?}", Authority::new().client());
        assert!(text.contains("localhost") && text.contains("TLSv1_3"), "{text}");
        assert!(!text.contains("BEGIN"), "{text}");
    });
}
