//! TCP echo on loopback: 50 clients and their 50 servers, all tasks of one runtime.

use std::io;
use std::time::{Duration, Instant};

use super::Workload;
use crate::peers::Peer;

/// Connections at the same time.
pub const CONNECTIONS: usize = 50;
/// Round trips on each connection in one repetition.
pub const ROUND_TRIPS: u64 = 100;
/// Repetitions in one round of the table.
pub const REPETITIONS: u64 = 2;

/// Buffers have room for more than a message, as in most programs: a short read tells a runtime that the
/// socket is empty.
const ROOM: usize = 64;

/// Each client sends `SIZE` bytes and waits until they came back. An operation is one round trip of one
/// connection, in wall time: all 50 connections are busy.
pub struct Echo<const SIZE: usize>;

impl<P: Peer, const SIZE: usize> Workload<P> for Echo<SIZE> {
    const OPERATIONS: u64 = CONNECTIONS as u64 * ROUND_TRIPS;
    const REPETITIONS: u64 = REPETITIONS;

    fn run(runtime: &P, repetitions: u64) -> Duration {
        runtime.run_inside(echo::<P>(SIZE, repetitions * ROUND_TRIPS)).expect("loopback works")
    }
}

async fn echo<P: Peer>(size: usize, trips: u64) -> io::Result<Duration> {
    let (listener, address) = P::bind().await?;
    let mut streams = Vec::with_capacity(CONNECTIONS);
    let mut servers = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        streams.push(P::connect(address).await?);
        let served = P::accept(&listener).await?;
        servers.push(P::spawn(serve::<P>(served, size)));
    }
    let mut clients = Vec::with_capacity(CONNECTIONS);
    let start = Instant::now();
    clients.extend(streams.into_iter().map(|stream| P::spawn(ask::<P>(stream, size, trips))));
    for client in clients {
        client.await?;
    }
    let took = start.elapsed();
    for server in servers {
        server.await?;
    }
    Ok(took)
}

async fn serve<P: Peer>(mut stream: P::Stream, size: usize) -> io::Result<()> {
    let mut buffer = vec![0; size + ROOM];
    loop {
        match P::read(&mut stream, &mut buffer).await? {
            0 => return Ok(()),
            length => P::write_all(&mut stream, &buffer[..length]).await?,
        }
    }
}

async fn ask<P: Peer>(mut stream: P::Stream, size: usize, trips: u64) -> io::Result<()> {
    let request = vec![7; size];
    let mut reply = vec![0; size + ROOM];
    for _ in 0..trips {
        P::write_all(&mut stream, &request).await?;
        let mut received = 0;
        while received < size {
            match P::read(&mut stream, &mut reply[received..]).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                length => received += length,
            }
        }
    }
    assert_eq!(request, reply[..size], "an echo is what was sent");
    Ok(())
}
