//! The runtime of raddle: tasks on every core, one I/O driver, timers, a blocking pool.
//!
//! ```
//! let runtime = raddle_runtime::runtime::Builder::new().worker_threads(2).build().unwrap();
//! let sum = runtime.block_on(async {
//!     let tasks: Vec<_> = (1..=10u64).map(|n| raddle_runtime::spawn(async move { n * n })).collect();
//!     let mut sum = 0;
//!     for task in tasks {
//!         sum += task.await.unwrap();
//!     }
//!     sum
//! });
//! assert_eq!(sum, 385);
//! ```
//!
//! The map of this crate is in `ARCHITECTURE.md`; each folder uses only what stands above it there.

#[doc(hidden)]
#[cfg_attr(loom, macro_use)]
pub mod prim;

pub mod budget;
mod fork;
#[doc(hidden)]
pub mod report;
mod rng;
mod unwind;

#[doc(hidden)]
pub mod wait;

pub mod task;

mod queue;

mod idle;

mod driver;

mod park;

mod worker;

mod blocking;

mod block_on;
mod builder;
mod config;
mod context;
mod handle;
mod metrics;
pub mod runtime;

mod spawn;

pub mod time;

pub mod io;

pub mod coroutine;

pub mod compose;

pub mod signal;

pub mod event_loop;

mod entry;

pub use compose::{
    AsCompleted, ChildError, Gather, Group, GroupError, ReturnWhen, TryGather, Waited, as_completed, gather,
    gather_results, race, shield, task_group, try_gather, wait,
};
pub use entry::run;
pub use handle::{all_tasks, task_tree};
pub use raddle_macros::{main, test};
pub use spawn::{
    TaskBuilder, YieldNow, block_in_place, consume_budget, spawn, spawn_blocking, spawn_pinned, yield_now,
};

#[doc(hidden)]
pub use compose::select as __select;
#[doc(hidden)]
pub use entry::private as __private;

#[cfg(loom)]
#[doc(hidden)]
pub mod internals;
