//! Many futures as tasks, and all their outputs in argument order.
//!
//! The tasks start when the function is called, as asyncio's do, and are joined by a [`Roster`]: a future that waits
//! for a hundred thousand of them is woken once for each chunk of them, not once for each.

use super::roster::{Hear, Roster};
use crate::budget;
use crate::context;
use crate::task::{self, JoinError, JoinHandle};
use std::fmt;
use std::future::Future;
use std::panic::{Location, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Starts a task for each future; the result has their outputs in argument order.
///
/// A panic in one of them is resumed here at once, and the rest is cancelled. `gather` of nothing is ready at once.
///
/// ```
/// # let runtime = raddle_runtime::runtime::Builder::new().worker_threads(2).build().unwrap();
/// # runtime.block_on(async {
/// let squares = raddle_runtime::gather((1..=4).map(|n| async move { n * n })).await;
/// assert_eq!(squares, [1, 4, 9, 16]);
/// # });
/// ```
///
/// # Cancel safety
/// Dropping the future cancels the tasks that have not ended; what the others returned is dropped.
///
/// # Panics
/// Outside a runtime. When awaited: if one of the tasks panicked, or was cancelled by someone else.
#[track_caller]
pub fn gather<I>(futures: I) -> Gather<<I::Item as Future>::Output>
where
    I: IntoIterator,
    I::Item: Future + Send + 'static,
    <I::Item as Future>::Output: Send + 'static,
{
    Gather { children: Children::start(futures.into_iter(), Location::caller()) }
}

/// As [`gather`], with each panic and cancellation in its place among the results: asyncio's `return_exceptions`.
///
/// # Cancel safety
/// Dropping the future cancels the tasks that have not ended; what the others returned is dropped.
///
/// # Panics
/// Outside a runtime.
#[track_caller]
pub fn gather_results<I>(futures: I) -> GatherResults<<I::Item as Future>::Output>
where
    I: IntoIterator,
    I::Item: Future + Send + 'static,
    <I::Item as Future>::Output: Send + 'static,
{
    GatherResults { children: Children::start(futures.into_iter(), Location::caller()) }
}

/// Starts a task for each future; the result has all their values in argument order, or the first error to come, which
/// is returned at once. The tasks that have not ended then are cancelled.
///
/// ```
/// # let runtime = raddle_runtime::runtime::Builder::new().worker_threads(2).build().unwrap();
/// # runtime.block_on(async {
/// let parsed = raddle_runtime::try_gather(["1", "2", "x"].map(|text| async { text.parse::<i32>() })).await;
/// assert!(parsed.is_err());
/// # });
/// ```
///
/// # Errors
/// The first error that one of the futures returned.
///
/// # Cancel safety
/// Dropping the future cancels the tasks that have not ended; what the others returned is dropped.
///
/// # Panics
/// Outside a runtime. When awaited: if one of the tasks panicked, or was cancelled by someone else.
#[track_caller]
pub fn try_gather<I, T, E>(futures: I) -> TryGather<T, E>
where
    I: IntoIterator,
    I::Item: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    let futures = futures.into_iter().map(|future| async {
        let result = future.await;
        if result.is_err() {
            task::current::fail();
        }
        result
    });
    TryGather { children: Children::start(futures, Location::caller()) }
}

/// The future of [`gather`].
#[derive(Debug)]
#[must_use = "the tasks are cancelled when this is dropped"]
pub struct Gather<T: Send + 'static> {
    children: Children<T>,
}

/// The future of [`gather_results`].
#[derive(Debug)]
#[must_use = "the tasks are cancelled when this is dropped"]
pub struct GatherResults<T: Send + 'static> {
    children: Children<T>,
}

/// The future of [`try_gather`].
#[derive(Debug)]
#[must_use = "the tasks are cancelled when this is dropped"]
pub struct TryGather<T: Send + 'static, E: Send + 'static> {
    children: Children<Result<T, E>>,
}

// Nothing of it is pinned: the futures are in their tasks.
impl<T: Send + 'static> Unpin for Gather<T> {}

impl<T: Send + 'static> Future for Gather<T> {
    type Output = Vec<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Vec<T>> {
        if let Some(failed) = ready!(self.children.poll(cx, true)) {
            value(failed);
        }
        Poll::Ready(self.children.take_all().map(value).collect())
    }
}

// Nothing of it is pinned: the futures are in their tasks.
impl<T: Send + 'static> Unpin for GatherResults<T> {}

impl<T: Send + 'static> Future for GatherResults<T> {
    type Output = Vec<Result<T, JoinError>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(self.children.poll(cx, false));
        Poll::Ready(self.children.take_all().collect())
    }
}

// As above.
impl<T: Send + 'static, E: Send + 'static> Unpin for TryGather<T, E> {}

impl<T: Send + 'static, E: Send + 'static> Future for TryGather<T, E> {
    type Output = Result<Vec<T>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match ready!(self.children.poll(cx, true)) {
            Some(failed) => Poll::Ready(value(failed).map(|_| Vec::new())),
            None => Poll::Ready(self.children.take_all().map(value).collect()),
        }
    }
}

/// What a task returned; its panic goes on here.
pub(super) fn value<T>(result: Result<T, JoinError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        Err(error) => panic!("gather has no value for a task that somebody cancelled: {error}"),
    }
}

/// Tasks that were started together. Those that still run are cancelled with it.
struct Children<T> {
    roster: Roster,
    /// Those whose results have not been taken.
    tasks: Vec<JoinHandle<T>>,
}

impl<T: Send + 'static> Children<T> {
    /// Starts a task for each future.
    fn start<F>(futures: impl Iterator<Item = F>, spawned_at: &'static Location<'static>) -> Self
    where
        F: Future<Output = T> + Send + 'static,
    {
        // Whole from the start: if the iterator panics, what was started is cancelled.
        let mut this =
            Self { roster: Roster::new(Hear::All), tasks: Vec::with_capacity(futures.size_hint().0) };
        for future in futures {
            let joiner = this.roster.add();
            this.tasks.push(context::with_future(future, |inner, future| {
                inner.spawn_watched(future, joiner, spawned_at)
            }));
        }
        this.roster.seal();
        this
    }

    /// Ready when all have ended; or, with `fail_fast`, with what the first to fail came to.
    fn poll(&mut self, cx: &mut Context<'_>, fail_fast: bool) -> Poll<Option<Result<T, JoinError>>> {
        let unit = ready!(budget::poll_unit(cx));
        let all = self.roster.poll_all(cx);
        // Asked after the roster, so that a failure that is not seen here wakes us.
        let failed = if fail_fast { self.roster.failed() } else { None };
        if failed.is_none() && all.is_pending() {
            return Poll::Pending;
        }
        unit.spend();
        // The order of the others does not matter any more.
        Poll::Ready(failed.map(|index| result(self.tasks.swap_remove(index))))
    }

    /// What all came to. All have ended.
    fn take_all(&mut self) -> impl Iterator<Item = Result<T, JoinError>> + use<T> {
        std::mem::take(&mut self.tasks).into_iter().map(result)
    }
}

/// What a task that has ended came to.
fn result<T>(mut task: JoinHandle<T>) -> Result<T, JoinError> {
    task.try_take().expect("the roster says that it has ended")
}

impl<T> Drop for Children<T> {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.cancel_with("the gather that it was for is over");
        }
    }
}

impl<T> fmt::Debug for Children<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Children").field("tasks", &self.tasks.len()).finish_non_exhaustive()
    }
}
