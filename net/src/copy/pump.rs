//! One way, through a buffer.

use futures_io::{AsyncRead, AsyncWrite};
use raddle_runtime::budget;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

const SIZE_MIN: usize = 8 * 1024;
const SIZE_MAX: usize = 64 * 1024;

/// One write; that the writer takes nothing is an error.
pub(super) fn write_some(
    cx: &mut Context<'_>,
    writer: &mut (impl AsyncWrite + Unpin),
    data: &[u8],
) -> Poll<io::Result<usize>> {
    match ready!(Pin::new(writer).poll_write(cx, data))? {
        0 => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
        taken => Poll::Ready(Ok(taken)),
    }
}

/// Moves bytes until the reader ends.
#[derive(Debug)]
pub(super) struct Pump {
    /// Empty, or `size` bytes when it was made.
    buffer: Vec<u8>,
    /// The size of the next buffer.
    size: usize,
    /// What was read and not yet written is `buffer[start..end]`.
    start: usize,
    end: usize,
    /// Something was written since the last flush.
    is_dirty: bool,
    has_ended: bool,
    copied: u64,
}

impl Default for Pump {
    fn default() -> Self {
        let (start, end, copied) = (0, 0, 0);
        Self { buffer: Vec::new(), size: SIZE_MIN, start, end, is_dirty: false, has_ended: false, copied }
    }
}

impl Pump {
    /// Ready with the count once all is written and flushed.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        reader: &mut (impl AsyncRead + Unpin),
        writer: &mut (impl AsyncWrite + Unpin),
    ) -> Poll<io::Result<u64>> {
        loop {
            while self.start < self.end {
                let taken = ready!(write_some(cx, writer, &self.buffer[self.start..self.end]))?;
                self.start += taken;
                self.copied += taken as u64;
                self.is_dirty = true;
            }
            if !self.has_ended && self.poll_fill(cx, reader)?.is_ready() {
                continue;
            }
            // Whoever reads what was written so far may be the one that we wait for.
            if self.is_dirty {
                ready!(Pin::new(&mut *writer).poll_flush(cx))?;
                self.is_dirty = false;
            }
            return if self.has_ended { Poll::Ready(Ok(self.copied)) } else { Poll::Pending };
        }
    }

    /// One read into the empty buffer, which is given back when there is nothing to read.
    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        reader: &mut (impl AsyncRead + Unpin),
    ) -> Poll<io::Result<()>> {
        let unit = ready!(budget::poll_unit(cx));
        if self.buffer.len() != self.size {
            self.buffer = vec![0; self.size];
        }
        let Poll::Ready(read) = Pin::new(reader).poll_read(cx, &mut self.buffer) else {
            self.buffer = Vec::new();
            return Poll::Pending;
        };
        (self.start, self.end) = (0, read?);
        unit.spend();
        self.has_ended = self.end == 0;
        if self.end == self.size {
            self.size = (2 * self.size).min(SIZE_MAX);
        }
        Poll::Ready(Ok(()))
    }
}

/// A pump that closes the writing side at the end.
#[derive(Debug, Default)]
pub(super) struct Direction {
    pump: Pump,
    is_closed: bool,
}

impl Direction {
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        reader: &mut (impl AsyncRead + Unpin),
        writer: &mut (impl AsyncWrite + Unpin),
    ) -> Poll<io::Result<u64>> {
        if !self.is_closed {
            ready!(self.pump.poll(cx, reader, writer))?;
            ready!(Pin::new(writer).poll_close(cx))?;
            self.is_closed = true;
        }
        Poll::Ready(Ok(self.pump.copied))
    }
}
