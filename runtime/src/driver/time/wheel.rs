//! A hierarchical timing wheel (Varghese and Lauck, 1987) behind a lock, with its next deadline in an atomic beside it.
//!
//! Eight levels of 64 slots; a slot of level 0 is 2^16 ns (66 us) wide, one of level `n` 64 times one of level `n - 1`:
//! together they cover every `u64` of nanoseconds, so no deadline is out of range (f21). Slots only sort; whether a
//! timer is due is decided by its exact deadline, and timers that are due together fire in the order of their
//! deadlines, then of their arrival.

use super::entry::{Entry, Node};
use crate::driver::clock::NEVER;
use crate::prim::atomic::{AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use crate::prim::lock::Mutex;
use crate::wait::Batch;
use std::ptr::{self, NonNull};

const SLOT_BITS: u32 = 6;
const SLOTS: usize = 1 << SLOT_BITS;
const LEVELS: usize = 8;
/// The list of timers that are due, in the order in which they fire.
const DUE: usize = LEVELS * SLOTS;
/// Nanoseconds of a level 0 slot, as a shift.
const TICK_BITS: u32 = 16;

/// What an expiry left.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Due {
    /// Nothing more is due.
    None,
    /// The batch is full: wake it and call again.
    More,
}

/// A worker's timers.
#[derive(Debug)]
pub(crate) struct Wheel {
    /// No timer is due before this time; it may be too early (a cancelled timer leaves it), never too late. Written
    /// under the lock, read without.
    next: AtomicU64,
    inner: Mutex<Inner>,
}

/// The slots, under the lock.
#[derive(Debug)]
pub(super) struct Inner {
    /// Time is past all ticks before this one.
    tick: u64,
    len: usize,
    /// No timer is entered any more: the runtime has shut down.
    closed: bool,
    /// One bit per slot that is not empty, per level.
    occupied: [u64; LEVELS],
    /// Heads of circular lists: `head.prev` is the tail. Null when empty. The last one, [`DUE`], belongs to no level.
    heads: [*const Entry; LEVELS * SLOTS + 1],
    /// Timers of one slot, to be sorted: kept for its memory.
    scratch: Vec<*const Entry>,
}

// SAFETY: the pointers lead to entries, which are Send, and are followed under the lock only.
unsafe impl Send for Inner {}

impl Wheel {
    pub(crate) fn new() -> Self {
        let inner = Inner {
            tick: 0,
            len: 0,
            closed: false,
            occupied: [0; LEVELS],
            heads: [ptr::null(); LEVELS * SLOTS + 1],
            scratch: Vec::new(),
        };
        Self { next: AtomicU64::new(NEVER), inner: Mutex::new(inner) }
    }

    #[inline]
    pub(super) fn locked<R>(&self, f: impl FnOnce(&mut Inner) -> R) -> R {
        f(&mut self.inner.lock())
    }

    /// A timer with this deadline was entered; true if it is the earliest now. To be called under the lock.
    #[inline]
    pub(super) fn expect(&self, deadline: u64) -> bool {
        let earliest = deadline < self.next.load(Relaxed);
        if earliest {
            self.next.store(deadline, Release);
        }
        earliest
    }

    /// No timer is due before this time. Without the lock.
    #[inline]
    pub(crate) fn next(&self) -> u64 {
        self.next.load(Acquire)
    }

    /// When the earliest timer is due, exactly.
    pub(crate) fn exact_next(&self) -> u64 {
        let inner = self.inner.lock();
        if !inner.heads[DUE].is_null() {
            return 0;
        }
        inner.earliest().map_or(NEVER, |(level, place, _)| inner.least_deadline(level * SLOTS + place))
    }

    /// Takes no more timers, and moves the wakers of those that wait to `batch`: they have not fired, and will not.
    pub(crate) fn close(&self, batch: &mut Batch) -> Due {
        let mut inner = self.inner.lock();
        inner.closed = true;
        for slot in 0..inner.heads.len() {
            while let Some(entry) = NonNull::new(inner.heads[slot].cast_mut()) {
                if batch.is_full() {
                    return Due::More;
                }
                let entry = entry.as_ptr().cast_const();
                // SAFETY: linked in this slot.
                unsafe { inner.remove(entry) };
                // SAFETY: alive until now, and unlinked: the last touch.
                batch.extend(unsafe { Entry::abandon(entry) });
            }
        }
        self.next.store(NEVER, Release);
        Due::None
    }

    /// Timers that wait.
    pub(crate) fn len(&self) -> usize {
        self.inner.lock().len
    }

    /// Moves the wakers of the timers due at `now` to `batch`, and finds the next deadline.
    pub(crate) fn expire(&self, now: u64, batch: &mut Batch) -> Due {
        let mut inner = self.inner.lock();
        let due = inner.expire(now, batch);
        let next = if due == Due::More { 0 } else { inner.next_deadline() };
        self.next.store(next, Release);
        due
    }
}

/// Reads or writes the links of an entry.
///
/// # Safety
/// The entry is alive and the caller holds the wheel's lock.
#[inline]
unsafe fn with_node<R>(entry: *const Entry, f: impl FnOnce(&mut Node) -> R) -> R {
    // SAFETY: alive by contract.
    let entry = unsafe { &*entry };
    // SAFETY: exclusive by the lock.
    entry.node.with_mut(|node| f(unsafe { &mut *node }))
}

impl Inner {
    /// Links an entry that has its deadline.
    ///
    /// # Safety
    /// The entry stays where it is and alive until it is removed or fired.
    #[inline]
    pub(super) unsafe fn insert(&mut self, entry: *const Entry) {
        self.len += 1;
        // SAFETY: alive by contract, and we hold the lock.
        unsafe { self.link(entry) };
    }

    /// True when no timer is entered any more.
    #[inline]
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Unlinks a waiting entry.
    ///
    /// # Safety
    /// It is linked in this wheel.
    #[inline]
    pub(super) unsafe fn remove(&mut self, entry: *const Entry) {
        self.len -= 1;
        // SAFETY: by contract.
        unsafe { self.unlink(entry) };
    }

    /// # Safety
    /// As for `insert`.
    #[inline]
    unsafe fn link(&mut self, entry: *const Entry) {
        // SAFETY: alive, lock held.
        let deadline = unsafe { with_node(entry, |node| node.deadline) };
        // One that is overdue goes where the next expiry looks first.
        let tick = (deadline >> TICK_BITS).max(self.tick);
        let level = (63 - ((tick ^ self.tick) | 1).leading_zeros()) / SLOT_BITS;
        let place = (tick >> (level * SLOT_BITS)) as usize % SLOTS;
        self.occupied[level as usize] |= 1 << place;
        // SAFETY: as for this function.
        unsafe { self.append(level as usize * SLOTS + place, entry) };
    }

    /// Puts an entry at the end of a list.
    ///
    /// # Safety
    /// As for `insert`.
    #[inline]
    unsafe fn append(&mut self, slot: usize, entry: *const Entry) {
        let head = self.heads[slot];
        let (prev, next) = if head.is_null() {
            self.heads[slot] = entry;
            (entry, entry)
        } else {
            // SAFETY: the head is linked, hence alive.
            let tail = unsafe { with_node(head, |head| std::mem::replace(&mut head.prev, entry)) };
            // SAFETY: the tail is linked, hence alive.
            unsafe { with_node(tail, |tail| tail.next = entry) };
            (tail, head)
        };
        let link = |node: &mut Node| {
            node.slot = slot as u16;
            node.prev = prev;
            node.next = next;
        };
        // SAFETY: alive, lock held.
        unsafe { with_node(entry, link) };
    }

    /// # Safety
    /// The entry is linked in this wheel.
    #[inline]
    unsafe fn unlink(&mut self, entry: *const Entry) {
        // SAFETY: linked, hence alive; lock held.
        let (slot, prev, next) =
            unsafe { with_node(entry, |node| (node.slot as usize, node.prev, node.next)) };
        if ptr::eq(next, entry) {
            self.heads[slot] = ptr::null();
            if slot != DUE {
                self.occupied[slot / SLOTS] &= !(1 << (slot % SLOTS));
            }
            return;
        }
        if ptr::eq(self.heads[slot], entry) {
            self.heads[slot] = next;
        }
        // SAFETY: neighbours in a list are linked.
        unsafe { with_node(prev, |node| node.next = next) };
        // SAFETY: as above.
        unsafe { with_node(next, |node| node.prev = prev) };
    }

    /// The earliest slot that is not empty: level, place, and the tick it begins at. A lower level is always earlier:
    /// its slots subdivide the one that time stands in on the level above.
    fn earliest(&self) -> Option<(usize, usize, u64)> {
        let level = self.occupied.iter().position(|&occupied| occupied != 0)?;
        let shift = level as u32 * SLOT_BITS;
        let here = (self.tick >> shift) as u32 % SLOTS as u32;
        let ahead = self.occupied[level].rotate_right(here).trailing_zeros();
        let begin = ((self.tick >> shift) + u64::from(ahead)) << shift;
        Some((level, ((here + ahead) as usize) % SLOTS, begin))
    }

    fn expire(&mut self, now: u64, batch: &mut Batch) -> Due {
        let now_tick = now >> TICK_BITS;
        loop {
            // What was found due before comes first: it was due before.
            if self.fire_due(batch) == Due::More {
                return Due::More;
            }
            let Some((level, place, begin)) = self.earliest().filter(|&(_, _, begin)| begin <= now_tick)
            else {
                break;
            };
            self.tick = self.tick.max(begin);
            if level > 0 {
                self.cascade(level * SLOTS + place);
            } else if !self.gather_due(place, now) {
                // What is in this slot is due later within the tick.
                break;
            }
        }
        self.tick = self.tick.max(now_tick);
        Due::None
    }

    /// Spreads a slot that time has reached over the levels below.
    fn cascade(&mut self, slot: usize) {
        let head = std::mem::replace(&mut self.heads[slot], ptr::null());
        self.occupied[slot / SLOTS] &= !(1 << (slot % SLOTS));
        let mut entry = head;
        loop {
            // SAFETY: it was linked in the slot we emptied, so it is alive; lock held.
            let next = unsafe { with_node(entry, |node| node.next) };
            // SAFETY: as above, and linked nowhere now.
            unsafe { self.link(entry) };
            if ptr::eq(next, head) {
                return;
            }
            entry = next;
        }
    }

    /// Moves what is due in a slot of level 0 to the list of due timers, in the order of the deadlines; false if
    /// nothing is.
    fn gather_due(&mut self, place: usize, now: u64) -> bool {
        let mut due = std::mem::take(&mut self.scratch);
        let head = self.heads[place];
        let mut entry = head;
        loop {
            // SAFETY: linked in this slot; lock held.
            let (deadline, next) = unsafe { with_node(entry, |node| (node.deadline, node.next)) };
            if deadline <= now {
                due.push(entry);
            }
            if ptr::eq(next, head) {
                break;
            }
            entry = next;
        }
        // Stable: of equal deadlines, the first to come fires first.
        // SAFETY: all of these are linked, hence alive.
        due.sort_by_key(|&entry| unsafe { with_node(entry, |node| node.deadline) });
        let found = !due.is_empty();
        for entry in due.drain(..) {
            // SAFETY: linked in this slot.
            unsafe { self.unlink(entry) };
            // SAFETY: alive, and linked nowhere now.
            unsafe { self.append(DUE, entry) };
        }
        self.scratch = due;
        found
    }

    /// Fires the timers found due, as far as there is room.
    fn fire_due(&mut self, batch: &mut Batch) -> Due {
        while let Some(entry) = NonNull::new(self.heads[DUE].cast_mut()) {
            if batch.is_full() {
                return Due::More;
            }
            let entry = entry.as_ptr().cast_const();
            // SAFETY: linked in this list.
            unsafe { self.remove(entry) };
            // SAFETY: alive until now, and unlinked: the last touch.
            batch.extend(unsafe { Entry::fire(entry) });
        }
        Due::None
    }

    /// No timer is due before this: exact when the earliest lies in level 0, else the beginning of its slot.
    fn next_deadline(&self) -> u64 {
        match self.earliest() {
            None => NEVER,
            Some((0, place, _)) => self.least_deadline(place),
            Some((_, _, begin)) => begin << TICK_BITS,
        }
    }

    /// The earliest deadline in a slot that is not empty.
    fn least_deadline(&self, slot: usize) -> u64 {
        let head = self.heads[slot];
        let mut least = NEVER;
        let mut entry = head;
        loop {
            // SAFETY: linked in this slot; lock held.
            let (deadline, next) = unsafe { with_node(entry, |node| (node.deadline, node.next)) };
            least = least.min(deadline);
            if ptr::eq(next, head) {
                return least;
            }
            entry = next;
        }
    }
}
