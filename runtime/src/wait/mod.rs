//! How anything in Raddle waits: a batch of wakers to call once locks are released, a slot for one waiter, and a
//! cancellable queue of many.

pub mod batch;
pub mod queue;
pub mod slot;

pub use batch::Batch;
pub use queue::{Queue, QueueGuard, Wait, Waiter};
pub use slot::Slot;
