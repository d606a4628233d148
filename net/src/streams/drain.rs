//! The `futures-io` trait of [`StreamWriter`].

use super::writer::StreamWriter;
use crate::transport::Link;
use futures_io::AsyncWrite;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A `drain` that somebody has begun to wait for.
#[derive(Default)]
pub(super) struct Draining(Option<Pin<Box<dyn Future<Output = io::Result<()>> + Send + Sync>>>);

impl Draining {
    /// [`Link::drain`], polled.
    fn poll(&mut self, link: &Link, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let drain = self.0.get_or_insert_with(|| {
            let link = link.clone();
            Box::pin(async move { link.drain().await })
        });
        let drained = ready!(drain.as_mut().poll(cx));
        self.0 = None;
        Poll::Ready(drained)
    }
}

impl StreamWriter {
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { link, peer, draining } = self;
        draining.poll(link, cx).map_err(|error| peer.name("write to", &error))
    }
}

/// Writing waits as [`StreamWriter::drain`] does, then takes everything. So does flushing: what was written is on its
/// way without it. Closing is [`StreamWriter::write_eof`]; reading goes on.
impl AsyncWrite for StreamWriter {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let writer = self.get_mut();
        ready!(writer.poll_drain(cx))?;
        writer.write(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let writer = self.get_mut();
        ready!(writer.poll_drain(cx))?;
        writer.link.writelines(bufs);
        Poll::Ready(Ok(bufs.iter().map(|buf| buf.len()).sum()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_drain(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let writer = self.get_mut();
        writer.write_eof();
        writer.poll_drain(cx)
    }
}
