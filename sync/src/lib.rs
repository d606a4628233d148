//! What tasks wait on each other with.
//!
//! - Locks: [`Mutex`] (asyncio's [`Lock`]), [`RwLock`], [`Semaphore`], [`BoundedSemaphore`], [`OnceCell`].
//! - Meeting points: [`Event`], [`Condition`], [`Barrier`], and [`Notify`], a wake-up that is never lost.
//! - asyncio's queues, with `task_done`, `join` and `shutdown`: [`Queue`], [`LifoQueue`], [`PriorityQueue`].
//! - Channels: [`mpsc`], [`oneshot`], [`broadcast`], [`watch`].
//!
//! ```
//! # fn main() { futures_lite::future::block_on(async {
//! use raddle_sync::{Mutex, mpsc};
//! let total = Mutex::new(0);
//! let (sender, mut receiver) = mpsc::channel(8);
//! for n in [1, 2, 3] {
//!     sender.send(n).await.unwrap();
//! }
//! drop(sender);
//! while let Some(n) = receiver.recv().await {
//!     *total.lock().await += n;
//! }
//! assert_eq!(*total.lock().await, 6);
//! # }) }
//! ```
//!
//! Every wait in this crate is first come, first served; can be dropped at any time without losing anything; runs on
//! any executor; and takes a unit of Raddle's cooperative budget when it completes, so that a loop over a primitive
//! that is always ready still gives way to other tasks. Nothing here calls, clones or drops a waker while it holds a
//! lock.

mod audience;
mod barrier;
pub mod broadcast;
mod condition;
mod event;
mod held;
pub mod mpsc;
mod mutex;
mod notify;
mod once_cell;
pub mod oneshot;
mod permits;
mod queue;
mod rwlock;
mod semaphore;
pub mod watch;

pub use barrier::{Barrier, BarrierWaitResult, BrokenBarrier};
pub use condition::Condition;
pub use event::{Event, EventWait};
pub use mutex::{
    Lock, MappedMutexGuard, Mutex, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard, TryLockError,
};
pub use notify::{Notified, Notify};
pub use once_cell::{OnceCell, SetError};
pub use queue::{
    BaseQueue, LifoQueue, PriorityQueue, Queue, QueueShutDown, TooManyDone, TryGetError, TryPutError,
};
pub use rwlock::{
    OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, RwLockMappedWriteGuard,
    RwLockReadGuard, RwLockWriteGuard,
};
pub use semaphore::{
    AcquireError, BoundedPermit, BoundedSemaphore, Closed, OwnedBoundedPermit, OwnedPermit,
    OwnedSemaphorePermit, Permit, ReleaseError, Semaphore, SemaphorePermit, TryAcquireError,
};
