//! The first of several.

use super::group::{Group, Kind, run};
use super::group_error::{ChildError, report_panics};
use std::convert::Infallible;
use std::future::{Future, pending};
use std::panic::{Location, resume_unwind};

/// Runs all futures, each as a task of its own, and returns the output of the first that is done. The others are
/// cancelled, and have ended when this returns.
///
/// ```
/// use raddle_runtime::time::{Duration, sleep};
///
/// async fn ask(server: &'static str, latency_ms: u64) -> &'static str {
///     sleep(Duration::from_millis(latency_ms)).await;
///     server
/// }
///
/// raddle_runtime::run(async {
///     let first = raddle_runtime::race([ask("far", 5_000), ask("near", 1)]).await;
///     assert_eq!(first, "near");
/// });
/// ```
///
/// # Cancel safety
/// As [`task_group`](crate::task_group): dropping it cancels the tasks at once, and the task that drops it does not
/// complete before them.
///
/// # Panics
/// With the first that is done, if that one panics. When there is no future: nobody could win.
#[track_caller]
pub fn race<I>(futures: I) -> impl Future<Output = <I::Item as Future>::Output>
where
    I: IntoIterator,
    I::Item: Future<Output: Send + 'static> + Send + 'static,
{
    let at = Location::caller();
    // Now, so that it is the caller who makes them.
    let futures: Vec<I::Item> = futures.into_iter().collect();
    assert!(!futures.is_empty(), "race() was given no futures: nobody could win");
    async move {
        let outcome = run(Kind::Race, at, async |group: &Group<_>| -> Result<Infallible, _> {
            for future in futures {
                group.spawn(async move { Err::<Infallible, _>(future.await) }).detach();
            }
            pending().await
        });
        let Err(error) = outcome.await;
        let mut errors = error.into_errors();
        let first = errors.remove(0);
        report_panics(&errors);
        match first {
            ChildError::Failed { error, .. } | ChildError::Body(error) => error,
            ChildError::Panicked(error) => resume_unwind(error.into_panic()),
            ChildError::BodyPanicked(message) => unreachable!("{message}, after a future was done"),
        }
    }
}
