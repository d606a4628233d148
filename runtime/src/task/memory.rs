//! Memory for tasks. A thread keeps the blocks of tasks it freed, by size, and makes new tasks of them.
//!
//! Tasks are born and die by the million, often more of them at once than the allocator's own per-thread cache holds;
//! it then takes longer than everything else about a small task. What a thread keeps is bounded and goes with it.

use crate::prim::alloc;
use std::alloc::Layout;
use std::cell::Cell;
use std::ptr;

/// Blocks are sorted by size in steps of so many bytes: one more word in a task is not to cost two.
const STEP: usize = 8;
/// The alignment of every block.
const ALIGN: usize = 16;
/// Larger tasks go straight to the allocator.
#[cfg(not(loom))]
const LARGEST: usize = 1024;
/// A model sees each task allocated and freed.
#[cfg(loom)]
const LARGEST: usize = 0;
const CLASSES: usize = LARGEST / STEP;
/// Bytes a thread keeps at most.
const KEPT_MAX: usize = 256 * 1024;

/// A free block: its first word leads to the next.
struct Block {
    next: *mut Block,
}

struct Kept {
    heads: [Cell<*mut Block>; CLASSES],
    bytes: Cell<usize>,
}

thread_local! {
    static KEPT: Kept = const { Kept { heads: [const { Cell::new(ptr::null_mut()) }; CLASSES], bytes: Cell::new(0) } };
}

/// The class of a layout, and its rounded size; `None` for one that is not kept.
#[inline(always)]
fn class(layout: Layout) -> Option<(usize, Layout)> {
    let steps = layout.size().div_ceil(STEP);
    if steps == 0 || steps > CLASSES || layout.align() > ALIGN {
        return None;
    }
    Some((steps - 1, Layout::from_size_align(steps * STEP, ALIGN).ok()?))
}

/// Memory for a layout that is not empty. Ends the process when there is none, as `Box` does.
#[inline]
pub(super) fn allocate(layout: Layout) -> *mut u8 {
    let Some((class, rounded)) = class(layout) else { return fresh(layout) };
    // No thread-local any more while the thread ends (f08).
    KEPT.try_with(|kept| kept.take(class, rounded)).ok().flatten().unwrap_or_else(|| fresh(rounded))
}

/// Gives memory back.
///
/// # Safety
/// It came from `allocate` with this layout, and is not used any more.
#[inline]
pub(super) unsafe fn free(memory: *mut u8, layout: Layout) {
    let Some((class, rounded)) = class(layout) else {
        // SAFETY: allocated as is.
        return unsafe { alloc::dealloc(memory, layout) };
    };
    if KEPT.try_with(|kept| kept.keep(memory, class, rounded)) != Ok(true) {
        // SAFETY: allocated with the rounded layout.
        unsafe { alloc::dealloc(memory, rounded) };
    }
}

#[cold]
fn fresh(layout: Layout) -> *mut u8 {
    // SAFETY: a task is never of size 0: it has a header.
    let memory = unsafe { alloc::alloc(layout) };
    if memory.is_null() {
        std::alloc::handle_alloc_error(layout);
    }
    memory
}

impl Kept {
    #[inline]
    fn take(&self, class: usize, layout: Layout) -> Option<*mut u8> {
        let block = self.heads[class].get();
        if block.is_null() {
            return None;
        }
        // SAFETY: a block in a list is free memory of ours, and `keep` wrote its link.
        self.heads[class].set(unsafe { (*block).next });
        self.bytes.set(self.bytes.get() - layout.size());
        Some(block.cast())
    }

    #[inline]
    fn keep(&self, memory: *mut u8, class: usize, layout: Layout) -> bool {
        let bytes = self.bytes.get() + layout.size();
        if bytes > KEPT_MAX {
            return false;
        }
        let block = memory.cast::<Block>();
        // SAFETY: free memory, aligned for it and at least that large.
        unsafe { block.write(Block { next: self.heads[class].get() }) };
        self.heads[class].set(block);
        self.bytes.set(bytes);
        true
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        for (class, head) in self.heads.iter().enumerate() {
            let layout = Layout::from_size_align((class + 1) * STEP, ALIGN).expect("a small size");
            let mut block = head.get();
            while !block.is_null() {
                // SAFETY: as in `take`.
                let next = unsafe { (*block).next };
                // SAFETY: allocated with the rounded layout of its class.
                unsafe { std::alloc::dealloc(block.cast(), layout) };
                block = next;
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_freed_block_serves_the_next_task_of_its_size_class() {
        let first = allocate(Layout::new::<[u8; 73]>());
        // SAFETY: from `allocate` with this layout.
        unsafe { free(first, Layout::new::<[u8; 73]>()) };
        assert_eq!(allocate(Layout::new::<[u64; 10]>()), first);
        // SAFETY: as above.
        unsafe { free(first, Layout::new::<[u64; 10]>()) };
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let layout = Layout::new::<[u8; 1000]>();
        let blocks: Vec<*mut u8> = (0..1000).map(|_| allocate(layout)).collect();
        // SAFETY: each from `allocate` with this layout.
        blocks.into_iter().for_each(|block| unsafe { free(block, layout) });
        assert!(KEPT.with(|kept| kept.bytes.get()) <= KEPT_MAX);
    }
}
