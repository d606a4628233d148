//! The rows of echo servers on asyncio's streams and protocols. One client asks all of them: a bare epoll loop on a
//! thread of its own, 8 connections, each waiting for its echo before it sends again.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::thread;

use raddle::net::Server;

use super::{Group, PeerKind, Row, Sample, Start, Target};
use crate::epoll;
use crate::peers::{Peer, Raddle};
use crate::python::{self, EchoServer, PYTHON};
use crate::workloads::streams::{bytes_per_idle_connection, serve_protocol, serve_streams};

const CONNECTIONS: usize = 8;
/// On each connection; a round takes about 50 ms.
const ROUND_TRIPS: u64 = 250;

pub(super) fn rows() -> Vec<Row> {
    vec![
        row::<1_024>("streams echo 1 KiB", Target::Uvloop(3.0), streams::<1_024>()),
        row::<65_536>("streams echo 64 KiB", Target::Uvloop(3.0), streams::<65_536>()),
        row::<1_024>("protocol echo 1 KiB", Target::Uvloop(4.0), protocol::<1_024>()),
        row::<65_536>("protocol echo 64 KiB", Target::Uvloop(4.0), protocol::<65_536>()),
        Row {
            group: Group::Net,
            name: "idle connection",
            unit: "bytes",
            target: Target::Limit(1_024.0),
            floor: None,
            starts: vec![(PeerKind::Raddle, idle)],
        },
    ]
}

fn row<const SIZE: usize>(name: &'static str, target: Target, starts: Vec<(PeerKind, Start)>) -> Row {
    Row { group: Group::Net, name, unit: "ns", target, floor: Some(floor::<SIZE>), starts }
}

fn streams<const SIZE: usize>() -> Vec<(PeerKind, Start)> {
    vec![
        (PeerKind::Raddle, || ours::<SIZE, _>(serve_streams())),
        (PeerKind::Asyncio, || in_python::<SIZE>(Path::new(PYTHON), "streams", false)),
        (PeerKind::Uvloop, || in_python::<SIZE>(uvloop(), "streams", true)),
    ]
}

fn protocol<const SIZE: usize>() -> Vec<(PeerKind, Start)> {
    vec![
        (PeerKind::Raddle, || ours::<SIZE, _>(serve_protocol())),
        (PeerKind::Asyncio, || in_python::<SIZE>(Path::new(PYTHON), "protocol", false)),
        (PeerKind::Uvloop, || in_python::<SIZE>(uvloop(), "protocol", true)),
    ]
}

fn ours<const SIZE: usize, F: Future<Output = io::Result<Server>>>(start: F) -> Sample {
    let runtime = Raddle::start(None);
    let server = runtime.block_on(start).expect("loopback works");
    sample::<SIZE, _>(server.sockets()[0], (server, runtime))
}

fn idle() -> Sample {
    let runtime = Raddle::start(None);
    Box::new(move || bytes_per_idle_connection(&runtime))
}

fn uvloop() -> &'static Path {
    python::with_uvloop().expect("who starts it has asked whether it is there")
}

fn in_python<const SIZE: usize>(python: &Path, kind: &str, on_uvloop: bool) -> Sample {
    let server = EchoServer::start(python, kind, on_uvloop).unwrap_or_else(|why| panic!("{why}"));
    sample::<SIZE, _>(server.address, server)
}

/// Asks the server at `address`, which `server` keeps alive.
fn sample<const SIZE: usize, S: 'static>(address: SocketAddr, server: S) -> Sample {
    Box::new(move || {
        let _ = &server;
        epoll::ask::<SIZE>(address, CONNECTIONS, ROUND_TRIPS)
    })
}

/// A server that is a bare epoll loop too.
fn floor<const SIZE: usize>() -> f64 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback works");
    let address = listener.local_addr().expect("it is bound");
    thread::scope(|scope| {
        scope.spawn(|| epoll::serve(&listener, CONNECTIONS).expect("loopback works"));
        epoll::ask::<SIZE>(address, CONNECTIONS, ROUND_TRIPS)
    })
}
