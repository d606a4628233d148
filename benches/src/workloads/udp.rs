//! UDP on loopback: echo with many sockets, and a stream of datagrams between two.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use raddle::net::{RecvBatch, SendBatch, UdpSocket};

use super::Workload;
use crate::peers::udp::Udp;
use crate::peers::{Peer, Raddle};

/// Clients at the same time, each with a server socket of its own.
pub const PAIRS: usize = 50;
/// Round trips of each pair in one repetition.
pub const ROUND_TRIPS: u64 = 100;
/// Repetitions in one round of the table.
pub const REPETITIONS: u64 = 2;
/// Bytes of an echoed datagram.
pub const ECHOED: usize = 64;

/// Each client sends 64 bytes and waits until they came back. An operation is one round trip of one pair, in wall
/// time: all 50 pairs are busy.
pub struct UdpEcho;

impl<P: Udp> Workload<P> for UdpEcho {
    const OPERATIONS: u64 = PAIRS as u64 * ROUND_TRIPS;
    const REPETITIONS: u64 = REPETITIONS;

    fn run(runtime: &P, repetitions: u64) -> Duration {
        runtime.run_inside(echo::<P>(repetitions * ROUND_TRIPS)).expect("loopback works")
    }
}

async fn echo<P: Udp>(trips: u64) -> io::Result<Duration> {
    let mut clients = Vec::with_capacity(PAIRS);
    let mut servers = Vec::with_capacity(PAIRS);
    for _ in 0..PAIRS {
        let (server, address) = P::bind_udp().await?;
        let (client, _) = P::bind_udp().await?;
        P::connect_udp(&client, address).await?;
        clients.push(client);
        servers.push(P::spawn(serve::<P>(server, trips)));
    }
    let mut asking = Vec::with_capacity(PAIRS);
    let start = Instant::now();
    asking.extend(clients.into_iter().map(|client| P::spawn(ask::<P>(client, trips))));
    for client in asking {
        client.await?;
    }
    let took = start.elapsed();
    for server in servers {
        server.await?;
    }
    Ok(took)
}

async fn serve<P: Udp>(socket: P::Socket, trips: u64) -> io::Result<()> {
    let mut buffer = [0; 2 * ECHOED];
    for _ in 0..trips {
        let (length, from) = P::recv_from(&socket, &mut buffer).await?;
        P::send_to(&socket, &buffer[..length], from).await?;
    }
    Ok(())
}

async fn ask<P: Udp>(socket: P::Socket, trips: u64) -> io::Result<()> {
    let mut buffer = [0; 2 * ECHOED];
    for _ in 0..trips {
        P::send(&socket, &[7; ECHOED]).await?;
        let length = P::recv(&socket, &mut buffer).await?;
        assert_eq!(buffer[..length], [7; ECHOED], "an echo is what was sent");
    }
    Ok(())
}

/// Datagrams that are sent before the receiver says that it has them all: its buffer has room for no more.
const WINDOW: usize = 64;
/// Windows in one repetition.
const WINDOWS: u64 = 100;
/// What fits into a packet of most networks.
const LENGTH: usize = 1_200;

/// One task sends datagrams of 1,200 bytes to another, 64 of them before an answer: with `send_batch` and
/// `recv_batch`, or one by one. An operation is one datagram.
pub struct Stream<const BATCHED: bool>;

impl<const BATCHED: bool> Workload<Raddle> for Stream<BATCHED> {
    const OPERATIONS: u64 = WINDOW as u64 * WINDOWS;
    const REPETITIONS: u64 = 5;

    fn run(runtime: &Raddle, repetitions: u64) -> Duration {
        runtime.run_inside(stream::<BATCHED>(repetitions * WINDOWS)).expect("loopback works")
    }
}

async fn stream<const BATCHED: bool>(windows: u64) -> io::Result<Duration> {
    let (ours, our_address) = Raddle::bind_udp().await?;
    let (mut theirs, their_address) = Raddle::bind_udp().await?;
    if BATCHED && let Err(error) = theirs.enable_gro() {
        assert_eq!(error.kind(), io::ErrorKind::Unsupported, "{error}");
    }
    let start = Instant::now();
    let receiver = Raddle::spawn(async move {
        match BATCHED {
            true => receive_batches(theirs, windows, our_address).await,
            false => receive(theirs, windows, our_address).await,
        }
    });
    match BATCHED {
        true => send_batches(ours, windows, their_address).await?,
        false => send(ours, windows, their_address).await?,
    }
    receiver.await?;
    Ok(start.elapsed())
}

async fn send(socket: UdpSocket, windows: u64, to: SocketAddr) -> io::Result<()> {
    for _ in 0..windows {
        for _ in 0..WINDOW {
            socket.send_to(&[7; LENGTH], to).await?;
        }
        socket.recv(&mut [0]).await?;
    }
    Ok(())
}

async fn receive(socket: UdpSocket, windows: u64, from: SocketAddr) -> io::Result<()> {
    let mut buffer = [0; 1_500];
    for _ in 0..windows {
        for _ in 0..WINDOW {
            assert_eq!(socket.recv_from(&mut buffer).await?, (LENGTH, from), "nothing else was sent");
        }
        socket.send_to(&[1], from).await?;
    }
    Ok(())
}

async fn send_batches(socket: UdpSocket, windows: u64, to: SocketAddr) -> io::Result<()> {
    let mut batch = SendBatch::with_capacity(WINDOW, WINDOW * LENGTH);
    for _ in 0..windows {
        (0..WINDOW).for_each(|_| batch.push(&[7; LENGTH], to));
        socket.send_batch(&mut batch).await?;
        socket.recv(&mut [0]).await?;
    }
    Ok(())
}

async fn receive_batches(socket: UdpSocket, windows: u64, from: SocketAddr) -> io::Result<()> {
    let mut batch = RecvBatch::new(WINDOW, 1_500);
    for _ in 0..windows {
        let mut received = 0;
        while received < WINDOW {
            received += socket.recv_batch(&mut batch).await?;
            let as_sent = |(data, sender): (&[u8], SocketAddr)| (data.len(), sender) == (LENGTH, from);
            assert!(batch.iter().all(as_sent), "nothing else was sent");
        }
        socket.send_to(&[1], from).await?;
    }
    Ok(())
}
