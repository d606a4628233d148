//! [`StreamReader`].

use super::intake::{Answer, Intake};
use super::peer::Peer;
use crate::transport::Link;
use futures_io::{AsyncBufRead, AsyncRead};
use raddle_runtime::consume_budget;
use std::cell::Cell;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// What one read asks the system for, in bytes.
const READ_MAX: usize = 128 * 1024;

/// Who brings a buffer of this size reads into it, instead of into the reader's.
const OWN_BUFFER: usize = 4 * 1024;

thread_local! {
    /// Where this thread's reads go first, so that readers that wait own no buffer.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The receiving side of a connection, as asyncio has it.
///
/// The methods return what they read. A reader takes from the system what is there, up to 128 KiB at once, and keeps
/// what is not asked for yet; while it has nothing it owns no memory but itself. It reads only when it is asked to, so
/// that a peer that floods is slowed down by the system: at most the limit and 128 KiB are kept while a separator is
/// looked for.
///
/// When the connection fails, what came before stays and can still be read; after it each method returns the error.
///
/// It is a `futures-io` reader too; `futures_lite::io` has the methods.
pub struct StreamReader {
    pub(super) link: Link,
    /// Boxed, so that futures that keep a reader, often more than once, stay small.
    pub(super) intake: Box<Intake>,
    /// Whether the link was told to keep what is written: see [`StreamReader::note_rest`].
    is_holding: bool,
    peer: Arc<Peer>,
}

impl StreamReader {
    pub(super) fn new(link: Link, limit: usize, peer: Arc<Peer>) -> Self {
        Self { link, intake: Box::new(Intake::new(limit)), is_holding: false, peer }
    }

    /// Reads `n` bytes at most. It waits until there is one at least; nothing means the end.
    ///
    /// # Errors
    /// When the connection fails. The error names the peer.
    ///
    /// # Cancel safety
    /// Dropping the future loses no byte.
    pub async fn read(&mut self, n: usize) -> io::Result<Vec<u8>> {
        self.ask(|intake| intake.some(n)).await
    }

    /// Reads up to the end, however much that is: no limit applies.
    ///
    /// # Errors
    /// When the connection fails. What came before can still be had from [`StreamReader::read`].
    ///
    /// # Cancel safety
    /// Dropping the future loses no byte.
    pub async fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        self.ask(Intake::all).await
    }

    /// Reads up to and with the next newline (`\n`). At the end it returns what is left, without a newline, and then
    /// nothing.
    ///
    /// # Errors
    /// When the connection fails; and when the line is over the limit: see [`LimitOverrunError`]. What came of such a
    /// line is then dropped, with its newline if that was there, so that a server can go on; the rest of it, if there
    /// is more to come, is read as a line of its own. [`StreamReader::readuntil`] keeps it.
    ///
    /// # Cancel safety
    /// Dropping the future loses no byte.
    ///
    /// [`LimitOverrunError`]: super::LimitOverrunError
    pub async fn readline(&mut self) -> io::Result<Vec<u8>> {
        self.ask(Intake::line).await
    }

    /// Reads up to and with the next `separator`.
    ///
    /// # Errors
    /// As for [`StreamReader::readuntil_any`].
    ///
    /// # Cancel safety
    /// Dropping the future loses no byte.
    pub async fn readuntil(&mut self, separator: impl AsRef<[u8]>) -> io::Result<Vec<u8>> {
        self.ask(|intake| intake.until(&[separator.as_ref()])).await
    }

    /// Reads up to and with the next of `separators`: the one that ends first.
    ///
    /// # Errors
    /// - The connection ends first: an [`IncompleteReadError`] with what came.
    /// - The separator is further away than the limit: a [`LimitOverrunError`]. All bytes stay in the reader.
    /// - There is no separator, or one that is empty.
    /// - The connection fails.
    ///
    /// # Cancel safety
    /// Dropping the future loses no byte.
    ///
    /// [`IncompleteReadError`]: super::IncompleteReadError
    /// [`LimitOverrunError`]: super::LimitOverrunError
    pub async fn readuntil_any(&mut self, separators: &[&[u8]]) -> io::Result<Vec<u8>> {
        self.ask(|intake| intake.until(separators)).await
    }

    /// Reads `n` bytes, no less. No limit applies: memory is taken as the bytes come.
    ///
    /// # Errors
    /// When the connection ends first: an [`IncompleteReadError`] with what came; and when it fails.
    ///
    /// # Cancel safety
    /// Dropping the future loses no byte.
    ///
    /// [`IncompleteReadError`]: super::IncompleteReadError
    pub async fn readexactly(&mut self, n: usize) -> io::Result<Vec<u8>> {
        self.ask(|intake| intake.exactly(n)).await
    }

    /// Whether everything is read and the end has been seen; a read that returns nothing has seen it.
    pub fn at_eof(&self) -> bool {
        self.intake.at_eof()
    }

    /// How far away a separator may be, in bytes.
    pub fn limit(&self) -> usize {
        self.intake.limit()
    }

    /// Asks as often as it takes. What is received in between is the reader's at once, and not the future's.
    async fn ask(&mut self, mut question: impl FnMut(&mut Intake) -> Answer) -> io::Result<Vec<u8>> {
        if !self.intake.is_empty() {
            // A task that finds all it asks for in the buffer must let others run too.
            consume_budget().await;
        }
        poll_fn(|cx| {
            loop {
                if let Some(answer) = question(&mut self.intake) {
                    self.note_rest();
                    return Poll::Ready(answer);
                }
                ready!(self.poll_more(cx));
            }
        })
        .await
    }

    /// While there are further requests here, as a peer sends them that does not wait for each answer, the answers wait
    /// for each other: they go to the system with the last one, or when the task waits for something.
    fn note_rest(&mut self) {
        let has_more = !self.intake.is_empty();
        if has_more != self.is_holding {
            self.is_holding = has_more;
            self.link.hold(if has_more { usize::MAX } else { 0 });
        }
    }

    /// Receives some more, or learns how it ended.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut scratch = SCRATCH.take();
        if scratch.is_empty() {
            scratch.resize(READ_MAX, 0);
        }
        let read = self.link.poll_read(cx, &mut scratch);
        if let Poll::Ready(read) = &read {
            match read {
                Ok(n @ 1..) => self.intake.feed(&scratch[..*n]),
                Ok(0) => self.intake.feed_end(Ok(())),
                Err(error) => self.intake.feed_end(Err(self.name(error))),
            }
        }
        SCRATCH.set(scratch);
        read.map(drop)
    }

    fn name(&self, error: &io::Error) -> io::Error {
        self.peer.name("read from", error)
    }
}

impl Drop for StreamReader {
    fn drop(&mut self) {
        if self.is_holding {
            self.link.hold(0);
        }
    }
}

impl AsyncRead for StreamReader {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let reader = self.get_mut();
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if buf.len() >= OWN_BUFFER && reader.intake.is_empty() && !reader.intake.has_ended() {
            let read = ready!(reader.link.poll_read(cx, buf));
            match &read {
                Ok(1..) => return Poll::Ready(read),
                Ok(0) => reader.intake.feed_end(Ok(())),
                Err(error) => reader.intake.feed_end(Err(reader.name(error))),
            }
        }
        let available = ready!(Pin::new(&mut *reader).poll_fill_buf(cx))?;
        let n = available.len().min(buf.len());
        buf[..n].copy_from_slice(&available[..n]);
        reader.intake.consume(n);
        reader.note_rest();
        Poll::Ready(Ok(n))
    }
}

impl AsyncBufRead for StreamReader {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let reader = self.get_mut();
        while reader.intake.is_empty() {
            if let Some(ended) = reader.intake.ended() {
                return Poll::Ready(ended.map(|()| &[][..]));
            }
            ready!(reader.poll_more(cx));
        }
        Poll::Ready(Ok(reader.intake.rest()))
    }

    fn consume(self: Pin<&mut Self>, amt: usize) {
        let reader = self.get_mut();
        reader.intake.consume(amt);
        reader.note_rest();
    }
}

impl fmt::Debug for StreamReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("StreamReader");
        out.field("peer", &format_args!("{}", self.peer)).field("buffered", &self.intake.rest().len());
        out.field("at_eof", &self.at_eof()).field("limit", &self.limit()).finish()
    }
}
