//! Protocols over UDP, among themselves and with CPython's asyncio. It needs `python3` (3.11 or later) in `PATH`.

mod common;

use common::{pattern, run};
use raddle_net::{DatagramProtocol, DatagramTransport, UdpSocket, create_datagram_endpoint};
use raddle_runtime::spawn_blocking;
use raddle_sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use std::io;
use std::net::SocketAddr;
use std::process::Command;

const ANY: &str = "127.0.0.1:0";

#[derive(Debug, PartialEq, Eq)]
enum Call {
    Made,
    Data(Vec<u8>),
    Error(io::ErrorKind),
    Lost(Option<io::ErrorKind>),
}

/// Passes on what it is told; `echoes` or panics, if it is to.
struct Told {
    calls: UnboundedSender<Call>,
    echoes: bool,
    transport: Option<DatagramTransport>,
}

impl Told {
    fn told(&self, call: Call) {
        let _ = self.calls.send(call);
    }
}

impl DatagramProtocol for Told {
    fn connection_made(&mut self, transport: DatagramTransport) {
        self.transport = Some(transport);
        self.told(Call::Made);
    }

    fn datagram_received(&mut self, data: &[u8], from: SocketAddr) {
        assert!(data != b"boom", "on purpose");
        let transport = self.transport.as_ref().expect("connection_made comes first");
        if self.echoes {
            transport.send_to(data, from);
        }
        self.told(Call::Data(data.to_vec()));
    }

    fn error_received(&mut self, error: io::Error) {
        self.told(Call::Error(error.kind()));
    }

    fn connection_lost(&mut self, error: Option<io::Error>) {
        self.told(Call::Lost(error.map(|error| error.kind())));
    }
}

fn told(echoes: bool) -> (impl FnOnce() -> Told, UnboundedReceiver<Call>) {
    let (calls, told) = unbounded();
    (move || Told { calls, echoes, transport: None }, told)
}

#[test]
fn datagrams_come_whole_and_a_closed_endpoint_is_told() {
    run(async {
        let (make, mut calls) = told(true);
        let (served, server) = create_datagram_endpoint(make, ANY, None).await.expect("an endpoint");
        assert_eq!(calls.recv().await, Some(Call::Made));
        let addr = served.local_addr().expect("an address");
        let (make, mut ours) = told(false);
        let (client, _handle) = create_datagram_endpoint(make, ANY, Some(addr)).await.expect("an endpoint");
        assert_eq!(ours.recv().await, Some(Call::Made));
        assert_eq!(client.peer_addr().expect("a peer"), addr);
        for len in [0, 1, 1000, 65_507] {
            client.send_to(pattern(len), None);
            assert_eq!(calls.recv().await, Some(Call::Data(pattern(len))));
            assert_eq!(ours.recv().await, Some(Call::Data(pattern(len))));
        }
        // Too long for any datagram.
        client.send_to(pattern(70_000), None);
        assert!(matches!(ours.recv().await, Some(Call::Error(_))));
        served.close();
        assert_eq!(calls.recv().await, Some(Call::Lost(None)));
        server.await.expect("the protocol");
        assert!(served.is_closing() && served.local_addr().is_err());
        // Nobody is there any more, and the system says so.
        client.send_to(b"hello", None);
        assert_eq!(ours.recv().await, Some(Call::Error(io::ErrorKind::ConnectionRefused)));
        client.abort();
        client.send_to(b"too late", None);
        assert_eq!(ours.recv().await, Some(Call::Lost(None)));
    });
}

#[test]
fn a_panic_closes_the_endpoint() {
    run(async {
        let (make, mut calls) = told(false);
        let (transport, handle) = create_datagram_endpoint(make, ANY, None).await.expect("an endpoint");
        let client = UdpSocket::bind(ANY).await.expect("a socket");
        client.send_to(b"boom", transport.local_addr().expect("an address")).await.expect("a datagram");
        assert!(handle.await.map(drop).expect_err("a panic").is_panic());
        assert_eq!(calls.recv().await, Some(Call::Made));
        assert_eq!(calls.recv().await, Some(Call::Lost(Some(io::ErrorKind::Other))));
        assert!(transport.is_closing());
    });
}

#[test]
fn many_datagrams_are_kept_in_order_and_sent_before_the_close() {
    run(async {
        let (make, mut calls) = told(false);
        let (transport, handle) = create_datagram_endpoint(make, ANY, None).await.expect("an endpoint");
        assert_eq!(calls.recv().await, Some(Call::Made));
        let peer = UdpSocket::bind(ANY).await.expect("a socket");
        let addr = peer.local_addr().expect("an address");
        // The first ones come before the driver knows the socket.
        (0..50u8).for_each(|n| transport.send_to([n], addr));
        transport.close();
        handle.await.expect("the protocol");
        assert_eq!(transport.get_write_buffer_size(), 0);
        let mut buf = [0; 8];
        for n in 0..50 {
            let (count, _) = peer.recv_from(&mut buf).await.expect("a datagram");
            assert_eq!(buf[..count], [n]);
        }
    });
}

/// Sends to the port it is given, and checks what comes back.
const ASK: &str = r#"
import asyncio, sys

class Ask(asyncio.DatagramProtocol):
    def __init__(self):
        self.came = asyncio.Queue()
    def datagram_received(self, data, addr):
        self.came.put_nowait(data)

async def main():
    loop = asyncio.get_running_loop()
    remote = ("127.0.0.1", int(sys.argv[1]))
    transport, ask = await loop.create_datagram_endpoint(Ask, remote_addr=remote)
    for length in [1, 1000, 65507]:
        transport.sendto(bytes(length))
        assert await asyncio.wait_for(ask.came.get(), 30) == bytes(length), length
    print("all came back")

asyncio.run(main())
"#;

#[test]
fn an_asyncio_client_speaks_to_an_endpoint() {
    run(async {
        let (make, _calls) = told(true);
        let (served, _handle) = create_datagram_endpoint(make, ANY, None).await.expect("an endpoint");
        let port = served.local_addr().expect("an address").port().to_string();
        let ask = spawn_blocking(move || Command::new("python3").args(["-c", ASK, &port]).output());
        let output = ask.await.expect("no panic").expect("python3 is needed for this test");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    });
}
