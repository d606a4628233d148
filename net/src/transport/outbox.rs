//! What a connection has yet to send, behind its lock, and how far its sending has come.

use super::server::Member;
#[cfg(feature = "tls")]
use super::session::Session;
use std::collections::VecDeque;
use std::io;
use std::ops::RangeInclusive;

/// As asyncio.
const HIGH: usize = 64 * 1024;

/// Who sends what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flusher {
    /// A task, to be spawned when there is something.
    Nobody,
    /// A task that is there, until the buffer is empty.
    Task,
    /// The task that drives the connection, for as long as it lives.
    Owner,
}

impl Flusher {
    /// Who sends next time, now that nothing is left.
    pub(super) fn at_rest(self) -> Self {
        if self == Self::Owner { self } else { Self::Nobody }
    }
}

/// When a buffer counts as full: from above the high mark on, down to the low one.
#[derive(Debug)]
pub(super) struct Marks {
    low: usize,
    high: usize,
    is_full: bool,
}

impl Default for Marks {
    fn default() -> Self {
        Self { low: HIGH / 4, high: HIGH, is_full: false }
    }
}

impl Marks {
    /// Whether it is full now that it holds `len` bytes.
    pub(super) fn is_full_at(&mut self, len: usize) -> bool {
        self.is_full = len > self.high || (self.is_full && len > self.low);
        self.is_full
    }

    /// As asyncio: what is not given follows from the other; a low mark above the high one becomes the high one.
    pub(super) fn set(&mut self, high: Option<usize>, low: Option<usize>) {
        self.high = high.unwrap_or_else(|| low.map_or(HIGH, |low| low.saturating_mul(4)));
        self.low = low.unwrap_or(self.high / 4).min(self.high);
    }
}

#[derive(Debug)]
pub(super) struct Outbox {
    /// Owns no memory while it is empty.
    bytes: VecDeque<u8>,
    marks: Marks,
    /// No bytes come after those.
    pub(super) eof: bool,
    pub(super) closing: bool,
    pub(super) ended: bool,
    /// Why it ended, unless someone here wanted it to.
    lost: Option<io::Error>,
    pub(super) flusher: Flusher,
    /// Writes of fewer bytes are kept although the system would take them: more are about to come.
    pub(super) hold_below: usize,
    /// Its place among the connections of its server, until it ends.
    pub(super) member: Option<Member>,
    /// Between what is written and what is kept, from `start_tls` on.
    #[cfg(feature = "tls")]
    pub(super) session: Option<Box<Session>>,
}

impl Outbox {
    pub(super) fn new() -> Self {
        Self {
            bytes: VecDeque::new(),
            marks: Marks::default(),
            eof: false,
            closing: false,
            ended: false,
            lost: None,
            flusher: Flusher::Nobody,
            hold_below: 0,
            member: None,
            #[cfg(feature = "tls")]
            session: None,
        }
    }

    pub(super) fn accepts(&self) -> bool {
        !(self.eof || self.closing || self.ended)
    }

    /// Whether a write of `len` bytes is to wait for more; with 0, whether any is.
    pub(super) fn holds(&self, len: usize) -> bool {
        len < self.hold_below
    }

    /// A write went out: further ones may as well wait for each other.
    pub(super) fn hold_rest(&mut self) {
        if self.hold_below > 0 {
            self.hold_below = usize::MAX;
        }
    }

    /// How many bytes are kept. (The guard of the lock has a `len` and an `is_empty` of its own.)
    pub(super) fn size(&self) -> usize {
        let len = self.bytes.len();
        #[cfg(feature = "tls")]
        let len = len + self.session.as_ref().map_or(0, |session| session.early());
        len
    }

    pub(super) fn is_sent(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The end comes next.
    pub(super) fn is_at_end(&self) -> bool {
        #[cfg(feature = "tls")]
        let is_handshaking = self.session.as_ref().is_some_and(|session| session.is_handshaking());
        #[cfg(not(feature = "tls"))]
        let is_handshaking = false;
        self.eof && self.is_sent() && !is_handshaking
    }

    #[cfg(feature = "tls")]
    pub(super) fn is_secure(&self) -> bool {
        self.session.is_some()
    }

    #[cfg(not(feature = "tls"))]
    pub(super) fn is_secure(&self) -> bool {
        false
    }

    /// The peer of a TLS session has not said that it sends no more.
    #[cfg(feature = "tls")]
    pub(super) fn has_more_to_hear(&mut self) -> bool {
        let session = self.session.as_mut().filter(|session| !session.is_handshaking());
        session.is_some_and(|session| !session.has_peer_closed())
    }

    #[cfg(not(feature = "tls"))]
    pub(super) fn has_more_to_hear(&mut self) -> bool {
        false
    }

    pub(super) fn is_full(&self) -> bool {
        self.marks.is_full
    }

    /// The first bytes to send: all of them, or those up to where the buffer wraps.
    pub(super) fn front(&self) -> &[u8] {
        self.bytes.as_slices().0
    }

    pub(super) fn keep(&mut self, data: &[u8]) {
        self.bytes.extend(data);
        self.note_level();
    }

    /// Keeps what the session has to send.
    #[cfg(feature = "tls")]
    pub(super) fn keep_records(&mut self) {
        if let Some(session) = &mut self.session {
            // Memory takes all.
            let _ = session.send_to(&mut self.bytes);
        }
        self.note_level();
    }

    /// The first `count` bytes are sent.
    pub(super) fn sent(&mut self, count: usize) {
        self.bytes.drain(..count);
        if self.bytes.is_empty() {
            self.bytes = VecDeque::new();
        }
        self.note_level();
    }

    fn note_level(&mut self) {
        self.marks.is_full_at(self.size());
    }

    /// The low and the high-water mark.
    pub(super) fn limits(&self) -> RangeInclusive<usize> {
        self.marks.low..=self.marks.high
    }

    pub(super) fn set_limits(&mut self, high: Option<usize>, low: Option<usize>) {
        self.marks.set(high, low);
        self.note_level();
    }

    /// Nothing is sent any more; what is left is dropped.
    pub(super) fn end(&mut self, lost: Option<io::Error>) {
        self.bytes = VecDeque::new();
        self.marks.is_full = false;
        (self.closing, self.ended) = (true, true);
        self.lost = lost;
    }

    /// Why the connection was lost, once more.
    pub(super) fn lost(&self) -> Option<io::Error> {
        self.lost.as_ref().map(copy)
    }

    /// What `drain` has to say when it need not wait.
    pub(super) fn drained(&self) -> Option<io::Result<()>> {
        let gone =
            || io::Error::new(io::ErrorKind::ConnectionReset, "the connection was closed on this side");
        match () {
            () if self.ended => Some(Err(self.lost().unwrap_or_else(gone))),
            () if self.marks.is_full => None,
            () => Some(Ok(())),
        }
    }

    /// How the connection ended, if it has.
    pub(super) fn closed(&self) -> Option<io::Result<()>> {
        self.ended.then(|| self.lost().map_or(Ok(()), Err))
    }
}

/// The system did not just say "later".
pub(super) fn is_fatal(error: &io::Error) -> bool {
    !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// The same error for one more reader.
pub(super) fn copy(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(high: Option<usize>, low: Option<usize>) -> (usize, usize) {
        let mut outbox = Outbox::new();
        outbox.set_limits(high, low);
        (*outbox.limits().start(), *outbox.limits().end())
    }

    #[test]
    fn marks_follow_from_each_other() {
        assert_eq!(with(None, None), (16 * 1024, 64 * 1024));
        assert_eq!(with(Some(100), None), (25, 100));
        assert_eq!(with(None, Some(10)), (10, 40));
        assert_eq!(with(Some(10), Some(20)), (10, 10));
        assert_eq!(with(Some(0), None), (0, 0));
        assert_eq!(with(None, Some(usize::MAX)), (usize::MAX, usize::MAX));
    }

    #[test]
    fn it_is_full_from_above_the_high_mark_to_the_low_one() {
        let mut outbox = Outbox::new();
        outbox.set_limits(Some(10), Some(4));
        outbox.keep(&[0; 10]);
        assert!(!outbox.is_full());
        outbox.keep(&[0; 1]);
        assert!(outbox.is_full());
        outbox.sent(6);
        assert!(outbox.is_full());
        outbox.sent(1);
        assert!(!outbox.is_full());
    }

    #[test]
    fn an_empty_buffer_owns_nothing() {
        let mut outbox = Outbox::new();
        outbox.keep(&[7; 1000]);
        assert_eq!(outbox.front(), [7; 1000]);
        outbox.sent(1000);
        assert_eq!(outbox.bytes.capacity(), 0);
    }
}
