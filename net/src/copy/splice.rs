//! One way or two between sockets and pipes, through a pipe inside the system: `splice(2)`.

use super::both::{Turns, Way};
use crate::error::at;
use crate::socket::{Stream, Transfer};
use raddle_runtime::io::Direction;
use rustix::pipe::{SpliceFlags, fcntl_setpipe_size};
use std::future::poll_fn;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::AsFd;
use std::task::{Context, Poll, ready};

/// The size of the pipe that is asked for; the system may give less.
const PIPE_BYTES: usize = 256 * 1024;

/// As [`copy`](super::copy) between two connections of this crate, without the bytes coming to this process:
/// `splice(2)` moves them through a pipe that it makes for that. Neither end is closed. (Linux only.)
///
/// It pays where much is moved, above all in processor time: a proxy on loopback took 0.3 to 0.5 s of it per GiB, with
/// [`copy`](super::copy) 0.4 to 0.8 s; measure yours. It costs two descriptors while it lasts, so many idle connections
/// are better off with `copy`.
///
/// A writer whose peer is gone makes the system raise `SIGPIPE`, which Rust programs ignore unless told otherwise.
///
/// # Errors
/// The first of either side, and when there are no descriptors for the pipe.
///
/// # Cancel safety
/// Bytes that were read and not yet written, up to 256 KiB, are lost with the future.
pub async fn splice<A: Transfer, B: Transfer>(from: &Stream<A>, to: &Stream<B>) -> io::Result<u64> {
    let mut pump = Splice::new()?;
    poll_fn(|cx| pump.poll(cx, from, to)).await
}

/// As [`copy_bidirectional`](super::copy_bidirectional) between two connections of this crate, without the bytes coming
/// to this process; see [`splice`]. It costs four descriptors while it lasts.
///
/// # Errors
/// The first of any side ends both ways.
///
/// # Cancel safety
/// Bytes that were read and not yet written, up to 256 KiB each way, are lost with the future.
///
/// ```no_run
/// # async fn proxy(listener: raddle_net::TcpListener) -> std::io::Result<()> {
/// let (client, _) = listener.accept().await?;
/// let server = raddle_net::TcpStream::connect("example.org:80").await?;
/// let (sent, received) = raddle_net::splice_bidirectional(&client, &server).await?;
/// # Ok(())
/// # }
/// ```
pub async fn splice_bidirectional<A: Transfer, B: Transfer>(
    a: &Stream<A>,
    b: &Stream<B>,
) -> io::Result<(u64, u64)> {
    let (mut there, mut back) = (Splice::new()?, Splice::new()?);
    let mut turns = Turns::default();
    poll_fn(|cx| {
        turns.poll(|way| match way {
            Way::There => there.poll_and_close(cx, a, b),
            Way::Back => back.poll_and_close(cx, b, a),
        })
    })
    .await
}

/// Moves bytes from one descriptor to another until the first ends.
#[derive(Debug)]
struct Splice {
    exit: PipeReader,
    entrance: PipeWriter,
    /// How many bytes are in the pipe.
    held: usize,
    has_ended: bool,
    is_closed: bool,
    copied: u64,
}

impl Splice {
    fn new() -> io::Result<Self> {
        let (exit, entrance) =
            std::io::pipe().map_err(|error| at("make", "a pipe to splice through", &error))?;
        // What it refuses, or grants less of, is no harm.
        let _ = fcntl_setpipe_size(&entrance, PIPE_BYTES);
        Ok(Self { exit, entrance, held: 0, has_ended: false, is_closed: false, copied: 0 })
    }

    /// The pipe is filled when it is empty and emptied when it is not, so that a `WouldBlock` is never the pipe's: the
    /// readiness that it takes back is that of the right descriptor.
    fn poll<A: Transfer, B: Transfer>(
        &mut self,
        cx: &mut Context<'_>,
        from: &Stream<A>,
        to: &Stream<B>,
    ) -> Poll<io::Result<u64>> {
        while !self.has_ended {
            let fill = || splice_some(&from.io, &self.entrance, PIPE_BYTES);
            if self.held == 0 {
                self.held = ready!(from.registration.poll_io(Direction::Read, cx, fill))?;
                self.has_ended = self.held == 0;
            }
            while self.held > 0 {
                let empty = || splice_some(&self.exit, &to.io, self.held);
                let taken = ready!(to.registration.poll_io(Direction::Write, cx, empty))?;
                if taken == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.held -= taken;
                self.copied += taken as u64;
            }
        }
        Poll::Ready(Ok(self.copied))
    }

    fn poll_and_close<A: Transfer, B: Transfer>(
        &mut self,
        cx: &mut Context<'_>,
        from: &Stream<A>,
        to: &Stream<B>,
    ) -> Poll<io::Result<u64>> {
        let copied = ready!(self.poll(cx, from, to))?;
        if !self.is_closed {
            to.io.close_writing()?;
            self.is_closed = true;
        }
        Poll::Ready(Ok(copied))
    }
}

/// One `splice`, which does not wait.
fn splice_some(from: &impl AsFd, to: &impl AsFd, len: usize) -> io::Result<usize> {
    let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
    Ok(rustix::pipe::splice(from, None, to, None, len, flags)?)
}
