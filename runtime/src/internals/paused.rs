//! Doors to the paused clock.

use super::Scheduler;
use crate::driver::clock::Clock;
use crate::prim::thread::{self, Spec};
use crate::time::{Hold, Sleep};
use crate::worker::ThreadBody;

impl Scheduler {
    /// As [`new`](Self::new), with a clock that stands still at 0.
    pub fn paused(workers: usize) -> Self {
        let start_thread = |_, body: ThreadBody| thread::spawn(&Spec::default(), move || body(&|| ()));
        Self::made_with(workers, Some(Box::new(start_thread)), Clock::new(true))
    }

    /// The time now.
    pub fn now(&self) -> u64 {
        self.0.driver.clock().now()
    }

    /// A sleep until `deadline`.
    pub fn sleep_until(&self, deadline: u64) -> Sleep {
        Sleep::new(self.0.clone(), deadline)
    }

    /// Holds the time.
    pub fn hold(&self) -> Hold {
        Hold::new(Some(self.0.clone()))
    }
}
