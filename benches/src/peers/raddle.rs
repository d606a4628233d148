//! Raddle: the multi-thread runtime, with the futures-io traits.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use raddle::net::{TcpListener, TcpStream};
use raddle::runtime::{Builder, Runtime};
use raddle::task::JoinHandle;

use super::{Joined, Peer, WORKERS};

/// Raddle's multi-thread runtime.
pub struct Raddle(Runtime);

impl Peer for Raddle {
    const NAME: &'static str = "raddle";
    type Join<T: Send + 'static> = Joined<JoinHandle<T>>;
    type Listener = TcpListener;
    type Stream = TcpStream;

    fn start(blocking_threads: Option<usize>) -> Self {
        let builder = Builder::new().worker_threads(WORKERS);
        let builder = match blocking_threads {
            Some(threads) => builder.max_blocking_threads(threads),
            None => builder,
        };
        Self(builder.build().expect("raddle starts"))
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.0.block_on(future)
    }

    fn spawn<F>(future: F) -> Self::Join<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Joined(raddle::spawn(future))
    }

    fn spawn_detached<F>(future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        raddle::spawn(future).detach();
    }

    fn spawn_blocking<T, J>(job: J) -> Self::Join<T>
    where
        T: Send + 'static,
        J: FnOnce() -> T + Send + 'static,
    {
        Joined(raddle::spawn_blocking(job))
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        raddle::yield_now()
    }

    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
        raddle::time::sleep(duration)
    }

    async fn timeout<F>(limit: Duration, future: F) -> Option<F::Output>
    where
        F: Future + Send,
        F::Output: Send,
    {
        raddle::time::timeout(limit, future).await.ok()
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
