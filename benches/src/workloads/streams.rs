//! Echo servers on streams and on a protocol, as asyncio's documentation has them.

use std::io;
use std::thread;
use std::time::Duration;

use raddle::net::{Protocol, Server, StreamReader, StreamWriter, Transport, create_server, start_server};

use crate::child::{Client, others_processor_ns};
use crate::counting;
use crate::peers::{Peer, Raddle};

/// Connections that do nothing. The client is a process of its own: two ends are two descriptors.
const IDLE: usize = 10_000;
/// Until each worker has the buffer that all its connections share.
const WARM_UP: usize = 64;
/// For how long a server with so many connections is watched.
const WATCHED: Duration = Duration::from_secs(2);
/// Before that: the runtime's monitor looks on for a tenth of a second after the last task has run.
const SETTLING: Duration = Duration::from_millis(500);

const READ_MAX: usize = 128 * 1024;

/// An echo server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// On streams: what a read gave is sent back.
    Streams,
    /// On streams: each line is sent back.
    StreamsLines,
    /// On a protocol: what was received is sent back.
    Protocol,
    /// On a protocol: each line is sent back.
    ProtocolLines,
}

impl Kind {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Streams, Self::StreamsLines, Self::Protocol, Self::ProtocolLines];

    /// What `echo_server.py` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Streams => "streams",
            Self::StreamsLines => "streams-lines",
            Self::Protocol => "protocol",
            Self::ProtocolLines => "protocol-lines",
        }
    }

    /// The one of that name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Starts a server at a free port.
///
/// # Errors
/// Fails where loopback sockets do.
pub async fn serve(kind: Kind) -> io::Result<Server> {
    match kind {
        Kind::Streams => start_server(echo, "127.0.0.1:0").await,
        Kind::StreamsLines => start_server(echo_lines, "127.0.0.1:0").await,
        Kind::Protocol => create_server(Echo::default, "127.0.0.1:0").await,
        Kind::ProtocolLines => create_server(EchoLines::default, "127.0.0.1:0").await,
    }
}

async fn echo(mut reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
    loop {
        let data = reader.read(READ_MAX).await?;
        if data.is_empty() {
            return Ok(());
        }
        writer.write(&data);
        writer.drain().await?;
    }
}

async fn echo_lines(mut reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
    loop {
        let line = reader.readline().await?;
        if line.is_empty() {
            return Ok(());
        }
        writer.write(&line);
        writer.drain().await?;
    }
}

#[derive(Default)]
struct Echo {
    transport: Option<Transport>,
}

impl Protocol for Echo {
    fn connection_made(&mut self, transport: Transport) {
        self.transport = Some(transport);
    }

    fn data_received(&mut self, data: &[u8]) {
        if let Some(transport) = &self.transport {
            transport.write(data);
        }
    }
}

#[derive(Default)]
struct EchoLines {
    transport: Option<Transport>,
    /// The beginning of a line whose end has not come.
    rest: Vec<u8>,
}

impl Protocol for EchoLines {
    fn connection_made(&mut self, transport: Transport) {
        self.transport = Some(transport);
    }

    fn data_received(&mut self, data: &[u8]) {
        let Some(transport) = &self.transport else { return };
        for line in data.split_inclusive(|byte| *byte == b'\n') {
            match (line.ends_with(b"\n"), self.rest.is_empty()) {
                (true, true) => transport.write(line),
                (true, false) => {
                    self.rest.extend_from_slice(line);
                    transport.write(std::mem::take(&mut self.rest));
                }
                (false, _) => self.rest.extend_from_slice(line),
            }
        }
    }
}

/// What a server has of 10,000 connections that do nothing, each of which has echoed a message before.
#[derive(Clone, Copy, Debug)]
pub struct Idle {
    /// Of heap per connection, all that the runtime keeps for it included.
    pub bytes: f64,
    /// Nanoseconds of processor time in two seconds, of all threads; with not a single system call it is 0.
    pub processor_ns: f64,
}

/// Measures it.
///
/// # Panics
/// Panics where loopback sockets cannot be had.
pub fn idle(runtime: &Raddle, kind: Kind) -> Idle {
    let server = runtime.block_on(serve(kind)).expect("loopback works");
    let mut client = Client::start(server.sockets()[0]).unwrap_or_else(|why| panic!("{why}"));
    let mut open = |count| client.open(count).unwrap_or_else(|why| panic!("{why}"));
    open(WARM_UP);
    counting::start();
    open(IDLE);
    let bytes = counting::bytes() as f64 / IDLE as f64;
    counting::stop();
    thread::sleep(SETTLING);
    let before = others_processor_ns().expect("Linux tells");
    thread::sleep(WATCHED);
    let after = others_processor_ns().expect("Linux tells");
    assert_eq!(server.connections(), WARM_UP + IDLE, "none has ended");
    drop(client);
    server.close();
    runtime.block_on(server.wait_closed());
    Idle { bytes, processor_ns: (after - before) as f64 }
}
