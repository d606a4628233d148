//! Readiness of file descriptors. It knows wakers, not tasks: an event comes in, wakers come out.
//!
//! The path of an event: `sys` fetches it, `table` finds the source it names, `source` notes it in `readiness` and
//! gathers the wakers of those who waited for it. The caller wakes them once it holds no lock.

pub(crate) mod interest;
pub(crate) mod readiness;
pub(crate) mod source;
#[cfg(not(loom))]
pub(crate) mod sys;
#[cfg(loom)]
#[path = "sys_model.rs"]
pub(crate) mod sys;
pub(crate) mod table;
#[cfg(test)]
mod tests;

use crate::prim::atomic::{AtomicU64, Ordering::Relaxed};
use crate::wait::Batch;
use interest::Interest;
use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;
use sys::{Poller, Registry};
use table::{Entry, Table};

/// How a round of [`IoDriver::dispatch_events`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "when the batch was full, there are more events"]
pub(crate) enum Dispatched {
    /// Every fetched event has been handed on.
    All,
    /// The batch is full: release the poller, wake the batch, and come again (or let the next holder of the poller).
    BatchFull,
}

/// The shared half of the driver: held by the runtime and by each registration.
#[derive(Debug)]
pub(crate) struct IoDriver {
    registry: Registry,
    table: Table,
    accept_backoffs: AtomicU64,
}

impl IoDriver {
    /// Makes the shared half, and the half for whoever waits for events.
    ///
    /// # Errors
    /// When the system has no more descriptors to give.
    pub(crate) fn new() -> io::Result<(Poller, Arc<Self>)> {
        let (poller, registry) = sys::open()?;
        let driver = Self { registry, table: Table::default(), accept_backoffs: AtomicU64::new(0) };
        Ok((poller, Arc::new(driver)))
    }

    /// Watches a file descriptor. Whoever owns the entry calls `unwatch` before it closes the descriptor, and
    /// `forget` in the end.
    ///
    /// # Errors
    /// When the descriptor cannot be watched, and after [`IoDriver::shut_down`]; nothing is left behind then.
    pub(crate) fn register(&self, fd: RawFd, interest: Interest) -> io::Result<Entry> {
        let entry = self.table.insert()?;
        match self.registry.register(fd, entry.token(), interest) {
            Ok(()) => Ok(entry),
            Err(error) => {
                self.table.remove(&entry);
                Err(error)
            }
        }
    }

    /// The system watches a file descriptor no more. The first half of ending what `register` began.
    pub(crate) fn unwatch(&self, fd: RawFd) {
        self.registry.deregister(fd);
    }

    /// The second half: nobody looks at the source any more.
    pub(crate) fn forget(&self, entry: &Entry) {
        self.table.remove(entry);
    }

    /// Hands the fetched events on, and gathers into `batch` those who waited for them.
    pub(crate) fn dispatch_events(&self, poller: &mut Poller, batch: &mut Batch) -> Dispatched {
        while let Some(event) = poller.event() {
            if let Some(source) = self.table.get(event.token) {
                let mut wakes = poller.take_wakes().unwrap_or_else(|| source.dispatch(event.ready));
                if !source.gather(&mut wakes, batch) {
                    poller.put_wakes(wakes);
                    return Dispatched::BatchFull;
                }
            }
            poller.advance();
        }
        self.table.recycle();
        Dispatched::All
    }

    /// Makes the current or the next wait of the poller come back.
    ///
    /// # Errors
    /// When the system refuses, which it has no reason to.
    pub(crate) fn wake(&self) -> io::Result<()> {
        self.registry.wake()
    }

    /// Ends every wait and operation with an error, now and from now on. To be called with no lock held.
    pub(crate) fn shut_down(&self) {
        let mut batch = Batch::new();
        self.table.shut_down(|source, mut wakes| {
            while !source.gather(&mut wakes, &mut batch) {
                batch.wake();
            }
        });
        batch.wake();
    }

    /// How many file descriptors are watched.
    pub(crate) fn registered(&self) -> usize {
        self.table.registered()
    }

    /// How often a listener had to wait because the process or the system was out of descriptors or memory.
    pub(crate) fn accept_backoffs(&self) -> u64 {
        self.accept_backoffs.load(Relaxed)
    }

    /// Counts one.
    pub(crate) fn count_accept_backoff(&self) {
        self.accept_backoffs.fetch_add(1, Relaxed);
    }
}
