//! Moving bytes from one place to another: [`copy`], [`copy_buf`], [`copy_bidirectional`] between whatever reads and
//! writes, [`splice`] and [`splice_bidirectional`] between connections inside the system, [`sendfile`] from a
//! file.

mod both;
mod pump;
mod sendfile;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod splice;

use both::{Turns, Way};
use futures_io::{AsyncBufRead, AsyncRead, AsyncWrite};
use pump::{Direction, Pump, write_some};
use raddle_runtime::budget;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pub use sendfile::sendfile;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub use splice::{splice, splice_bidirectional};

/// Copies all that `reader` has to `writer`, flushes that, and says how many bytes there were. Neither is closed.
///
/// The buffer has 8 KiB; it grows to 64 KiB while reads fill it, and is given back while there is nothing to read: a
/// copy that waits for bytes holds no memory.
///
/// # Errors
/// The first of either side; `WriteZero` when the writer takes no more bytes.
///
/// # Cancel safety
/// Bytes that were read and not yet written, up to a buffer, are lost with the future. Where that matters, give the
/// reader a buffer of its own and use [`copy_buf`].
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// # raddle_runtime::runtime::Builder::new().worker_threads(1).build()?.block_on(async {
/// let mut sink = Vec::new();
/// assert_eq!(raddle_net::copy(&b"some bytes"[..], &mut sink).await?, 10);
/// assert_eq!(sink, b"some bytes");
/// # Ok(())
/// # })
/// # }
/// ```
pub async fn copy<R, W>(mut reader: R, mut writer: W) -> io::Result<u64>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut pump = Pump::default();
    poll_fn(|cx| pump.poll(cx, &mut reader, &mut writer)).await
}

/// As [`copy`], from a reader that has a buffer: without a second one, and without a loss.
///
/// # Errors
/// As for [`copy`].
///
/// # Cancel safety
/// Dropping the future loses no byte: those that the writer did not take are still in the reader. How many it took is
/// not known then, and they may not be flushed.
pub async fn copy_buf<R, W>(mut reader: R, mut writer: W) -> io::Result<u64>
where
    R: AsyncBufRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut copied = 0;
    poll_fn(|cx| poll_copy_buf(cx, &mut reader, &mut writer, &mut copied)).await
}

fn poll_copy_buf(
    cx: &mut Context<'_>,
    reader: &mut (impl AsyncBufRead + Unpin),
    writer: &mut (impl AsyncWrite + Unpin),
    copied: &mut u64,
) -> Poll<io::Result<u64>> {
    loop {
        let unit = ready!(budget::poll_unit(cx));
        let Poll::Ready(data) = Pin::new(&mut *reader).poll_fill_buf(cx) else {
            // Whoever reads what was written so far may be the one that we wait for.
            ready!(Pin::new(&mut *writer).poll_flush(cx))?;
            return Poll::Pending;
        };
        let data = data?;
        if data.is_empty() {
            ready!(Pin::new(&mut *writer).poll_flush(cx))?;
            return Poll::Ready(Ok(*copied));
        }
        let taken = ready!(write_some(cx, writer, data))?;
        unit.spend();
        Pin::new(&mut *reader).consume(taken);
        *copied += taken as u64;
    }
}

/// Copies both ways between `a` and `b` until both have ended, and says how many bytes went from `a` to `b`, and from
/// `b` to `a`. What a proxy does.
///
/// The end of one way is passed on (the writing side is closed, which a TCP connection sends as its half-close) while
/// the other goes on. As [`copy`], it holds no memory while there is nothing to read. For two sockets,
/// [`splice_bidirectional`] takes less of the processor.
///
/// # Errors
/// The first of any side ends both ways. The ends are then as the error left them: dropping them closes them.
///
/// # Cancel safety
/// Bytes that were read and not yet written, up to a buffer each way, are lost with the future.
///
/// ```no_run
/// # async fn proxy(listener: raddle_net::TcpListener) -> std::io::Result<()> {
/// let (client, _) = listener.accept().await?;
/// let server = raddle_net::TcpStream::connect("example.org:80").await?;
/// let (sent, received) = raddle_net::copy_bidirectional(&client, &server).await?;
/// # Ok(())
/// # }
/// ```
pub async fn copy_bidirectional<A, B>(mut a: A, mut b: B) -> io::Result<(u64, u64)>
where
    A: AsyncRead + AsyncWrite + Unpin,
    B: AsyncRead + AsyncWrite + Unpin,
{
    let (mut there, mut back) = (Direction::default(), Direction::default());
    let mut turns = Turns::default();
    poll_fn(|cx| {
        turns.poll(|way| match way {
            Way::There => there.poll(cx, &mut a, &mut b),
            Way::Back => back.poll(cx, &mut b, &mut a),
        })
    })
    .await
}
