//! How servers end: beside clients that come at the same time, with their runtime, and whose tasks are told of.

#[path = "common/calls.rs"]
mod calls;
mod common;

use calls::{Call, echo, serve, stay, told};
use common::run;
use raddle_net::{
    StreamReader, StreamWriter, TcpListener, create_connection, create_server, create_unix_server,
    start_server,
};
use raddle_runtime::prim::lock::Mutex;
use raddle_runtime::runtime::{Builder, PanicPolicy};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

/// Connects, and stays until the other side ends it; false once nobody listens.
fn stays(addr: std::net::SocketAddr) -> bool {
    let Ok(mut client) = TcpStream::connect(addr) else { return false };
    // Whoever connects to a free port may be given that very port, and so be connected to itself.
    if client.local_addr().is_ok_and(|local| local == addr) {
        return false;
    }
    // A system that has forgotten the connection with its listener says so to one that sends.
    let _ = client.write(b"x");
    let _ = client.read(&mut [0]);
    true
}

#[test]
fn nobody_who_comes_during_the_close_is_left_over() {
    run(async {
        for round in 0..100 {
            let (server, _calls) = serve(stay).await;
            let addr = server.sockets()[0];
            let clients: Vec<_> =
                (0..3).map(|_| raddle_runtime::spawn_blocking(move || while stays(addr) {})).collect();
            while server.connections() == 0 {
                raddle_runtime::yield_now().await;
            }
            server.close();
            if round % 2 == 0 {
                server.close_clients()
            } else {
                server.abort_clients()
            }
            // Whoever was accepted too late to be ended above is not served.
            server.wait_closed().await;
            assert_eq!(server.connections(), 0);
            for client in clients {
                client.await.expect("it ends");
            }
        }
    });
}

#[test]
fn the_end_of_the_runtime_ends_its_servers_and_their_connections() {
    let runtime = Builder::new().worker_threads(2).build().expect("a runtime");
    let (make, mut calls) = told(echo);
    let (protocols, streams) = runtime.block_on(async {
        let handler = |mut reader: StreamReader, writer: StreamWriter| async move {
            writer.write(vec![7; 1 << 22]);
            reader.read(1).await
        };
        let handler = move |reader, writer| {
            let served = handler(reader, writer);
            async move { drop(served.await) }
        };
        let protocols = create_server(make, "127.0.0.1:0").await.expect("a server");
        (protocols, start_server(handler, "127.0.0.1:0").await.expect("a server"))
    });
    let addrs = [protocols.sockets()[0], streams.sockets()[0]];
    let mut clients = addrs.map(|addr| TcpStream::connect(addr).expect("a client"));
    runtime.block_on(calls.made());
    clients[1].read_exact(&mut [0]).expect("it is served");
    drop(runtime);
    for client in &mut clients {
        // What the system had taken still comes, unless the end is a reset.
        let _ = client.write(b"x");
        let mut rest = Vec::new();
        let read = client.read_to_end(&mut rest);
        assert!(read.is_ok() || read.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
    }
    // Though their handles are still here.
    for (server, addr) in [(protocols, addrs[0]), (streams, addrs[1])] {
        assert!(!server.is_serving() && server.connections() == 0 && server.sockets().is_empty());
        assert_eq!(TcpStream::connect(addr).expect_err("closed").kind(), ErrorKind::ConnectionRefused);
        server.close();
    }
}

#[test]
fn what_a_writer_is_given_after_the_runtime_is_refused_and_no_harm() {
    let runtime = Builder::new().worker_threads(1).build().expect("a runtime");
    let (writer, mut reader, _peer) = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let addr = listener.local_addr().expect("an address");
        let (reader, writer) = raddle_net::open_connection(addr).await.expect("a connection");
        let (peer, _) = listener.accept().await.expect("a connection");
        (writer, reader, peer.into_std().expect("a socket"))
    });
    drop(runtime);
    // More than the system takes, so that somebody would have to send the rest.
    (0..8).for_each(|_| writer.write(vec![7; 1 << 22]));
    assert!(writer.is_closing() && writer.get_write_buffer_size() == 0);
    let other = Builder::new().worker_threads(1).build().expect("a runtime");
    other.block_on(async {
        writer.drain().await.expect_err("nobody sends it");
        writer.wait_closed().await.expect_err("it was lost");
        reader.read_to_end().await.expect_err("it was lost");
    });
}

/// Where the tasks were spawned that panicked.
type Sites = Arc<Mutex<Vec<(String, u32)>>>;

fn noting() -> (Sites, Builder) {
    let sites = Sites::default();
    let noted = sites.clone();
    let note = move |panic: &raddle_runtime::runtime::TaskPanic<'_>| {
        let site = panic.spawned_at();
        noted.lock().push((site.file().to_owned(), site.line()));
    };
    (sites, Builder::new().worker_threads(1).on_panic(PanicPolicy::Call(Arc::new(note))))
}

#[test]
fn a_panic_is_told_of_with_the_call_that_started_the_server() {
    let (sites, builder) = noting();
    let path = std::env::temp_dir().join(format!("raddle-sites-{}.sock", std::process::id()));
    let mut lines = Vec::new();
    let runtime = builder.build().expect("a runtime");
    runtime.block_on(async {
        let boom = |_: StreamReader, _: StreamWriter| async { fail() };
        let make = || {
            fail();
            Ends
        };
        let streams = start_server(boom, "127.0.0.1:0").await.expect("a server");
        lines.push(line!() - 1);
        let protocols = create_server(make, "127.0.0.1:0").await.expect("a server");
        lines.push(line!() - 1);
        let unix = create_unix_server(make, &path).await.expect("a server");
        lines.push(line!() - 1);
        for addr in [streams.sockets()[0], protocols.sockets()[0]] {
            let client = TcpStream::connect(addr).expect("a client");
            raddle_runtime::spawn_blocking(move || { &client }.read(&mut [0])).await.expect("it ends").ok();
        }
        let client = std::os::unix::net::UnixStream::connect(&path).expect("a client");
        raddle_runtime::spawn_blocking(move || { &client }.read(&mut [0])).await.expect("it ends").ok();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let addr = listener.local_addr().expect("an address");
        let (_, handle) = create_connection(|| Ends, addr).await.expect("a client");
        assert_eq!(handle.spawned_at().line(), line!() - 1);
        for server in [streams, protocols, unix] {
            server.close();
            server.wait_closed().await;
        }
    });
    // Waits for the tasks.
    drop(runtime);
    let expected: Vec<_> = lines.iter().map(|line| (file!().to_owned(), *line)).collect();
    // A connection ends before its panic is told of: the order is anybody's.
    let mut told = sites.lock().clone();
    told.sort();
    assert_eq!(told, expected);
}

fn fail() {
    panic!("on purpose");
}

/// A protocol that does nothing.
struct Ends;

impl raddle_net::Protocol for Ends {}

#[test]
fn a_connection_of_a_server_costs_no_name() {
    run(async {
        let (server, mut calls) = serve(stay).await;
        let _client = calls::connect(&server).await;
        calls.made().await;
        let tasks = raddle_runtime::all_tasks();
        assert!(tasks.iter().all(|task| task.name().is_none()));
        server.close();
        server.abort_clients();
        assert_eq!(calls.next().await, Call::Lost(None));
    });
}
