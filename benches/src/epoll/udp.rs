//! The floor of the UDP echo row: two threads, each a bare level-triggered epoll loop over both sockets of 25 pairs,
//! with the same datagrams as [`UdpEcho`](crate::workloads::udp::UdpEcho).

use std::io;
use std::net::UdpSocket;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use super::{EVENTS, add, create, wait};
use crate::peers::WORKERS;
use crate::workloads::udp::{ECHOED, PAIRS, REPETITIONS, ROUND_TRIPS};

/// Nanoseconds per round trip.
///
/// # Panics
/// Panics where loopback sockets cannot be had.
pub fn floor() -> f64 {
    let trips = REPETITIONS * ROUND_TRIPS;
    let barrier = Barrier::new(WORKERS);
    let spans: Vec<(Instant, Instant)> = thread::scope(|scope| {
        let run = || echo(trips, &barrier).expect("loopback works");
        let threads: Vec<_> = (0..WORKERS).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(|thread| thread.join().expect("an epoll loop ends")).collect()
    });
    let start = spans.iter().map(|span| span.0).min().expect("there are threads");
    let end = spans.iter().map(|span| span.1).max().expect("there are threads");
    (end - start).as_nanos() as f64 / (PAIRS as u64 * trips) as f64
}

/// One socket of a pair.
enum End {
    Server(UdpSocket),
    Client { socket: UdpSocket, trips_left: u64 },
}

/// One thread's share of the pairs: when it began and ended.
fn echo(trips: u64, barrier: &Barrier) -> io::Result<(Instant, Instant)> {
    let epoll = create()?;
    let mut ends = bind(PAIRS / WORKERS, trips)?;
    for (index, end) in ends.iter().enumerate() {
        let (End::Server(socket) | End::Client { socket, .. }) = end;
        add(&epoll, socket, index as u64)?;
    }
    let mut events = [libc::epoll_event { events: 0, u64: 0 }; EVENTS];
    let mut busy = ends.len() / 2;
    barrier.wait();
    let start = Instant::now();
    for end in &ends {
        if let End::Client { socket, .. } = end {
            socket.send(&[7; ECHOED])?;
        }
    }
    while busy > 0 {
        let ready = wait(&epoll, &mut events)?;
        for event in &events[..ready] {
            let finished = ends[event.u64 as usize].turn()?;
            busy -= usize::from(finished);
        }
    }
    Ok((start, Instant::now()))
}

impl End {
    /// Answers readiness; true where that was a client's last reply.
    fn turn(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 2 * ECHOED];
        match self {
            Self::Server(socket) => {
                let (length, from) = socket.recv_from(&mut buffer)?;
                socket.send_to(&buffer[..length], from)?;
                Ok(false)
            }
            Self::Client { socket, trips_left } => {
                socket.recv(&mut buffer)?;
                *trips_left -= 1;
                if *trips_left > 0 {
                    socket.send(&[7; ECHOED])?;
                }
                Ok(*trips_left == 0)
            }
        }
    }
}

/// So many pairs.
fn bind(pairs: usize, trips: u64) -> io::Result<Vec<End>> {
    let mut ends = Vec::with_capacity(2 * pairs);
    for _ in 0..pairs {
        let server = UdpSocket::bind("127.0.0.1:0")?;
        let client = UdpSocket::bind("127.0.0.1:0")?;
        client.connect(server.local_addr()?)?;
        for socket in [&server, &client] {
            socket.set_nonblocking(true)?;
        }
        ends.push(End::Client { socket: client, trips_left: trips });
        ends.push(End::Server(server));
    }
    Ok(ends)
}
