//! Streams with programs that others have written: OpenBSD's nc, curl, and python3's own asyncio.

mod common;
#[path = "common/temp.rs"]
mod temp;

use common::{pattern, run};
use raddle_net::{
    Server, StreamReader, StreamWriter, open_connection, open_unix_connection, start_server,
    start_unix_server,
};
use raddle_runtime::spawn_blocking;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use temp::TempDir;

/// Starts a program of the Debian package `package`.
fn start(program: &str, package: &str, args: &[&str]) -> Child {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap_or_else(|error| {
        panic!("this test needs {program}: install the package {package} ({error})");
    })
}

/// What it prints, given `input` and its end.
async fn output(mut child: Child, input: impl Into<Vec<u8>>) -> Vec<u8> {
    let (mut stdin, input) = (child.stdin.take().expect("a pipe"), input.into());
    let feed = spawn_blocking(move || stdin.write_all(&input));
    let output = spawn_blocking(|| child.wait_with_output()).await.expect("no panic").expect("an output");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    feed.await.expect("no panic").expect("it reads all");
    output.stdout
}

async fn echo(mut reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
    loop {
        let data = reader.read(1 << 16).await?;
        if data.is_empty() {
            return Ok(());
        }
        writer.write(&data);
        writer.drain().await?;
    }
}

/// An answer that any browser shows.
async fn hello(mut reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
    let request = reader.readuntil_any(&[b"\r\n\r\n", b"\n\n"]).await?;
    assert!(request.starts_with(b"GET / HTTP/1.1\r\n"), "{}", String::from_utf8_lossy(&request));
    let body = "Hello Client!\n";
    writer.write(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len()));
    writer.write(body);
    writer.drain().await
}

async fn end(server: Server) {
    server.close();
    server.wait_closed().await;
}

fn port(server: &Server) -> String {
    server.sockets()[0].port().to_string()
}

#[test]
fn s6_2_nc_sees_its_message_with_its_address() {
    run(async {
        let handler = |mut reader: StreamReader, writer: StreamWriter| async move {
            loop {
                let line = reader.readline().await?;
                if line.is_empty() {
                    return Ok::<_, io::Error>(());
                }
                writer.write(format!(
                    "{} your message {}",
                    writer.peer_addr()?,
                    String::from_utf8_lossy(&line)
                ));
                writer.drain().await?;
            }
        };
        let server = start_server(handler, "127.0.0.1:0").await.expect("a server");
        let nc = start("nc", "netcat-openbsd", &["-N", "127.0.0.1", &port(&server)]);
        let said = String::from_utf8(output(nc, "hello\nworld\n").await).expect("text");
        let lines: Vec<_> = said.lines().collect();
        assert!(lines.len() == 2 && lines.iter().all(|line| line.starts_with("127.0.0.1:")), "{said}");
        assert!(
            lines[0].ends_with(" your message hello") && lines[1].ends_with(" your message world"),
            "{said}"
        );
        end(server).await;
    });
}

#[test]
fn s6_3_curl_sees_hello_client() {
    run(async {
        let server = start_server(hello, "127.0.0.1:0").await.expect("a server");
        let serving = raddle_runtime::spawn({
            let server = server.clone();
            async move { server.serve_forever().await }
        });
        let url = format!("http://127.0.0.1:{}/", port(&server));
        let curl = start("curl", "curl", &["--silent", "--show-error", "--noproxy", "*", &url]);
        assert_eq!(output(curl, "").await, b"Hello Client!\n");
        end(server).await;
        serving.await.expect("it ends with the server");
    });
}

#[test]
fn s6_4_curl_sees_the_same_over_a_unix_socket() {
    run(async {
        let dir = TempDir::new();
        let path = dir.join("hello.sock");
        let server = start_unix_server(hello, &path).await.expect("a server");
        let path_text = path.to_str().expect("plain text");
        let args =
            ["--silent", "--show-error", "--noproxy", "*", "--unix-socket", path_text, "http://localhost/"];
        assert_eq!(output(start("curl", "curl", &args), "").await, b"Hello Client!\n");
        let (mut reader, writer) = open_unix_connection(&path).await.expect("a connection");
        writer.write("GET / HTTP/1.1\r\n\r\n");
        assert!(reader.read_to_end().await.expect("an answer").ends_with(b"Hello Client!\n"));
        end(server).await;
        let error = open_unix_connection(&path).await.expect_err("nobody listens");
        assert!(error.to_string().contains(path_text), "{error}");
    });
}

#[test]
fn pythons_streams_are_a_client() {
    const CLIENT: &str = "
import asyncio, sys
async def main(port):
    reader, writer = await asyncio.open_connection('127.0.0.1', port)
    for n in range(3):
        writer.write(b'line %d\\n' % n)
        await writer.drain()
        assert await reader.readline() == b'line %d\\n' % n
    data = sys.stdin.buffer.read()
    writer.write(data)
    writer.write_eof()
    assert await reader.readexactly(len(data)) == data
    assert await reader.read() == b'' and reader.at_eof()
    writer.close()
    await writer.wait_closed()
    print('all came back')
asyncio.run(main(int(sys.argv[1])))
";
    run(async {
        let server = start_server(echo, "127.0.0.1:0").await.expect("a server");
        let python = start("python3", "python3", &["-c", CLIENT, &port(&server)]);
        assert_eq!(output(python, pattern(1 << 20)).await, b"all came back\n");
        end(server).await;
    });
}

#[test]
fn pythons_streams_are_a_server() {
    const SERVER: &str = "
import asyncio
async def main():
    over = asyncio.get_running_loop().create_future()
    async def serve(reader, writer):
        writer.write((await reader.readline()).upper())
        writer.write(await reader.readuntil(b'--'))
        data = await reader.read()
        writer.write(data)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        over.set_result(None)
    server = await asyncio.start_server(serve, '127.0.0.1', 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await over
asyncio.run(main())
";
    run(async {
        let mut python = start("python3", "python3", &["-c", SERVER]);
        let stdout = python.stdout.take().expect("a pipe");
        let mut line = String::new();
        let line = spawn_blocking(move || BufReader::new(stdout).read_line(&mut line).map(|_| line));
        let port: u16 = line.await.expect("no panic").expect("a line").trim().parse().expect("a port");
        let (mut reader, writer) = open_connection(("127.0.0.1", port)).await.expect("a connection");
        writer.write("hello\nup to--");
        assert_eq!(reader.readline().await.expect("a line"), b"HELLO\n");
        assert_eq!(reader.readuntil("--").await.expect("a part"), b"up to--");
        let data = pattern(1 << 20);
        writer.write(&data);
        writer.write_eof();
        assert!(reader.read_to_end().await.expect("all of it") == data);
        drop(writer);
        assert_eq!(output(python, "").await, b"", "python ends well");
    });
}
