//! Wakers gathered under a lock and called after it is released.
//!
//! A waker may run arbitrary code: take our locks, drop tasks, panic. None is called while a lock is held.

use crate::unwind;
use std::mem::MaybeUninit;
use std::task::Waker;

const CAPACITY: usize = 32;

/// Wakes. A waker that panics must not keep others from being woken, nor take a worker with it, nor end the process
/// because it was woken in a destructor. To be called with no lock held.
#[inline]
pub fn wake(waker: Waker) {
    if !unwind::contain(|| waker.wake()) {
        crate::report::warn(format_args!("a waker panicked when it was woken; its task may hang"));
    }
}

/// Up to 32 wakers on the stack; those left are woken when it is dropped.
pub struct Batch {
    wakers: [MaybeUninit<Waker>; CAPACITY],
    /// Index of the first waker not yet called.
    start: usize,
    /// One past the last waker: `start..end` are initialised.
    end: usize,
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").field("len", &(self.end - self.start)).finish()
    }
}

impl Default for Batch {
    fn default() -> Self {
        Self::new()
    }
}

impl Batch {
    /// An empty batch.
    #[inline]
    pub const fn new() -> Self {
        Self { wakers: [const { MaybeUninit::uninit() }; CAPACITY], start: 0, end: 0 }
    }

    /// True when the next `push` would not fit: release the lock, `wake`, take it again.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.end == CAPACITY
    }

    /// True when there is nobody to wake.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Adds a waker.
    ///
    /// # Panics
    /// When the batch is full.
    #[inline]
    pub fn push(&mut self, waker: Waker) {
        self.wakers[self.end].write(waker);
        self.end += 1;
    }

    /// Adds a waker, if there is one; as [`push`](Self::push).
    #[inline]
    pub(crate) fn extend(&mut self, waker: Option<Waker>) {
        if let Some(waker) = waker {
            self.push(waker);
        }
    }

    /// Wakes all, in the order they came, and leaves the batch empty. To be called with no lock held.
    #[inline]
    pub fn wake(&mut self) {
        while self.start < self.end {
            let slot = &self.wakers[self.start];
            self.start += 1;
            // SAFETY: the slot was in `start..end`, hence initialised, and `start` has passed it: it is read once.
            let waker = unsafe { slot.assume_init_read() };
            wake(waker);
        }
        self.start = 0;
        self.end = 0;
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        // Whoever is in here was promised a wake, also when the holder unwinds.
        self.wake();
    }
}

/// Any number of wakers, the first 32 on the stack; woken in the order they came when it is dropped.
#[derive(Debug, Default)]
pub struct Batches {
    full: Vec<Batch>,
    last: Batch,
}

impl Batches {
    /// None so far.
    #[inline]
    pub const fn new() -> Self {
        Self { full: Vec::new(), last: Batch::new() }
    }

    /// Adds a waker.
    #[inline]
    pub fn push(&mut self, waker: Waker) {
        if self.last.is_full() {
            self.full.push(std::mem::take(&mut self.last));
        }
        self.last.push(waker);
    }

    /// True when there is nobody to wake.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.last.is_empty()
    }
}
