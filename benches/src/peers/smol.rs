//! smol: one static executor run by two threads, which is what `smol::spawn` does with `SMOL_THREADS=2`.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Once;
use std::thread;
use std::time::Duration;

use futures_lite::{AsyncReadExt, AsyncWriteExt, FutureExt};
use smol::net::{TcpListener, TcpStream};
use smol::{Executor, Task, Timer};

use super::{Peer, WORKERS};

/// What the `blocking` crate starts with.
const DEFAULT_BLOCKING_THREADS: usize = 500;

static EXECUTOR: Executor<'static> = Executor::new();
static THREADS: Once = Once::new();

/// smol's executor, reactor and blocking pool; its threads live as long as the process, parked when idle.
pub struct Smol(());

impl Peer for Smol {
    const NAME: &'static str = "smol";
    type Join<T: Send + 'static> = Task<T>;
    type Listener = TcpListener;
    type Stream = TcpStream;

    /// The pool is the process's own: a lower limit than before holds once the threads above it have been
    /// idle for half a second.
    fn start(blocking_threads: Option<usize>) -> Self {
        let threads = blocking_threads.unwrap_or(DEFAULT_BLOCKING_THREADS);
        blocking::set_max_blocking_threads(NonZeroUsize::new(threads).expect("a pool has threads"));
        THREADS.call_once(|| {
            for worker in 1..=WORKERS {
                let run = || smol::block_on(EXECUTOR.run(std::future::pending::<()>()));
                let started = thread::Builder::new().name(format!("smol-{worker}")).spawn(run);
                started.expect("smol's thread starts");
            }
        });
        Self(())
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        smol::block_on(future)
    }

    fn spawn<F>(future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        EXECUTOR.spawn(future)
    }

    fn spawn_detached<F>(future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        EXECUTOR.spawn(future).detach();
    }

    fn spawn_blocking<T, J>(job: J) -> Task<T>
    where
        T: Send + 'static,
        J: FnOnce() -> T + Send + 'static,
    {
        smol::unblock(job)
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        smol::future::yield_now()
    }

    async fn sleep(duration: Duration) {
        Timer::after(duration).await;
    }

    fn timeout<F>(limit: Duration, future: F) -> impl Future<Output = Option<F::Output>> + Send
    where
        F: Future + Send,
        F::Output: Send,
    {
        let overdue = async move {
            Timer::after(limit).await;
            None
        };
        async { Some(future.await) }.or(overdue)
    }

    async fn bind() -> io::Result<(TcpListener, SocketAddr)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    }

    async fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn read(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
        stream.read(buffer).await
    }

    async fn write_all(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
        stream.write_all(bytes).await
    }
}
