//! One waiter: a waker that one side stores and the other takes, without a lock.
//!
//! The word is `{WAKING, REGISTERING}`. `REGISTERING` gives the storing side the cell, `WAKING` the taking side;
//! whoever comes second leaves its bit and the first one finishes the work. (The scheme is that of futures'
//! `AtomicWaker`.)

use super::batch;
use crate::prim::atomic::{AtomicU8, Ordering::AcqRel, Ordering::Acquire, Ordering::Release};
use crate::prim::cell::UnsafeCell;
use std::task::Waker;

const IDLE: u8 = 0;
/// Set by `register` while it owns the cell. A taker that sees it leaves `WAKING` and goes: the registrar then wakes.
const REGISTERING: u8 = 1;
/// Set by `take` while it owns the cell, or left beside `REGISTERING` as a message. A registrar that finds it wakes its
/// own task instead of storing, for the event it would wait for has come.
const WAKING: u8 = 2;

/// A place for one waker. One task at a time registers; anyone may take.
#[derive(Debug)]
pub struct Slot {
    state: AtomicU8,
    waker: UnsafeCell<Option<Waker>>,
}

// SAFETY: the cell is only touched by whoever won REGISTERING or WAKING on the state word.
unsafe impl Send for Slot {}
// SAFETY: as above.
unsafe impl Sync for Slot {}

impl Default for Slot {
    fn default() -> Self {
        Self::new()
    }
}

impl Slot {
    /// An empty slot.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Self { state: AtomicU8::new(IDLE), waker: UnsafeCell::new(None) }
    }

    /// An empty slot.
    #[cfg(loom)]
    pub fn new() -> Self {
        Self { state: AtomicU8::new(IDLE), waker: UnsafeCell::new(None) }
    }

    /// Stores a clone of `waker`, unless the stored one wakes the same task. The caller checks its condition again
    /// afterwards: an event that came before is not seen by the slot.
    ///
    /// Two tasks that register at once do not corrupt anything, but only one of them is stored; the other is woken.
    pub fn register(&self, waker: &Waker) {
        match self.state.compare_exchange(IDLE, REGISTERING, Acquire, Acquire) {
            Ok(_) => self.store(waker),
            // A taker owns the cell, or another registrar does: either way the caller must look again.
            Err(_) => waker.wake_by_ref(),
        }
    }

    /// Stores a waker in a slot that nobody else knows of yet; no locked instruction.
    ///
    /// # Safety
    /// Nobody else touches the slot until this has returned, and whoever does later has been told of it.
    #[inline]
    pub unsafe fn fill(&self, waker: Waker) {
        // SAFETY: the cell is the caller's alone.
        let old = self.waker.with_mut(|cell| unsafe { (*cell).replace(waker) });
        drop(old);
    }

    /// Called by whoever moved the word from IDLE to REGISTERING.
    fn store(&self, waker: &Waker) {
        // Gives the cell back however this ends: cloning a waker runs foreign code, which may panic.
        let give_back = GiveBack(self);
        let stored = self.waker.with(|cell| {
            // SAFETY: the word is REGISTERING by our hand: the cell is ours until `give_back` is dropped.
            let cell = unsafe { &*cell };
            cell.as_ref().is_some_and(|stored| stored.will_wake(waker))
        });
        if stored {
            return;
        }
        let waker = waker.clone();
        // SAFETY: as above.
        let old = self.waker.with_mut(|cell| unsafe { (*cell).replace(waker) });
        drop(give_back);
        drop(old);
    }

    /// Takes the waker out, if there is one; the caller wakes it once it holds no lock.
    #[must_use = "the task behind this waker waits for it"]
    pub fn take(&self) -> Option<Waker> {
        match self.state.fetch_or(WAKING, AcqRel) {
            IDLE => {
                // SAFETY: the word went from IDLE to WAKING by our hand, so the cell is ours until the release below.
                let waker = self.waker.with_mut(|cell| unsafe { (*cell).take() });
                self.state.fetch_and(!WAKING, Release);
                waker
            }
            // REGISTERING: the registrar finds our bit and wakes. WAKING: another taker has it.
            _ => None,
        }
    }

    /// As [`take`](Self::take), for the last time: whoever registers afterwards is woken at once, to look again.
    #[must_use = "the task behind this waker waits for it"]
    #[inline]
    pub fn take_last(&self) -> Option<Waker> {
        match self.state.fetch_or(WAKING, AcqRel) {
            // SAFETY: the word went from IDLE to WAKING by our hand and stays so: the cell is ours from now on.
            IDLE => self.waker.with_mut(|cell| unsafe { (*cell).take() }),
            _ => None,
        }
    }

    /// Takes the waker and wakes it. To be called with no lock held.
    pub fn wake(&self) {
        if let Some(waker) = self.take() {
            batch::wake(waker);
        }
    }
}

/// Ends a registration.
struct GiveBack<'a>(&'a Slot);

impl Drop for GiveBack<'_> {
    fn drop(&mut self) {
        let slot = self.0;
        if slot.state.compare_exchange(REGISTERING, IDLE, AcqRel, Acquire).is_ok() {
            return;
        }
        // The word is REGISTERING|WAKING: a taker came by and left the work to us.
        // SAFETY: the cell is still ours: the taker saw REGISTERING and went, as every later one does.
        let taken = slot.waker.with_mut(|cell| unsafe { (*cell).take() });
        slot.state.swap(IDLE, AcqRel);
        if let Some(taken) = taken {
            batch::wake(taken);
        }
    }
}
