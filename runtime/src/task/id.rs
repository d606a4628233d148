//! Task ids: unique in the process, handed out in blocks so that workers do not meet on one counter.

use crate::prim::statics::{AtomicU64, Ordering};
use std::cell::Cell;
use std::fmt;

/// How many ids a thread takes at a time.
const BLOCK: u64 = 1024;

static NEXT_BLOCK: AtomicU64 = AtomicU64::new(1);

thread_local! {
    static NEXT: Cell<u64> = const { Cell::new(0) };
}

/// Names a task in logs and listings; never used twice in one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub(crate) u64);

impl Id {
    #[inline]
    pub(crate) fn next() -> Self {
        let id = NEXT.get();
        // A block that is used up ends on a multiple of BLOCK, as does the initial 0.
        let id =
            if id.is_multiple_of(BLOCK) { NEXT_BLOCK.fetch_add(1, Ordering::Relaxed) * BLOCK } else { id };
        NEXT.set(id + 1);
        Self(id + 1 - BLOCK)
    }

    /// What a note of a wait has room for.
    pub(crate) fn low_bits(self) -> u32 {
        self.0 as u32
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
