//! The floor of the echo rows: two threads, each a bare level-triggered epoll loop over both ends of 25
//! connections, with the same bytes and round trips as [`Echo`](crate::workloads::echo::Echo).

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use crate::peers::WORKERS;
use crate::workloads::echo::{CONNECTIONS, REPETITIONS, ROUND_TRIPS};

pub mod udp;

const EVENTS: usize = 64;

/// Bytes of a line, its end included.
pub const LINE: usize = 1_024;

/// As much as any of the servers reads at once.
const READ_MAX: usize = 128 * 1024;

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
    let mut ends = connect(CONNECTIONS / WORKERS, trips)?;
    drive(&mut ends, size, || {
        barrier.wait();
    })
}

/// Nanoseconds per round trip of `SIZE` bytes with the echo server at `address`, all connections busy at once.
///
/// # Panics
/// Panics where the server does not answer.
pub fn ask<const SIZE: usize>(address: SocketAddr, connections: usize, trips: u64) -> f64 {
    let connected: io::Result<Vec<End>> = (0..connections).map(|_| client(address, trips)).collect();
    let took = connected.and_then(|mut ends| drive(&mut ends, SIZE, || {}));
    let (start, end) = took.unwrap_or_else(|error| panic!("the echo server at {address}: {error}"));
    (end - start).as_nanos() as f64 / (connections as u64 * trips) as f64
}

/// Serves so many connections until they end: the floor of servers that are asked by [`ask`].
///
/// # Errors
/// Fails where loopback sockets do.
pub fn serve(listener: &TcpListener, connections: usize) -> io::Result<()> {
    let epoll = create()?;
    let mut ends = Vec::with_capacity(connections);
    for index in 0..connections {
        let (stream, _) = listener.accept()?;
        set_options(&stream)?;
        add(&epoll, &stream, index as u64)?;
        ends.push(stream);
    }
    let mut buffer = vec![0; READ_MAX];
    let mut events = [libc::epoll_event { events: 0, u64: 0 }; EVENTS];
    let mut open = connections;
    while open > 0 {
        let ready = wait(&epoll, &mut events)?;
        for event in &events[..ready] {
            let mut stream = &ends[event.u64 as usize];
            let length = stream.read(&mut buffer)?;
            stream.write_all(&buffer[..length])?;
            if length == 0 {
                remove(&epoll, stream)?;
                open -= 1;
            }
        }
    }
    Ok(())
}

/// Sends and answers until every client has had its last reply; `begin` is called when all is prepared.
fn drive(ends: &mut [End], size: usize, begin: impl FnOnce()) -> io::Result<(Instant, Instant)> {
    let epoll = create()?;
    for (index, end) in ends.iter().enumerate() {
        add(&epoll, end.stream(), index as u64)?;
    }
    let request = request(size);
    let mut buffer = vec![0; size];
    let mut events = [libc::epoll_event { events: 0, u64: 0 }; EVENTS];
    let mut busy = ends.iter().filter(|end| matches!(end, End::Client { .. })).count();
    begin();
    let start = Instant::now();
    for end in &mut *ends {
        end.begin(&request)?;
    }
    while busy > 0 {
        let ready = wait(&epoll, &mut events)?;
        for event in &events[..ready] {
            let finished = ends[event.u64 as usize].turn(&request, &mut buffer)?;
            busy -= usize::from(finished);
        }
    }
    Ok((start, Instant::now()))
}

/// Lines of 1 KiB.
fn request(size: usize) -> Vec<u8> {
    let mut bytes = vec![7; size];
    bytes.iter_mut().skip(LINE - 1).step_by(LINE).for_each(|byte| *byte = b'\n');
    bytes
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
    fn turn(&mut self, request: &[u8], buffer: &mut [u8]) -> io::Result<bool> {
        match self {
            Self::Server(stream) => {
                let length = stream.read(buffer)?;
                stream.write_all(&buffer[..length])?;
                Ok(false)
            }
            Self::Client { stream, received, trips_left } => {
                match stream.read(buffer)? {
                    0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    length => *received += length,
                }
                if *received < request.len() {
                    return Ok(false);
                }
                *received = 0;
                *trips_left -= 1;
                if *trips_left > 0 {
                    stream.write_all(request)?;
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
        ends.push(client(address, trips)?);
        let (server, _) = listener.accept()?;
        set_options(&server)?;
        ends.push(End::Server(server));
    }
    Ok(ends)
}

fn client(address: SocketAddr, trips: u64) -> io::Result<End> {
    let stream = TcpStream::connect(address)?;
    set_options(&stream)?;
    Ok(End::Client { stream, received: 0, trips_left: trips })
}

fn set_options(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)
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

fn remove(epoll: &OwnedFd, stream: &TcpStream) -> io::Result<()> {
    let (epoll, stream) = (epoll.as_raw_fd(), stream.as_raw_fd());
    // SAFETY: both descriptors are open, and this operation reads no event.
    check(unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_DEL, stream, std::ptr::null_mut()) })?;
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
