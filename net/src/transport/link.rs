//! [`Link`]: one connection as streams and protocols see it.

#[cfg(feature = "tls")]
mod secure;

use super::Handle;
use super::flush::Flush;
use super::outbox::{Flusher, Outbox, copy, is_fatal};
use super::plain::Plain;
use super::server::Member;
use super::word::{Flags, Word};
use raddle_runtime::consume_budget;
use raddle_runtime::wait::{Arrival, Place, Queue, QueueGuard, Slot, What};
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::net::{Shutdown, SocketAddr};
use std::ops::RangeInclusive;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

/// Pieces that go to the system in one call (`_XOPEN_IOV_MAX`).
const PIECES_MAX: usize = 16;
/// The line of those who wait for room, and the line of those who wait for the end.
const DRAIN: u8 = 0;
const CLOSED: u8 = 1;

/// A connection; clones are the same one. The descriptor is closed when the last is gone.
///
/// Writing accepts everything and never waits: what the system does not take at once is kept, and a task that lives
/// until all is sent, or the owner, sends it. Closing sends what is kept first. A clone may be in any task or thread.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    shared: Arc<Shared>,
}

/// A connection that others keep open.
#[derive(Debug, Clone)]
pub(crate) struct WeakLink {
    shared: Weak<Shared>,
}

#[derive(Debug)]
struct Shared {
    plain: Plain,
    outbox: Queue<Outbox, 2>,
    word: Word,
    /// The task that drives the connection, if one does: woken whenever the word changes.
    owner: Slot,
    /// Where the flusher runs: writers may be threads of their own.
    runtime: Handle,
}

/// Thousands of them wait at a time.
#[cfg(not(loom))]
const _: () = assert!(size_of::<Shared>() <= 320);

type Locked<'a> = QueueGuard<'a, Outbox, 2>;

/// What is to be done once the lock is released.
#[must_use = "the bytes that were kept wait for it"]
enum Owed {
    Nothing,
    Spawn,
    WakeOwner,
}

impl Link {
    /// A connection over `plain`. As in asyncio, TCP sends small writes at once.
    ///
    /// # Panics
    /// Outside a runtime.
    pub(crate) fn new(plain: Plain) -> Self {
        plain.prepare();
        let (outbox, word) = (Queue::new(Outbox::new()), Word::new());
        let shared = Shared { plain, outbox, word, owner: Slot::new(), runtime: Handle::current() };
        Self { shared: Arc::new(shared) }
    }

    pub(crate) fn downgrade(&self) -> WeakLink {
        WeakLink { shared: Arc::downgrade(&self.shared) }
    }

    /// Its place among the connections of a server, to be kept until it ends.
    pub(super) fn join(&self, member: Member) {
        self.lock().member = Some(member);
    }

    fn lock(&self) -> Locked<'_> {
        self.shared.outbox.lock()
    }

    /// Reads, for one reader at a time. 0 is the end of what the peer sends, and the end of the connection once it was
    /// closed on this side. After an error the connection is lost, and each further read says so.
    pub(crate) fn poll_read(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.is_closing() {
            return Poll::Ready(self.end_of_reading());
        }
        #[cfg(feature = "tls")]
        if self.flags().is_secure() {
            return self.poll_read_secure(cx, buf);
        }
        match ready!(self.shared.plain.poll_read(cx, buf)) {
            Ok(0) if !buf.is_empty() => Poll::Ready(self.end_of_reading()),
            // The close came while it waited.
            Err(_) if self.is_closing() => Poll::Ready(self.end_of_reading()),
            Err(error) => {
                self.fail(&error);
                Poll::Ready(Err(error))
            }
            read => Poll::Ready(read),
        }
    }

    /// The end, or the loss if that is what it was: the system tells an error once, perhaps to who writes, and whoever
    /// reads next finds what looks like the end. (Who writes has the lock until it has noted the error.)
    fn end_of_reading(&self) -> io::Result<usize> {
        self.lost().map_or(Ok(0), Err)
    }

    /// Sends `data`, or keeps what the system does not take. Ignored after `write_eof`, `close` and the loss of the
    /// connection: `drain` tells.
    pub(crate) fn write(&self, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        let mut outbox = self.lock();
        if !outbox.accepts() {
            return self.shared.word.set_refused();
        }
        #[cfg(feature = "tls")]
        if outbox.is_secure() {
            return self.write_secure(outbox, &[IoSlice::new(data)]);
        }
        let mut sent = 0;
        if outbox.is_sent() && !outbox.holds(data.len()) {
            match self.shared.plain.send(data) {
                Ok(count) if count == data.len() => return outbox.hold_rest(),
                Ok(count) => sent = count,
                Err(error) if is_fatal(&error) => return self.lose(outbox, &error),
                Err(_) => {}
            }
        }
        let was_held = !outbox.is_sent() && !outbox.holds(0) && !outbox.is_full();
        outbox.keep(&data[sent..]);
        if was_held {
            // It was kept for the sake of this; or the system is full, and says so without being asked.
            match self.shared.plain.try_send(outbox.front()) {
                Err(error) if is_fatal(&error) => return self.lose(outbox, &error),
                taken => outbox.sent(taken.unwrap_or(0)),
            }
            self.shared.word.set_buffer(!outbox.is_sent(), outbox.is_full());
        }
        let owed = self.kept(&mut outbox);
        drop(outbox);
        self.pay(owed);
    }

    /// Keeps writes of less than `below` bytes, and all that follow one of more, since more are likely to come at once:
    /// they go to the system together. The task that sends what is kept is told all the same; an owner looks when it
    /// holds nothing back any more (0).
    pub(crate) fn hold(&self, below: usize) {
        self.lock().hold_below = below;
    }

    /// As [`Link::write`] of one after the other, with nothing between them, in as few calls as can be.
    pub(crate) fn writelines(&self, lines: &[IoSlice<'_>]) {
        let mut outbox = self.lock();
        if !outbox.accepts() {
            return self.shared.word.set_refused();
        }
        #[cfg(feature = "tls")]
        if outbox.is_secure() {
            return self.write_secure(outbox, lines);
        }
        for lines in lines.chunks(PIECES_MAX) {
            let mut sent = 0;
            if outbox.is_sent() && !outbox.holds(0) {
                match self.shared.plain.send_vectored(lines) {
                    Err(error) if is_fatal(&error) => return self.lose(outbox, &error),
                    taken => sent = taken.unwrap_or(0),
                }
            }
            for line in lines {
                let taken = sent.min(line.len());
                sent -= taken;
                outbox.keep(&line[taken..]);
            }
        }
        let owed = self.kept(&mut outbox);
        drop(outbox);
        self.pay(owed);
    }

    /// The outbox may have more than before: says so in the word, and who is to send it.
    fn kept(&self, outbox: &mut Outbox) -> Owed {
        if outbox.is_sent() {
            return Owed::Nothing;
        }
        self.shared.word.set_buffer(true, outbox.is_full());
        match outbox.flusher {
            // It looks when its callback is over.
            Flusher::Owner if outbox.holds(0) => Owed::Nothing,
            Flusher::Owner => Owed::WakeOwner,
            Flusher::Task => Owed::Nothing,
            Flusher::Nobody => {
                outbox.flusher = Flusher::Task;
                Owed::Spawn
            }
        }
    }

    fn pay(&self, owed: Owed) {
        match owed {
            Owed::Nothing => {}
            Owed::WakeOwner => self.shared.owner.wake(),
            Owed::Spawn => self.shared.runtime.spawn(Flush::of(self)).detach(),
        }
    }

    /// Sends what is kept; ready when nothing is left to be sent, for whatever reason.
    pub(super) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            // No lock is held here: the wait keeps our waker.
            if let Err(error) = ready!(self.shared.plain.poll_write_ready(cx)) {
                self.fail(&error);
                return Poll::Ready(());
            }
            if self.flush_some() {
                return Poll::Ready(());
            }
        }
    }

    /// Sends once; true when nothing is left.
    pub(super) fn flush_some(&self) -> bool {
        let mut outbox = self.lock();
        if outbox.is_sent() {
            outbox.flusher = outbox.flusher.at_rest();
            return true;
        }
        match self.shared.plain.try_send(outbox.front()) {
            Ok(count) => self.sent(outbox, count),
            Err(error) if is_fatal(&error) => {
                self.lose(outbox, &error);
                true
            }
            Err(_) => false,
        }
    }

    /// The system took `count` bytes; true when those were the last.
    fn sent(&self, mut outbox: Locked<'_>, count: usize) -> bool {
        let was_full = outbox.is_full();
        outbox.sent(count);
        let (is_empty, is_full) = (outbox.is_sent(), outbox.is_full());
        self.shared.word.set_buffer(!is_empty, is_full);
        if is_empty {
            outbox.flusher = outbox.flusher.at_rest();
            if outbox.closing {
                self.end(outbox, None);
                return true;
            }
            if outbox.is_at_end() {
                self.shared.plain.shutdown(Shutdown::Write);
            }
        }
        if was_full && !is_full {
            // Those who wait for the end are woken for nothing, and wait on.
            outbox.release_all();
        }
        is_empty
    }

    /// From now on the calling task sends what is kept, in place of a flusher, and is woken whenever the flags change.
    pub(super) fn own(&self) {
        self.lock().flusher = Flusher::Owner;
    }

    pub(super) fn register_owner(&self, cx: &Context<'_>) {
        self.shared.owner.register(cx.waker());
    }

    /// Whether the owner is to read.
    pub(super) fn set_paused(&self, paused: bool) {
        if self.shared.word.set_paused(paused) {
            self.shared.owner.wake();
        }
    }

    pub(super) fn is_paused(&self) -> bool {
        self.flags().is_paused()
    }

    /// Nobody will send any more: the task that did was dropped. The system gets what it takes at once.
    pub(super) fn abandon(&self) {
        let mut outbox = self.lock();
        while !outbox.ended && !outbox.is_sent() {
            match self.shared.plain.send(outbox.front()) {
                Ok(count) if count < outbox.size() => outbox.sent(count),
                Ok(_) => return self.end(outbox, None),
                Err(error) if is_fatal(&error) => return self.lose(outbox, &error),
                Err(_) => {
                    let text = format!("its task was dropped with {} bytes to be sent", outbox.size());
                    let error = io::Error::new(io::ErrorKind::ConnectionAborted, text);
                    return self.lose(outbox, &error);
                }
            }
        }
        if !outbox.ended {
            self.end(outbox, None);
        }
    }

    /// The connection is lost.
    pub(super) fn fail(&self, error: &io::Error) {
        let outbox = self.lock();
        if !outbox.ended {
            self.lose(outbox, error);
        }
    }

    /// Why it was lost, if it was.
    pub(super) fn lost(&self) -> Option<io::Error> {
        self.lock().lost()
    }

    fn lose(&self, outbox: Locked<'_>, error: &io::Error) {
        self.end(outbox, Some(copy(error)));
    }

    /// The one way by which a connection ends. The peer learns it first, then those who wait here.
    fn end(&self, mut outbox: Locked<'_>, lost: Option<io::Error>) {
        let lingers = lost.is_none() && outbox.has_more_to_hear();
        outbox.end(lost);
        self.shared.word.set_ended();
        self.shared.plain.shutdown(if lingers { Shutdown::Write } else { Shutdown::Both });
        // An owner leaves the server when it has told its protocol.
        let member = if outbox.flusher == Flusher::Owner { None } else { outbox.member.take() };
        outbox.release_all();
        self.shared.owner.wake();
        drop(member);
        #[cfg(feature = "tls")]
        if lingers {
            self.linger();
        }
    }

    /// Waits until what is kept is below the low-water mark, if it went above the high one.
    ///
    /// # Errors
    /// When the connection has ended, and when bytes were refused since they came too late.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub(crate) async fn drain(&self) -> io::Result<()> {
        if self.flags().is_drained() {
            consume_budget().await;
            return Ok(());
        }
        // Boxed: few wait, and what waits nowhere keeps no place for it.
        Box::pin(self.wait_in(DRAIN, Outbox::drained)).await?;
        if self.flags().is_refused() {
            let text = "bytes were written after write_eof or close, and were not sent";
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, text));
        }
        Ok(())
    }

    /// Waits until the connection has ended: all is sent, or dropped. Does not close it.
    ///
    /// # Errors
    /// When it was lost.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub(crate) async fn wait_closed(&self) -> io::Result<()> {
        self.wait_in(CLOSED, Outbox::closed).await
    }

    async fn wait_in(&self, line: u8, done: impl Fn(&Outbox) -> Option<io::Result<()>>) -> io::Result<()> {
        loop {
            let mut place = pin!(Place::in_line(&self.shared.outbox, line).named(What::Write));
            let arrival = poll_fn(|cx| place.as_mut().poll(cx, 1, |outbox| done(outbox))).await;
            if let Arrival::Admitted(result) = arrival {
                return result;
            }
        }
    }

    /// Sends the end after what is kept; nothing may be written after it. Reading goes on.
    pub(crate) fn write_eof(&self) {
        let mut outbox = self.lock();
        if outbox.accepts() {
            outbox.eof = true;
            #[cfg(feature = "tls")]
            if let Err(error) = self.say_end(&mut outbox) {
                return self.lose(outbox, &error);
            }
            if outbox.is_at_end() {
                self.shared.plain.shutdown(Shutdown::Write);
            }
            let owed = self.kept(&mut outbox);
            drop(outbox);
            self.pay(owed);
        }
    }

    /// Whether the end can be sent while the other direction goes on.
    pub(crate) fn can_write_eof(&self) -> bool {
        true
    }

    /// Stops reading, sends what is kept, then ends the connection; it does not wait for the peer's end.
    pub(crate) fn close(&self) {
        let mut outbox = self.lock();
        if outbox.closing {
            return;
        }
        outbox.closing = true;
        #[cfg(feature = "tls")]
        if let Err(error) = self.say_end(&mut outbox) {
            return self.lose(outbox, &error);
        }
        if outbox.is_sent() {
            return self.end(outbox, None);
        }
        self.shared.word.set_closing();
        if !outbox.is_secure() {
            // Whoever reads is woken, and finds the end.
            self.shared.plain.shutdown(Shutdown::Read);
        }
        let owed = self.kept(&mut outbox);
        drop(outbox);
        self.pay(owed);
        self.shared.owner.wake();
    }

    /// Ends the connection at once; what is kept here and in the system is dropped, and the peer sees a reset.
    pub(crate) fn abort(&self) {
        let outbox = self.lock();
        if !outbox.ended {
            // First, so that nobody takes the end for one of the peer.
            self.shared.word.set_closing();
            self.shared.plain.reset();
            self.end(outbox, None);
        }
    }

    /// Whether it was closed, aborted or lost.
    #[inline]
    pub(crate) fn is_closing(&self) -> bool {
        self.flags().is_closing()
    }

    #[inline]
    pub(super) fn flags(&self) -> Flags {
        self.shared.word.load()
    }

    /// Sets the marks in bytes, as asyncio's transports do.
    pub(crate) fn set_write_buffer_limits(&self, high: Option<usize>, low: Option<usize>) {
        let mut outbox = self.lock();
        outbox.set_limits(high, low);
        if !outbox.ended {
            self.shared.word.set_buffer(!outbox.is_sent(), outbox.is_full());
        }
        outbox.release_all();
        self.shared.owner.wake();
    }

    /// The low and the high-water mark in bytes.
    pub(crate) fn get_write_buffer_limits(&self) -> RangeInclusive<usize> {
        self.lock().limits()
    }

    /// How many bytes are kept.
    pub(crate) fn get_write_buffer_size(&self) -> usize {
        self.lock().size()
    }

    pub(crate) fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.shared.plain.peer_addr()
    }

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.shared.plain.local_addr()
    }

    /// The socket itself, for its options.
    pub(crate) fn plain(&self) -> &Plain {
        &self.shared.plain
    }
}

impl WeakLink {
    pub(crate) fn upgrade(&self) -> Option<Link> {
        Some(Link { shared: self.shared.upgrade()? })
    }
}
