//! Doors to the driver's events, with the system of a model behind them.

use super::Scheduler;
use crate::driver::Sorting;
use crate::driver::io::sys::Poller;
use crate::driver::io::table::Entry;
use crate::driver::io::{Dispatched, IoDriver};
use crate::io::{Interest, Ready, Registration};
use crate::prim::lock::Mutex;
use crate::wait::Batch;
use std::sync::Arc;

/// A descriptor that a scheduler's driver watches.
pub struct Wire {
    driver: Arc<IoDriver>,
    registration: Registration,
}

impl Scheduler {
    /// Has the driver watch a descriptor.
    pub fn wire(&self) -> Wire {
        let driver = self.0.driver.io().clone();
        let registration = Registration::with_driver(driver.clone(), 0, Interest::READABLE);
        Wire { driver, registration: registration.expect("a model's system watches anything") }
    }
}

impl Wire {
    /// The system says that there is something to read.
    pub fn happen(&self) {
        self.driver.happen(self.registration.entry(), Ready::READABLE);
    }

    /// Waits until there is.
    pub async fn readable(&self) {
        self.registration.readiness(Interest::READABLE).await.expect("the driver is there");
    }
}

/// A driver's events, without a scheduler.
pub struct Events {
    poller: Mutex<Poller>,
    driver: Arc<IoDriver>,
}

/// A source of theirs.
pub struct Watched(Entry);

impl Events {
    pub fn new(workers: usize) -> Self {
        let (poller, driver) = IoDriver::new(workers).expect("a model's driver");
        Self { poller: Mutex::new(poller), driver }
    }

    /// Watches a descriptor that worker `home` looks after.
    pub fn watch(&self, home: usize) -> Watched {
        let entry = self.driver.register(0, Interest::READABLE).expect("a model's system watches anything");
        self.driver.settle(&entry, home);
        Watched(entry)
    }

    pub fn happen(&self, watched: &Watched) {
        self.driver.happen(&watched.0, Ready::READABLE);
    }

    /// The source has no owner any more.
    pub fn forget(&self, watched: &Watched) {
        self.driver.forget(&watched.0);
    }

    pub fn is_readable(&self, watched: &Watched) -> bool {
        watched.0.source().ready(Interest::READABLE).expect("the driver is there").is_some()
    }

    /// Worker 0 turns the driver. Returns true if worker 1 had gone when it was left an event.
    pub fn turn(&self, is_at_work: impl Fn() -> bool) -> bool {
        let is_at_work = |_| is_at_work();
        let sorting = Sorting::new(0, &is_at_work);
        let mut poller = self.poller.lock();
        poller.poll_until(Some(0), 0).expect("a model's poll");
        let done = self.driver.dispatch_events(&mut poller, Some(&sorting), &mut Batch::new());
        assert_eq!(done, Dispatched::All);
        !sorting.gone().is_empty()
    }

    /// True when events were left to worker `index`.
    pub fn has_mail(&self, index: usize) -> bool {
        self.driver.has_mail(index)
    }

    /// Hands on what was left to worker `index`. False while another thread does.
    pub fn open_mail(&self, index: usize) -> bool {
        let done = self.driver.open_mail(index, &mut Batch::new());
        assert!(done.is_none_or(|done| done == Dispatched::All));
        done.is_some()
    }
}
