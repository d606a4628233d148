//! Doors to the driver's events, with the system of a model behind them.

use super::Scheduler;
use crate::driver::Sorting;
use crate::driver::io::sys::Poller;
use crate::driver::io::watch::Watch;
use crate::driver::io::{Dispatched, IoDriver};
use crate::io::{Interest, Ready, Registration};
use crate::prim::atomic::{AtomicU32, Ordering::Relaxed};
use crate::prim::lock::Mutex;
use crate::wait::Batch;
use std::io;
use std::os::fd::RawFd;
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
        let fd = driver.registered() as RawFd;
        let registration = Registration::with_driver(driver.clone(), fd, Interest::READABLE);
        Wire { driver, registration: registration.expect("a model's system watches anything") }
    }
}

impl Wire {
    /// The system says that there is something to read.
    pub fn happen(&self) {
        self.driver.happen(self.registration.watch(), Ready::READABLE);
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
    /// Descriptors given out.
    watched: AtomicU32,
}

/// A source of theirs.
pub struct Watched(Arc<Watch>);

impl Events {
    pub fn new(workers: usize) -> Self {
        Self::of(IoDriver::new(workers))
    }

    /// Each of `workers` has a poll instance of its own.
    pub fn with_own(workers: usize) -> Self {
        Self::of(IoDriver::with_own_for(workers, workers))
    }

    fn of(made: io::Result<(Poller, Arc<IoDriver>)>) -> Self {
        let (poller, driver) = made.expect("a model's driver");
        Self { poller: Mutex::new(poller), driver, watched: AtomicU32::new(0) }
    }

    /// Watches a descriptor that worker `home` looks after.
    pub fn watch(&self, home: usize) -> Watched {
        self.watch_fd(self.watched.fetch_add(1, Relaxed) as RawFd, home)
    }

    /// Watches a descriptor with the number of one that is watched no more.
    pub fn watch_again(&self, old: &Watched) -> Watched {
        self.watch_fd(old.0.fd(), 0)
    }

    fn watch_fd(&self, fd: RawFd, home: usize) -> Watched {
        let watch = self.driver.register(fd, Interest::READABLE).expect("a model's system watches anything");
        self.driver.settle(&watch, home);
        Watched(watch)
    }

    pub fn happen(&self, watched: &Watched) {
        self.driver.happen(&watched.0, Ready::READABLE);
    }

    /// The descriptor is watched no more; then the source has no owner any more.
    pub fn end(&self, watched: &Watched) {
        self.driver.unwatch(&watched.0);
        self.driver.forget(&watched.0);
    }

    /// The source has no owner any more, though the system has still events of it.
    pub fn forget(&self, watched: &Watched) {
        self.driver.forget(&watched.0);
    }

    pub fn is_readable(&self, watched: &Watched) -> bool {
        watched.0.source().ready(Interest::READABLE).expect("the driver is there").is_some()
    }

    /// In how many poll instances the descriptor is.
    pub fn watching(&self, watched: &Watched) -> usize {
        self.driver.watching(&watched.0)
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

    /// Sleeps in all poll instances that are in use, and hands on what comes.
    pub fn sleep(&self) {
        let mut poller = self.poller.lock();
        self.driver.sleep(&mut poller, None, 0).expect("a model's poll");
        let own: Vec<_> = poller.ended_by().collect();
        let done = self.driver.dispatch_events(&mut poller, None, &mut Batch::new());
        assert_eq!(done, Dispatched::All);
        drop(poller);
        own.into_iter().for_each(|worker| assert!(self.look_at_own(worker), "nobody else looks there"));
    }

    /// The own poll instance of worker `index` watches the source from now on, if `nobody_sleeps`.
    pub fn adopt(&self, watched: &Watched, index: usize, nobody_sleeps: impl FnOnce() -> bool) {
        self.driver.adopt(&watched.0, index, nobody_sleeps);
    }

    /// The poll instance for all watches one of the sources again.
    pub fn give_some_back(&self) {
        self.driver.give_some_back();
    }

    /// True when worker `index` has sources of its own.
    pub fn has_own(&self, index: usize) -> bool {
        self.driver.has_own(index)
    }

    /// Hands on what is in the own poll instance of worker `index`. False while another thread does.
    pub fn look_at_own(&self, index: usize) -> bool {
        let looked = self.driver.look_at_own(index, None, &mut Batch::new()).expect("a model's poll");
        assert!(looked.is_none_or(|done| done == Dispatched::All));
        looked.is_some()
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
