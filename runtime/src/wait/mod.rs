//! How anything in Raddle waits: a batch of wakers to call once locks are released, a slot for one waiter, and a
//! cancellable queue of many.

pub mod batch;
pub mod note;
pub mod place;
pub mod queue;
pub mod slot;
pub mod thread;
pub(crate) mod watch;

pub use batch::{Batch, Batches};
pub use note::What;
pub use place::{Arrival, Place, Wait};
pub use queue::{Outcome, Queue, QueueGuard, Stage, Waiter};
pub use slot::Slot;
