//! Waiting for tasks, some or all, without taking their outputs.

use super::roster::{Hear, Roster};
use crate::budget;
use crate::task::JoinHandle;
use crate::time::{self, Duration};
use std::future::poll_fn;
use std::task::{Context, Poll, ready};

/// When [`wait`] is to return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReturnWhen {
    /// When all have ended.
    AllCompleted,
    /// When at least one has ended, in whatever way.
    FirstCompleted,
    /// When one has panicked, or all have ended. An output that is an `Err` is an output: see
    /// [`try_gather`](super::try_gather) for those.
    FirstException,
}

/// The result of [`wait`]: each handle is in one of the two, in argument order.
#[derive(Debug)]
pub struct Waited<T> {
    /// Those that have ended: awaiting one gives its result at once.
    pub done: Vec<JoinHandle<T>>,
    /// Those that go on.
    pub pending: Vec<JoinHandle<T>>,
}

/// Waits until tasks have ended, as many as `when` says, but at most for `timeout`. Nothing is cancelled, and running
/// out of time is no error: what goes on is in [`Waited::pending`].
///
/// To wait for no tasks returns at once (asyncio raises an error there).
///
/// ```
/// # use raddle_runtime::{ReturnWhen, spawn, time::{Duration, sleep}, wait};
/// # let runtime = raddle_runtime::runtime::Builder::new().start_paused(true).build().unwrap();
/// # runtime.block_on(async {
/// let tasks = (1..=5).map(|n| spawn(sleep(Duration::from_secs(n))));
/// let waited = wait(tasks, ReturnWhen::AllCompleted, Some(Duration::from_millis(3500))).await;
/// assert_eq!((waited.done.len(), waited.pending.len()), (3, 2));
/// # });
/// ```
///
/// # Cancel safety
/// Dropping the future drops the handles: the tasks go on, detached. Keep `abort_handle`s to cancel them.
///
/// # Panics
/// With a time-out outside a runtime.
pub async fn wait<T>(
    handles: impl IntoIterator<Item = JoinHandle<T>>,
    when: ReturnWhen,
    timeout: Option<Duration>,
) -> Waited<T> {
    let mut waiting = Waiting::of(handles.into_iter().collect(), when);
    let enough = poll_fn(|cx| waiting.poll(cx));
    match timeout {
        // Out of time is a result like another.
        Some(limit) => drop(time::timeout(limit, enough).await),
        None => enough.await,
    }
    let (done, pending) = waiting.handles.into_iter().partition(JoinHandle::is_finished);
    Waited { done, pending }
}

struct Waiting<T> {
    handles: Vec<JoinHandle<T>>,
    roster: Roster,
    /// So many more have to end.
    left: usize,
    when: ReturnWhen,
}

impl<T> Waiting<T> {
    fn of(mut handles: Vec<JoinHandle<T>>, when: ReturnWhen) -> Self {
        let mut roster = Roster::new(Hear::Each);
        for (index, handle) in handles.iter_mut().enumerate() {
            let waker = roster.add();
            if !handle.watch(&waker) {
                roster.has_ended(index);
            }
        }
        roster.seal();
        let left = if when == ReturnWhen::FirstCompleted { handles.len().min(1) } else { handles.len() };
        Self { handles, roster, left, when }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let unit = ready!(budget::poll_unit(cx));
        while self.left > 0 {
            let index = ready!(self.roster.poll_ended(cx));
            let is_last = self.when == ReturnWhen::FirstException && self.handles[index].has_failed();
            self.left = if is_last { 0 } else { self.left - 1 };
        }
        unit.spend();
        Poll::Ready(())
    }
}
