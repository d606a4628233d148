//! How anything in Raddle waits: a batch of wakers to call once locks are released, a slot for one waiter, a
//! cancellable queue of many, and a word for the first who waits for something that happens once.

pub mod batch;
pub(crate) mod front;
pub mod note;
pub mod place;
pub mod queue;
pub mod slot;
pub mod thread;
pub(crate) mod watch;

pub use batch::{Batch, Batches};
pub(crate) use front::Front;
pub use note::What;
pub use place::{Arrival, Place, Wait};
pub use queue::{Outcome, Queue, QueueGuard, Stage, Waiter};
pub use slot::Slot;
