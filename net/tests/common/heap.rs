//! The bytes of heap in use, for tests that are alone in their process.

use raddle_runtime::prim::atomic::{AtomicUsize, Ordering::Relaxed};
use std::alloc::{GlobalAlloc, Layout, System};

#[global_allocator]
static HEAP: Counting = Counting;
static BYTES: AtomicUsize = AtomicUsize::new(0);

/// The system allocator, with a count of the bytes in use.
struct Counting;

// SAFETY: every call goes to the system allocator unchanged, and the counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller's promises are the system allocator's own.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the block came from the system allocator with this layout.
        unsafe { System.dealloc(block, layout) }
    }
}

pub(crate) fn bytes_in_use() -> isize {
    BYTES.load(Relaxed) as isize
}
