//! Tasks: handles to await, name and cancel them, errors, task-locals.
//!
//! ```
//! let runtime = raddle_runtime::runtime::Builder::new().worker_threads(2).build().unwrap();
//! let error = runtime.block_on(async {
//!     let task = raddle_runtime::TaskBuilder::new().name("ticker").spawn(std::future::pending::<()>());
//!     task.cancel_with("no longer needed");
//!     task.await.unwrap_err()
//! });
//! assert!(error.is_cancelled());
//! assert_eq!(error.task_name(), Some("ticker"));
//! assert_eq!(error.reason(), Some("no longer needed"));
//! ```

// One allocation each, handled through a type-erased pointer to its header.
//
// ```text
// Cell { Header { state, vtable, live key, spawn site, extras, id }, scheduler, future or output, join waker }
// ```
//
// Access rules, cited where unsafe code relies on them ("rule 2"):
//
// 1. **Header and scheduler** are read by anyone who has a reference, and do not change, except through atomics. The
//    live key is written once, before the task is first queued or shown to anyone but those who may only cancel it:
//    they do not read it as long as it is not queued.
// 2. **Future or output** (`stage`) belongs to whoever has the queue entry, or has run it, while the state is RUNNING.
//    After COMPLETE it belongs to the `JoinHandle` if JOIN_INTEREST is set, else to the runner that completed the task;
//    then to whoever frees the cell. What one runner did to the future comes to the next with the queue entry.
// 3. **Join waker** belongs to the `JoinHandle` while JOIN_WAKER is unset. While it is set, the handle may read it and
//    nobody writes. If it is set when the task completes, the runner moves the waker out by copying its bits; no one
//    drops it afterwards.
// 4. **A queue entry** (`Task`) is the right to poll once. There is at most one, it holds no reference, and needs
//    none: the task is not complete, so the scheduler's reference is there.
// 5. **After handing a task on** (a push, `Complete::Left`, an idle transition) it may be freed at any moment by
//    another thread: it is not touched again.
// 6. **A `!Send` future** (a pinned task) is polled and dropped on the thread of its worker only: the scheduler sends
//    its queue entries there. Its output is Send.
// 7. **A task that lingers** (`linger`) has its output in place and stays RUNNING until the groups that it dropped have
//    ended: nobody polls it or queues it. Whoever ends last completes it, on whatever thread; what is left of it then
//    is its output, which is Send.

mod cell;
pub(crate) mod current;
mod done;
mod error;
mod extras;
mod header;
mod id;
mod incoming;
mod join;
pub(crate) mod linger;
#[doc(hidden)]
pub mod local;
mod memory;
mod owned;
mod request;
mod runnable;
mod state;
mod tree;
mod waits;
mod waker;

/// How `wait` names tasks in its reports.
pub(crate) const NAMES: crate::wait::watch::Names = crate::wait::watch::Names {
    of_waker: waker::name_of_task,
    of_current: || try_current().map(|task| task.to_string()),
};

pub(crate) use current::is_pinned;
pub use current::{TaskInfo, cancelled, current, try_current};
pub use done::DoneCallbackId;
pub use error::JoinError;
pub use id::Id;
pub use join::{CancelHandle, JoinHandle};
pub use local::LocalKey;
pub(crate) use local::{Inherited, InheritedScope, inherited};
pub use tree::{Link, TaskNode, TaskTree};
pub use waits::WaitInfo;

pub(crate) use cell::{Spawn, allocate};
pub(crate) use error::{Origin, message};
pub(crate) use extras::{Extras, Parent};
pub(crate) use header::Header;
pub(crate) use incoming::Incoming;
pub(crate) use owned::{LiveKey, LiveSet, Shard};
pub(crate) use request::Request;
pub(crate) use runnable::{Ran, Task};
pub(crate) use tree::resolve;

use std::any::Any;

/// What a task asks of the scheduler it belongs to.
pub(crate) trait Schedule: 'static {
    /// Queues a task that was woken.
    ///
    /// # Safety
    /// `this` is alive when called. It lies in the task itself, so it may be gone once the task is pushed (rule 5):
    /// hence a pointer, and not a reference that would have to stay valid until the end.
    unsafe fn schedule(this: *const Self, task: Task);

    /// True when this thread keeps the scheduler alive for longer than a push: one of its workers.
    fn is_on_worker(&self) -> bool;

    /// The time on its clock, in nanoseconds; it may be that of a moment ago.
    fn coarse_now(&self) -> u64;

    /// A task has ended, and its future is dropped: takes it out of the live set.
    fn completed(&self, key: LiveKey);

    /// A task panicked and nobody will read the error.
    fn panicked(&self, task: &Origin, payload: &(dyn Any + Send));

    /// The scheduler as an opaque pointer, for code below that knows its type.
    fn as_ptr(&self) -> *const ();
}
