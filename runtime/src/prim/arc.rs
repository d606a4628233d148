//! Shared ownership: std's `Arc`, or loom's in a model, which sees what dropping it puts in order, and what is leaked.

#[cfg(loom)]
pub use loom::sync::Arc;
#[cfg(not(loom))]
pub use std::sync::Arc;
