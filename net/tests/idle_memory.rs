//! Many connections that wait: what each holds of the heap. Alone in its process, because it counts.

#[path = "common/descriptors.rs"]
mod descriptors;
#[path = "common/heap.rs"]
mod heap;

use descriptors::limit_descriptors;
use heap::bytes_in_use;
use raddle_net::{Protocol, Server, StreamReader, StreamWriter, Transport, create_server, start_server};
use raddle_runtime::runtime::Builder;
use raddle_runtime::yield_now;
use std::net::TcpStream;

/// They bring what there is once: tables, a buffer per thread.
const FIRST: usize = 300;
const CONNECTIONS: usize = 1_500;
/// Ten thousand hold a kilobyte each at most (796 bytes over streams, 587 over a protocol); among so few, a table that
/// has just doubled weighs a quarter more.
const BYTES_MAX: usize = 1_280;

struct Idle;

impl Protocol for Idle {
    fn connection_made(&mut self, _: Transport) {}
    fn data_received(&mut self, _: &[u8]) {}
}

/// Bytes per connection that comes when others are there. None has gone yet, so no task has left its memory for them.
async fn bytes_each(server: &Server) -> usize {
    let addr = server.sockets()[0];
    let mut clients = Vec::with_capacity(FIRST + CONNECTIONS);
    let mut come = async |count| {
        clients.extend((0..count).map(|_| TcpStream::connect(addr).expect("a listener")));
        let all = clients.len();
        until(|| server.connections() == all).await;
    };
    come(FIRST).await;
    let before = bytes_in_use();
    come(CONNECTIONS).await;
    (bytes_in_use() - before).max(0) as usize / CONNECTIONS
}

async fn until(has_come: impl Fn() -> bool) {
    while !has_come() {
        yield_now().await;
    }
}

fn check(what: &str, start: impl AsyncFnOnce() -> Server) {
    Builder::new().worker_threads(2).build().expect("a runtime").block_on(async {
        let server = start().await;
        let bytes = bytes_each(&server).await;
        println!("{what}: {bytes} bytes");
        assert!(bytes <= BYTES_MAX, "{what}: {bytes} bytes");
    });
}

async fn lines(mut reader: StreamReader, writer: StreamWriter) {
    while let Ok(line) = reader.readline().await
        && !line.is_empty()
    {
        writer.write(&line);
        if writer.drain().await.is_err() {
            return;
        }
    }
}

/// One test, for they count the same heap.
#[test]
fn an_idle_connection_holds_little() {
    // Both ends of each, and some for all.
    limit_descriptors(2 * (FIRST + CONNECTIONS) as libc::rlim_t + 100);
    check("streams", async || start_server(lines, "127.0.0.1:0").await.expect("a server"));
    check("a protocol", async || create_server(|| Idle, "127.0.0.1:0").await.expect("a server"));
}
