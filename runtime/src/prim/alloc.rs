//! Memory: the allocator; in a model loom's, which finds what is leaked and what is freed twice.

#[cfg(loom)]
pub use loom::alloc::alloc;
#[cfg(loom)]
pub use model::dealloc;
#[cfg(not(loom))]
pub use std::alloc::{alloc, dealloc};

#[cfg(loom)]
mod model {
    use std::alloc::Layout;

    /// No atomic of loom's looks like this: whoever reads on in freed memory is found out.
    const FREED: u8 = 0xa5;

    /// Frees memory.
    ///
    /// # Safety
    /// It came from `alloc` with this layout and is not used any more.
    pub unsafe fn dealloc(memory: *mut u8, layout: Layout) {
        // SAFETY: it is the caller's, and of this size.
        unsafe { memory.write_bytes(FREED, layout.size()) };
        // SAFETY: by contract.
        unsafe { loom::alloc::dealloc(memory, layout) };
    }
}
