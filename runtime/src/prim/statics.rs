//! Counters in statics. Loom's atomics cannot be constants, and no protocol rests on these: std's, in a model too.
#![allow(clippy::disallowed_types, reason = "this is the seam")]

pub use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
