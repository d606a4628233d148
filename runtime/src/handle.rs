//! A handle on a runtime: what tasks and threads use to reach it.

use crate::block_on;
use crate::blocking::{Job, Pool};
use crate::context;
use crate::driver::clock::Clock;
use crate::metrics::Metrics;
use crate::prim::lock::Mutex;
use crate::task::{self, Extras, Id, Incoming, JoinHandle, Spawn, TaskInfo, TaskTree};
use crate::worker::{self, SharedRef};
use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::{Arc, Weak};
use std::task::Waker;

/// What a runtime consists of.
pub(crate) struct Inner {
    pub(crate) scheduler: SharedRef,
    pub(crate) pool: Arc<Pool>,
    pub(crate) roots: block_on::Roots,
    /// What a higher floor keeps for this runtime: its own event loop.
    pub(crate) attached: Mutex<Option<Weak<dyn Any + Send + Sync>>>,
}

/// A handle on a runtime. Cheap to clone, works from any thread, and does not keep the runtime from shutting down.
#[derive(Clone)]
pub struct Handle {
    inner: Arc<Inner>,
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("scheduler", &*self.inner.scheduler).finish()
    }
}

/// Keeps a runtime current on this thread; from [`Handle::enter`].
#[must_use = "the runtime is current only while the guard lives"]
pub struct EnterGuard<'a>(#[allow(dead_code, reason = "held for its drop")] context::Entered<'a>);

impl fmt::Debug for EnterGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnterGuard")
    }
}

impl Handle {
    pub(crate) fn new(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    #[inline]
    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    pub(crate) fn downgrade(&self) -> std::sync::Weak<Inner> {
        Arc::downgrade(&self.inner)
    }

    /// The runtime this thread belongs to.
    ///
    /// # Panics
    /// Outside a runtime; [`try_current`](Self::try_current) asks first.
    #[track_caller]
    pub fn current() -> Self {
        match Self::try_current() {
            Some(handle) => handle,
            None => panic!("{}", context::OUTSIDE),
        }
    }

    /// The runtime this thread belongs to, if there is one.
    pub fn try_current() -> Option<Self> {
        context::current().map(Self::new)
    }

    pub(crate) fn to_arc(&self) -> Arc<Inner> {
        self.inner.clone()
    }

    /// Makes this runtime the thread's current one while the guard lives, so that `spawn`, `sleep` and sockets work.
    pub fn enter(&self) -> EnterGuard<'_> {
        EnterGuard(context::enter(self))
    }

    /// Starts a task. It runs on any worker, whether or not its handle is awaited.
    ///
    /// # Panics
    /// In a process forked off from the one that made the runtime.
    #[must_use = "dropping a JoinHandle detaches its task; say .detach() if that is meant"]
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.inner.spawn(Incoming::new(future), None, Location::caller())
    }

    /// Runs a call that blocks on a thread of the blocking pool.
    ///
    /// A call that has begun cannot be cancelled; one that waits for a thread can.
    ///
    /// # Panics
    /// In a process forked off from the one that made the runtime.
    #[must_use = "dropping a JoinHandle detaches its task; say .detach() if that is meant"]
    #[track_caller]
    pub fn spawn_blocking<F, T>(&self, call: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.inner.spawn_blocking(call, None, Location::caller())
    }

    /// Runs a future on this thread until it is done, with this runtime as the current one.
    ///
    /// # Panics
    /// Inside a task or another `block_on`; in a forked process.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.inner.scheduler.check_fork();
        let _block_on = context::BlockOn::enter();
        let _entered = context::enter(self);
        block_on::block_on(&self.inner.scheduler, &self.inner.roots, future)
    }

    /// A look at the runtime's counters.
    pub fn metrics(&self) -> Metrics {
        Metrics::new(self.clone())
    }

    /// All tasks that have not ended, in no particular order. Tasks that come or go meanwhile may be among them or not.
    pub fn tasks(&self) -> Vec<TaskInfo> {
        let shared = &self.inner.scheduler;
        let running: Vec<Id> = shared.polled_tasks();
        let mut tasks = Vec::new();
        shared.live.for_each(|header| tasks.push(TaskInfo::of(header, running.contains(&header.id()))));
        task::resolve(&mut tasks, self.inner.clock().now());
        tasks
    }

    /// The tasks that have not ended, each below the one that awaits it, else below the one that spawned it.
    pub fn task_tree(&self) -> TaskTree {
        TaskTree::of(self.tasks())
    }
}

impl Inner {
    /// What tells runtimes apart.
    #[inline]
    pub(crate) fn id(&self) -> *const () {
        std::ptr::from_ref(self).cast()
    }

    #[inline]
    pub(crate) fn clock(&self) -> &Clock {
        self.scheduler.driver.clock()
    }

    #[inline]
    #[track_caller]
    pub(crate) fn spawn<F>(
        &self,
        future: Incoming<F>,
        name: Option<Box<str>>,
        spawned_at: &'static Location<'static>,
    ) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let extras = Extras::for_spawn(name, task::local::inherited());
        self.scheduler.spawn(future, Spawn { spawned_at, extras, joiner: None })
    }

    /// Starts a task with its join waker in place.
    #[inline]
    #[track_caller]
    pub(crate) fn spawn_watched<F>(
        &self,
        future: Incoming<F>,
        joiner: Waker,
        spawned_at: &'static Location<'static>,
    ) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let extras = Extras::for_spawn(None, task::local::inherited());
        self.scheduler.spawn(future, Spawn { spawned_at, extras, joiner: Some(joiner) })
    }

    #[track_caller]
    pub(crate) fn spawn_blocking<F, T>(
        &self,
        call: F,
        name: Option<Box<str>>,
        spawned_at: &'static Location<'static>,
    ) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let extras = Extras::for_spawn(name, task::local::inherited());
        let spawn = Spawn { spawned_at, extras, joiner: None };
        let (job, handle) = self.scheduler.make(Incoming::new(Job::new(call)), spawn);
        self.pool.submit(job);
        handle
    }

    /// Starts a task that stays on one worker: this thread's, if it is one, else one in turn.
    #[track_caller]
    pub(crate) fn spawn_pinned<F, Fut>(
        &self,
        make: F,
        name: Option<Box<str>>,
        spawned_at: &'static Location<'static>,
    ) -> JoinHandle<Fut::Output>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future + 'static,
        Fut::Output: Send + 'static,
    {
        let extras = Extras::for_spawn(name, task::local::inherited());
        let worker = self.scheduler.pin_target();
        let future = Incoming::new(worker::MadeOnWorker::new(make));
        // SAFETY: until its first poll the future is only the closure, which is Send; what it makes then is made,
        // polled and dropped by the worker it is pinned to.
        unsafe { self.scheduler.spawn_pinned(worker, future, Spawn { spawned_at, extras, joiner: None }) }
    }
}

/// All tasks of the current runtime that have not ended; see [`Handle::tasks`].
///
/// # Panics
/// Outside a runtime.
#[track_caller]
pub fn all_tasks() -> Vec<TaskInfo> {
    Handle::current().tasks()
}

/// The tree of all tasks of the current runtime that have not ended: who awaits whom, what each waits for and since
/// when. Its text is like that of `python -m asyncio pstree`.
///
/// ```
/// # let runtime = raddle_runtime::runtime::Builder::new().worker_threads(2).build().unwrap();
/// # runtime.block_on(async {
/// let worker = raddle_runtime::TaskBuilder::new().name("worker").spawn(async {
///     raddle_runtime::time::sleep(std::time::Duration::from_secs(60)).await
/// });
/// println!("{}", raddle_runtime::task_tree());
/// // └── 'worker' (id 1) at src/main.rs:5: sleep for 0.0 s
/// # worker.cancel();
/// # });
/// ```
///
/// # Panics
/// Outside a runtime.
#[track_caller]
pub fn task_tree() -> TaskTree {
    Handle::current().task_tree()
}
