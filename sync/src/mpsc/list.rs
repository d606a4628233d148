//! The messages: a list of blocks that many push to ([`List`]) and one takes from ([`Head`]). Knows of nobody who
//! waits, but for the mark that the receiver leaves in the slot it sleeps on. The `README.md` has the proofs.

use super::block::{Block, Header, Published, RETIRED, SPAN, STEP, Slot};
use raddle_runtime::prim::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use raddle_runtime::prim::atomic::{AtomicPtr, AtomicUsize};
use std::marker::PhantomData;
use std::ptr;

/// In the tail: no position that is handed out from now on is good.
const CLOSED: usize = 1;

/// The shared part.
#[derive(Debug)]
pub(super) struct List<T> {
    /// The next position, and [`CLOSED`].
    tail: AtomicUsize,
    /// Where senders start to look for the block of their position; the block of a recent one.
    entry: AtomicPtr<Header>,
    /// A block that was used up and can be used again, or null.
    spare: AtomicPtr<Header>,
    /// The oldest block that has not been reclaimed, once there is no receiver.
    first: AtomicPtr<Header>,
    /// Stands before the first block and has no slots: so a list that was not used has no blocks.
    origin: Header,
    _messages: PhantomData<*mut T>,
}

// SAFETY: messages go from the thread that pushes to the one that takes; nobody shares a reference to one.
unsafe impl<T: Send> Send for List<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for List<T> {}

impl<T> List<T> {
    /// A list that is to be put in its place and then begun.
    pub(super) fn new() -> Self {
        Self {
            tail: AtomicUsize::new(0),
            entry: AtomicPtr::new(ptr::null_mut()),
            spare: AtomicPtr::new(ptr::null_mut()),
            first: AtomicPtr::new(ptr::null_mut()),
            origin: Header::new(0usize.wrapping_sub(SPAN), ptr::null_mut()),
            _messages: PhantomData,
        }
    }

    /// The taking end. The list stays where it is from now on.
    pub(super) fn begin(&self) -> Head<T> {
        let origin = self.origin();
        self.entry.store(origin, Relaxed);
        self.first.store(origin, Relaxed);
        Head { position: 0, block: origin, first: origin, end: None, _messages: PhantomData }
    }

    fn origin(&self) -> *mut Header {
        ptr::from_ref(&self.origin).cast_mut()
    }

    /// Hands no good position out any more; returns the first that is not.
    pub(super) fn close(&self) -> usize {
        self.tail.fetch_or(CLOSED, AcqRel) & !CLOSED
    }

    pub(super) fn is_closed(&self) -> bool {
        self.tail.load(Acquire) & CLOSED != 0
    }

    /// Appends a message, in two locked instructions. `Refused` once the list is closed, or if the receiver went while
    /// the message was on its way.
    #[inline]
    pub(super) fn push(&self, message: T) -> Published<T> {
        // Acquire: pairs with the Release in `advance`.
        let tail = self.tail.fetch_add(STEP, Acquire);
        if tail & CLOSED != 0 {
            return Published::Refused(message);
        }
        let block = self.find(tail);
        // SAFETY: a block is not reclaimed while a position in it is claimed and not published (README, rule 3).
        let slot = unsafe { Block::slot(block, tail) };
        // SAFETY: each position is handed out once.
        unsafe { slot.publish(message) }
    }

    /// The block of `position`, which the caller has claimed and not published.
    #[inline]
    fn find(&self, position: usize) -> *mut Header {
        let block = self.entry.load(Acquire);
        // SAFETY: loaded after the claim: not reclaimed before we publish (README, rule 4).
        match unsafe { (*block).distance(position) } {
            distance if (0..SPAN.cast_signed()).contains(&distance) => block,
            _ => self.walk(block, position),
        }
    }

    #[cold]
    fn walk(&self, mut block: *mut Header, position: usize) -> *mut Header {
        let mut is_entry = true;
        loop {
            // SAFETY: the entry, or a block between it and ours: as in `find`, and rule 3.
            let header = unsafe { &*block };
            let distance = header.distance(position);
            if distance < 0 {
                // Others went ahead of us.
                (block, is_entry) = (header.prev.load(Relaxed), false);
                continue;
            }
            if distance < SPAN.cast_signed() {
                return block;
            }
            // SAFETY: as above.
            let next = unsafe { self.next(block) };
            is_entry = is_entry && self.advance(block, header, next);
            block = next;
        }
    }

    /// Moves the entry on; false if it is elsewhere. Called with a position claimed and not published.
    fn advance(&self, block: *mut Header, header: &Header, next: *mut Header) -> bool {
        let moved = self.entry.compare_exchange(block, next, AcqRel, Relaxed).is_ok();
        if moved {
            // Whoever claims a position from here on sees the new entry, for this changes nothing but the order: it is
            // a Release in the chain of changes that their claim acquires.
            let tail = self.tail.fetch_or(0, Release) & !CLOSED;
            header.retired.store(tail | RETIRED, Release);
        }
        moved
    }

    /// The block behind `block`; makes one if there is none.
    ///
    /// # Safety
    /// `block` is in the list and is not reclaimed meanwhile.
    unsafe fn next(&self, block: *mut Header) -> *mut Header {
        // SAFETY: by contract.
        let header = unsafe { &*block };
        let next = header.next.load(Acquire);
        if !next.is_null() {
            return next;
        }
        let fresh = self.fresh(header.start.load(Relaxed).wrapping_add(SPAN), block);
        match header.next.compare_exchange(ptr::null_mut(), fresh, AcqRel, Acquire) {
            Ok(_) => fresh,
            Err(next) => {
                // SAFETY: it never was in the list.
                unsafe { self.recycle(fresh) };
                next
            }
        }
    }

    fn fresh(&self, start: usize, prev: *mut Header) -> *mut Header {
        // Acquire: what its last users did with it is over.
        let spare = self.spare.swap(ptr::null_mut(), AcqRel);
        if spare.is_null() {
            return Block::<T>::allocate(start, prev);
        }
        // SAFETY: who takes it out of `spare` has it alone.
        unsafe { Block::<T>::renew(spare, start, prev) };
        spare
    }

    /// Keeps a block for the next that needs one; frees it if there is one already.
    ///
    /// # Safety
    /// It is the caller's alone.
    unsafe fn recycle(&self, block: *mut Header) {
        if self.spare.compare_exchange(ptr::null_mut(), block, AcqRel, Relaxed).is_err() {
            // SAFETY: by contract.
            unsafe { Block::<T>::free(block) };
        }
    }
}

impl<T> Drop for List<T> {
    fn drop(&mut self) {
        let (mut block, origin) = (self.first.load(Relaxed), self.origin());
        while !block.is_null() {
            // SAFETY: in the list, which is ours alone now.
            let next = unsafe { (*block).next.load(Relaxed) };
            if block != origin {
                // SAFETY: as above; the receiver has emptied it.
                unsafe { Block::<T>::free(block) };
            }
            block = next;
        }
        let spare = self.spare.load(Relaxed);
        if !spare.is_null() {
            // SAFETY: as above.
            unsafe { Block::<T>::free(spare) };
        }
    }
}

/// The taking end of a list; there is one. Every method is given the list that it belongs to.
#[derive(Debug)]
pub(super) struct Head<T> {
    /// Of the next message.
    position: usize,
    /// The block of `position`, or the one before if nobody needed that one yet.
    block: *mut Header,
    /// The oldest block that has not been reclaimed.
    first: *mut Header,
    /// The first position that was refused, once we have closed the list.
    end: Option<usize>,
    _messages: PhantomData<*mut T>,
}

// SAFETY: it is the one taker, wherever it is.
unsafe impl<T: Send> Send for Head<T> {}
// SAFETY: a shared one only counts.
unsafe impl<T: Send> Sync for Head<T> {}

/// What is to be expected of a list whose next slot is not filled.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outlook {
    /// A message is on its way: its sender has claimed the slot.
    Soon,
    /// Nothing, so far.
    Open,
    /// Nothing any more.
    Over,
}

impl<T> Head<T> {
    /// The slot at our position, if its block is there.
    #[inline]
    fn slot<'a>(&mut self, list: &'a List<T>) -> Option<&'a Slot<T>> {
        // SAFETY: our block is not reclaimed but by us.
        let header = unsafe { &*self.block };
        if header.distance(self.position) >= SPAN.cast_signed() {
            let next = header.next.load(Acquire);
            if next.is_null() {
                return None;
            }
            self.block = next;
            self.reclaim(list);
        }
        // SAFETY: as above; and what is taken from the slot is not used beyond the next call.
        Some(unsafe { Block::slot(self.block, self.position) })
    }

    /// As `slot`; makes the block.
    fn slot_or_grow<'a>(&mut self, list: &'a List<T>) -> &'a Slot<T> {
        loop {
            if let Some(slot) = self.slot(list) {
                return slot;
            }
            // SAFETY: our block is not reclaimed but by us.
            unsafe { list.next(self.block) };
        }
    }

    /// Gives back the blocks that we have left and that no sender can meet any more (README, rule 4).
    #[cold]
    fn reclaim(&mut self, list: &List<T>) {
        while self.first != self.block {
            // SAFETY: we have not reclaimed it yet.
            let header = unsafe { &*self.first };
            let retired = header.retired.load(Acquire);
            let ahead = self.position.wrapping_sub(retired & !RETIRED).cast_signed();
            if retired & RETIRED == 0 || ahead < 0 {
                return;
            }
            let next = header.next.load(Relaxed);
            if self.first != list.origin() {
                // SAFETY: by rule 4 it is ours alone.
                unsafe { list.recycle(self.first) };
            }
            self.first = next;
        }
    }

    /// Takes the next message, if it is there.
    #[inline]
    pub(super) fn pop(&mut self, list: &List<T>) -> Option<T> {
        let slot = self.slot(list)?;
        // SAFETY: we are the receiver, and the position moves on with each message that is taken.
        let message = unsafe { slot.take() }?;
        self.position = self.position.wrapping_add(STEP);
        Some(message)
    }

    /// Marks the next slot, so that who fills it wakes us; false if it is filled.
    pub(super) fn sleep(&mut self, list: &List<T>) -> bool {
        self.slot_or_grow(list).sleep()
    }

    /// Closes the list; what was pushed before can still be taken.
    pub(super) fn close(&mut self, list: &List<T>) {
        self.end.get_or_insert_with(|| list.close());
    }

    /// How many messages there are, with those that are being pushed just now.
    pub(super) fn len(&self, list: &List<T>) -> usize {
        let end = self.end.unwrap_or_else(|| list.tail.load(Acquire) & !CLOSED);
        end.wrapping_sub(self.position) / STEP
    }

    /// What to expect when `pop` found nothing.
    pub(super) fn outlook(&self, list: &List<T>) -> Outlook {
        // Once closed the tail runs on, by one for each refused message: the end is what it was when we closed it. If
        // we did not, the last sender did, and nobody is there to be refused.
        let tail = self.end.map_or_else(|| list.tail.load(Acquire), |end| end | CLOSED);
        match (tail & !CLOSED == self.position, tail & CLOSED != 0) {
            (false, _) => Outlook::Soon,
            (true, true) => Outlook::Over,
            (true, false) => Outlook::Open,
        }
    }

    /// Takes the next message out of a closed list for good: if it is on its way its sender gets it back. `None` at the
    /// end.
    pub(super) fn leave(&mut self, list: &List<T>) -> Option<Option<T>> {
        self.close(list);
        if self.len(list) == 0 {
            list.first.store(self.first, Relaxed);
            return None;
        }
        let slot = self.slot_or_grow(list);
        self.position = self.position.wrapping_add(STEP);
        // SAFETY: we are the receiver, and have moved on.
        Some(unsafe { slot.leave() })
    }
}
