//! Run queues. They know tasks as things to hand out once, and no threads.

mod inject;
mod local;

pub(crate) use inject::{Injectors, retry};
pub(crate) use local::{Local, Stealable, new as local};

/// How many tasks move at most when a worker helps itself from an injector or another worker.
pub(crate) const STEAL_MAX: usize = 32;
