//! The seam: every atomic, cell, lock, thread and foreign queue the runtime touches comes through here.
//!
//! In a build these are `std` and `crossbeam-deque`; under `--cfg loom` they are loom's, so that a model sees each
//! access. Nothing else in the workspace names `std::sync::atomic`; `clippy.toml` keeps it so.

pub mod alloc;
pub mod arc;
pub mod atomic;
pub mod cell;
pub mod deque;
#[cfg(loom)]
#[macro_use]
pub mod local;
pub mod lock;
pub mod statics;
pub mod thread;

/// A time this far ahead does not come in a model; one before it is there at once.
#[cfg(loom)]
pub const FAR: std::time::Duration = std::time::Duration::from_secs(3600);
