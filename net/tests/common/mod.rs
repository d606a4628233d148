//! What the tests of this folder share.
#![allow(dead_code, reason = "each test binary uses its part")]

use raddle_net::{TcpListener, TcpSocket, TcpStream};
use raddle_runtime::runtime::Builder;
use raddle_runtime::time::timeout;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// A test that takes longer hangs.
const HANGS: Duration = Duration::from_secs(60);

/// Runs `future` on a runtime of its own with two workers, and panics if it hangs.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = Builder::new().worker_threads(2).build().expect("a runtime");
    runtime.block_on(async { timeout(HANGS, future).await.expect("the test hangs") })
}

/// Two ends of a connection: the one that connected, the one that was accepted.
pub(crate) async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let client = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("a client");
    let (served, peer) = listener.accept().await.expect("a connection");
    assert_eq!(peer, client.local_addr().expect("an address"));
    (client, served)
}

/// Gets the output of what `make` makes, dropping it after one poll, then after two, then after three, then again after
/// one: whoever loses something by being dropped loses it here.
pub(crate) async fn dropped_after_each_poll<T>(mut make: impl AsyncFnMut() -> T) -> T {
    for polls in [1, 2, 3].into_iter().cycle() {
        let mut future = pin!(make());
        let mut left = polls;
        let output = poll_fn(|cx| {
            left -= 1;
            match future.as_mut().poll(cx) {
                Poll::Ready(output) => Poll::Ready(Some(output)),
                Poll::Pending if left == 0 => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        });
        if let Some(output) = output.await {
            return output;
        }
    }
    unreachable!("the cycle has no end")
}

/// Polls once.
pub(crate) async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    poll_fn(|cx| match std::pin::Pin::new(&mut *future).poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// `len` bytes that repeat only after 251.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 251) as u8).collect()
}

/// How many file descriptors this process has open.
pub(crate) fn open_fds() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("procfs").count() - 1
}

/// A listener whose queue is full, with those who fill it: whoever connects now gets no answer.
#[derive(Debug)]
pub(crate) struct FullListener {
    pub(crate) addr: SocketAddr,
    listener: TcpListener,
    _queued: Vec<TcpStream>,
}

impl FullListener {
    /// Makes room for one.
    pub(crate) async fn accept(&self) -> TcpStream {
        self.listener.accept().await.expect("a connection").0
    }
}

/// Makes one at a free port of `host`, given with port 0.
pub(crate) async fn full_listener(host: &str) -> FullListener {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(host.parse().expect("an address")).expect("a free port");
    let listener = socket.listen(0).expect("a listener");
    let addr = listener.local_addr().expect("an address");
    let mut queued = Vec::new();
    while let Some(stream) = poll_once(&mut pin!(TcpStream::connect(addr))).await {
        queued.push(stream.expect("a client"));
    }
    FullListener { addr, listener, _queued: queued }
}

/// An address that nobody listens at: who connects is refused at once.
pub(crate) async fn closed_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    listener.local_addr().expect("an address")
}
