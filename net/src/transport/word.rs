//! What everybody may know of a connection without its lock: one word of flags.
//!
//! All flags but `PAUSED` are written under the lock of the outbox, and whoever sets or clears one that an owner acts
//! on (all but `REFUSED`, which `drain` asks for) wakes the owner afterwards. So an owner that has registered its waker
//! and then finds the word unchanged misses nothing. The model is `loom-tests/tests/link`.

use raddle_runtime::prim::atomic::{AtomicU8, Ordering::AcqRel, Ordering::Acquire};

/// There are bytes to be sent. Set when some are kept, cleared when the last is sent or dropped.
const BUFFERED: u8 = 1;
/// The buffer has gone above the high-water mark and not yet below the low one.
const FULL: u8 = 2;
/// Someone has closed or aborted the connection, or it was lost: no more is read or accepted. Never cleared.
const CLOSING: u8 = 4;
/// Nothing is sent any more. Comes with or after `CLOSING`, and is never cleared.
const ENDED: u8 = 8;
/// The owner is not to read. Set and cleared by anyone, without the lock.
const PAUSED: u8 = 16;
/// Bytes were refused because they came after `write_eof` or `close`. Never cleared.
const REFUSED: u8 = 32;

/// What travels is encrypted, or is about to be. Never cleared.
#[cfg(feature = "tls")]
const SECURE: u8 = 64;
/// The handshake is not done. Comes with `SECURE`, and is cleared once.
#[cfg(feature = "tls")]
const HANDSHAKING: u8 = 128;

#[derive(Debug)]
pub(super) struct Word(AtomicU8);

/// The word as it was at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flags(u8);

impl Word {
    pub(super) fn new() -> Self {
        Self(AtomicU8::new(0))
    }

    #[inline]
    pub(super) fn load(&self) -> Flags {
        Flags(self.0.load(Acquire))
    }

    fn set(&self, flag: u8, on: bool) -> bool {
        let before = if on { self.0.fetch_or(flag, AcqRel) } else { self.0.fetch_and(!flag, AcqRel) };
        (before & flag != 0) != on
    }

    /// The buffer has bytes, and too many: said in one step, so that nobody sends what was not seen to be too much.
    pub(super) fn set_buffer(&self, buffered: bool, full: bool) {
        let level = (u8::from(buffered) * BUFFERED) | (u8::from(full) * FULL);
        let set = |word| Some(word & !(BUFFERED | FULL) | level);
        let _ = self.0.fetch_update(AcqRel, Acquire, set);
    }

    pub(super) fn set_closing(&self) {
        self.set(CLOSING, true);
    }

    /// `FULL` stays as it is: it tells an owner whether there was room again before the end.
    pub(super) fn set_ended(&self) {
        self.set(CLOSING | ENDED, true);
    }

    pub(super) fn set_refused(&self) {
        self.set(REFUSED, true);
    }

    #[cfg(feature = "tls")]
    pub(super) fn set_handshaking(&self) {
        self.set(SECURE | HANDSHAKING, true);
    }

    #[cfg(feature = "tls")]
    pub(super) fn set_shaken(&self) {
        self.set(HANDSHAKING, false);
    }

    /// True when that is a change.
    #[must_use = "the owner is woken when it may read again"]
    pub(super) fn set_paused(&self, paused: bool) -> bool {
        self.set(PAUSED, paused)
    }
}

impl Flags {
    fn has(self, flags: u8) -> bool {
        self.0 & flags != 0
    }

    pub(super) fn is_buffered(self) -> bool {
        self.has(BUFFERED)
    }

    pub(super) fn is_full(self) -> bool {
        self.has(FULL)
    }

    /// There is no point in that at the end.
    pub(super) fn must_pause(self) -> bool {
        self.is_full() && !self.is_ended()
    }

    pub(super) fn is_closing(self) -> bool {
        self.has(CLOSING)
    }

    pub(super) fn is_ended(self) -> bool {
        self.has(ENDED)
    }

    pub(super) fn is_paused(self) -> bool {
        self.has(PAUSED)
    }

    pub(super) fn is_refused(self) -> bool {
        self.has(REFUSED)
    }

    #[cfg(feature = "tls")]
    #[inline]
    pub(super) fn is_secure(self) -> bool {
        self.has(SECURE)
    }

    #[cfg(feature = "tls")]
    pub(super) fn is_handshaking(self) -> bool {
        self.has(HANDSHAKING)
    }

    /// `drain` has nothing to wait for and nothing to complain of.
    pub(super) fn is_drained(self) -> bool {
        !self.has(FULL | ENDED | REFUSED)
    }
}
