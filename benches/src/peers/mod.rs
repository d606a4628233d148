//! The runtimes under test, behind one trait; each file takes its runtime's own best way.

use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

mod raddle;
mod smol;
pub mod sync;
pub mod tls;
mod tokio;
pub mod udp;

pub use self::raddle::Raddle;
pub use self::smol::Smol;
pub use self::tokio::Tokio;

/// Worker threads of every runtime under test.
pub const WORKERS: usize = 2;

/// A runtime under test, as the workloads see it.
///
/// The functions without `self` are called on a thread of the runtime, or inside [`block_on`](Peer::block_on).
/// A task that panics or is cancelled takes the bench down with it: no failure is counted as speed.
pub trait Peer: Send + Sync + Sized + 'static {
    /// The runtime's name in tables.
    const NAME: &'static str;
    /// A spawned task that can be joined.
    type Join<T: Send + 'static>: Future<Output = T> + Send + 'static;
    /// A listening TCP socket.
    type Listener: Send + 'static;
    /// A TCP connection.
    type Stream: Send + 'static;

    /// Starts the runtime with [`WORKERS`] threads; its pool for blocking calls may grow to so many, or to the
    /// runtime's own default.
    fn start(blocking_threads: Option<usize>) -> Self;
    /// Runs a future on the calling thread, which is no worker.
    fn block_on<F: Future>(&self, future: F) -> F::Output;
    /// Starts a task.
    fn spawn<F>(future: F) -> Self::Join<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static;
    /// Starts a task that nobody joins.
    fn spawn_detached<F>(future: F)
    where
        F: Future<Output = ()> + Send + 'static;
    /// Runs a closure on the pool for blocking calls.
    fn spawn_blocking<T, J>(job: J) -> Self::Join<T>
    where
        T: Send + 'static,
        J: FnOnce() -> T + Send + 'static;
    /// Gives other tasks a turn.
    fn yield_now() -> impl Future<Output = ()> + Send;
    /// Waits.
    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send;
    /// The future's output, or `None` once the limit is over.
    fn timeout<F>(limit: Duration, future: F) -> impl Future<Output = Option<F::Output>> + Send
    where
        F: Future + Send,
        F::Output: Send;
    /// Listens on a free port of the loopback.
    fn bind() -> impl Future<Output = io::Result<(Self::Listener, SocketAddr)>> + Send;
    /// The next connection, with `TCP_NODELAY` set.
    fn accept(listener: &Self::Listener) -> impl Future<Output = io::Result<Self::Stream>> + Send;
    /// A connection, with `TCP_NODELAY` set.
    fn connect(address: SocketAddr) -> impl Future<Output = io::Result<Self::Stream>> + Send;
    /// Reads what is there, at least one byte unless the stream has ended.
    fn read(stream: &mut Self::Stream, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> + Send;
    /// Writes all the bytes.
    fn write_all(stream: &mut Self::Stream, bytes: &[u8]) -> impl Future<Output = io::Result<()>> + Send;

    /// Runs a future as a task of the runtime and waits for it: what it spawns is spawned from inside.
    fn run_inside<F>(&self, future: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.block_on(async { Self::spawn(future).await })
    }
}

/// A join handle whose error is a panic of the bench.
pub struct Joined<H>(H);

impl<H, T, E> Future for Joined<H>
where
    H: Future<Output = Result<T, E>> + Unpin,
    E: Debug,
{
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        Pin::new(&mut self.0).poll(cx).map(|joined| joined.expect("a task of a bench panicked"))
    }
}
