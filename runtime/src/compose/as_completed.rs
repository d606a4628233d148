//! Many futures as tasks, and their outputs as they come.

use super::roster::{Hear, Roster};
use crate::budget;
use crate::context;
use crate::task::{JoinError, JoinHandle};
use crate::time::{Duration, Elapsed, Sleep, sleep};
use futures_core::Stream;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Starts a task for each future, and yields their results in the order in which they end.
///
/// ```
/// # use raddle_runtime::{as_completed, time::{Duration, sleep}};
/// # let runtime = raddle_runtime::runtime::Builder::new().start_paused(true).build().unwrap();
/// # runtime.block_on(async {
/// let mut naps = as_completed([3, 1, 2].map(|n| async move {
///     sleep(Duration::from_secs(n)).await;
///     n
/// }));
/// assert_eq!(naps.len(), 3);
/// let mut order = Vec::new();
/// while let Some(n) = naps.next().await {
///     order.push(n.unwrap());
/// }
/// assert_eq!(order, [1, 2, 3]);
/// # });
/// ```
///
/// # Panics
/// Outside a runtime.
#[track_caller]
pub fn as_completed<I>(futures: I) -> AsCompleted<<I::Item as Future>::Output>
where
    I: IntoIterator,
    I::Item: Future + Send + 'static,
    <I::Item as Future>::Output: Send + 'static,
{
    let spawned_at = Location::caller();
    let mut this = AsCompleted { roster: Roster::new(Hear::Each), tasks: Vec::new(), left: 0 };
    for future in futures {
        let joiner = this.roster.add();
        let handle =
            context::with_future(future, |inner, future| inner.spawn_watched(future, joiner, spawned_at));
        this.tasks.push(Some(handle));
    }
    this.roster.seal();
    this.left = this.tasks.len();
    this
}

/// The stream of [`as_completed`]. Tasks that have not ended when it is dropped are cancelled.
#[must_use = "the tasks are cancelled when this is dropped"]
pub struct AsCompleted<T> {
    roster: Roster,
    /// Those whose results have not been yielded.
    tasks: Vec<Option<JoinHandle<T>>>,
    left: usize,
}

impl<T> AsCompleted<T> {
    /// The next result; `None` when all have been yielded.
    ///
    /// # Cancel safety
    /// Dropping the wait loses nothing.
    pub async fn next(&mut self) -> Option<Result<T, JoinError>> {
        poll_fn(|cx| self.poll_next_result(cx)).await
    }

    /// How many results have not been yielded: what a progress bar has to go.
    pub fn len(&self) -> usize {
        self.left
    }

    /// True when all have been yielded.
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// The same, with a limit for all together: `limit` from now it yields [`Elapsed`], once, cancels what has not
    /// ended, and is over.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn timeout(self, limit: Duration) -> TimedCompleted<T> {
        TimedCompleted { inner: Some(self), limit: Box::pin(sleep(limit)) }
    }

    fn poll_next_result(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let unit = ready!(budget::poll_unit(cx));
        let index = ready!(self.roster.poll_ended(cx));
        let mut task = self.tasks[index].take().expect("a task ends once");
        let result = task.try_take().expect("it has ended");
        self.left -= 1;
        unit.spend();
        Poll::Ready(Some(result))
    }
}

impl<T> Stream for AsCompleted<T> {
    type Item = Result<T, JoinError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_next_result(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T> Drop for AsCompleted<T> {
    fn drop(&mut self) {
        for task in self.tasks.iter().flatten() {
            task.cancel_with("the as_completed that it was for is over");
        }
    }
}

impl<T> fmt::Debug for AsCompleted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted").field("left", &self.left).finish_non_exhaustive()
    }
}

/// The stream of [`AsCompleted::timeout`].
#[derive(Debug)]
#[must_use = "the tasks are cancelled when this is dropped"]
pub struct TimedCompleted<T> {
    /// `None` once the time is over.
    inner: Option<AsCompleted<T>>,
    limit: Pin<Box<Sleep>>,
}

impl<T> TimedCompleted<T> {
    /// The next result, or [`Elapsed`] when the time is over; `None` when all, or `Elapsed`, have been yielded.
    ///
    /// # Errors
    /// [`Elapsed`] outside, what became of the task inside.
    ///
    /// # Cancel safety
    /// Dropping the wait loses nothing.
    pub async fn next(&mut self) -> Option<Result<Result<T, JoinError>, Elapsed>> {
        poll_fn(|cx| self.poll_next_result(cx)).await
    }

    /// How many results have not been yielded.
    pub fn len(&self) -> usize {
        self.inner.as_ref().map_or(0, AsCompleted::len)
    }

    /// True when nothing more will come.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn poll_next_result(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Result<T, JoinError>, Elapsed>>> {
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(None);
        };
        if let Poll::Ready(next) = inner.poll_next_result(cx) {
            return Poll::Ready(next.map(Ok));
        }
        // Tasks that use the whole budget up must not keep the limit from being looked at (f10).
        ready!(budget::without_budget(|| self.limit.as_mut().poll(cx)));
        self.inner = None;
        Poll::Ready(Some(Err(Elapsed::new(self.limit.deadline()))))
    }
}

impl<T> Stream for TimedCompleted<T> {
    type Item = Result<Result<T, JoinError>, Elapsed>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_next_result(cx)
    }
}
