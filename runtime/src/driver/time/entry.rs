//! One timer: a deadline and a waker, linked into a wheel while it waits.
//!
//! Its fields belong to the lock of the wheel it is in, but for `state`: the wheel stores FIRED there as its last
//! touch, and from then on the entry is its owner's again. So an owner that reads FIRED needs no lock to free it.

use super::wheel::Wheel;
use crate::prim::atomic::{AtomicU8, Ordering::Acquire, Ordering::Release};
use crate::prim::cell::UnsafeCell;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::ptr;
use std::task::Waker;

/// In no wheel, and not due. Set by the owner only.
const FREE: u8 = 0;
/// In a wheel. Set by the owner under the wheel's lock; ended by the wheel (FIRED) or by the owner (FREE), both under
/// it.
const WAITING: u8 = 1;
/// Its time has come. Set by the wheel, as its last touch.
const FIRED: u8 = 2;

/// What became of an entry that was to wait.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entered {
    /// Its time came meanwhile.
    Fired,
    /// The wheel takes no more timers: the runtime has shut down.
    Closed,
    /// It waits.
    Waiting,
    /// It waits, and is the earliest of its wheel: a driver that sleeps for longer must hear of it (f06).
    Earliest,
}

/// A timer entry. Pinned while it waits.
#[derive(Debug)]
pub(crate) struct Entry {
    state: AtomicU8,
    pub(super) node: UnsafeCell<Node>,
    _pinned: PhantomPinned,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) prev: *const Entry,
    pub(super) next: *const Entry,
    /// Nanoseconds of the runtime's clock.
    pub(super) deadline: u64,
    /// The slot it is linked in: level times 64 plus place.
    pub(super) slot: u16,
    pub(super) waker: Option<Waker>,
}

// SAFETY: `node` is touched under the wheel's lock while the entry waits, and by its owner otherwise.
unsafe impl Send for Entry {}
// SAFETY: as above.
unsafe impl Sync for Entry {}

impl Entry {
    pub(crate) fn new() -> Self {
        let node = Node { prev: ptr::null(), next: ptr::null(), deadline: 0, slot: 0, waker: None };
        Self { state: AtomicU8::new(FREE), node: UnsafeCell::new(node), _pinned: PhantomPinned }
    }

    /// True once its time has come.
    #[inline]
    pub(crate) fn has_fired(&self) -> bool {
        self.state.load(Acquire) == FIRED
    }

    /// True while it is in a wheel.
    #[inline]
    pub(crate) fn is_waiting(&self) -> bool {
        self.state.load(Acquire) == WAITING
    }

    /// Enters `wheel`. An entry that is waiting already gets the new waker instead.
    ///
    /// # Safety
    /// The entry waits in no other wheel, and `leave` is called with this one before wheel or entry goes.
    #[inline]
    pub(crate) unsafe fn enter(self: Pin<&Self>, wheel: &Wheel, deadline: u64, waker: &Waker) -> Entered {
        // Cloned with no lock held: it is foreign code (f27).
        let mut waker = Some(waker.clone());
        let this = self.get_ref();
        let entered = wheel.locked(|inner| {
            if this.has_fired() {
                return Entered::Fired;
            }
            if inner.is_closed() {
                return Entered::Closed;
            }
            // SAFETY: under the wheel's lock.
            this.node.with_mut(|node| std::mem::swap(unsafe { &mut (*node).waker }, &mut waker));
            if this.is_waiting() {
                return Entered::Waiting;
            }
            // SAFETY: under the wheel's lock, and in no list.
            this.node.with_mut(|node| unsafe { (*node).deadline = deadline });
            this.state.store(WAITING, Release);
            // SAFETY: pinned, and `leave` is called before it goes, by contract.
            unsafe { inner.insert(this) };
            if wheel.expect(deadline) { Entered::Earliest } else { Entered::Waiting }
        });
        drop(waker);
        entered
    }

    /// Leaves `wheel`, the one it entered, and forgets that it fired: the entry may be used again.
    #[inline]
    pub(crate) fn leave(self: Pin<&Self>, wheel: &Wheel) {
        let this = self.get_ref();
        if this.is_waiting() {
            let waker = wheel.locked(|inner| {
                if !this.is_waiting() {
                    return None;
                }
                // SAFETY: it waits in this wheel, by the contract of `enter`.
                unsafe { inner.remove(this) };
                // SAFETY: under the wheel's lock.
                this.node.with_mut(|node| unsafe { (*node).waker.take() })
            });
            drop(waker);
        }
        this.state.store(FREE, Release);
    }

    /// Ends the wait without firing, as [`fire`](Self::fire) does it.
    ///
    /// # Safety
    /// As for `fire`.
    pub(super) unsafe fn abandon(entry: *const Self) -> Option<Waker> {
        // SAFETY: alive by contract.
        let this = unsafe { &*entry };
        // SAFETY: under the wheel's lock.
        let waker = this.node.with_mut(|node| unsafe { (*node).waker.take() });
        this.state.store(FREE, Release);
        waker
    }

    /// Ends the wait. Called by the wheel, under its lock, after it has unlinked the entry: the last touch.
    ///
    /// # Safety
    /// The entry is alive, and linked nowhere.
    pub(super) unsafe fn fire(entry: *const Self) -> Option<Waker> {
        // SAFETY: alive by contract.
        let this = unsafe { &*entry };
        // SAFETY: under the wheel's lock.
        let waker = this.node.with_mut(|node| unsafe { (*node).waker.take() });
        this.state.store(FIRED, Release);
        waker
    }
}
