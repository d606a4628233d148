//! The rows of echo servers on asyncio's streams and protocols, each in a process of its own. One client asks all of
//! them: a bare epoll loop on a thread of its own, with 8 connections. On each it has one message under way, or a batch
//! of 16 lines that it sends at once, and waits for all of it before it sends again.

use std::net::TcpListener;
use std::path::Path;
use std::thread;

use super::{Group, PeerKind, Row, Sample, Start, Target};
use crate::child::EchoServer;
use crate::epoll::{self, LINE};
use crate::peers::{Peer, Raddle};
use crate::python::{self, PYTHON};
use crate::workloads::streams::{Kind, idle};

const CONNECTIONS: usize = 8;
/// On each connection; a round takes about 50 ms.
const ROUND_TRIPS: u64 = 250;
/// Lines that are under way on a connection.
const LINES: usize = 16;

const STREAMS: u8 = Kind::Streams as u8;
const STREAMS_LINES: u8 = Kind::StreamsLines as u8;
const PROTOCOL: u8 = Kind::Protocol as u8;
const PROTOCOL_LINES: u8 = Kind::ProtocolLines as u8;
const BATCH: usize = LINES * LINE;

pub(super) fn rows() -> Vec<Row> {
    use Target::{Limit, Uvloop};
    vec![
        row::<STREAMS, 1_024>("streams echo 1 KiB", Uvloop(3.0)),
        row::<STREAMS, 65_536>("streams echo 64 KiB", Uvloop(3.0)),
        row::<STREAMS_LINES, BATCH>("streams lines 1 KiB", Uvloop(3.0)),
        row::<PROTOCOL, 1_024>("protocol echo 1 KiB", Uvloop(4.0)),
        row::<PROTOCOL, 65_536>("protocol echo 64 KiB", Uvloop(4.0)),
        row::<PROTOCOL_LINES, BATCH>("protocol lines 1 KiB", Uvloop(4.0)),
        processor::<STREAMS, 1_024>("streams echo 1 KiB, CPU", Uvloop(3.0)),
        processor::<STREAMS_LINES, BATCH>("streams lines 1 KiB, CPU", Uvloop(3.0)),
        processor::<PROTOCOL, 1_024>("protocol echo 1 KiB, CPU", Uvloop(4.0)),
        processor::<PROTOCOL_LINES, BATCH>("protocol lines 1 KiB, CPU", Uvloop(4.0)),
        ours("idle streams", "bytes", Limit(1_024.0), || sample_idle(Kind::Streams, false)),
        ours("idle protocol", "bytes", Limit(1_024.0), || sample_idle(Kind::Protocol, false)),
        ours("idle streams, CPU", "ns in 2 s", Limit(0.0), || sample_idle(Kind::Streams, true)),
        ours("idle protocol, CPU", "ns in 2 s", Limit(0.0), || sample_idle(Kind::Protocol, true)),
    ]
}

/// A row of what only Raddle is asked.
fn ours(name: &'static str, unit: &'static str, target: Target, start: Start) -> Row {
    Row { group: Group::Net, name, unit, target, floor: None, starts: vec![(PeerKind::Raddle, start)] }
}

/// Time per message.
fn row<const KIND: u8, const SIZE: usize>(name: &'static str, target: Target) -> Row {
    let starts: Vec<(PeerKind, Start)> = vec![
        (PeerKind::Raddle, || time::<SIZE>(raddle::<KIND>())),
        (PeerKind::Asyncio, || time::<SIZE>(in_python::<KIND>(PeerKind::Asyncio))),
        (PeerKind::Uvloop, || time::<SIZE>(in_python::<KIND>(PeerKind::Uvloop))),
    ];
    Row { group: Group::Net, name, unit: "ns", target, floor: Some(floor::<SIZE>), starts }
}

/// Processor time of the server per message.
fn processor<const KIND: u8, const SIZE: usize>(name: &'static str, target: Target) -> Row {
    let starts: Vec<(PeerKind, Start)> = vec![
        (PeerKind::Raddle, || processor_time::<SIZE>(raddle::<KIND>())),
        (PeerKind::Asyncio, || processor_time::<SIZE>(in_python::<KIND>(PeerKind::Asyncio))),
        (PeerKind::Uvloop, || processor_time::<SIZE>(in_python::<KIND>(PeerKind::Uvloop))),
    ];
    Row { group: Group::Net, name, unit: "ns", target, floor: None, starts }
}

fn kind(number: u8) -> Kind {
    Kind::ALL[usize::from(number)]
}

fn raddle<const KIND: u8>() -> EchoServer {
    EchoServer::of_raddle(kind(KIND)).unwrap_or_else(|why| panic!("{why}"))
}

fn in_python<const KIND: u8>(peer: PeerKind) -> EchoServer {
    let python = match peer {
        PeerKind::Uvloop => python::with_uvloop().expect("who starts it has asked whether it is there"),
        _ => Path::new(PYTHON),
    };
    let command = python::echo_server(python, kind(KIND).name(), peer == PeerKind::Uvloop);
    EchoServer::start(command).unwrap_or_else(|why| panic!("{why}"))
}

/// How many messages one request stands for.
const fn messages(size: usize) -> usize {
    if size == BATCH { LINES } else { 1 }
}

fn time<const SIZE: usize>(server: EchoServer) -> Sample {
    Box::new(move || ask::<SIZE>(&server))
}

fn ask<const SIZE: usize>(server: &EchoServer) -> f64 {
    epoll::ask::<SIZE>(server.address, CONNECTIONS, ROUND_TRIPS) / messages(SIZE) as f64
}

fn processor_time<const SIZE: usize>(server: EchoServer) -> Sample {
    let messages = CONNECTIONS as u64 * ROUND_TRIPS * messages(SIZE) as u64;
    let taken = |server: &EchoServer| server.processor_ns().expect("Linux tells");
    Box::new(move || {
        let before = taken(&server);
        ask::<SIZE>(&server);
        (taken(&server) - before) as f64 / messages as f64
    })
}

/// A server that is a bare epoll loop too.
fn floor<const SIZE: usize>() -> f64 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback works");
    let address = listener.local_addr().expect("it is bound");
    let took = thread::scope(|scope| {
        scope.spawn(|| epoll::serve(&listener, CONNECTIONS).expect("loopback works"));
        epoll::ask::<SIZE>(address, CONNECTIONS, ROUND_TRIPS)
    });
    took / messages(SIZE) as f64
}

fn sample_idle(kind: Kind, processor: bool) -> Sample {
    let runtime = Raddle::start(None);
    // Not counted, as everywhere: the runtime's table of sockets grows, in pages that double in size and stay.
    idle(&runtime, kind);
    Box::new(move || {
        let idle = idle(&runtime, kind);
        if processor { idle.processor_ns } else { idle.bytes }
    })
}
