//! TLS with programs of others: openssl, curl, python3's asyncio, each way where there are two.

use crate::certs::{Authority, write};
use crate::common::run;
use futures_lite::io::BufReader;
use futures_lite::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use raddle_net::TcpStream;
use raddle_net::tls::{TlsListener, TlsStream};
use raddle_runtime::spawn_blocking;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// A program that has to be there, with its arguments.
fn program(name: &str, args: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn start(command: &mut Command) -> Child {
    command.spawn().unwrap_or_else(|error| panic!("install {:?}: {error}", command.get_program()))
}

/// Runs it with this input, and waits for its end.
async fn output(mut command: Command, input: &'static str) -> Output {
    let wait = move || {
        let mut child = start(&mut command);
        // The end of its input stays away until it ends by itself.
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(input.as_bytes()).expect("a pipe");
        child.wait_with_output().expect("a child")
    };
    spawn_blocking(wait).await.expect("no panic")
}

/// The output of a program that went well.
fn text(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Answers one line with "raddle: " and the line, and closes.
async fn answer(stream: TlsStream) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    stream.write_all(format!("raddle: {line}").as_bytes()).await?;
    stream.close().await
}

/// A server of `answer` for `count` clients; says the ALPN protocol and whether it was resumed, for each.
async fn server(
    authority: &Authority,
    count: usize,
) -> (u16, raddle_runtime::task::JoinHandle<Vec<(Option<Vec<u8>>, bool)>>) {
    let acceptor = authority.server(&["localhost"]).alpn(["http/1.1"]).build().expect("an acceptor");
    let listener = TlsListener::bind("127.0.0.1:0", acceptor).await.expect("a listener");
    let port = listener.local_addr().expect("an address").port();
    let serve = async move {
        let mut seen = Vec::new();
        for _ in 0..count {
            let (handshake, _) = listener.accept().await.expect("a client");
            let stream = handshake.await.expect("a handshake");
            seen.push((stream.alpn_protocol().map(<[u8]>::to_vec), stream.is_resumed()));
            answer(stream).await.expect("an exchange");
        }
        seen
    };
    (port, raddle_runtime::spawn(serve))
}

fn utf8(path: &Path) -> &str {
    path.to_str().expect("a path of the target folder")
}

#[test]
fn openssl_s_client_speaks_to_us() {
    run(async {
        let authority = Authority::new();
        let ca = write("s_client-ca.pem", &authority.cert);
        for version in ["-tls1_2", "-tls1_3"] {
            let (port, server) = server(&authority, 1).await;
            let addr = format!("127.0.0.1:{port}");
            let args = ["s_client", "-quiet", "-verify_return_error", "-alpn", "http/1.1", version];
            let args =
                [&args[..], &["-CAfile", utf8(&ca), "-servername", "localhost", "-connect", &addr]].concat();
            let output = output(program("openssl", &args), "from openssl\n").await;
            assert_eq!(text(&output), "raddle: from openssl\n");
            assert_eq!(server.await.expect("a server"), [(Some(b"http/1.1".to_vec()), false)]);
        }
        std::fs::remove_file(ca).expect("our file");
    });
}

#[test]
fn openssl_s_client_resumes_its_session() {
    run(async {
        let authority = Authority::new();
        let ca = write("reconnect-ca.pem", &authority.cert);
        let session = write("session", "");
        for version in ["-tls1_2", "-tls1_3"] {
            let (port, server) = server(&authority, 2).await;
            let addr = format!("127.0.0.1:{port}");
            let args = ["s_client", "-quiet", version, "-CAfile", utf8(&ca), "-connect", &addr];
            for file in ["-sess_out", "-sess_in"] {
                let args = [&args[..], &[file, utf8(&session)]].concat();
                text(&output(program("openssl", &args), "again\n").await);
            }
            let resumed: Vec<bool> = server.await.expect("a server").into_iter().map(|seen| seen.1).collect();
            assert_eq!(resumed, [false, true], "{version}");
        }
        for path in [ca, session] {
            std::fs::remove_file(path).expect("our file");
        }
    });
}

#[test]
fn curl_gets_a_page() {
    run(async {
        let authority = Authority::new();
        let ca = write("curl-ca.pem", &authority.cert);
        let acceptor = authority.server(&["localhost"]).alpn(["http/1.1"]).build().expect("an acceptor");
        let listener = TlsListener::bind("127.0.0.1:0", acceptor).await.expect("a listener");
        let port = listener.local_addr().expect("an address").port();
        let server = raddle_runtime::spawn(async move {
            let (handshake, _) = listener.accept().await?;
            let mut stream = BufReader::new(handshake.await?);
            let mut request = String::new();
            stream.read_line(&mut request).await?;
            while stream.read_line(&mut String::new()).await? > 2 {}
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello, curl").await?;
            stream.close().await?;
            io::Result::Ok(request)
        });
        let url = format!("https://localhost:{port}/page");
        let resolve = format!("localhost:{port}:127.0.0.1");
        let args = ["--silent", "--show-error", "--cacert", utf8(&ca), "--resolve", &resolve, &url];
        assert_eq!(text(&output(program("curl", &args), "").await), "hello, curl");
        let request = server.await.expect("a server").expect("an exchange");
        assert!(request.starts_with("GET /page HTTP/1.1\r\n"), "{request}");
        std::fs::remove_file(ca).expect("our file");
    });
}

/// Asks a server of another program, which answers with what `answer` says, and closes.
async fn ask(authority: &Authority, port: u16, question: &str, answer: &str) -> TlsStream {
    let connector = authority.client().build().expect("a connector");
    let tcp = TcpStream::connect(("127.0.0.1", port)).await.expect("a server");
    let mut stream = connector.connect("localhost", tcp).await.expect("a handshake");
    stream.write_all(question.as_bytes()).await.expect("a write");
    let mut got = vec![0; answer.len()];
    stream.read_exact(&mut got).await.expect("an answer");
    assert_eq!(String::from_utf8_lossy(&got), answer);
    stream.close().await.expect("closed");
    stream
}

/// The number at the end of the first line of its output that begins with `word`, and the pipe, to be kept open.
fn port_after(child: &mut Child, word: &str) -> (u16, io::BufReader<std::process::ChildStdout>) {
    let mut reader = io::BufReader::new(child.stdout.take().expect("piped"));
    loop {
        let mut line = String::new();
        assert!(reader.read_line(&mut line).expect("a pipe") > 0, "{word} never came");
        if let Some(addr) = line.trim().strip_prefix(word) {
            let digits = addr.rsplit([':', ' ']).next().expect("a last part");
            return (digits.parse().expect("a port"), reader);
        }
    }
}

#[test]
fn we_speak_to_openssl_s_server() {
    run(async {
        let authority = Authority::new();
        let (cert, key) = authority.sign(&["localhost"]).write("s_server");
        for version in ["-tls1_2", "-tls1_3"] {
            let args = ["s_server", "-accept", "127.0.0.1:0", "-rev", "-naccept", "1", version];
            let args = [&args[..], &["-cert", utf8(&cert), "-key", utf8(&key)]].concat();
            let mut child = start(&mut program("openssl", &args));
            let start = move || {
                let (port, pipe) = port_after(&mut child, "ACCEPT");
                (child, port, pipe)
            };
            let (mut child, port, _pipe) = spawn_blocking(start).await.expect("a server");
            let mut stream = ask(&authority, port, "abc\n", "cba\n").await;
            // What it says at the end is its own affair: a close_notify or nothing.
            let _ = stream.read_to_end(&mut Vec::new()).await;
            drop(stream);
            child.kill().expect("our child");
            child.wait().expect("our child");
        }
        for path in [cert, key] {
            std::fs::remove_file(path).expect("our file");
        }
    });
}

const PYTHON_SERVER: &str = "
import asyncio, ssl, sys
async def serve(reader, writer):
    writer.write(b'python: ' + await reader.readline())
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    done.set()
async def main():
    global done
    done = asyncio.Event()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    server = await asyncio.start_server(serve, '127.0.0.1', 0, ssl=context)
    print('at', server.sockets[0].getsockname()[1], flush=True)
    await done.wait()
asyncio.run(main())
";

#[test]
fn we_speak_to_python_asyncio() {
    run(async {
        let authority = Authority::new();
        let (cert, key) = authority.sign(&["localhost"]).write("python");
        let mut child = start(&mut program("python3", &["-c", PYTHON_SERVER, utf8(&cert), utf8(&key)]));
        let start = move || {
            let (port, pipe) = port_after(&mut child, "at");
            (child, port, pipe)
        };
        let (child, port, _pipe) = spawn_blocking(start).await.expect("a server");
        let mut stream = ask(&authority, port, "hello\n", "python: hello\n").await;
        assert_eq!(stream.read(&mut [0]).await.expect("a clean end"), 0);
        let output =
            spawn_blocking(move || child.wait_with_output()).await.expect("no panic").expect("a child");
        text(&output);
        for path in [cert, key] {
            std::fs::remove_file(path).expect("our file");
        }
    });
}

const PYTHON_CLIENT: &str = "
import asyncio, ssl, sys
async def main():
    context = ssl.create_default_context(cafile=sys.argv[1])
    context.set_alpn_protocols(['http/1.1'])
    port, name = int(sys.argv[2]), 'localhost'
    reader, writer = await asyncio.open_connection('127.0.0.1', port, ssl=context, server_hostname=name)
    writer.write(b'from python\\n')
    print((await reader.read()).decode(), end='')
    writer.close()
    await writer.wait_closed()
asyncio.run(main())
";

#[test]
fn python_asyncio_speaks_to_us() {
    run(async {
        let authority = Authority::new();
        let ca = write("python-ca.pem", &authority.cert);
        let (port, server) = server(&authority, 1).await;
        let port = port.to_string();
        let output = output(program("python3", &["-c", PYTHON_CLIENT, utf8(&ca), &port]), "").await;
        assert_eq!(text(&output), "raddle: from python\n");
        assert_eq!(server.await.expect("a server"), [(Some(b"http/1.1".to_vec()), false)]);
        std::fs::remove_file(ca).expect("our file");
    });
}
