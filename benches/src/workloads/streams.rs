//! Echo servers on streams and on a protocol, as asyncio's documentation has them.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use raddle::net::{Protocol, Server, StreamReader, StreamWriter, Transport, create_server, start_server};

use crate::counting;
use crate::peers::{Peer, Raddle};

/// Connections that do nothing; both ends are in this process.
const IDLE: usize = 4_000;
/// Until each worker has the buffer that all its connections share.
const WARM_UP: usize = 64;

const READ_MAX: usize = 128 * 1024;

/// Starts the server on streams, at a free port.
///
/// # Errors
/// Fails where loopback sockets do.
pub async fn serve_streams() -> io::Result<Server> {
    start_server(echo, "127.0.0.1:0").await
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

/// Starts the server on a protocol, at a free port.
///
/// # Errors
/// Fails where loopback sockets do.
pub async fn serve_protocol() -> io::Result<Server> {
    create_server(Echo::default, "127.0.0.1:0").await
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

/// Bytes of heap that a server on streams has per idle connection, all that the runtime keeps for it included. Each
/// has echoed a message before.
///
/// # Panics
/// Panics where loopback sockets cannot be had.
pub fn bytes_per_idle_connection(runtime: &Raddle) -> f64 {
    let server = runtime.block_on(serve_streams()).expect("loopback works");
    let address = server.sockets()[0];
    let connect = || -> io::Result<TcpStream> {
        let mut stream = TcpStream::connect(address)?;
        let mut message = [7; 1_024];
        stream.write_all(&message)?;
        stream.read_exact(&mut message)?;
        Ok(stream)
    };
    let mut clients = Vec::with_capacity(WARM_UP + IDLE);
    clients.extend((0..WARM_UP).map(|_| connect().expect("loopback works")));
    counting::start();
    clients.extend((0..IDLE).map(|_| connect().expect("loopback works")));
    let bytes = counting::bytes();
    counting::stop();
    drop(clients);
    server.close();
    runtime.block_on(server.wait_closed());
    bytes as f64 / IDLE as f64
}
