//! Starting work: tasks, pinned tasks, blocking calls; and giving way.

use crate::context;
use crate::task::{self, JoinHandle};
use crate::worker;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Starts a task on the current runtime. It runs on any worker, whether or not its handle is awaited.
///
/// ```
/// # let runtime = raddle_runtime::runtime::Builder::new().worker_threads(2).build().unwrap();
/// # runtime.block_on(async {
/// let answer = raddle_runtime::spawn(async { 6 * 7 });
/// assert_eq!(answer.await.unwrap(), 42);
/// # });
/// ```
///
/// # Panics
/// Outside a runtime, and in a process forked off from the one that made it.
#[must_use = "dropping a JoinHandle detaches its task; say .detach() if that is meant"]
#[inline]
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let caller = Location::caller();
    context::with_future(future, |inner, future| inner.spawn(future, None, caller))
}

/// Starts a task whose future is not `Send`: `make` is sent to a worker, and what it makes stays there.
///
/// That is the calling worker in a task, else each in turn. Such a task is not stolen: while its worker is stuck in
/// another task's poll, it waits.
///
/// # Panics
/// Outside a runtime, and in a process forked off from the one that made it.
#[must_use = "dropping a JoinHandle detaches its task; say .detach() if that is meant"]
#[track_caller]
pub fn spawn_pinned<F, Fut>(make: F) -> JoinHandle<Fut::Output>
where
    F: FnOnce() -> Fut + Send + 'static,
    Fut: Future + 'static,
    Fut::Output: Send + 'static,
{
    let caller = Location::caller();
    context::with(|inner| inner.spawn_pinned(make, None, caller))
}

/// Runs a call that blocks on a thread of the current runtime's blocking pool.
///
/// A call that has begun cannot be cancelled; one that waits for a thread can.
///
/// # Panics
/// Outside a runtime, and in a process forked off from the one that made it.
#[must_use = "dropping a JoinHandle detaches its task; say .detach() if that is meant"]
#[track_caller]
pub fn spawn_blocking<F, T>(call: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let caller = Location::caller();
    context::with(|inner| inner.spawn_blocking(call, None, caller))
}

/// Runs a call that blocks right here, while another thread takes over this worker's other tasks.
///
/// Inside `f` the thread counts as outside of async code: `Handle::block_on` is allowed there. On a current-thread
/// runtime, or outside a runtime, `f` is simply called: there is nobody to take over.
pub fn block_in_place<R>(f: impl FnOnce() -> R) -> R {
    let has_workers = context::try_with(|inner| inner.scheduler.settings.start_thread.is_some());
    if has_workers == Some(false) {
        return f();
    }
    let unlimited = || crate::budget::without_budget(f);
    context::outside_async_code(|| worker::block_in_place(unlimited))
}

/// Lets the other tasks of this worker, and its timers and I/O, go first.
///
/// # Cancel safety
/// Dropping it loses nothing.
pub fn yield_now() -> YieldNow {
    YieldNow { yielded: false }
}

/// The future of [`yield_now`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct YieldNow {
    yielded: bool,
}

impl Future for YieldNow {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        task::current::yield_soon(cx);
        Poll::Pending
    }
}

/// Takes a unit of the task's cooperative budget, and gives way if it is used up. For long loops over futures that are
/// always ready.
///
/// # Cancel safety
/// Dropping it loses nothing.
pub async fn consume_budget() {
    std::future::poll_fn(|cx| {
        ready!(crate::budget::poll_unit(cx)).spend();
        Poll::Ready(())
    })
    .await;
}

/// Starts tasks with a name: `task::Builder::new().name("ticker").spawn(future)`.
#[derive(Debug, Default, Clone)]
#[must_use = "a builder does nothing until it spawns"]
pub struct TaskBuilder {
    name: Option<Box<str>>,
    spawned_at: Option<&'static Location<'static>>,
}

impl TaskBuilder {
    /// A builder with nothing said.
    pub fn new() -> Self {
        Self::default()
    }

    /// The task's name, for errors, reports and listings.
    pub fn name(mut self, name: impl Into<Box<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// For one who spawns on behalf of a caller: where that one is.
    #[doc(hidden)]
    pub fn spawned_at(mut self, caller: &'static Location<'static>) -> Self {
        self.spawned_at = Some(caller);
        self
    }

    /// As [`spawn`].
    ///
    /// # Panics
    /// As [`spawn`].
    #[must_use = "dropping a JoinHandle detaches its task; say .detach() if that is meant"]
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let caller = self.spawned_at.unwrap_or(Location::caller());
        context::with_future(future, |inner, future| inner.spawn(future, self.name, caller))
    }

    /// As [`spawn_pinned`].
    ///
    /// # Panics
    /// As [`spawn_pinned`].
    #[must_use = "dropping a JoinHandle detaches its task; say .detach() if that is meant"]
    #[track_caller]
    pub fn spawn_pinned<F, Fut>(self, make: F) -> JoinHandle<Fut::Output>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future + 'static,
        Fut::Output: Send + 'static,
    {
        let caller = self.spawned_at.unwrap_or(Location::caller());
        context::with(|inner| inner.spawn_pinned(make, self.name, caller))
    }

    /// As [`spawn_blocking`].
    ///
    /// # Panics
    /// As [`spawn_blocking`].
    #[must_use = "dropping a JoinHandle detaches its task; say .detach() if that is meant"]
    #[track_caller]
    pub fn spawn_blocking<F, T>(self, call: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let caller = self.spawned_at.unwrap_or(Location::caller());
        context::with(|inner| inner.spawn_blocking(call, self.name, caller))
    }
}
