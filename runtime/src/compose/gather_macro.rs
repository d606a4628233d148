//! `gather!`: a few futures of different types as tasks, their outputs as a tuple.

use super::gather::value;
use crate::context;
use crate::task::JoinHandle;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Starts a task for each future, and waits for all of them: `gather!(a, b, c)` is `(A, B, C)`, once all have ended. As
/// [`gather`](fn@crate::gather), for futures with different outputs.
///
/// ```
/// # let runtime = raddle_runtime::runtime::Builder::new().worker_threads(2).build().unwrap();
/// # runtime.block_on(async {
/// let (number, text) = raddle_runtime::gather!(async { 6 * 7 }, async { "hello".to_owned() });
/// assert_eq!((number, text.as_str()), (42, "hello"));
/// # });
/// ```
///
/// # Cancel safety
/// It awaits: when the future around it is dropped there, the tasks that have not ended are cancelled.
///
/// # Panics
/// Outside a runtime; if one of the tasks panicked (at once, and the rest is cancelled), or was cancelled by someone
/// else.
#[macro_export]
macro_rules! gather {
    (@ [$($part:ident)*]) => {{
        ::std::future::poll_fn(|_cx| {
            // Each is polled, whatever the others say.
            if true $(& $part.poll(_cx))* { ::std::task::Poll::Ready(()) } else { ::std::task::Poll::Pending }
        })
        .await;
        ($($part.take(),)*)
    }};
    (@ [$($part:ident)*] $future:expr $(, $rest:expr)*) => {{
        let mut part = $crate::__private::Part::start($future);
        $crate::gather!(@ [$($part)* part] $($rest),*)
    }};
    ($($future:expr),* $(,)?) => {
        $crate::gather!(@ [] $($future),*)
    };
}

/// One task of a `gather!`. It is cancelled when this is dropped before it ended.
#[derive(Debug)]
pub struct Part<T> {
    task: JoinHandle<T>,
    value: Option<T>,
}

impl<T: Send + 'static> Part<T> {
    /// Starts the task.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn start<F>(future: F) -> Self
    where
        F: Future<Output = T> + Send + 'static,
    {
        let spawned_at = Location::caller();
        Self {
            task: context::with_future(future, |inner, future| inner.spawn(future, None, spawned_at)),
            value: None,
        }
    }

    /// True when it has ended with a value.
    ///
    /// # Panics
    /// When it ended in another way.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        if self.value.is_none()
            && let Poll::Ready(result) = Pin::new(&mut self.task).poll(cx)
        {
            self.value = Some(value(result));
        }
        self.value.is_some()
    }

    /// The value.
    ///
    /// # Panics
    /// When `poll` has not said true.
    pub fn take(mut self) -> T {
        self.value.take().expect("all parts have ended")
    }
}

impl<T> Drop for Part<T> {
    fn drop(&mut self) {
        self.task.cancel_with("the gather! that it was for is over");
    }
}
