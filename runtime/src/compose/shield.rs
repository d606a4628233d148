//! What must go on although nobody waits for it any more.

use crate::spawn::spawn;
use crate::task::JoinHandle;
use std::future::Future;

/// Runs a future so that it goes on when the one who awaits it is cancelled or dropped. (`asyncio.shield`)
///
/// The future is a task of its own from this call on. Where `shield(future).await` is dropped half-way, the task is
/// detached: it goes on, its output is dropped, and a panic in it is reported by the runtime.
///
/// ```
/// use raddle_runtime::time::{Duration, sleep, timeout};
/// use std::sync::{Arc, Mutex};
///
/// raddle_runtime::run(async {
///     let saved = Arc::new(Mutex::new(false));
///     let place = saved.clone();
///     let save = async move {
///         sleep(Duration::from_millis(20)).await;
///         *place.lock().unwrap() = true;
///     };
///     let outcome = timeout(Duration::from_millis(1), raddle_runtime::shield(save)).await;
///     assert!(outcome.is_err());
///     sleep(Duration::from_millis(100)).await;
///     assert!(*saved.lock().unwrap());
/// });
/// ```
///
/// # Errors
/// When awaited: a [`JoinError`](crate::task::JoinError) when the task itself was cancelled, or panicked.
///
/// # Cancel safety
/// The task goes on, whenever the handle is dropped.
///
/// # Panics
/// As [`spawn`].
#[must_use = "await it; to start a task that nobody waits for, use spawn(..).detach()"]
#[track_caller]
pub fn shield<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    spawn(future)
}
