//! Counters in statics. Loom's atomics cannot be constants, and no protocol rests on these: std's, in a model too.
#![allow(clippy::disallowed_types, reason = "this is the seam")]

#[cfg(loom)]
pub use model::AtomicU32;
#[cfg(not(loom))]
pub use std::sync::atomic::AtomicU32;
pub use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(loom)]
mod model {
    use super::Ordering;

    /// One that does not count: what is chosen by it must be chosen alike in each run of a model.
    #[derive(Debug)]
    pub struct AtomicU32(u32);

    impl AtomicU32 {
        pub const fn new(value: u32) -> Self {
            Self(value)
        }

        pub fn load(&self, _order: Ordering) -> u32 {
            self.0
        }

        pub fn fetch_add(&self, _n: u32, _order: Ordering) -> u32 {
            self.0
        }
    }
}
