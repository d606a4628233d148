//! The result of a coroutine, for a thread outside.

use crate::context;
use crate::handle::Handle;
use crate::prim::lock::Mutex;
use crate::task::{JoinError, JoinHandle};
use crate::time::timeout;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// The result of a coroutine that runs on a loop; from
/// [`EventLoop::run_coroutine_threadsafe`](super::EventLoop::run_coroutine_threadsafe). (`concurrent.futures.Future`)
///
/// A thread blocks in [`result`](Self::result); a task awaits it. Dropping it lets the coroutine go on.
#[must_use = "the coroutine's result, and its panic, go unseen"]
pub struct ThreadFuture<T> {
    task: Mutex<Option<JoinHandle<T>>>,
    handle: Handle,
}

impl<T> fmt::Debug for ThreadFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadFuture").field("done", &self.done()).finish_non_exhaustive()
    }
}

/// Why [`ThreadFuture::result`] has no result.
#[derive(Debug)]
#[non_exhaustive]
pub enum ThreadFutureError {
    /// The time was over first. The coroutine goes on; ask again, or cancel it.
    TimedOut,
    /// Another call has taken the result, or waits for it.
    Taken,
    /// The coroutine was cancelled or panicked.
    Join(JoinError),
}

impl fmt::Display for ThreadFutureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("the coroutine was not done in time; it goes on"),
            Self::Taken => {
                f.write_str("the coroutine's result has been taken, or another thread waits for it")
            }
            Self::Join(error) => error.fmt(f),
        }
    }
}

impl Error for ThreadFutureError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Join(error) => Some(error),
            _ => None,
        }
    }
}

impl<T> ThreadFuture<T> {
    pub(super) fn new(task: JoinHandle<T>, handle: Handle) -> Self {
        Self { task: Mutex::new(Some(task)), handle }
    }

    /// Blocks this thread until the coroutine is done, at most for `limit` (on the runtime's clock), and takes the
    /// result.
    ///
    /// # Errors
    /// When the time is over, when the coroutine was cancelled or panicked, when the result has been taken.
    ///
    /// # Panics
    /// In async code, where it would block the loop it waits for: `.await` it there.
    #[track_caller]
    pub fn result(&self, limit: Option<Duration>) -> Result<T, ThreadFutureError> {
        assert!(
            !context::in_async_code(),
            "ThreadFuture::result was called inside async code, where it would block the tasks that share this thread: \
             use .await, or call it from spawn_blocking or block_in_place"
        );
        let mut task = self.task.lock().take().ok_or(ThreadFutureError::Taken)?;
        let joined = self.handle.block_on(async {
            match limit {
                Some(limit) => timeout(limit, &mut task).await.ok(),
                None => Some((&mut task).await),
            }
        });
        match joined {
            Some(joined) => joined.map_err(ThreadFutureError::Join),
            None => {
                *self.task.lock() = Some(task);
                Err(ThreadFutureError::TimedOut)
            }
        }
    }

    /// Cancels the coroutine at its next suspension; false when it has ended.
    pub fn cancel(&self) -> bool {
        let task = self.task.lock();
        let Some(handle) = task.as_ref().map(JoinHandle::abort_handle) else { return false };
        drop(task);
        let was_running = !handle.is_finished();
        handle.cancel();
        was_running
    }

    /// True once the coroutine has ended, or the result has been taken.
    pub fn done(&self) -> bool {
        self.task.lock().as_ref().is_none_or(JoinHandle::is_finished)
    }
}

/// # Cancel safety
/// Dropping it lets the coroutine go on.
///
/// # Panics
/// When it is awaited after the result has been taken.
impl<T> Future for ThreadFuture<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let task = self.task.get_mut().as_mut();
        let task = task.expect("a ThreadFuture was awaited after its result had been taken");
        Pin::new(task).poll(cx)
    }
}
