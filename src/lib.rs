//! asyncio's programming model on every core: tasks, timers, sockets, locks and processes on a work-stealing runtime.
//!
//! ```
//! use raddle::time::{Duration, sleep};
//!
//! async fn hello(name: &'static str) -> usize {
//!     sleep(Duration::from_millis(10)).await;
//!     println!("hello, {name}");
//!     name.len()
//! }
//!
//! let letters = raddle::run(async {
//!     let ada = raddle::spawn(hello("Ada"));
//!     let grace = raddle::spawn(hello("Grace"));
//!     ada.await.unwrap() + grace.await.unwrap()
//! });
//! assert_eq!(letters, 8);
//! ```
//!
//! This crate only names what the others make: `raddle-runtime`, `raddle-sync`, `raddle-net`, `raddle-process`.

pub use raddle_net as net;
pub use raddle_process as process;
pub use raddle_runtime::{
    AsCompleted, ChildError, Gather, Group, GroupError, ReturnWhen, TryGather, Waited, YieldNow,
    as_completed, block_in_place, consume_budget, coroutine, event_loop, gather, gather_results, io, main,
    race, run, runtime, select, shield, spawn, spawn_blocking, spawn_pinned, task_group, task_local, test,
    time, try_gather, wait, yield_now,
};
pub use raddle_sync as sync;

#[doc(hidden)]
pub use raddle_runtime::__private;

/// Tasks: handles, names, cancellation, task-locals.
pub mod task {
    pub use raddle_runtime::TaskBuilder as Builder;
    pub use raddle_runtime::task::*;
    pub use raddle_runtime::{all_tasks as all, task_local, task_tree as tree};
}

/// The README's program compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
