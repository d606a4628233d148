//! UDP with programs that were not written here: CPython's asyncio in both directions, and `dig`.
//!
//! They need `python3` (3.11 or later) and `dig` (Debian's `bind9-dnsutils`) in `PATH`.

mod common;

use common::{pattern, run};
use raddle_net::{RecvBatch, SendBatch, UdpSocket};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Output, Stdio};

/// Echoes datagrams and says where. (asyncio sent none without bytes until CPython 3.13, so there are none here.)
const ECHO: &str = r#"
import asyncio

class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport
    def datagram_received(self, data, addr):
        self.transport.sendto(data, addr)

async def main():
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    print("%s:%d" % transport.get_extra_info("sockname"), flush=True)
    await loop.run_in_executor(None, __import__("sys").stdin.read)

asyncio.run(main())
"#;

/// Sends datagrams of many lengths to the port it is given, one after the other, and checks that they come back.
const ASK: &str = r#"
import asyncio, sys

class Ask(asyncio.DatagramProtocol):
    def __init__(self):
        self.came = asyncio.Queue()
    def datagram_received(self, data, addr):
        self.came.put_nowait(data)
    def error_received(self, error):
        self.came.put_nowait(error)

async def main():
    loop = asyncio.get_running_loop()
    remote = ("127.0.0.1", int(sys.argv[1]))
    transport, ask = await loop.create_datagram_endpoint(Ask, remote_addr=remote)
    for length in [1, 2, 1000, 1472, 9000, 65507]:
        data = bytes(i % 251 for i in range(length))
        transport.sendto(data)
        assert await asyncio.wait_for(ask.came.get(), 30) == data, length
    for i in range(20):
        transport.sendto(b"%04d" % i)
    for i in range(20):
        assert await asyncio.wait_for(ask.came.get(), 30) == b"%04d" % i
    print("all came back")

asyncio.run(main())
"#;

/// A process that ends with the test.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn python(script: &str) -> Command {
    let mut command = Command::new("python3");
    command.args(["-c", script]);
    command
}

async fn output(mut command: Command) -> Output {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = raddle_runtime::spawn_blocking(move || command.stdin(Stdio::null()).output());
    match output.await.expect("the closure does not panic") {
        Ok(output) => output,
        Err(error) => panic!("this test needs {program} in PATH: {error}"),
    }
}

async fn bind() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    let addr = socket.local_addr().expect("an address");
    (socket, addr)
}

#[test]
fn asyncio_echoes_what_we_send() {
    let mut command = python(ECHO);
    let child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("this test needs python3");
    let mut peer = Peer(child);
    let mut line = String::new();
    BufReader::new(peer.0.stdout.take().expect("piped")).read_line(&mut line).expect("an address");
    let to: SocketAddr = line.trim().parse().expect("an address");
    run(async {
        let (ours, _) = bind().await;
        let mut buf = vec![0; 70_000];
        for len in [1, 2, 1_000, 1_472, 9_000, 65_507] {
            ours.send_to(&pattern(len), to).await.expect("sent");
            assert_eq!(ours.recv_from(&mut buf).await.expect("an echo"), (len, to));
            assert_eq!(buf[..len], pattern(len));
        }
        let mut batch = SendBatch::new();
        for i in 0..40 {
            batch.push(&pattern(1_000 + i % 10), to);
        }
        ours.send_batch(&mut batch).await.expect("sent");
        let mut batch = RecvBatch::new(64, 1_500);
        let mut lens = Vec::new();
        while lens.len() < 40 {
            ours.recv_batch(&mut batch).await.expect("echoes");
            assert!(batch.iter().all(|(data, from)| from == to && *data == pattern(data.len())));
            lens.extend(batch.iter().map(|(data, _)| data.len()));
        }
        assert_eq!(lens, (0..40).map(|i| 1_000 + i % 10).collect::<Vec<_>>());
    });
}

/// Echoes until the future is dropped, each time by all that came at once.
async fn echo(socket: UdpSocket) {
    let (mut came, mut back) = (RecvBatch::new(64, 65_507), SendBatch::new());
    loop {
        socket.recv_batch(&mut came).await.expect("datagrams");
        came.iter().for_each(|(data, from)| back.push(data, from));
        socket.send_batch(&mut back).await.expect("sent");
    }
}

#[test]
fn we_echo_what_asyncio_sends() {
    run(async {
        for gro in [false, true] {
            let (mut ours, addr) = bind().await;
            if gro {
                ours.enable_gro().expect("a kernel with UDP_GRO");
            }
            let server = raddle_runtime::spawn(echo(ours));
            let mut command = python(ASK);
            command.arg(addr.port().to_string());
            let output = output(command).await;
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            assert_eq!(output.stdout, b"all came back\n");
            server.cancel();
        }
    });
}

/// Where the name that a DNS query asks for ends; `None` when it is no name.
fn name_end(query: &[u8]) -> Option<usize> {
    let mut at = 12;
    loop {
        match usize::from(*query.get(at)?) {
            0 => return Some(at + 1),
            len @ 1..64 => at += 1 + len,
            _ => return None,
        }
    }
}

/// The answer to a DNS query: 192.0.2.7 to whoever asks for an IPv4 address, nothing to others.
fn answer(query: &[u8]) -> Option<Vec<u8>> {
    let end = name_end(query)?;
    let question = query.get(12..end + 4)?;
    let is_a = query[end..end + 4] == [0, 1, 0, 1];
    let mut answer = query[..2].to_vec();
    // A response, authoritative, without error; one question, perhaps one answer.
    answer.extend([0x84, 0, 0, 1, 0, u8::from(is_a), 0, 0, 0, 0]);
    answer.extend(question);
    if is_a {
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]);
    }
    Some(answer)
}

#[test]
fn dig_asks_a_small_name_server() {
    run(async {
        let (ours, addr) = bind().await;
        let server = raddle_runtime::spawn(async move {
            let mut query = [0; 512];
            loop {
                let (len, from) = ours.recv_from(&mut query).await.expect("a query");
                if let Some(answer) = answer(&query[..len]) {
                    ours.send_to(&answer, from).await.expect("sent");
                }
            }
        });
        let port = addr.port().to_string();
        let ask = |kind: &str| {
            let mut dig = Command::new("dig");
            dig.args(["@127.0.0.1", "-p", &port, "raddle.test", kind, "+short", "+tries=3", "+time=10"]);
            output(dig)
        };
        let came = ask("A").await;
        assert_eq!(String::from_utf8_lossy(&came.stdout), "192.0.2.7\n");
        let came = ask("TXT").await;
        assert!(came.status.success() && came.stdout.is_empty(), "{came:?}");
        server.cancel();
    });
}
