//! The readiness word of one source: what the system said about it last, and how often it spoke.
//!
//! Notation, used at every site: `w.r.s.b` is one `u64`, from the top
//! - `w` 28 bits, the write tick: how many events concerned writing,
//! - `r` 28 bits, the read tick: how many events concerned reading,
//! - `s` 1 bit, the driver has shut down,
//! - `b` 7 bits, the [`Ready`] bits; each belongs to one direction.
//!
//! The poll call speaks at edges only, so a bit that is cleared wrongly is an operation that hangs. An operation looks
//! (`load`), calls the system, and on `WouldBlock` clears the bits it looked at, but only while the tick of their
//! direction is the one it saw: an event that came in between is news, whatever its bits say. The ticks are compared
//! in full, as they are stored; to be fooled, an operation has to sleep between its look and its clear through exactly
//! a multiple of 2^28 events on its source.
//!
//! Each direction has a tick of its own, because an event for one says nothing about the other: under one tick, a
//! writer whose peer keeps sending could never clear `WRITABLE`, and would spin.
//!
//! Orderings: the word guards no other memory. What it must not lose is order against the waiters' places: an event
//! sets the word and then takes the waiters; a waiter takes its place and then looks again. Both meet in a
//! read-modify-write on the slot's word, or in the queue's lock, so that one of them sees the other; for that,
//! `AcqRel` on the word's changes and `Acquire` on its loads is enough.

use super::interest::{Direction, Ready};
use crate::prim::atomic::{
    AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed},
};

const BITS: u64 = 0x7f;
const SHUTDOWN: u64 = 1 << 7;
const TICK_BITS: u32 = 28;
const TICK: u64 = (1 << TICK_BITS) - 1;
const READ_SHIFT: u32 = 8;
const WRITE_SHIFT: u32 = READ_SHIFT + TICK_BITS;

const fn shift(direction: Direction) -> u32 {
    match direction {
        Direction::Read => READ_SHIFT,
        Direction::Write => WRITE_SHIFT,
    }
}

/// The word as it was at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Snapshot(u64);

impl Snapshot {
    /// `b`.
    #[inline]
    pub(crate) fn ready(self) -> Ready {
        Ready::from_bits((self.0 & BITS) as u8)
    }

    /// `s`.
    #[inline]
    pub(crate) fn is_shut_down(self) -> bool {
        self.0 & SHUTDOWN != 0
    }

    /// `r` or `w`.
    #[inline]
    fn tick(self, direction: Direction) -> u64 {
        self.0 >> shift(direction) & TICK
    }

    /// Moves `r` or `w` on by one, from its last value to zero.
    #[inline]
    fn ticked(self, direction: Direction) -> Self {
        let tick = (self.tick(direction) + 1) & TICK;
        Self(self.0 & !(TICK << shift(direction)) | tick << shift(direction))
    }

    /// Those of `bits` that may be cleared from here by someone who looked when the word was `seen`.
    #[inline]
    fn clearable(self, bits: Ready, seen: Self) -> Ready {
        let of = |direction| {
            let known = self.tick(direction) == seen.tick(direction);
            if known { bits.intersection(Ready::of(direction)) } else { Ready::EMPTY }
        };
        of(Direction::Read) | of(Direction::Write)
    }
}

/// The one word; see the head of this file.
#[derive(Debug)]
pub(crate) struct Readiness(AtomicU64);

impl Readiness {
    /// Nothing known.
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// The word now.
    #[inline]
    pub(crate) fn load(&self) -> Snapshot {
        Snapshot(self.0.load(Acquire))
    }

    /// An event: adds `ready`, moves the ticks of the directions it concerns, and returns the bits that are new.
    ///
    /// Only a direction with a new bit can have anyone waiting who has not been woken. A waiter waits only after it
    /// took its place and then found its bits unset; the event that set them since took all places after it; and a
    /// bit that was set before this event has not been unset since, or it would be new.
    #[inline]
    #[must_use = "the waiters of a new bit are to be woken"]
    pub(crate) fn set(&self, ready: Ready) -> Ready {
        let concerns = |direction| !ready.intersection(Ready::of(direction)).is_empty();
        let mut word = Snapshot(self.0.load(Relaxed));
        loop {
            let mut next = Snapshot(word.0 | u64::from(ready.bits()));
            for direction in [Direction::Read, Direction::Write] {
                if concerns(direction) {
                    next = next.ticked(direction);
                }
            }
            match self.0.compare_exchange_weak(word.0, next.0, AcqRel, Relaxed) {
                Ok(_) => return Ready::from_bits(ready.bits() & !word.ready().bits()),
                Err(now) => word = Snapshot(now),
            }
        }
    }

    /// The system said `WouldBlock` to an operation that looked at `seen`: takes `bits` back, save those of a
    /// direction that has had an event since.
    ///
    /// Closed and error bits go too. They are as stale as the others, for no operation can block on what is closed:
    /// a pipe that got a new writer and a socket whose error was fetched would spin for ever if they stayed.
    #[inline]
    pub(crate) fn clear(&self, bits: Ready, seen: Snapshot) {
        let mut word = seen;
        loop {
            let clear = word.clearable(bits, seen);
            if clear.is_empty() {
                return;
            }
            let next = word.0 & !u64::from(clear.bits());
            match self.0.compare_exchange_weak(word.0, next, AcqRel, Acquire) {
                Ok(_) => return,
                Err(now) => word = Snapshot(now),
            }
        }
    }

    /// The driver has shut down; returns false when it had before.
    #[must_use = "all waiters are to be woken"]
    pub(crate) fn shut_down(&self) -> bool {
        !Snapshot(self.0.fetch_or(SHUTDOWN, AcqRel)).is_shut_down()
    }

    /// Back to nothing known, for the next owner of the source. Nobody else may be looking.
    pub(crate) fn reset(&self) {
        self.0.store(0, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_ticks(read: u64, write: u64, ready: Ready) -> Readiness {
        let word = write << WRITE_SHIFT | read << READ_SHIFT | u64::from(ready.bits());
        Readiness(AtomicU64::new(word))
    }

    #[test]
    fn f01_news_between_the_look_and_the_clear_stay() {
        let word = at_ticks(0, 0, Ready::READABLE);
        let seen = word.load();
        assert_eq!(word.set(Ready::READABLE), Ready::EMPTY, "the bit was set: nobody can be waiting for it");
        word.clear(Ready::READABLE, seen);
        assert_eq!(word.load().ready(), Ready::READABLE);
        word.clear(Ready::READABLE, word.load());
        assert_eq!(word.load().ready(), Ready::EMPTY);
    }

    #[test]
    fn f01_every_bit_of_a_tick_is_compared() {
        for bit in 0..TICK_BITS {
            let seen = at_ticks(0, 0, Ready::ALL).load();
            let word = at_ticks(1 << bit, 1 << bit, Ready::ALL);
            word.clear(Ready::ALL, seen);
            assert_eq!(word.load().ready(), Ready::ALL, "tick bit {bit}");
        }
    }

    #[test]
    fn f01_a_tick_that_wraps_moves_and_spoils_nothing_beside_it() {
        let word = at_ticks(TICK, TICK, Ready::ALL);
        let seen = word.load();
        let _ = word.set(Ready::READABLE);
        assert_eq!(word.load(), at_ticks(0, TICK, Ready::ALL).load());
        word.clear(Ready::ALL, seen);
        assert_eq!(word.load().ready(), Ready::of(Direction::Read), "only writing was as it had been seen");
        let _ = word.set(Ready::WRITABLE);
        assert_eq!(word.load().tick(Direction::Write), 0);
        assert_eq!(word.load().tick(Direction::Read), 0);
        assert!(!word.load().is_shut_down());
    }

    #[test]
    fn f02_events_for_reading_do_not_keep_writing_from_being_cleared() {
        let word = at_ticks(0, 0, Ready::WRITABLE);
        let seen = word.load();
        let _ = word.set(Ready::READABLE);
        word.clear(Ready::WRITABLE | Ready::WRITE_CLOSED, seen);
        assert_eq!(word.load().ready(), Ready::READABLE);
    }

    #[test]
    fn shutting_down_is_told_once_and_stays() {
        let word = Readiness::new();
        assert!(word.shut_down());
        assert!(!word.shut_down());
        word.clear(Ready::ALL, word.load());
        assert!(word.load().is_shut_down());
    }

    /// What the word means, said plainly: per bit whether it is set, per direction how many events it has had.
    #[derive(Clone, Copy, Default)]
    struct Model {
        ready: u8,
        events: [u64; 2],
    }

    impl Model {
        fn set(&mut self, ready: Ready) -> Ready {
            let new = Ready::from_bits(ready.bits() & !self.ready);
            self.ready |= ready.bits();
            for (direction, events) in [Direction::Read, Direction::Write].into_iter().zip(&mut self.events) {
                *events += u64::from(!ready.intersection(Ready::of(direction)).is_empty());
            }
            new
        }

        fn clear(&mut self, bits: Ready, seen: Self) {
            for (i, direction) in [Direction::Read, Direction::Write].into_iter().enumerate() {
                if self.events[i] == seen.events[i] {
                    self.ready &= !bits.intersection(Ready::of(direction)).bits();
                }
            }
        }
    }

    #[test]
    fn the_word_behaves_as_its_plain_model() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for _ in 0..200 {
            let (word, mut model) = (Readiness::new(), Model::default());
            let mut looks = vec![(word.load(), model)];
            for _ in 0..200 {
                let bits = Ready::from_bits(random() as u8);
                let look = looks[random() as usize % looks.len()];
                match random() % 3 {
                    0 => assert_eq!(word.set(bits), model.set(bits)),
                    1 => looks.push((word.load(), model)),
                    _ => {
                        word.clear(bits, look.0);
                        model.clear(bits, look.1);
                    }
                }
                assert_eq!(word.load().ready().bits(), model.ready);
            }
        }
    }
}
