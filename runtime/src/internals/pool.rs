//! A blocking pool for models.

use super::{Scheduler, Task};
use crate::blocking::{self, Limits};
use crate::driver::clock::real_now;
use crate::prim::FAR;
use crate::prim::thread::{self, Spec};
use crate::worker::ThreadBody;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// A blocking pool.
#[derive(Clone)]
pub struct Pool(Arc<blocking::Pool>);

impl Pool {
    /// One whose thread starts only when `may_start` says so.
    pub fn new(
        threads: usize,
        keep_alive: Duration,
        may_start: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Self {
        let start_thread = move |body: ThreadBody| {
            if !may_start() {
                return Err(io::Error::other("no thread is left"));
            }
            thread::spawn(&Spec::default(), move || body(&|| ())).map(drop)
        };
        let limits = Limits { threads, keep_alive };
        Self(Arc::new(blocking::Pool::new(limits, Scheduler::new(1).0, Arc::new(start_thread))))
    }

    pub fn submit(&self, job: Task) {
        self.0.submit(job.0);
    }

    /// Returns how many calls are still running when it gives up waiting.
    pub fn shut_down(&self) -> usize {
        self.0.shut_down(real_now() + 2 * FAR)
    }
}
