//! Protocols: which callbacks come, in which order, and how connections end.

#[path = "common/calls.rs"]
mod calls;
mod common;

use calls::{Call, connect, echo, serve, stay, told};
use common::{pattern, run};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use raddle_net::{BufferedProtocol, TcpListener, TcpStream, Transport, create_connection, create_server};
use raddle_sync::Event;
use std::io;
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

/// Ends a connection by a reset.
fn reset(stream: TcpStream) {
    stream.set_linger(Some(Duration::ZERO)).expect("an option");
}

#[test]
fn callbacks_come_in_order_and_the_end_of_the_peer_closes() {
    run(async {
        let (server, mut calls) = serve(echo).await;
        let mut client = connect(&server).await;
        client.write_all(b"hello").await.expect("a write");
        let transport = calls.made().await;
        assert_eq!(transport.peer_addr().expect("a peer"), client.local_addr().expect("an address"));
        assert_eq!(transport.local_addr().expect("an address"), server.sockets()[0]);
        assert_eq!(calls.next().await, Call::Data(b"hello".to_vec()));
        client.close().await.expect("the end of writing");
        let mut got = Vec::new();
        client.read_to_end(&mut got).await.expect("up to the end");
        assert_eq!(got, b"hello");
        assert_eq!(calls.next().await, Call::Eof);
        assert_eq!(calls.next().await, Call::Lost(None));
        assert!(transport.is_closing() && !transport.is_reading());
        server.close();
        server.wait_closed().await;
        // The peer is known after the end, too.
        assert!(transport.peer_addr().is_ok());
        assert!(transport.local_addr().is_err());
    });
}

#[test]
fn a_protocol_that_stays_open_at_the_end_of_the_peer_can_still_write() {
    run(async {
        let (server, mut calls) = serve(stay).await;
        let mut client = connect(&server).await;
        let transport = calls.made().await;
        client.close().await.expect("the end of writing");
        assert_eq!(calls.next().await, Call::Eof);
        transport.write(b"answer");
        assert!(!transport.is_closing());
        client.read_exact(&mut [0; 6]).await.expect("the answer");
        transport.close();
        assert_eq!(calls.next().await, Call::Lost(None));
        assert_eq!(client.read(&mut [0]).await.expect("the end"), 0);
    });
}

#[test]
fn f37_close_ends_the_connection_while_the_peer_keeps_it_open() {
    run(async {
        let (server, mut calls) = serve(stay).await;
        let mut client = connect(&server).await;
        let transport = calls.made().await;
        transport.write(b"bye");
        transport.close();
        transport.write(b"too late");
        assert_eq!(calls.next().await, Call::Lost(None));
        let mut got = Vec::new();
        client.read_to_end(&mut got).await.expect("up to the end");
        assert_eq!(got, b"bye");
    });
}

#[test]
fn what_was_written_before_a_close_is_sent_however_much() {
    run(async {
        let sent = pattern(8 << 20);
        let (server, mut calls) = serve(stay).await;
        let mut client = connect(&server).await;
        let transport = calls.made().await;
        transport.write(&sent);
        transport.close();
        transport.close();
        assert!(transport.is_closing() && transport.get_write_buffer_size() > 0);
        let mut got = Vec::new();
        client.read_to_end(&mut got).await.expect("up to the end");
        assert!(got == sent);
        assert_eq!(calls.next().await, Call::Pause);
        assert_eq!(calls.next().await, Call::Resume);
        assert_eq!(calls.next().await, Call::Lost(None));
    });
}

#[test]
fn abort_drops_what_is_kept_and_resets() {
    run(async {
        let (server, mut calls) = serve(stay).await;
        let mut client = connect(&server).await;
        let transport = calls.made().await;
        transport.write(pattern(8 << 20));
        assert_eq!(calls.next().await, Call::Pause);
        transport.abort();
        assert_eq!(transport.get_write_buffer_size(), 0);
        assert_eq!(calls.next().await, Call::Lost(None));
        let error = client.read_to_end(&mut Vec::new()).await.expect_err("a reset");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_reset_by_the_peer_is_told() {
    run(async {
        let (server, mut calls) = serve(stay).await;
        let client = connect(&server).await;
        let transport = calls.made().await;
        reset(client);
        assert_eq!(calls.next().await, Call::Lost(Some(io::ErrorKind::ConnectionReset)));
        transport.write(b"nobody is there");
        assert!(transport.is_closing());
    });
}

#[test]
fn write_eof_comes_after_what_was_written_and_reading_goes_on() {
    run(async {
        let sent = pattern(4 << 20);
        let (server, mut calls) = serve(stay).await;
        let mut client = connect(&server).await;
        let transport = calls.made().await;
        assert!(transport.can_write_eof());
        transport.write(&sent);
        transport.write_eof();
        transport.write(b"too late");
        let mut got = Vec::new();
        client.read_to_end(&mut got).await.expect("up to the end");
        assert!(got == sent);
        assert_eq!([calls.next().await, calls.next().await], [Call::Pause, Call::Resume]);
        client.write_all(b"still").await.expect("a write");
        assert_eq!(calls.next().await, Call::Data(b"still".to_vec()));
        drop(client);
        assert_eq!(calls.next().await, Call::Eof);
        transport.close();
        assert_eq!(calls.next().await, Call::Lost(None));
    });
}

#[test]
fn lines_are_sent_together_and_in_order() {
    run(async {
        let (server, mut calls) = serve(stay).await;
        let mut client = connect(&server).await;
        let transport = calls.made().await;
        let lines: Vec<_> = (0..1000).map(|n| pattern(n % 700)).collect();
        transport.writelines(&lines);
        transport.writelines([""; 3]);
        transport.close();
        let mut got = Vec::new();
        client.read_to_end(&mut got).await.expect("up to the end");
        assert!(got == lines.concat());
    });
}

#[test]
fn threads_outside_may_write() {
    run(async {
        let (server, mut calls) = serve(stay).await;
        let mut client = connect(&server).await;
        let transport = calls.made().await;
        let threads: Vec<_> = (0..4u8)
            .map(|n| {
                let transport = transport.clone();
                std::thread::Builder::new()
                    .spawn(move || (0..2000).for_each(|_| transport.write([n; 1024])))
                    .expect("a thread")
            })
            .collect();
        let mut block = [0; 1024];
        for _ in 0..8000 {
            client.read_exact(&mut block).await.expect("a block");
            assert!(block.iter().all(|byte| *byte == block[0]), "blocks are not mixed");
        }
        threads.into_iter().for_each(|thread| thread.join().expect("a writer"));
    });
}

#[test]
fn a_panic_in_a_callback_ends_its_connection_only() {
    run(async {
        let (server, mut calls) = serve(|transport, call| match call {
            Call::Data(data) if data == b"boom" => panic!("on purpose"),
            call => echo(transport, call),
        })
        .await;
        let mut other = connect(&server).await;
        calls.made().await;
        let mut client = connect(&server).await;
        calls.made().await;
        client.write_all(b"boom").await.expect("a write");
        assert_eq!(client.read(&mut [0]).await.expect("the end"), 0);
        assert_eq!(calls.next().await, Call::Lost(Some(io::ErrorKind::Other)));
        other.write_all(b"well").await.expect("a write");
        other.read_exact(&mut [0; 4]).await.expect("an echo");
    });
}

#[test]
fn a_client_gets_its_protocol_back_and_the_panic_of_a_callback() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let addr = listener.local_addr().expect("an address");
        let (make, mut calls) = told(|_, call| match call {
            Call::Data(_) => panic!("on purpose"),
            _ => false,
        });
        let (transport, handle) = create_connection(&make, addr).await.expect("a client");
        calls.made().await;
        transport.close();
        handle.await.expect("the protocol");
        assert_eq!(calls.next().await, Call::Lost(None));

        let (_transport, handle) = create_connection(&make, addr).await.expect("a client");
        let (_, _) = listener.accept().await.expect("the first");
        let (mut served, _) = listener.accept().await.expect("the second");
        served.write_all(b"x").await.expect("a write");
        let Err(error) = handle.await else { panic!("a callback panicked") };
        assert_eq!(error.panic_message(), Some("on purpose"));
        let refused = create_connection(&make, "127.0.0.1:1").await.map(drop).expect_err("nobody listens");
        assert!(refused.to_string().contains("127.0.0.1:1"), "{refused}");
    });
}

#[test]
fn a_cancelled_connection_ends_without_a_callback() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let (make, mut calls) = told(stay);
        let (transport, handle) =
            create_connection(make, listener.local_addr().expect("an address")).await.expect("a client");
        let (mut served, _) = listener.accept().await.expect("a connection");
        calls.made().await;
        handle.cancel();
        assert!(handle.await.map(drop).expect_err("cancelled").is_cancelled());
        assert_eq!(served.read(&mut [0]).await.expect("the end"), 0);
        assert!(transport.is_closing());
    });
}

/// Collects bytes three at a time.
struct Threes {
    buf: [u8; 3],
    got: Vec<u8>,
    ended: Arc<Event>,
}

impl BufferedProtocol for Threes {
    fn get_buffer(&mut self, size_hint: usize) -> &mut [u8] {
        assert!(size_hint > 0);
        &mut self.buf
    }

    fn buffer_updated(&mut self, count: usize) {
        self.got.extend(&self.buf[..count]);
    }

    fn connection_lost(&mut self, error: Option<io::Error>) {
        assert!(error.is_none(), "{error:?}");
        assert!(self.got == pattern(10_000));
        self.ended.set();
    }
}

/// Gives no room.
struct NoRoom(Arc<Event>);

impl BufferedProtocol for NoRoom {
    fn get_buffer(&mut self, _: usize) -> &mut [u8] {
        &mut []
    }

    fn buffer_updated(&mut self, _: usize) {
        panic!("nothing can have come");
    }

    fn connection_lost(&mut self, error: Option<io::Error>) {
        assert_eq!(error.expect("an error").kind(), io::ErrorKind::InvalidInput);
        self.0.set();
    }
}

#[test]
fn a_buffered_protocol_is_read_into() {
    run(async {
        let ended = Arc::new(Event::new());
        let make = {
            let ended = ended.clone();
            move || Threes { buf: [0; 3], got: Vec::new(), ended: ended.clone() }
        };
        let server = create_server(make, "127.0.0.1:0").await.expect("a server");
        let mut client = connect(&server).await;
        client.write_all(&pattern(10_000)).await.expect("a write");
        drop(client);
        ended.wait().await;
    });
    run(async {
        let ended = Arc::new(Event::new());
        let make = {
            let ended = ended.clone();
            move || NoRoom(ended.clone())
        };
        let server = create_server(make, "127.0.0.1:0").await.expect("a server");
        let _client = connect(&server).await;
        ended.wait().await;
    });
}

#[test]
fn a_shutdown_of_both_directions_by_the_peer_is_an_end() {
    run(async {
        let (server, mut calls) = serve(|_: &Transport, _: &Call| false).await;
        let client = connect(&server).await;
        client.shutdown(Shutdown::Both).expect("the end");
        calls.made().await;
        assert_eq!(calls.next().await, Call::Eof);
        assert_eq!(calls.next().await, Call::Lost(None));
    });
}
