//! A future with a limit.

use super::deadline;
use super::sleep::{Sleep, sleep, sleep_until};
use super::{Duration, Instant};
use crate::wait::note;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Runs `future` for at most `duration`; then it is dropped and the result is [`Elapsed`].
///
/// Time-outs nest: the inner one ends what it limits and nothing else, and its error says by
/// [`Elapsed::deadline`] which deadline it was.
///
/// # Errors
/// [`Elapsed`] when the time is over first. A future that is ready at its first poll is never too late.
///
/// # Cancel safety
/// As that of `future`, which is dropped with it.
///
/// # Panics
/// Outside a runtime.
#[track_caller]
pub fn timeout<F: Future>(duration: Duration, future: F) -> Timeout<F> {
    Timeout { limit: sleep(duration), future: Some(future) }
}

/// Runs `future` until `deadline` at most; see [`timeout`].
///
/// # Errors
/// [`Elapsed`] when the deadline comes first.
///
/// # Cancel safety
/// As that of `future`, which is dropped with it.
///
/// # Panics
/// Outside a runtime.
#[track_caller]
pub fn timeout_at<F: Future>(deadline: Instant, future: F) -> Timeout<F> {
    Timeout { limit: sleep_until(deadline), future: Some(future) }
}

/// The future of [`timeout`].
#[must_use = "futures do nothing unless awaited"]
pub struct Timeout<F> {
    limit: Sleep,
    /// `None` once the time was over.
    future: Option<F>,
}

impl<F> fmt::Debug for Timeout<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: both fields are structurally pinned; neither is moved.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above.
        let mut future = unsafe { Pin::new_unchecked(&mut this.future) };
        let deadline = this.limit.deadline();
        {
            let _limit = deadline::limit(deadline);
            let future = future.as_mut().as_pin_mut().expect("a time-out was polled after its time was over");
            if let Poll::Ready(output) = future.poll(cx) {
                return Poll::Ready(Ok(output));
            }
        }
        // A future that used the whole budget up must not keep its limit from being looked at (f10).
        // SAFETY: as above.
        let limit = unsafe { Pin::new_unchecked(&mut this.limit) };
        // What it waits for is what the future waits for.
        ready!(note::kept(|| crate::budget::without_budget(|| limit.poll(cx))));
        let _passed = deadline::pass();
        future.set(None);
        Poll::Ready(Err(Elapsed { deadline }))
    }
}

/// The error of [`timeout`]: the time was over first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elapsed {
    deadline: Instant,
}

impl Elapsed {
    pub(crate) fn new(deadline: Instant) -> Self {
        Self { deadline }
    }

    /// The deadline that was reached: with time-outs inside one another it says which.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time limit was reached")
    }
}

impl Error for Elapsed {}

impl From<Elapsed> for io::Error {
    fn from(elapsed: Elapsed) -> Self {
        Self::new(io::ErrorKind::TimedOut, elapsed)
    }
}
