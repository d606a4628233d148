//! Where [`run_in_executor`](super::EventLoop::run_in_executor) runs a call.

use super::shared_runtime;
use crate::blocking::{Job, Limits, Pool};
use crate::handle::Handle;
use crate::task::{self, Extras, Incoming, JoinHandle, Spawn};
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

/// As the threads of a runtime's own pool.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Which threads run a call that blocks.
#[derive(Debug, Clone, Copy, Default)]
pub enum Executor<'a> {
    /// The blocking pool of the loop's runtime.
    #[default]
    Default,
    /// A pool of one's own.
    Pool(&'a ThreadPool),
}

/// A pool of threads for calls that block, beside that of the runtime: so many at most, started as they are needed.
/// (`concurrent.futures.ThreadPoolExecutor`)
///
/// Dropping it takes no more calls; those it has been given still run. When its runtime shuts down, it does too.
pub struct ThreadPool {
    pool: Arc<Pool>,
    handle: Handle,
    threads: usize,
}

impl ThreadPool {
    /// A pool of `threads` threads at most, of the current runtime, or outside one of that which such loops share.
    ///
    /// # Panics
    /// When `threads` is 0.
    pub fn new(threads: usize) -> Self {
        assert!(threads > 0, "ThreadPool::new(0) is not allowed: with no thread no call would ever run");
        let handle = Handle::try_current().unwrap_or_else(shared_runtime);
        let pool = handle.inner().pool.sibling(Limits { threads, keep_alive: KEEP_ALIVE });
        Self { pool, handle, threads }
    }

    /// How many threads it may have.
    pub fn threads(&self) -> usize {
        self.threads
    }

    pub(super) fn run<F, T>(&self, call: F, spawned_at: &'static Location<'static>) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let extras = Extras::for_spawn(None, task::inherited());
        let spawn = Spawn { spawned_at, extras, joiner: None };
        let (job, handle) = self.handle.inner().scheduler.make(Incoming::new(Job::new(call)), spawn);
        self.pool.submit(job);
        handle
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        self.pool.close();
    }
}

impl fmt::Debug for ThreadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadPool").field("threads", &self.threads).finish_non_exhaustive()
    }
}
