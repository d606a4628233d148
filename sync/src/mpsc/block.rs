//! A block of slots, and what may be done with one slot. The `README.md` beside this file says who owns what when.

use raddle_runtime::prim::alloc::{alloc, dealloc};
use raddle_runtime::prim::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use raddle_runtime::prim::atomic::{AtomicPtr, AtomicU8, AtomicUsize};
use raddle_runtime::prim::cell::UnsafeCell;
use std::alloc::{Layout, handle_alloc_error};
use std::mem::MaybeUninit;
use std::ptr;

/// Slots in a block; two in a model, so that it comes to the end of a block.
#[cfg(not(loom))]
pub(super) const SLOTS: usize = 32;
#[cfg(loom)]
pub(super) const SLOTS: usize = 2;

/// Positions of messages are counted in twos and wrap around: the lowest bit of the word that hands them out is a flag.
pub(super) const STEP: usize = 2;
/// Positions in a block.
pub(super) const SPAN: usize = SLOTS * STEP;

/// Set in [`Header::retired`] beside the position.
pub(super) const RETIRED: usize = 1;

/// Nothing is here yet.
const EMPTY: u8 = 0;
/// Nothing is here yet, and the receiver sleeps on it: who fills it wakes.
const WAITING: u8 = 1;
/// The value is here.
const READY: u8 = 2;
/// The receiver went before the value came: who brings it keeps it.
const GONE: u8 = 3;

/// What a sender finds in the slot that it fills.
pub(super) enum Published<T> {
    /// The value is the receiver's.
    Quietly,
    /// The value is the receiver's, which sleeps.
    ToSleeper,
    /// There is no receiver: the value is the sender's.
    Refused(T),
}

/// One message's place.
pub(super) struct Slot<T> {
    state: AtomicU8,
    value: UnsafeCell<MaybeUninit<T>>,
}

impl<T> Slot<T> {
    /// Puts the value in and says so. This is the sender's last touch of the block.
    ///
    /// # Safety
    /// The caller has claimed the position of this slot and has not filled it yet.
    #[inline]
    pub(super) unsafe fn publish(&self, value: T) -> Published<T> {
        // SAFETY: until it says READY the value is touched by the claimant alone, which we are.
        self.value.with_mut(|cell| unsafe { cell.cast::<T>().write(value) });
        match self.state.swap(READY, AcqRel) {
            EMPTY => Published::Quietly,
            WAITING => Published::ToSleeper,
            // SAFETY: the receiver has left GONE and never looks here again.
            _ => Published::Refused(self.value.with(|cell| unsafe { cell.cast::<T>().read() })),
        }
    }

    /// Takes the value out, if it is there.
    ///
    /// # Safety
    /// The caller is the receiver, and has not taken it.
    #[inline]
    pub(super) unsafe fn take(&self) -> Option<T> {
        if self.state.load(Acquire) != READY {
            return None;
        }
        // SAFETY: READY was read with Acquire: the value is in, the sender is through with the slot, and this is the
        // one time that it is read.
        Some(self.value.with(|cell| unsafe { cell.cast::<T>().read() }))
    }

    /// Says that the receiver sleeps on this slot; false if the value is there.
    pub(super) fn sleep(&self) -> bool {
        match self.state.compare_exchange(EMPTY, WAITING, AcqRel, Acquire) {
            Ok(_) => true,
            Err(state) => state == WAITING,
        }
    }

    /// Says that the receiver is gone, if the value has not come; takes it out otherwise.
    ///
    /// # Safety
    /// As [`take`](Self::take); and the receiver does not come back to this slot.
    pub(super) unsafe fn leave(&self) -> Option<T> {
        if self.state.swap(GONE, AcqRel) != READY {
            return None;
        }
        // SAFETY: as in `take`.
        Some(self.value.with(|cell| unsafe { cell.cast::<T>().read() }))
    }
}

/// What a block says of itself. On cache lines of its own: all senders read it while slots are written.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Header {
    /// Position of the first slot. Does not change while the block is in the list.
    pub(super) start: AtomicUsize,
    /// The block before. As `start`; dangles once that one is reclaimed.
    pub(super) prev: AtomicPtr<Header>,
    /// The block behind; null until someone needs it.
    pub(super) next: AtomicPtr<Header>,
    /// Zero until the senders' entry has gone past this block; then the tail at that time, and [`RETIRED`].
    pub(super) retired: AtomicUsize,
}

impl Header {
    pub(super) fn new(start: usize, prev: *mut Header) -> Self {
        Self {
            start: AtomicUsize::new(start),
            prev: AtomicPtr::new(prev),
            next: AtomicPtr::new(ptr::null_mut()),
            retired: AtomicUsize::new(0),
        }
    }

    /// How far `position` lies behind the start of this block; negative if it lies before.
    #[inline]
    pub(super) fn distance(&self, position: usize) -> isize {
        position.wrapping_sub(self.start.load(Relaxed)).cast_signed()
    }
}

/// The header first, so that a pointer to the one is a pointer to the other.
#[repr(C)]
pub(super) struct Block<T> {
    header: Header,
    slots: [Slot<T>; SLOTS],
}

impl<T> Block<T> {
    /// A new block, owned by the caller. Made in place: a block of large messages does not fit on the stack.
    pub(super) fn allocate(start: usize, prev: *mut Header) -> *mut Header {
        let layout = Layout::new::<Self>();
        // SAFETY: a block has a header, so it is not of size zero.
        let block = unsafe { alloc(layout) }.cast::<Self>();
        if block.is_null() {
            handle_alloc_error(layout);
        }
        // SAFETY: it is ours and large enough.
        let header = unsafe { &raw mut (*block).header };
        // SAFETY: as above.
        unsafe { header.write(Header::new(start, prev)) };
        for offset in 0..SLOTS {
            // SAFETY: as above.
            let slot = unsafe { &raw mut (*block).slots[offset] };
            let empty = Slot { state: AtomicU8::new(EMPTY), value: UnsafeCell::new(MaybeUninit::uninit()) };
            // SAFETY: as above.
            unsafe { slot.write(empty) };
        }
        header
    }

    /// Makes a block that nobody uses any more as good as new.
    ///
    /// # Safety
    /// It is one of [`allocate`](Self::allocate)'s, for this `T`, and the caller's alone.
    pub(super) unsafe fn renew(block: *mut Header, start: usize, prev: *mut Header) {
        // SAFETY: it is alive and the caller's.
        let block = unsafe { &*block.cast::<Self>() };
        block.header.start.store(start, Relaxed);
        block.header.prev.store(prev, Relaxed);
        block.header.next.store(ptr::null_mut(), Relaxed);
        block.header.retired.store(0, Relaxed);
        block.slots.iter().for_each(|slot| slot.state.store(EMPTY, Relaxed));
    }

    /// Frees a block; values that are in it are leaked.
    ///
    /// # Safety
    /// As [`renew`](Self::renew); nobody uses it afterwards.
    pub(super) unsafe fn free(block: *mut Header) {
        // SAFETY: the caller's alone. A slot drops no value; in a model loom looks at the cells.
        unsafe { ptr::drop_in_place(block.cast::<Self>()) };
        // SAFETY: allocated with this layout.
        unsafe { dealloc(block.cast(), Layout::new::<Self>()) };
    }

    /// The slot for `position`, which lies in this block.
    ///
    /// # Safety
    /// It is one of [`allocate`](Self::allocate)'s, for this `T`, and is not freed during `'a`.
    #[inline]
    pub(super) unsafe fn slot<'a>(block: *mut Header, position: usize) -> &'a Slot<T> {
        // SAFETY: alive by contract; what is in it is shared.
        let block = unsafe { &*block.cast::<Self>() };
        &block.slots[position / STEP % SLOTS]
    }
}
