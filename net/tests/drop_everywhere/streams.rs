//! Connections and pipes: waiting for readiness, reading, writing, accepting, passing descriptors.

use crate::common::{pair, poll_once};
use crate::temp::TempDir;
use crate::{Driver, plays};
use futures_lite::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use raddle_net::poll_fd::Interest;
use raddle_net::socket::{Listener, Listening, Socket, Stream};
use raddle_net::{TcpListener, UnixListener, UnixStream, pipe};
use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::pin::pin;

pub(crate) async fn play(driver: &Driver) {
    readers(driver, "tcp", pair).await;
    writers(driver, "tcp", pair).await;
    let unix = async || UnixStream::pair().expect("a pair");
    readers(driver, "unix", unix).await;
    writers(driver, "unix", unix).await;
    pipes(driver).await;
    descriptors(driver).await;
    let tcp = async || TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let connect = |listener: &TcpListener| {
        let addr = listener.local_addr().expect("an address");
        Box::new(std::net::TcpStream::connect(addr).expect("a client")) as Box<dyn Kept>
    };
    acceptors(driver, "tcp", tcp, connect).await;
    let dir = TempDir::new();
    let path = dir.join("a.sock");
    let unix = async || {
        let _ = std::fs::remove_file(&path);
        UnixListener::bind(&path).expect("a listener")
    };
    let connect = |_: &UnixListener| {
        Box::new(std::os::unix::net::UnixStream::connect(&path).expect("a client")) as Box<dyn Kept>
    };
    acceptors(driver, "unix", unix, connect).await;
}

/// Anything that is to be kept for a while.
pub(crate) trait Kept {}

impl<T> Kept for T {}

/// What there is to read now.
fn rest<S: Socket>(stream: &Stream<S>) -> String {
    let mut buf = [0; 64];
    let mut all = Vec::new();
    loop {
        match stream.try_read(&mut buf) {
            Ok(0) => return format!("{} and the end", all.escape_ascii()),
            Ok(n) => all.extend(&buf[..n]),
            Err(error) => return format!("{} and {:?}", all.escape_ascii(), error.kind()),
        }
    }
}

type Ends<S> = (Stream<S>, Stream<S>);

async fn readers<S: Socket>(driver: &Driver, kind: &str, make: impl AsyncFn() -> Ends<S>) {
    let send =
        async |(_, theirs): &Ends<S>| assert_eq!((&mut &*theirs).write(b"two").await.expect("sent"), 3);
    let left = async |(ours, _): &Ends<S>| rest(ours);
    let name = |what| format!("{kind} {what}");
    let ready = async |(ours, _): &Ends<S>| format!("{:?}", ours.ready(Interest::READABLE).await);
    plays(driver, &name("ready"), &make, (ready, send), left).await;
    let readable = async |(ours, _): &Ends<S>| format!("{:?}", ours.readable().await);
    plays(driver, &name("readable"), &make, (readable, send), left).await;
    let peek = async |(ours, _): &Ends<S>| format!("{:?}", ours.peek(&mut [0; 8]).await);
    plays(driver, &name("peek"), &make, (peek, send), left).await;
    let read = async |(ours, _): &Ends<S>| format!("{:?}", (&mut &*ours).read(&mut [0; 2]).await);
    plays(driver, &name("read"), &make, (read, send), left).await;
    let read = async |(ours, _): &Ends<S>| {
        let call = || {
            ours.as_fd().try_clone_to_owned().and_then(|fd| io::Read::read(&mut File::from(fd), &mut [0; 2]))
        };
        format!("{:?}", ours.async_io(Interest::READABLE, call).await)
    };
    plays(driver, &name("async_io"), &make, (read, send), left).await;
}

/// Writes until there is no room.
async fn fill(stream: &mut (impl AsyncWrite + Unpin)) {
    while let Some(written) = poll_once(&mut stream.write(&[b'f'; 65_536])).await {
        written.expect("a write");
    }
}

/// Reads what fills it; says what else came.
async fn drain(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut others = Vec::new();
    let mut buf = vec![0; 65_536];
    while let Some(read) = poll_once(&mut stream.read(&mut buf)).await {
        let n = read.expect("a read");
        others.extend(buf[..n].iter().filter(|byte| **byte != b'f'));
    }
    String::from_utf8(others).expect("text")
}

async fn writers<S: Socket>(driver: &Driver, kind: &str, make: impl AsyncFn() -> Ends<S>) {
    let make = async || {
        let (ours, theirs) = make().await;
        // What is on its way is in nobody's buffer: until there is no room for good.
        loop {
            fill(&mut &ours).await;
            driver.turn().await;
            if poll_once(&mut pin!(ours.writable())).await.is_none() {
                return (ours, theirs);
            }
        }
    };
    let make_room = async |(ours, theirs): &Ends<S>| {
        while poll_once(&mut pin!(ours.writable())).await.is_none() {
            assert_eq!(drain(&mut &*theirs).await, "");
            driver.turn().await;
        }
    };
    let left = async |(ours, theirs): &Ends<S>| {
        ours.shutdown(Shutdown::Write).expect("the end");
        let mut all = Vec::new();
        (&mut &*theirs).read_to_end(&mut all).await.expect("up to the end");
        all.retain(|byte| *byte != b'f');
        String::from_utf8(all).expect("text")
    };
    let writable = async |(ours, _): &Ends<S>| format!("{:?}", ours.writable().await);
    plays(driver, &format!("{kind} writable"), &make, (writable, make_room), left).await;
    let write = async |(ours, _): &Ends<S>| format!("{:?}", (&mut &*ours).write(b"xyz").await);
    plays(driver, &format!("{kind} write"), &make, (write, make_room), left).await;
}

type Pipe = RefCell<(pipe::Sender, pipe::Receiver)>;

#[expect(clippy::await_holding_refcell_ref, reason = "dropped with the future that holds it")]
async fn pipes(driver: &Driver) {
    let make = async || RefCell::new(pipe::pipe().expect("a pipe"));
    let send = async |pipe: &Pipe| {
        assert_eq!(pipe.borrow_mut().0.write(b"two").await.expect("a write"), 3);
    };
    let left = async |pipe: &Pipe| drain(&mut pipe.borrow_mut().1).await;
    // Tries, for a reader that waits would hold on to the pipe.
    let read = async |pipe: &Pipe| {
        std::future::poll_fn(|cx| std::pin::Pin::new(&mut pipe.borrow_mut().1).poll_read(cx, &mut [0; 2]))
            .await
            .expect("a read")
            .to_string()
    };
    plays(driver, "pipe read", make, (read, send), left).await;

    let make = async || pipe::pipe().expect("a pipe");
    let send = async |(sender, _): &(pipe::Sender, pipe::Receiver)| {
        assert_eq!(sender.try_write(b"two").expect("room"), 3);
    };
    let left = async |(_, receiver): &(pipe::Sender, pipe::Receiver)| {
        let mut buf = [0; 8];
        format!("{:?}", receiver.try_read(&mut buf).map(|n| buf[..n].to_vec()))
    };
    let readable =
        async |(_, receiver): &(pipe::Sender, pipe::Receiver)| format!("{:?}", receiver.readable().await);
    plays(driver, "pipe readable", make, (readable, send), left).await;

    let make = async || {
        let (sender, receiver) = pipe::pipe().expect("a pipe");
        driver.turn().await;
        while sender.try_write(&[b'f'; 4096]).is_ok() {}
        (sender, receiver)
    };
    let make_room = async |(_, receiver): &(pipe::Sender, pipe::Receiver)| {
        while receiver.try_read(&mut [0; 65_536]).is_ok() {}
    };
    let left = async |(sender, _): &(pipe::Sender, pipe::Receiver)| format!("{:?}", sender.try_write(b"x"));
    let writable =
        async |(sender, _): &(pipe::Sender, pipe::Receiver)| format!("{:?}", sender.writable().await);
    plays(driver, "pipe writable", make, (writable, make_room), left).await;
}

/// Passing descriptors through a stream.
async fn descriptors(driver: &Driver) {
    let make = async || UnixStream::pair().expect("a pair");
    let send = async |(_, theirs): &(UnixStream, UnixStream)| {
        let file = File::open("/dev/null").expect("a file");
        assert_eq!(theirs.send_fds(b"two", &[file.as_fd()]).await.expect("sent"), 3);
    };
    let receive = async |(ours, _): &(UnixStream, UnixStream)| {
        let (n, fds) = ours.recv_fds(&mut [0; 8], 4).await.expect("received");
        format!("{n} bytes, {} descriptors", fds.len())
    };
    let left = async |(ours, _): &(UnixStream, UnixStream)| rest(ours);
    plays(driver, "unix recv_fds", make, (receive, send), left).await;
    let nothing = async |_: &(UnixStream, UnixStream)| {};
    let send = async |(ours, _): &(UnixStream, UnixStream)| {
        let file = File::open("/dev/null").expect("a file");
        format!("{:?}", ours.send_fds(b"two", &[file.as_fd()]).await)
    };
    let left = async |(_, theirs): &(UnixStream, UnixStream)| {
        let (n, fds) = theirs.recv_fds(&mut [0; 8], 4).await.expect("received");
        format!("{n} bytes, {} descriptors, {}", fds.len(), rest(theirs))
    };
    plays(driver, "unix send_fds", make, (send, nothing), left).await;
}

/// A listener, and those who connected.
type Served<L> = (Listener<L>, RefCell<Vec<Box<dyn Kept>>>);

async fn acceptors<L: Listening>(
    driver: &Driver,
    kind: &str,
    make: impl AsyncFn() -> Listener<L>,
    connect: impl Fn(&Listener<L>) -> Box<dyn Kept>,
) {
    let make = async || (make().await, RefCell::new(Vec::new()));
    let come = async |(listener, clients): &Served<L>| clients.borrow_mut().push(connect(listener));
    let left = async |(listener, _): &Served<L>| {
        format!("{}", poll_once(&mut pin!(listener.accept())).await.is_some())
    };
    let accept = async |(listener, _): &Served<L>| format!("{}", listener.accept().await.is_ok());
    plays(driver, &format!("{kind} accept"), &make, (accept, come), left).await;
    let next = async |(listener, _): &Served<L>| {
        format!("{}", listener.incoming().next().await.expect("no end").is_ok())
    };
    plays(driver, &format!("{kind} incoming"), &make, (next, come), left).await;
}
