//! The set of live tasks, so that shutdown can end them all and a person can list them.
//!
//! One shard per worker, each a slab of words that only its owner allocates from: inserting is a plain store, removing
//! one compare-exchange. A word is one of
//!
//! ```text
//! { task pointer, 0 }           a live task
//! { task pointer, LOCKED }      a live task that someone is looking at: its removal waits
//! { index of the next, FREE }   a link of a free list (0 ends it; indices are stored plus one)
//! ```
//!
//! The owner's free list is its own. Others give slots back on a second list, `returned`, that the owner takes whole
//! when its own runs dry; since nobody takes single links from it there is no ABA.

use super::header::Header;
use super::runnable::Task;
use crate::prim::atomic::{AtomicPtr, AtomicU32, AtomicUsize};
use crate::prim::atomic::{Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use crate::prim::lock::Mutex;
use crate::prim::thread::spin;
use std::ptr;

const FREE: usize = 1;
const LOCKED: usize = 1 << 1;

/// Slots of the first segment; each further one is twice as long. Small in a model, so that it meets a second one.
#[cfg(not(loom))]
const FIRST: usize = 64;
#[cfg(loom)]
const FIRST: usize = 2;
/// Segments of a shard: enough for every `u32` index.
const SEGMENTS: usize = 26;

/// Where a task stands in the live set, and the worker it is pinned to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LiveKey {
    index: u32,
    shard: u16,
    /// The worker's index plus one; 0 for a task that may run anywhere.
    pinned: u16,
}

impl LiveKey {
    /// A task that is in no live set: a blocking job.
    pub(crate) const NONE: Self = Self { index: u32::MAX, shard: 0, pinned: 0 };

    /// A place in `shard`, to be chosen by it, for a task that may run anywhere, or on worker `pinned` only.
    #[inline]
    fn in_shard(shard: usize, pinned: Option<usize>) -> Self {
        // Worker numbers are bounded by the configuration, far below 2^16.
        Self { index: u32::MAX, shard: shard as u16, pinned: pinned.map_or(0, |index| index as u16 + 1) }
    }

    /// The worker that alone may run the task.
    #[inline]
    pub(crate) fn pinned(self) -> Option<usize> {
        (self.pinned as usize).checked_sub(1)
    }

    /// The shard the task was entered in.
    #[inline]
    pub(crate) fn shard(self) -> usize {
        self.shard as usize
    }

    /// False for a task that is in no live set.
    #[inline]
    pub(crate) fn is_some(self) -> bool {
        self.index != u32::MAX
    }

    /// One word that names the slot; never 0.
    #[inline]
    pub(crate) fn pack(self) -> u64 {
        (u64::from(self.shard) << 32 | u64::from(self.index)) + 1
    }
}

/// The shared part of a shard.
#[derive(Debug)]
pub(crate) struct Slab {
    segments: [AtomicPtr<AtomicUsize>; SEGMENTS],
    /// Slots given back by others: a stack linked through the slots, index plus one, 0 when empty.
    returned: AtomicU32,
}

/// The part of a shard that allocates; one thread at a time.
#[derive(Debug, Default)]
pub(crate) struct Shard {
    /// Own free list: index plus one, 0 when empty.
    free: u32,
    /// Slots never used begin here.
    unused: u32,
}

/// The shard for threads that are no workers.
#[derive(Debug, Default)]
struct SharedShard {
    shard: Mutex<(Shard, bool)>,
}

impl Default for Slab {
    fn default() -> Self {
        Self {
            segments: std::array::from_fn(|_| AtomicPtr::new(ptr::null_mut())),
            returned: AtomicU32::new(0),
        }
    }
}

/// The segment an index falls in, and its place there.
#[inline]
fn locate(index: u32) -> (usize, usize) {
    let index = index as usize + FIRST;
    let segment = (index.ilog2() - FIRST.ilog2()) as usize;
    (segment, index - (FIRST << segment))
}

impl Slab {
    #[inline]
    fn slot(&self, index: u32) -> &AtomicUsize {
        let (segment, place) = locate(index);
        let base = self.segments[segment].load(Acquire);
        debug_assert!(!base.is_null());
        // SAFETY: an index is handed out only once its segment is there, and segments stay until the slab goes.
        let slot = unsafe { base.add(place) };
        // SAFETY: as above.
        unsafe { &*slot }
    }

    /// Enters a task that nobody has seen yet, and sets its key. `shard` is the allocating part of this slab.
    ///
    /// # Safety
    /// The task was made just now and has been shown to nobody (rule 1).
    #[inline]
    pub(crate) unsafe fn insert(&self, shard: &mut Shard, key: LiveKey, task: &Task) {
        if shard.free == 0 {
            self.refill(shard);
        }
        let index = shard.free - 1;
        let slot = self.slot(index);
        shard.free = (slot.load(Relaxed) >> 2) as u32;
        // SAFETY: by contract. Before the store below, which shows the task to those who list them.
        unsafe { task.header().set_live_key(LiveKey { index, ..key }) };
        slot.store(task.as_ptr().expose_provenance(), Release);
    }

    /// Fills the own free list: with what others gave back, else with slots never used.
    #[cold]
    fn refill(&self, shard: &mut Shard) {
        shard.free = self.returned.swap(0, Acquire);
        if shard.free != 0 {
            return;
        }
        let (segment, place) = locate(shard.unused);
        let len = FIRST << segment;
        if place == 0 {
            let slots: Box<[AtomicUsize]> = (0..len).map(|_| AtomicUsize::new(FREE)).collect();
            self.segments[segment].store(Box::into_raw(slots).cast::<AtomicUsize>(), Release);
        }
        // A stretch at a time, so that a large new segment is not touched at once.
        let end = shard.unused + (len - place).min(FIRST) as u32;
        for index in shard.unused..end {
            let next = if index + 1 < end { index + 2 } else { 0 };
            self.slot(index).store((next as usize) << 2 | FREE, Relaxed);
        }
        shard.free = shard.unused + 1;
        shard.unused = end;
    }

    /// Takes a task out; by the owner of the shard.
    #[inline]
    pub(crate) fn remove_own(&self, shard: &mut Shard, key: LiveKey) {
        self.vacate(key.index, (shard.free as usize) << 2 | FREE);
        shard.free = key.index + 1;
    }

    /// Takes a task out; by anyone else.
    pub(crate) fn remove(&self, key: LiveKey) {
        self.vacate(key.index, FREE);
        let slot = self.slot(key.index);
        let mut head = self.returned.load(Relaxed);
        loop {
            slot.store((head as usize) << 2 | FREE, Relaxed);
            match self.returned.compare_exchange_weak(head, key.index + 1, Release, Relaxed) {
                Ok(_) => return,
                Err(seen) => head = seen,
            }
        }
    }

    /// Replaces a task's word by a link, once nobody looks at the task.
    #[inline]
    fn vacate(&self, index: u32, link: usize) {
        let slot = self.slot(index);
        let mut turn = 0;
        loop {
            let word = slot.load(Relaxed);
            debug_assert_eq!(word & FREE, 0);
            // AcqRel: what the looker read happened before the task is freed.
            if word & LOCKED == 0 && slot.compare_exchange_weak(word, link, AcqRel, Relaxed).is_ok() {
                return;
            }
            spin(turn);
            turn += 1;
        }
    }

    /// Runs `f` on the task in a slot, if there is one. It cannot be freed meanwhile, so `f` is short and takes no
    /// lock.
    fn look<R>(slot: &AtomicUsize, f: impl FnOnce(&Header) -> R) -> Option<R> {
        struct Unlock<'a>(&'a AtomicUsize, usize);
        impl Drop for Unlock<'_> {
            fn drop(&mut self) {
                // Only the locker writes to a locked word.
                self.0.store(self.1, Release);
            }
        }
        let mut turn = 0;
        let word = loop {
            let word = slot.load(Acquire);
            if word & FREE != 0 {
                return None;
            }
            // Locked: somebody else is looking, and will be done in a moment.
            let free = word & LOCKED == 0;
            if free && slot.compare_exchange_weak(word, word | LOCKED, AcqRel, Relaxed).is_ok() {
                break word;
            }
            spin(turn);
            turn += 1;
        };
        let _unlock = Unlock(slot, word);
        let header = ptr::with_exposed_provenance::<Header>(word);
        // SAFETY: a live task's word: its completion waits in `vacate` until we unlock, so it is alive.
        Some(f(unsafe { &*header }))
    }

    /// Runs `f` on every live task of the slab. Tasks that come or go meanwhile may be seen or not.
    pub(crate) fn for_each(&self, mut f: impl FnMut(&Header)) {
        for (number, segment) in self.segments.iter().enumerate() {
            let base = segment.load(Acquire);
            if base.is_null() {
                return;
            }
            for place in 0..FIRST << number {
                // SAFETY: within the segment, which stays until the slab goes.
                let slot = unsafe { base.add(place) };
                // SAFETY: as above.
                let _ = Self::look(unsafe { &*slot }, &mut f);
            }
        }
    }
}

impl Drop for Slab {
    fn drop(&mut self) {
        for (number, segment) in self.segments.iter().enumerate() {
            let base = segment.load(Relaxed);
            if !base.is_null() {
                let slots = ptr::slice_from_raw_parts_mut(base, FIRST << number);
                // SAFETY: made by `refill` from a Box of this length; nobody else is left.
                drop(unsafe { Box::from_raw(slots) });
            }
        }
    }
}

/// All shards of a runtime: one per worker, and a last one for everyone else.
#[derive(Debug)]
pub(crate) struct LiveSet {
    slabs: Box<[Slab]>,
    outside: SharedShard,
}

impl LiveSet {
    pub(crate) fn new(workers: usize) -> Self {
        Self { slabs: (0..=workers).map(|_| Slab::default()).collect(), outside: SharedShard::default() }
    }

    #[inline]
    pub(crate) fn slab(&self, number: usize) -> &Slab {
        &self.slabs[number]
    }

    /// Enters a new task from worker `number`, whose shard is given.
    ///
    /// # Safety
    /// As for [`Slab::insert`].
    #[inline]
    pub(crate) unsafe fn insert(&self, shard: &mut Shard, number: usize, task: &Task) {
        // SAFETY: by contract.
        unsafe { self.slabs[number].insert(shard, LiveKey::in_shard(number, None), task) };
    }

    /// Enters a new task from a thread that is no worker, or a pinned one; false once the set is closed.
    ///
    /// # Safety
    /// As for [`Slab::insert`].
    pub(crate) unsafe fn insert_outside(&self, task: &Task, pinned: Option<usize>) -> bool {
        let number = self.slabs.len() - 1;
        let mut outside = self.outside.shard.lock();
        let (shard, closed) = &mut *outside;
        if !*closed {
            // SAFETY: by contract.
            unsafe { self.slabs[number].insert(shard, LiveKey::in_shard(number, pinned), task) };
        }
        !*closed
    }

    /// Refuses further tasks from outside. Workers stop by themselves.
    pub(crate) fn close_outside(&self) {
        self.outside.shard.lock().1 = true;
    }

    /// Runs `f` on every live task.
    pub(crate) fn for_each(&self, mut f: impl FnMut(&Header)) {
        self.slabs.iter().for_each(|slab| slab.for_each(&mut f));
    }

    /// Runs `f` on the task that [`LiveKey::pack`] named, if one is there now.
    pub(crate) fn look<R>(&self, packed: u64, f: impl FnOnce(&Header) -> R) -> Option<R> {
        let key = packed.checked_sub(1)?;
        let slab = self.slabs.get((key >> 32) as usize)?;
        Slab::look(slab.slot(key as u32), f)
    }
}
