//! The floor of the echo rows: two threads, each a bare level-triggered epoll loop over both ends of 25
//! connections, with the same bytes and round trips as [`Echo`](crate::workloads::echo::Echo).

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use crate::peers::WORKERS;
use crate::workloads::echo::{CONNECTIONS, REPETITIONS, ROUND_TRIPS};

pub mod udp;

const EVENTS: usize = 64;

/// Nanoseconds per round trip of `SIZE` bytes.
///
/// # Panics
/// Panics where loopback sockets cannot be had.
pub fn floor<const SIZE: usize>() -> f64 {
    let trips = REPETITIONS * ROUND_TRIPS;
    let barrier = Barrier::new(WORKERS);
    let spans: Vec<(Instant, Instant)> = thread::scope(|scope| {
        let run = || echo(SIZE, trips, &barrier).expect("loopback works");
        let threads: Vec<_> = (0..WORKERS).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(|thread| thread.join().expect("an epoll loop ends")).collect()
    });
    let start = spans.iter().map(|span| span.0).min().expect("there are threads");
    let end = spans.iter().map(|span| span.1).max().expect("there are threads");
    (end - start).as_nanos() as f64 / (CONNECTIONS as u64 * trips) as f64
}

/// One thread's share of the connections: when it began and ended.
fn echo(size: usize, trips: u64, barrier: &Barrier) -> io::Result<(Instant, Instant)> {
    let epoll = create()?;
    let mut ends = connect(CONNECTIONS / WORKERS, trips)?;
    for (index, end) in ends.iter().enumerate() {
        add(&epoll, end.stream(), index as u64)?;
    }
    let mut buffer = vec![7; size];
    let mut events = [libc::epoll_event { events: 0, u64: 0 }; EVENTS];
    let mut busy = ends.len() / 2;
    barrier.wait();
    let start = Instant::now();
    for end in &mut ends {
        end.begin(&buffer)?;
    }
    while busy > 0 {
        let ready = wait(&epoll, &mut events)?;
        for event in &events[..ready] {
            let finished = ends[event.u64 as usize].turn(&mut buffer)?;
            busy -= usize::from(finished);
        }
    }
    Ok((start, Instant::now()))
}

/// One end of a connection.
enum End {
    Server(TcpStream),
    Client { stream: TcpStream, received: usize, trips_left: u64 },
}

impl End {
    fn stream(&self) -> &TcpStream {
        match self {
            Self::Server(stream) | Self::Client { stream, .. } => stream,
        }
    }

    /// A client sends its first request.
    fn begin(&mut self, request: &[u8]) -> io::Result<()> {
        match self {
            Self::Server(_) => Ok(()),
            Self::Client { stream, .. } => stream.write_all(request),
        }
    }

    /// Answers readiness; true where that was a client's last reply. At most one request is under way on a
    /// connection, so that a write never finds the socket's buffer full.
    fn turn(&mut self, buffer: &mut [u8]) -> io::Result<bool> {
        match self {
            Self::Server(stream) => {
                let length = stream.read(buffer)?;
                stream.write_all(&buffer[..length])?;
                Ok(false)
            }
            Self::Client { stream, received, trips_left } => {
                *received += stream.read(buffer)?;
                if *received < buffer.len() {
                    return Ok(false);
                }
                *received = 0;
                *trips_left -= 1;
                if *trips_left > 0 {
                    stream.write_all(buffer)?;
                }
                Ok(*trips_left == 0)
            }
        }
    }
}

/// Both ends of so many connections.
fn connect(connections: usize, trips: u64) -> io::Result<Vec<End>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let mut ends = Vec::with_capacity(2 * connections);
    for _ in 0..connections {
        let client = TcpStream::connect(address)?;
        let (server, _) = listener.accept()?;
        for stream in [&client, &server] {
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
        }
        ends.push(End::Client { stream: client, received: 0, trips_left: trips });
        ends.push(End::Server(server));
    }
    Ok(ends)
}

fn create() -> io::Result<OwnedFd> {
    // SAFETY: the call takes no pointer.
    let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
    // SAFETY: the descriptor is new and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn add(epoll: &OwnedFd, socket: &impl AsRawFd, index: u64) -> io::Result<()> {
    let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: index };
    let (epoll, socket) = (epoll.as_raw_fd(), socket.as_raw_fd());
    // SAFETY: both descriptors are open, and the event is only read during the call.
    check(unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, socket, &mut event) })?;
    Ok(())
}

fn wait(epoll: &OwnedFd, events: &mut [libc::epoll_event]) -> io::Result<usize> {
    let (room, count) = (events.as_mut_ptr(), events.len() as i32);
    // SAFETY: the kernel writes at most `count` events to the slice that is borrowed during the call.
    let ready = check(unsafe { libc::epoll_wait(epoll.as_raw_fd(), room, count, -1) })?;
    Ok(ready as usize)
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
