//! Servers: where they listen, how they stop, and how many they serve.

#[path = "common/calls.rs"]
mod calls;
mod common;

use calls::{Call, connect, echo, serve, stay, told};
use common::{poll_once, run};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use raddle_net::{TcpStream, UnixStream, create_server, create_unix_connection, create_unix_server};
use std::io;
use std::pin::pin;

#[test]
fn a_closed_server_refuses_and_its_connections_live_on() {
    run(async {
        let (server, mut calls) = serve(echo).await;
        let addr = server.sockets()[0];
        assert!(server.is_serving() && addr.port() != 0);
        let mut client = connect(&server).await;
        calls.made().await;
        server.close();
        server.close();
        assert!(!server.is_serving() && server.sockets().is_empty());
        let refused = TcpStream::connect(addr).await.expect_err("nobody listens");
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        client.write_all(b"still").await.expect("a write");
        client.read_exact(&mut [0; 5]).await.expect("an echo");

        let mut closed = pin!(server.wait_closed());
        assert!(poll_once(&mut closed).await.is_none());
        drop(client);
        closed.await;
        assert_eq!(calls.data(5).await, b"still");
        assert_eq!(calls.next().await, Call::Eof);
        // `wait_closed` comes after the last callback.
        assert_eq!(calls.next().await, Call::Lost(None));
        assert_eq!(server.connections(), 0);

        let (make, _calls) = told(echo);
        let again = create_server(make, addr).await.expect("the address is free again");
        assert_eq!(again.sockets(), [addr]);
    });
}

#[test]
fn close_clients_sends_what_was_written_and_abort_clients_resets() {
    run(async {
        let (server, mut calls) = serve(stay).await;
        let mut clients = Vec::new();
        for _ in 0..5 {
            clients.push(connect(&server).await);
            calls.made().await.write(b"bye");
        }
        assert_eq!(server.connections(), 5);
        server.close();
        server.close_clients();
        server.wait_closed().await;
        for mut client in clients {
            let mut got = Vec::new();
            client.read_to_end(&mut got).await.expect("up to the end");
            assert_eq!(got, b"bye");
        }

        let (server, mut calls) = serve(stay).await;
        let mut client = connect(&server).await;
        calls.made().await.write(vec![0; 8 << 20]);
        server.close();
        server.abort_clients();
        server.wait_closed().await;
        let error = client.read_to_end(&mut Vec::new()).await.expect_err("a reset");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    });
}

#[test]
fn serve_forever_ends_with_the_close_and_closes_when_it_is_dropped() {
    run(async {
        let (server, _calls) = serve(stay).await;
        let forever = {
            let server = server.clone();
            raddle_runtime::spawn(async move { server.serve_forever().await })
        };
        drop(connect(&server).await);
        server.close();
        forever.await.expect("it returns");
        server.serve_forever().await;

        let (server, _calls) = serve(stay).await;
        {
            let mut forever = pin!(server.serve_forever());
            assert!(poll_once(&mut forever).await.is_none());
        }
        assert!(!server.is_serving());
        server.wait_closed().await;
    });
}

#[test]
fn a_server_whose_handle_is_dropped_serves_on() {
    run(async {
        let (server, mut calls) = serve(echo).await;
        let addr = server.sockets()[0];
        drop(server);
        let mut client = TcpStream::connect(addr).await.expect("a client");
        calls.made().await;
        client.write_all(b"hello").await.expect("a write");
        client.read_exact(&mut [0; 5]).await.expect("an echo");
    });
}

#[test]
fn the_limit_keeps_further_connections_waiting() {
    run(async {
        let (server, mut calls) = serve(echo).await;
        server.set_connection_limit(0);
        let first = connect(&server).await;
        calls.made().await;
        // The system connects it; nobody serves it.
        let mut second = connect(&server).await;
        second.write_all(b"hello").await.expect("a write");
        let mut buf = [0; 5];
        let mut read = pin!(second.read_exact(&mut buf));
        assert!(poll_once(&mut read).await.is_none());
        assert_eq!(server.connections(), 1);
        drop(first);
        read.await.expect("an echo");
        assert_eq!(server.connections(), 1);
        let _third = connect(&server).await;
        server.set_connection_limit(2);
        let mut made = 0;
        while made < 2 {
            made += usize::from(calls.next().await == Call::Made);
        }
        assert_eq!(server.connections(), 2);
    });
}

#[test]
fn a_server_listens_at_every_address() {
    run(async {
        let addrs = [([127, 0, 0, 1], 0).into(), ([127, 0, 0, 2], 0).into(), ([127, 0, 0, 1], 0).into()];
        let (make, mut calls) = told(echo);
        let server = create_server(make, addrs.as_slice()).await.expect("a server");
        assert_eq!(server.sockets().len(), 2, "the same address twice is one");
        for addr in server.sockets() {
            let client = TcpStream::connect(addr).await.expect("a client");
            calls.made().await;
            drop(client);
            assert_eq!([calls.next().await, calls.next().await], [Call::Eof, Call::Lost(None)]);
        }
        let (make, _calls) = told(echo);
        let error = create_server(make, server.sockets()[0]).await.expect_err("in use");
        assert!(error.to_string().contains(&server.sockets()[0].to_string()), "{error}");
        // An address that is not here: alone an error, beside another left out.
        let elsewhere = ([192, 0, 2, 1], 0).into();
        let (make, _calls) = told(echo);
        create_server(make, elsewhere).await.map(drop).expect_err("not here");
        let (make, _calls) = told(echo);
        let server = create_server(make, [elsewhere, addrs[0]]).await.expect("a server");
        assert_eq!(server.sockets().len(), 1);
    });
}

#[test]
fn a_panicking_factory_costs_its_connection_only() {
    run(async {
        let (make, mut calls) = told(echo);
        let turn = raddle_runtime::prim::atomic::AtomicUsize::new(0);
        let make = move || {
            let turn = turn.fetch_add(1, raddle_runtime::prim::atomic::Ordering::Relaxed);
            assert!(turn != 0, "on purpose");
            make()
        };
        let server = create_server(make, "127.0.0.1:0").await.expect("a server");
        let mut first = connect(&server).await;
        assert_eq!(first.read(&mut [0]).await.expect("the end"), 0);
        let _second = connect(&server).await;
        calls.made().await;
    });
}

#[test]
fn a_unix_server_replaces_what_was_left_and_cleans_up() {
    let path = std::env::temp_dir().join(format!("raddle-server-{}.sock", std::process::id()));
    // Left by one that did not remove it.
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a listener"));
    run(async {
        let (make, mut calls) = told(echo);
        let server = create_unix_server(make, &path).await.expect("the file is replaced");
        let (make, mut ours) = told(stay);
        let (transport, _handle) = create_unix_connection(&make, &path).await.expect("a client");
        ours.made().await;
        calls.made().await;
        transport.write(b"hello");
        assert_eq!(ours.data(5).await, b"hello");
        let error = create_unix_server(make, &path).await.expect_err("somebody listens");
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        transport.abort();
        assert_eq!(ours.next().await, Call::Lost(None));
        assert_eq!(calls.data(5).await, b"hello");
        assert_eq!(calls.next().await, Call::Eof);
        server.close();
        server.wait_closed().await;
        assert!(!path.exists());
        UnixStream::connect(&path).await.expect_err("nobody listens");
        assert!(server.sockets().is_empty());
    });
}
