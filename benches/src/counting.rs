//! A global allocator that can count the bytes in use and the allocations; while it does not count, it costs one
//! relaxed load.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering::Relaxed};

static COUNTING: AtomicBool = AtomicBool::new(false);
static BYTES: AtomicIsize = AtomicIsize::new(0);
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

/// The system allocator, with counters that [`start`] switches on.
pub struct Counting;

/// Starts to count from zero, in all threads.
pub fn start() {
    BYTES.store(0, Relaxed);
    ALLOCATIONS.store(0, Relaxed);
    COUNTING.store(true, Relaxed);
}

/// Bytes allocated less bytes freed since [`start`]; negative where older allocations were freed.
pub fn bytes() -> isize {
    BYTES.load(Relaxed)
}

/// Blocks allocated since [`start`]; one that changes its size is not a new one.
pub fn allocations() -> usize {
    ALLOCATIONS.load(Relaxed)
}

/// Stops counting.
pub fn stop() {
    COUNTING.store(false, Relaxed);
}

fn count(bytes: isize) {
    if COUNTING.load(Relaxed) {
        BYTES.fetch_add(bytes, Relaxed);
    }
}

fn count_new(bytes: usize) {
    if COUNTING.load(Relaxed) {
        BYTES.fetch_add(bytes as isize, Relaxed);
        ALLOCATIONS.fetch_add(1, Relaxed);
    }
}

// SAFETY: every call goes to the system allocator unchanged, and the counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count_new(layout.size());
        // SAFETY: the caller's promises are the system allocator's own.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the block came from the system allocator with this layout.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count_new(layout.size());
        // SAFETY: the caller's promises are the system allocator's own.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: the block came from the system allocator with this layout.
        unsafe { System.realloc(block, layout, size) }
    }
}
