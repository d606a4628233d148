//! The scheduler: workers that run tasks, steal from one another, sleep, and are watched.

mod block;
mod core;
pub(crate) mod current;
mod find;
pub(crate) mod follow;
mod mail;
pub(crate) mod monitor;
pub(crate) mod panics;
mod pinned;
mod run;
mod schedule;
mod shared;
pub(crate) mod shutdown;
pub(crate) mod stats;
mod worth;

pub(crate) use block::block_in_place;
pub(crate) use core::{Worker, start_thread};
pub(crate) use current::is_worker_of;
pub(crate) use pinned::MadeOnWorker;
pub(crate) use shared::{Phase, Settings, Shared, SharedRef, StartThread, ThreadBody};
