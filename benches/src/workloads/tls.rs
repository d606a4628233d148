//! TLS echo on loopback, with as many connections as the plain one.

use std::io;
use std::time::{Duration, Instant};

use super::Workload;
use super::echo::{CONNECTIONS, REPETITIONS, ROUND_TRIPS};
use crate::peers::tls::Tls;

/// Each client sends `SIZE` bytes and waits until they came back; the handshakes are done before. An operation is one
/// round trip of one connection, in wall time: all 50 connections are busy.
pub struct TlsEcho<const SIZE: usize>;

impl<P: Tls, const SIZE: usize> Workload<P> for TlsEcho<SIZE> {
    const OPERATIONS: u64 = CONNECTIONS as u64 * ROUND_TRIPS;
    const REPETITIONS: u64 = REPETITIONS;

    fn run(runtime: &P, repetitions: u64) -> Duration {
        runtime.run_inside(echo::<P>(SIZE, repetitions * ROUND_TRIPS)).expect("loopback works")
    }
}

async fn echo<P: Tls>(size: usize, trips: u64) -> io::Result<Duration> {
    let (listener, address) = P::bind().await?;
    let mut streams = Vec::with_capacity(CONNECTIONS);
    let mut servers = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        let client = P::connect(address).await?;
        let (client, served) = P::secure(client, P::accept(&listener).await?).await?;
        streams.push(client);
        servers.push(P::spawn(serve::<P>(served, size)));
    }
    let mut clients = Vec::with_capacity(CONNECTIONS);
    let start = Instant::now();
    clients.extend(streams.into_iter().map(|stream| P::spawn(ask::<P>(stream, size, trips))));
    let mut ended = Vec::with_capacity(CONNECTIONS);
    for client in clients {
        ended.push(client.await?);
    }
    let took = start.elapsed();
    for mut client in ended {
        P::close_tls(&mut client).await?;
    }
    for server in servers {
        server.await?;
    }
    Ok(took)
}

async fn serve<P: Tls>(mut stream: P::Secure, size: usize) -> io::Result<()> {
    let mut buffer = vec![0; size];
    loop {
        match P::read_tls(&mut stream, &mut buffer).await? {
            0 => return Ok(()),
            length => P::write_all_tls(&mut stream, &buffer[..length]).await?,
        }
    }
}

async fn ask<P: Tls>(mut stream: P::Secure, size: usize, trips: u64) -> io::Result<P::Secure> {
    let request = vec![7; size];
    let mut reply = vec![0; size];
    for _ in 0..trips {
        P::write_all_tls(&mut stream, &request).await?;
        let mut received = 0;
        while received < size {
            match P::read_tls(&mut stream, &mut reply[received..]).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                length => received += length,
            }
        }
    }
    assert_eq!(request, reply, "an echo is what was sent");
    Ok(stream)
}
