//! A runtime, and its end.

use crate::block_on;
use crate::driver::clock::real_now;
use crate::task::JoinHandle;
use crate::worker;
use std::fmt;
use std::future::Future;
use std::time::{Duration, Instant};

pub use crate::builder::Builder;
pub use crate::handle::{EnterGuard, Handle};
pub use crate::metrics::{Histogram, Metrics, WorkerMetrics};
pub use crate::worker::panics::{PanicPolicy, TaskPanic};

/// A runtime: workers, driver, timers, blocking pool. Dropping it shuts it down.
///
/// Dropping waits for polls and blocking calls that are under way, at most for
/// [`Builder::shutdown_timeout`]; what it has to leave behind is said on stderr. Dropped inside one of its own tasks,
/// it cannot wait for that task: it begins to shut down, and ends when the task's poll does.
pub struct Runtime {
    handle: Handle,
    timeout: Duration,
    is_shut_down: bool,
}

/// What [`Runtime::shutdown`] did, and what it had to leave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Tasks that had not ended and were cancelled and dropped.
    pub tasks_dropped: usize,
    /// Tasks whose poll did not end in time: their threads go on with them.
    pub tasks_stuck: Vec<String>,
    /// Tasks that could not be dropped, for they were stuck or pinned to a stuck worker.
    pub tasks_left: usize,
    /// Calls of the blocking pool that did not end in time: their threads go on with them.
    pub blocking_abandoned: usize,
    /// How long it took.
    pub elapsed: Duration,
}

impl ShutdownReport {
    /// True when nothing was left behind.
    pub fn is_clean(&self) -> bool {
        self.tasks_left == 0 && self.tasks_stuck.is_empty() && self.blocking_abandoned == 0
    }
}

impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} tasks dropped, {} left, {} blocking calls abandoned, in {:?}",
            self.tasks_dropped, self.tasks_left, self.blocking_abandoned, self.elapsed
        )?;
        self.tasks_stuck.iter().try_for_each(|task| write!(f, "; still in a poll: {task}"))
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("handle", &self.handle).finish()
    }
}

impl Runtime {
    pub(crate) fn of(handle: Handle, timeout: Duration) -> Self {
        Self { handle, timeout, is_shut_down: false }
    }

    /// A runtime as the environment asks for.
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub fn new() -> std::io::Result<Self> {
        Builder::new().build()
    }

    /// A handle on it.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// See [`Handle::enter`].
    pub fn enter(&self) -> EnterGuard<'_> {
        self.handle.enter()
    }

    /// See [`Handle::metrics`].
    pub fn metrics(&self) -> Metrics {
        self.handle.metrics()
    }

    /// See [`Handle::block_on`].
    ///
    /// # Panics
    /// Inside a task or another `block_on`; in a forked process.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.handle.block_on(future)
    }

    /// See [`Handle::spawn`].
    ///
    /// # Panics
    /// In a forked process.
    #[must_use = "dropping a JoinHandle detaches its task; say .detach() if that is meant"]
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.handle.spawn(future)
    }

    /// See [`Handle::spawn_blocking`].
    ///
    /// # Panics
    /// In a forked process.
    #[must_use = "dropping a JoinHandle detaches its task; say .detach() if that is meant"]
    #[track_caller]
    pub fn spawn_blocking<F, T>(&self, call: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.handle.spawn_blocking(call)
    }

    /// Ends the runtime: no new tasks; every task is cancelled and dropped, on its worker; blocking calls that wait are
    /// cancelled, those under way may finish; sockets and timers end. Takes at most about `timeout`, whatever tasks and
    /// calls do, and says what it left.
    pub fn shutdown(mut self, timeout: Duration) -> ShutdownReport {
        self.end(timeout)
    }

    fn end(&mut self, timeout: Duration) -> ShutdownReport {
        self.is_shut_down = true;
        let began = real_now();
        let deadline = later(began, timeout);
        let inner = self.handle.inner();
        let scheduler = &inner.scheduler;
        if scheduler.is_forked() {
            // The threads are the parent's, and any lock may be held for ever by one that does not exist here.
            return ShutdownReport::default();
        }
        let alive = scheduler.alive();
        scheduler.close();
        self.end_on_this_thread(deadline);
        let stuck = scheduler.finish(deadline);
        let blocking_abandoned = inner.pool.shut_down(deadline);
        scheduler.driver.shut_down();
        let tasks_left = scheduler.wait_for_enders(stuck.len(), deadline);
        ShutdownReport {
            tasks_dropped: alive.saturating_sub(tasks_left),
            tasks_stuck: stuck.iter().map(ToString::to_string).collect(),
            tasks_left,
            blocking_abandoned,
            elapsed: real_now() - began,
        }
    }

    /// A current-thread runtime's tasks are dropped here, unless a `block_on` on another thread has them: then that one
    /// drops them, and this one waits for it.
    fn end_on_this_thread(&self, deadline: Instant) {
        let scheduler = &self.handle.inner().scheduler;
        if scheduler.settings.start_thread.is_some() {
            return;
        }
        let _context = self.handle.enter();
        while !block_on::end_tasks(scheduler) {
            if worker::is_worker_of(scheduler) || real_now() >= deadline {
                return;
            }
            scheduler.wait_for_core(deadline);
        }
    }
}

/// A deadline; too far ones are a century away.
fn later(from: Instant, timeout: Duration) -> Instant {
    let far = Duration::from_secs(60 * 60 * 24 * 365 * 100);
    from.checked_add(timeout.min(far)).unwrap_or(from)
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if self.is_shut_down {
            return;
        }
        let report = self.end(self.timeout);
        // A task that drops its own runtime is always left: it ends when its poll does.
        if !report.is_clean() && !worker::is_worker_of(&self.handle.inner().scheduler) {
            crate::report::warn(format_args!("the runtime was dropped and left something behind: {report}"));
        }
    }
}
