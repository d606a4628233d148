//! What tasks wait on each other with.
//!
//! Here so far: [`Notify`], a wake-up that is never lost, and [`Event`], asyncio's flag that many wait for. The other
//! primitives of asyncio (lock, condition, semaphore, barrier, queues) and the channels come next, on the same wait
//! queue.
//!
//! Every wait in this crate is first come, first served; can be dropped at any time without losing anything; runs on
//! any executor; and takes a unit of Raddle's cooperative budget when it completes, so that a loop over a primitive
//! that is always ready still gives way to other tasks. Nothing here calls, clones or drops a waker while it holds a
//! lock.

mod event;
mod notify;
mod permits;

pub use event::{Event, EventWait};
pub use notify::{Notified, Notify};
