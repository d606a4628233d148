//! Unix sockets and pipes with programs that others have written: socat, OpenBSD's nc, python3, cat.

mod common;
#[path = "common/temp.rs"]
mod temp;

use common::{pattern, run};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use raddle_net::{UnixDatagram, UnixListener, UnixStream, pipe};
use raddle_runtime::spawn_blocking;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdin, Command, Stdio};
use temp::TempDir;

/// Starts `program`, which takes its input and gives its output through pipes.
fn start(program: &str, args: &[&str]) -> Child {
    Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("this test needs the program {program}: {error}"))
}

/// Gives `child` its input and its end.
fn feed(mut stdin: ChildStdin, input: Vec<u8>) {
    spawn_blocking(move || stdin.write_all(&input)).detach();
}

/// Waits for `child`, and returns what it has printed.
async fn output(child: Child) -> Vec<u8> {
    let output = spawn_blocking(|| child.wait_with_output()).await.expect("it ends").expect("an output");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn text(path: &std::path::Path) -> &str {
    path.to_str().expect("plain text")
}

async fn echo_to_the_end(mut stream: UnixStream) {
    let (mut read, mut write) = stream.split();
    futures_lite::io::copy(&mut read, &mut write).await.expect("an echo");
    write.close().await.expect("the end");
}

#[test]
fn nc_and_socat_get_back_what_they_send() {
    run(async {
        let dir = TempDir::new();
        let path = dir.join("a.sock");
        let listener = UnixListener::bind(&path).expect("a listener");
        let connect = format!("UNIX-CONNECT:{}", path.display());
        for (program, args) in [("nc", vec!["-N", "-U", text(&path)]), ("socat", vec!["-", &connect])] {
            let mut child = start(program, &args);
            feed(child.stdin.take().expect("a pipe"), pattern(300_000));
            let (stream, peer) = listener.accept().await.expect("a connection");
            assert!(peer.is_unnamed());
            assert_eq!(stream.peer_cred().expect("credentials").pid, Some(child.id()));
            raddle_runtime::spawn(echo_to_the_end(stream)).detach();
            assert!(output(child).await == pattern(300_000), "{program}");
        }
    });
}

#[test]
fn socat_serves_us_under_an_abstract_name() {
    run(async {
        let name = format!("raddle-peer-{}", std::process::id());
        let mut child = start("socat", &["-d", "-d", &format!("ABSTRACT-LISTEN:{name}"), "EXEC:cat"]);
        // It says when it listens.
        let mut said = BufReader::new(child.stderr.take().expect("a pipe"));
        let listening = spawn_blocking(move || {
            let mut line = String::new();
            while !line.contains("listening on") {
                line.clear();
                assert_ne!(said.read_line(&mut line).expect("a line"), 0, "it does not listen");
            }
            said
        });
        let said = listening.await.expect("it listens");
        let mut stream = UnixStream::connect(format!("\0{name}")).await.expect("a client");
        stream.write_all(b"round trip").await.expect("a write");
        stream.close().await.expect("the end");
        let mut got = String::new();
        stream.read_to_string(&mut got).await.expect("up to the end");
        assert_eq!(got, "round trip");
        drop(stream);
        output(child).await;
        drop(said);
    });
}

#[test]
fn datagrams_of_socat_arrive_and_are_answered() {
    run(async {
        let dir = TempDir::new();
        let server = UnixDatagram::bind(dir.join("server")).expect("a socket");
        let send_to = format!("UNIX-SENDTO:{},bind={}", text(&dir.join("server")), text(&dir.join("client")));
        let mut child = start("socat", &["-t", "30", "-", &send_to]);
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(b"question").expect("a write");
        let mut buf = [0; 64];
        let (n, from) = server.recv_from(&mut buf).await.expect("a message");
        assert_eq!(&buf[..n], b"question");
        assert_eq!(from.as_pathname(), Some(&*dir.join("client")));
        server.send_to_addr(b"answer", &from).await.expect("sent");
        let mut answer = [0; 6];
        let mut stdout = child.stdout.take().expect("a pipe");
        let read =
            spawn_blocking(move || std::io::Read::read_exact(&mut stdout, &mut answer).map(|()| answer));
        assert_eq!(&read.await.expect("it ends").expect("an answer"), b"answer");
        child.kill().expect("it runs");
        child.wait().expect("it ends");
    });
}

/// Takes a descriptor from the socket that is its argument, writes to it, and sends another back.
const PYTHON: &str = "
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
data, fds, flags, _ = socket.recv_fds(s, 64, 4)
os.write(fds[0], b'python got ' + data)
r, w = os.pipe()
socket.send_fds(s, [b'back'], [r])
os.write(w, b'from python')
";

#[test]
fn descriptors_go_to_python_and_come_back() {
    run(async {
        let dir = TempDir::new();
        let listener = UnixListener::bind(dir.join("a.sock")).expect("a listener");
        let child = start("python3", &["-c", PYTHON, text(&dir.join("a.sock"))]);
        let (stream, _) = listener.accept().await.expect("a connection");
        let (sender, mut receiver) = pipe::pipe().expect("a pipe");
        stream.send_fds(b"bytes", &[sender.as_fd()]).await.expect("sent");
        drop(sender);
        let mut buf = [0; 16];
        let (n, mut fds) = stream.recv_fds(&mut buf, 1).await.expect("received");
        assert_eq!(&buf[..n], b"back");
        output(child).await;
        let mut got = String::new();
        receiver.read_to_string(&mut got).await.expect("up to the end");
        assert_eq!(got, "python got bytes");
        got.clear();
        let mut back = pipe::Receiver::from_owned_fd(fds.pop().expect("one")).expect("a pipe");
        back.read_to_string(&mut got).await.expect("up to the end");
        assert_eq!(got, "from python");
    });
}

#[test]
fn cat_reads_and_writes_a_fifo_with_us() {
    run(async {
        let dir = TempDir::new();
        let path = dir.join("fifo");
        output(start("mkfifo", &[text(&path)])).await;
        // cat reads: a plain opening waits until it does.
        let child = start("cat", &[text(&path)]);
        let opening = path.clone();
        let open = spawn_blocking(move || File::options().write(true).open(opening));
        let file = open.await.expect("it ends").expect("a writing end");
        let mut sender = pipe::Sender::from_file(file).expect("a sender");
        let printed = raddle_runtime::spawn(output(child));
        sender.write_all(&pattern(300_000)).await.expect("a write");
        drop(sender);
        assert!(printed.await.expect("cat ends well") == pattern(300_000));
        // cat writes.
        let mut receiver = pipe::OpenOptions::new().open_receiver(&path).expect("a receiver");
        let into_fifo = format!("cat > {}", path.display());
        let mut child = start("sh", &["-c", &into_fifo]);
        feed(child.stdin.take().expect("a pipe"), pattern(300_000));
        let mut got = Vec::new();
        receiver.read_to_end(&mut got).await.expect("up to the end");
        assert!(got == pattern(300_000));
        output(child).await;
    });
}
