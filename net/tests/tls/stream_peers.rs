//! `start_tls` with programs of others: python3's own asyncio (3.11 or later) each way, and `openssl s_client`.

use crate::certs::{Authority, write};
use crate::common::run;
use raddle_net::tls::TlsAcceptor;
use raddle_net::{StreamOptions, StreamReader, StreamWriter, open_connection};
use raddle_runtime::spawn_blocking;
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

/// Asks for TLS in the clear, then sends much and wants it back, then closes.
const CLIENT: &str = "
import asyncio, ssl, sys
async def main():
    reader, writer = await asyncio.open_connection('127.0.0.1', int(sys.argv[1]))
    writer.write(b'STARTTLS\\n')
    assert await reader.readline() == b'go\\n'
    await writer.start_tls(ssl.create_default_context(cafile=sys.argv[2]), server_hostname='localhost')
    data = bytes(i % 251 for i in range(1 << 20)) + b'\\n'
    async def send():
        writer.write(data)
        await writer.drain()
    sending = asyncio.create_task(send())
    assert await reader.readexactly(len(data)) == data
    await sending
    writer.write(b'bye\\n')
    assert await reader.read() == b'farewell', 'a clean end'
    print('well', writer.get_extra_info('cipher')[1])
    writer.close()
    await writer.wait_closed()
asyncio.run(main())
";

/// The same from the other side, through the protocol below the streams: those of 3.11 cannot do it for a server.
const SERVER: &str = "
import asyncio, ssl, sys
class Upgrading(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.secure, self.buffer = transport, False, b''
    def data_received(self, data):
        if self.secure:
            self.transport.write(data)
        else:
            self.buffer += data
            if self.buffer == b'STARTTLS\\n':
                self.transport.write(b'go\\n')
                self.transport.pause_reading()
                asyncio.ensure_future(self.upgrade())
    async def upgrade(self):
        loop = asyncio.get_running_loop()
        self.secure = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
        self.transport = await loop.start_tls(self.transport, self, context, server_side=True)
    def connection_lost(self, error):
        if error: print('lost', repr(error), file=sys.stderr)
        done.set_result(error)
async def main():
    global done
    done = asyncio.get_running_loop().create_future()
    server = await asyncio.get_running_loop().create_server(Upgrading, '127.0.0.1', 0)
    print('%s:%d' % server.sockets[0].getsockname(), flush=True)
    sys.exit(0 if await done is None else 1)
asyncio.run(main())
";

fn python(script: &str) -> Command {
    let mut command = Command::new("python3");
    command.args(["-c", script]).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn utf8(path: &Path) -> &str {
    path.to_str().expect("a path of the target folder")
}

#[test]
fn an_asyncio_client_asks_for_tls() {
    run(async {
        let authority = Authority::new();
        let acceptor = authority.server(&["localhost"]).build().expect("an acceptor");
        let handler = move |mut reader: StreamReader, writer: StreamWriter| {
            let acceptor = acceptor.clone();
            async move {
                assert_eq!(reader.readline().await?, b"STARTTLS\n");
                writer.write("go\n");
                writer.start_tls_server(&mut reader, &acceptor).await?;
                let data = reader.readexactly((1 << 20) + 1).await?;
                writer.write(data);
                writer.drain().await?;
                assert_eq!(reader.readline().await?, b"bye\n");
                writer.write("farewell");
                io::Result::Ok(())
            }
        };
        let server = StreamOptions::new().start_server(handler, "127.0.0.1:0").await.expect("a server");
        let ca = write("start-tls-ca.pem", &authority.cert);
        let mut client = python(CLIENT);
        client.args([&server.sockets()[0].port().to_string(), utf8(&ca)]);
        let output = spawn_blocking(move || client.output()).await.expect("no panic").expect("python3");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(String::from_utf8_lossy(&output.stdout), "well TLSv1.3\n", "{errors}");
        server.close();
        server.wait_closed().await;
        std::fs::remove_file(ca).expect("our file");
    });
}

#[test]
fn we_ask_an_asyncio_server_for_tls() {
    run(async {
        let authority = Authority::new();
        let connector = authority.client().build().expect("a connector");
        let (cert, key) = authority.sign(&["localhost"]).write("start-tls");
        let mut child = python(SERVER).args([utf8(&cert), utf8(&key)]).spawn().expect("python3");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let line = spawn_blocking(move || lines.next().expect("a line").expect("text"));
        let addr: SocketAddr = line.await.expect("no panic").parse().expect("an address");
        let (mut reader, writer) = open_connection(addr).await.expect("a connection");
        writer.write("STARTTLS\n");
        assert_eq!(reader.readline().await.expect("an answer"), b"go\n");
        writer.start_tls(&mut reader, &connector, "localhost").await.expect("a handshake");
        let data = crate::common::pattern(1 << 20);
        writer.write(&data);
        assert!(reader.readexactly(data.len()).await.expect("the echo") == data);
        writer.close();
        writer.wait_closed().await.expect("closed");
        let output =
            spawn_blocking(move || child.wait_with_output()).await.expect("no panic").expect("a child");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        for path in [cert, key] {
            std::fs::remove_file(path).expect("our file");
        }
    });
}

/// SMTP as far as it takes to go on encrypted; then one line, backwards.
async fn smtp(mut reader: StreamReader, writer: StreamWriter, acceptor: TlsAcceptor) -> io::Result<()> {
    writer.write("220 ready\r\n");
    assert!(reader.readline().await?.starts_with(b"EHLO"));
    writer.write("250-here\r\n250 STARTTLS\r\n");
    assert_eq!(reader.readline().await?, b"STARTTLS\r\n");
    writer.write("220 go\r\n");
    writer.start_tls_server(&mut reader, &acceptor).await?;
    let line = reader.readline().await?;
    writer.write(line.iter().rev().copied().collect::<Vec<u8>>());
    Ok(())
}

#[test]
fn openssl_s_client_asks_for_tls() {
    run(async {
        let authority = Authority::new();
        let acceptor = authority.server(&["localhost"]).build().expect("an acceptor");
        let handler = move |reader, writer| smtp(reader, writer, acceptor.clone());
        let server = StreamOptions::new().start_server(handler, "127.0.0.1:0").await.expect("a server");
        let ca = write("s_client-starttls-ca.pem", &authority.cert);
        let addr = server.sockets()[0].to_string();
        for version in ["-tls1_2", "-tls1_3"] {
            let mut client = Command::new("openssl");
            client.args(["s_client", "-quiet", "-verify_return_error", "-starttls", "smtp", version]);
            client.args(["-CAfile", utf8(&ca), "-servername", "localhost", "-connect", &addr]);
            client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let wait = move || {
                let mut child = client.spawn().expect("openssl is needed for this test");
                // The end of its input stays away until it ends by itself.
                let mut stdin = child.stdin.take().expect("piped");
                stdin.write_all(b"olleh\n").expect("a pipe");
                child.wait_with_output().expect("a child")
            };
            let output = spawn_blocking(wait).await.expect("no panic");
            let errors = String::from_utf8_lossy(&output.stderr);
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && text.ends_with("\nhello"), "{text} {errors}");
        }
        server.close();
        server.wait_closed().await;
        std::fs::remove_file(ca).expect("our file");
    });
}
