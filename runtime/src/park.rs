//! Where a worker sleeps: in the driver if nobody else does, else on a condvar of its own. Keeps one notification.

use crate::driver::{Driver, Sorting, Turn, TurnHold};
use crate::prim::atomic::{AtomicU8, Ordering::AcqRel, Ordering::Acquire};
use crate::prim::lock::{Condvar, Mutex};
use std::time::Duration;

/// Awake, and not notified.
const EMPTY: u8 = 0;
/// On the condvar. Set by the parker, under the lock.
const CONDVAR: u8 = 1;
/// In the driver. Set by the parker, who has the turn.
const DRIVER: u8 = 2;
/// Notified: set by anyone, by swap, so that of several notifiers one sees how the parker sleeps and wakes it. Cleared
/// by the parker.
const NOTIFIED: u8 = 3;

/// One worker's place to sleep.
#[derive(Debug, Default)]
pub(crate) struct Parker {
    state: AtomicU8,
    lock: Mutex<()>,
    condvar: Condvar,
}

impl Parker {
    pub(crate) fn new() -> Self {
        Self { state: AtomicU8::new(EMPTY), lock: Mutex::new(()), condvar: Condvar::new() }
    }

    /// Sleeps until notified, or, if it is this one who sleeps in the driver, until something happens there. Returns
    /// the turn's hold on paused time, if it made one.
    pub(crate) fn park<'a>(&self, driver: &'a Driver, sorting: Option<&Sorting<'_>>) -> Option<TurnHold<'a>> {
        let Some(turning) = driver.try_turn() else {
            self.park_on_condvar();
            return None;
        };
        if !self.begin(DRIVER) {
            return None;
        }
        let hold = turning.run(Turn::Sleep, sorting);
        // Acquire: what the notifier did before is visible to us.
        self.state.swap(EMPTY, AcqRel);
        hold
    }

    /// Sleeps until notified.
    pub(crate) fn park_on_condvar(&self) {
        let mut guard = self.lock.lock();
        if !self.begin(CONDVAR) {
            return;
        }
        while self.state.load(Acquire) != NOTIFIED {
            guard = self.condvar.wait(guard);
        }
        self.state.swap(EMPTY, AcqRel);
    }

    /// `EMPTY -> how`; false, with the notification used up, if there is one.
    fn begin(&self, how: u8) -> bool {
        if self.state.compare_exchange(EMPTY, how, AcqRel, Acquire).is_ok() {
            return true;
        }
        self.state.swap(EMPTY, AcqRel);
        false
    }

    /// Ends the current or the next sleep; `wake_driver` is called if that is what it takes.
    pub(crate) fn unpark(&self, wake_driver: impl FnOnce()) {
        match self.state.swap(NOTIFIED, AcqRel) {
            CONDVAR => {
                // The parker is between its check and its wait only while it holds the lock.
                drop(self.lock.lock());
                self.condvar.notify_one();
            }
            DRIVER => wake_driver(),
            _ => {}
        }
    }

    /// True while its worker sleeps in the driver.
    pub(crate) fn is_in_driver(&self) -> bool {
        self.state.load(Acquire) == DRIVER
    }

    /// Sleeps until notified, at most for `limit`; true when notified.
    pub(crate) fn park_timeout(&self, limit: Duration) -> bool {
        let mut guard = self.lock.lock();
        if !self.begin(CONDVAR) {
            return true;
        }
        let mut timed_out = false;
        while self.state.load(Acquire) != NOTIFIED && !timed_out {
            (guard, timed_out) = self.condvar.wait_timeout(guard, limit);
        }
        self.state.swap(EMPTY, AcqRel) == NOTIFIED
    }
}
