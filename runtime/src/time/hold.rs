//! A hold on the stopped clock, for work that the runtime does not see.

use crate::context;
use crate::worker::SharedRef;
use std::fmt;

/// While it lives, a stopped clock does not jump to the next timer; from [`hold`].
#[must_use = "the hold ends when this is dropped"]
pub struct Hold(Option<SharedRef>);

/// Keeps the current runtime's clock, while it is [stopped](super::pause), from jumping to the next timer: something is
/// under way that the runtime does not see, such as a call on a thread pool of your own. A clock that runs is not
/// touched. Outside a runtime there is no time to hold, and the guard does nothing.
///
/// Take it before the work is handed over, and drop it once the answer has been given, that is, when those who wait for
/// it have been woken: then it is they who keep the time. It may be dropped on any thread, and does not keep the
/// runtime from shutting down. A thread that, with a hold of its own, waits for time to pass waits for ever.
///
/// What runs in [`spawn_blocking`](crate::spawn_blocking) and [`block_in_place`](crate::block_in_place) holds the time
/// by itself.
///
/// ```
/// # use raddle_runtime::time::{self, Duration};
/// # let builder = raddle_runtime::runtime::Builder::new();
/// # builder.worker_threads(1).start_paused(true).build().unwrap().block_on(async {
/// let promise = raddle_runtime::event_loop::EventLoop::current().create_future();
/// let (answer, hold) = (promise.clone(), time::hold());
/// std::thread::spawn(move || {
///     answer.set_result(6 * 7).unwrap(); // wakes the task
///     drop(hold);
/// });
/// // The thread takes real time, and none of the minute.
/// let answer = time::timeout(Duration::from_secs(60), promise).await.unwrap();
/// # assert_eq!(answer.unwrap(), 42);
/// # });
/// ```
pub fn hold() -> Hold {
    Hold::new(context::try_with(|inner| inner.scheduler.clone()))
}

impl Hold {
    pub(crate) fn new(scheduler: Option<SharedRef>) -> Self {
        if let Some(scheduler) = &scheduler {
            scheduler.driver.clock().hold();
        }
        Self(scheduler)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(scheduler) = &self.0 {
            scheduler.driver.release();
        }
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hold")
    }
}
