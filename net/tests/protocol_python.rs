//! Protocols (S6.5) against CPython's own asyncio, in both directions. It needs `python3` (3.11 or later) in `PATH`.

#[path = "common/calls.rs"]
mod calls;
mod common;

use calls::{Call, echo, serve, stay, told};
use common::{pattern, run};
use raddle_net::create_connection;
use raddle_runtime::spawn_blocking;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

/// Sends bytes of many lengths to an echo server, ends its writing, reads to the end, and writes its callbacks down.
const CLIENT: &str = r#"
import asyncio, sys

class Client(asyncio.Protocol):
    def __init__(self):
        self.calls, self.got, self.lost = [], 0, asyncio.get_running_loop().create_future()
    def note(self, call):
        if self.calls[-1:] != [call]:
            self.calls.append(call)
    def connection_made(self, transport):
        self.note("made")
        for length in [1, 2, 1000, 65536, 4 << 20]:
            transport.write(bytes(i % 251 for i in range(length)))
        transport.write_eof()
    def pause_writing(self):
        self.note("pause")
    def resume_writing(self):
        self.note("resume")
    def data_received(self, data):
        if "data" not in self.calls:
            self.note("data")
        self.got += len(data)
    def eof_received(self):
        self.note("eof")
    def connection_lost(self, error):
        self.note("lost %s" % error)
        self.lost.set_result(None)

async def main():
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(Client, "127.0.0.1", int(sys.argv[1]))
    await client.lost
    print(client.got, *client.calls)

asyncio.run(main())
"#;

/// Echoes, and says goodbye at the client's end.
const SERVER: &str = r#"
import asyncio

class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
    def data_received(self, data):
        self.transport.write(data)
    def eof_received(self):
        self.transport.write(b"bye")

async def main():
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)
    print("%s:%d" % server.sockets[0].getsockname(), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, __import__("sys").stdin.read)

asyncio.run(main())
"#;

fn python() -> Command {
    let mut command = Command::new("python3");
    command.arg("-c");
    command
}

#[test]
fn an_asyncio_client_speaks_to_a_protocol() {
    run(async {
        let (server, mut calls) = serve(echo).await;
        let port = server.sockets()[0].port().to_string();
        let client = spawn_blocking(move || python().args([CLIENT, &port]).output());
        calls.made().await;
        let len = 1 + 2 + 1000 + 65536 + (4 << 20);
        let (mut got, mut paused) = (0, false);
        loop {
            match calls.next().await {
                Call::Data(data) => got += data.len(),
                Call::Pause => assert!(!std::mem::replace(&mut paused, true)),
                Call::Resume => assert!(std::mem::replace(&mut paused, false)),
                Call::Eof => assert_eq!(got, len),
                Call::Lost(error) => break assert_eq!(error, None),
                Call::Made => panic!("there is one client"),
            }
        }
        assert!(!paused);
        let output = client.await.expect("no panic").expect("python3 is needed for this test");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
        let words: Vec<_> = text.split_whitespace().collect();
        assert_eq!(words[0], len.to_string(), "{text}");
        assert_eq!(words[1], "made");
        assert_eq!(words[words.len() - 3..], ["eof", "lost", "None"], "{text}");
    });
}

#[test]
fn a_protocol_speaks_to_an_asyncio_server() {
    run(async {
        let mut child = python()
            .arg(SERVER)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is needed for this test");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let line = spawn_blocking(move || lines.next().expect("a line").expect("text"));
        let addr: SocketAddr = line.await.expect("no panic").parse().expect("an address");
        let (make, mut calls) = told(stay);
        let (transport, handle) = create_connection(make, addr).await.expect("a connection");
        calls.made().await;
        let sent = pattern(4 << 20);
        transport.write(&sent);
        transport.write_eof();
        let (mut got, mut paused) = (Vec::new(), false);
        loop {
            match calls.next().await {
                Call::Data(data) => got.extend(data),
                Call::Pause => assert!(!std::mem::replace(&mut paused, true)),
                Call::Resume => assert!(std::mem::replace(&mut paused, false)),
                Call::Eof => break,
                other => panic!("{other:?}"),
            }
        }
        assert!(!paused && got[..sent.len()] == sent[..] && &got[sent.len()..] == b"bye");
        transport.close();
        assert_eq!(calls.next().await, Call::Lost(None));
        handle.await.expect("the protocol");
        drop(child.stdin.take());
        assert!(child.wait().expect("an end").success());
    });
}
