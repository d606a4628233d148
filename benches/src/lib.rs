//! Raddle measured beside tokio and smol, with the same workloads and two worker threads each.
//!
//! A [`Peer`](peers::Peer) is a runtime under test; a [`Workload`](workloads::Workload) is written once, for
//! any peer. `benches/table.rs` prints all of them as one table, in which the runtimes take turns; the
//! other benches each put one question to criterion. `asyncio_rows.py` has the workloads once more, for CPython.
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a program that measures runtimes from outside has no part in raddle's loom models"
)]

pub mod asyncio;
pub mod child;
pub mod compare;
pub mod counting;
#[cfg(target_os = "linux")]
pub mod epoll;
pub mod options;
pub mod peers;
pub mod python;
pub mod rows;
pub mod table;
pub mod workloads;

#[global_allocator]
static ALLOCATOR: counting::Counting = counting::Counting;
