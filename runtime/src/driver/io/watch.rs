//! A file descriptor that the driver watches, and which poll instance does it: the one for all, or a worker's own.
//!
//! Several tasks may wait for one descriptor, on several workers, and each of these may want it moved; the owner may
//! end the watch at the same time. One word says who may: whoever has changed it to `MOVING` moves, alone; the owner
//! waits for him, which takes as long as two system calls, and ends it then. After `OVER` the descriptor may be closed
//! and its number be another's, so nobody adds it anywhere any more.

use super::interest::Interest;
use super::source::Source;
use super::table::Entry;
use crate::prim::atomic::{
    AtomicU32, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed, Ordering::Release,
};
use crate::prim::thread::spin;
use std::os::fd::RawFd;

/// By the poll instance for all.
const SHARED: u32 = 0;
/// Nobody's: the watch is over. Set by the owner, for good.
const OVER: u32 = u32::MAX - 1;
/// On its way. Set by the mover, and replaced by him.
const MOVING: u32 = u32::MAX;

/// A poll instance: a worker's own, or that for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Shared,
    Own(usize),
}

impl Place {
    fn of(word: u32) -> Self {
        if word == SHARED { Self::Shared } else { Self::Own(word as usize - 1) }
    }

    fn word(self) -> u32 {
        match self {
            Self::Shared => SHARED,
            Self::Own(worker) => worker as u32 + 1,
        }
    }
}

/// The watch over a descriptor.
#[derive(Debug)]
pub(crate) struct Watch {
    entry: Entry,
    fd: RawFd,
    interest: Interest,
    place: AtomicU32,
}

/// The right to move a watch; ended by `to`, or by being dropped: then it stays where it was.
pub(super) struct Moving<'a> {
    watch: &'a Watch,
    from: u32,
}

impl Watch {
    /// A watch of the poll instance for all.
    pub(super) fn new(entry: Entry, fd: RawFd, interest: Interest) -> Self {
        Self { entry, fd, interest, place: AtomicU32::new(SHARED) }
    }

    #[inline]
    pub(crate) fn entry(&self) -> &Entry {
        &self.entry
    }

    #[inline]
    pub(crate) fn source(&self) -> &Source {
        self.entry.source()
    }

    #[inline]
    pub(crate) fn fd(&self) -> RawFd {
        self.fd
    }

    pub(super) fn interest(&self) -> Interest {
        self.interest
    }

    /// True when it is where `place` says. A hint.
    pub(super) fn is_at(&self, place: Place) -> bool {
        self.place.load(Relaxed) == place.word()
    }

    /// Begins to move it; `None` when another does, or the watch is over.
    pub(super) fn begin_move(&self) -> Option<Moving<'_>> {
        let from = self.place.load(Acquire);
        let may = from < OVER && self.place.compare_exchange(from, MOVING, AcqRel, Relaxed).is_ok();
        may.then(|| Moving { watch: self, from })
    }

    /// The owner ends the watch: where it is to be removed from, or `None` when it was over before.
    #[must_use]
    pub(super) fn end(&self) -> Option<Place> {
        for turn in 0.. {
            let word = self.place.load(Acquire);
            match word {
                OVER => return None,
                MOVING => spin(turn),
                _ if self.place.compare_exchange(word, OVER, AcqRel, Relaxed).is_ok() => {
                    return Some(Place::of(word));
                }
                _ => {}
            }
        }
        None
    }
}

impl Moving<'_> {
    pub(super) fn from(&self) -> Place {
        Place::of(self.from)
    }

    /// It has been moved there.
    pub(super) fn to(mut self, place: Place) {
        self.from = place.word();
    }
}

impl Drop for Moving<'_> {
    fn drop(&mut self) {
        self.watch.place.store(self.from, Release);
    }
}
