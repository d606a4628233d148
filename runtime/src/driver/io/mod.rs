//! Readiness of file descriptors. It knows wakers, not tasks: an event comes in, wakers come out.
//!
//! The path of an event: `sys` fetches it into `fetched`, `table` says which worker looks after the source it names, to
//! whom it is left in a `mail`box; there, or at once, `table` finds the source, `source` notes it in `readiness` and
//! gathers the wakers of those who waited for it. The caller wakes them once it holds no lock.

pub(crate) mod cpu;
pub(crate) mod fetched;
pub(crate) mod interest;
pub(crate) mod mail;
mod own;
#[cfg(test)]
mod own_tests;
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
pub(crate) mod watch;

use crate::prim::atomic::{AtomicU64, Ordering::Relaxed};
use crate::wait::Batch;
use crossbeam_utils::CachePadded;
use fetched::Fetched;
use interest::Interest;
use mail::{Mailbox, Sorting};
use own::Own;
use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;
use sys::{Event, Poller, Registry, Room};
use table::Table;
use watch::Watch;

/// How a round of [`IoDriver::dispatch_events`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "when the batch was full, there are more events"]
pub(crate) enum Dispatched {
    /// Every event has been handed on.
    All,
    /// The batch is full: release what the events are in, wake the batch, and come again (or let the next who has it).
    BatchFull,
}

/// How far the look has come that has to precede [`Table::recycle`].
#[derive(Debug, Default)]
pub(crate) struct Sweep {
    /// Sources that had been removed when it began.
    count: usize,
    /// Mailboxes that have been at rest since.
    mailboxes: usize,
    /// Workers' own poll instances that have been.
    own: usize,
}

/// The shared half of the driver: held by the runtime and by each registration.
#[derive(Debug)]
pub(crate) struct IoDriver {
    registry: Registry,
    table: Table,
    /// One per worker.
    mailboxes: Box<[CachePadded<Mailbox>]>,
    own: Own,
    accept_backoffs: AtomicU64,
}

impl IoDriver {
    /// Makes the shared half, and the half for whoever waits for events.
    ///
    /// # Errors
    /// When the system has no more descriptors to give.
    pub(crate) fn new(workers: usize) -> io::Result<(Poller, Arc<Self>)> {
        Self::with_own_for(workers, if sys::HAS_OWN && workers > 1 { workers } else { 0 })
    }

    /// As [`new`](Self::new), where so many of the workers have a poll instance of their own.
    pub(crate) fn with_own_for(workers: usize, own: usize) -> io::Result<(Poller, Arc<Self>)> {
        let (poller, registry) = sys::open()?;
        let mailboxes = (0..workers).map(|_| CachePadded::new(Mailbox::new())).collect();
        let (table, own, accept_backoffs) = (Table::default(), Own::new(own, &registry)?, AtomicU64::new(0));
        let driver = Self { registry, table, mailboxes, own, accept_backoffs };
        Ok((poller, Arc::new(driver)))
    }

    /// Watches a file descriptor. Whoever owns the watch calls `unwatch` before it closes the descriptor, and
    /// `forget` in the end.
    ///
    /// # Errors
    /// When the descriptor cannot be watched, and after [`IoDriver::shut_down`]; nothing is left behind then.
    pub(crate) fn register(&self, fd: RawFd, interest: Interest) -> io::Result<Arc<Watch>> {
        if !self.registry.is_forked() && self.own.watches(fd) {
            return Err(sys::watched_twice(fd));
        }
        let entry = self.table.insert()?;
        match self.registry.register(fd, entry.token(), interest) {
            Ok(()) => Ok(Arc::new(Watch::new(entry, fd, interest))),
            Err(error) => {
                self.table.remove(&entry);
                Err(error)
            }
        }
    }

    /// The system watches a file descriptor no more, if it has not been told before. The first half of ending what
    /// `register` began.
    pub(crate) fn unwatch(&self, watch: &Watch) {
        // In a forked child nobody goes on with a move, or opens a lock, that another thread was at.
        if !self.registry.is_forked()
            && let Some(place) = watch.end()
        {
            self.own.remove(watch, place, &self.registry);
        }
    }

    /// The second half: nobody looks at the source any more.
    pub(crate) fn forget(&self, watch: &Watch) {
        self.table.remove(watch.entry());
    }

    /// Worker `index` looks after a source from now on: whoever waits for it runs there.
    #[inline]
    pub(crate) fn settle(&self, watch: &Watch, index: usize) {
        self.table.set_home(watch.entry(), index);
    }

    /// Worker `index` has looked after a source for long: its own poll instance watches it from now on, if
    /// `nobody_sleeps`.
    pub(crate) fn adopt(&self, watch: &Arc<Watch>, index: usize, nobody_sleeps: impl FnOnce() -> bool) {
        self.own.adopt(index, watch, &self.registry, nobody_sleeps);
    }

    /// The poll instance for all watches some of those again that workers had for their own.
    pub(crate) fn give_some_back(&self) {
        self.own.give_some_back(&self.registry);
    }

    /// True when worker `index` has sources in a poll instance of its own.
    #[inline]
    pub(crate) fn has_own(&self, index: usize) -> bool {
        self.own.is_in_use(index)
    }

    /// The workers that have sources in a poll instance of their own.
    pub(crate) fn with_own(&self) -> impl Iterator<Item = usize> {
        self.own.in_use().map(|(index, _)| index)
    }

    /// Sleeps in `poller`, that for all, and in those of the workers.
    ///
    /// # Errors
    /// As for [`Poller::poll_until`].
    pub(crate) fn sleep(&self, poller: &mut Poller, until_ns: Option<u64>, now_ns: u64) -> io::Result<()> {
        poller.sleep_until(until_ns, now_ns, self.own.in_use())
    }

    /// Looks at the poll instance of worker `index`, and hands on or leaves what is there. `None` while another thread
    /// does.
    ///
    /// # Errors
    /// As for [`Poller::poll_until`].
    pub(crate) fn look_at_own(
        &self,
        index: usize,
        sorting: Option<&Sorting<'_>>,
        batch: &mut Batch,
    ) -> io::Result<Option<Dispatched>> {
        let Some(mut poller) = self.own.try_lock(index) else { return Ok(None) };
        poller.poll_until(Some(0), 0)?;
        let dispatched = self.dispatch(&mut poller, sorting, batch);
        if dispatched == Dispatched::All {
            poller.change_rooms();
        }
        Ok(Some(dispatched))
    }

    /// Hands the events on that the poll instance for all has fetched, or leaves them to the workers that look after
    /// their sources, and gathers into `batch` those who waited for them.
    pub(crate) fn dispatch_events(
        &self,
        poller: &mut Poller,
        sorting: Option<&Sorting<'_>>,
        batch: &mut Batch,
    ) -> Dispatched {
        let dispatched = self.dispatch(poller, sorting, batch);
        if dispatched == Dispatched::All {
            poller.change_rooms();
            self.recycle(&mut poller.sweep);
        }
        dispatched
    }

    fn dispatch(&self, poller: &mut Poller, sorting: Option<&Sorting<'_>>, batch: &mut Batch) -> Dispatched {
        let Room { fetched, staged, .. } = &mut *poller.room;
        let Some(sorting) = sorting else { return self.hand_on(fetched, batch, |_| false) };
        let dispatched = self.hand_on(fetched, batch, |event| self.stage(event, sorting, staged));
        self.post(staged, sorting);
        dispatched
    }

    /// Makes removed sources free, once each mailbox and each worker's own poll instance has been seen at rest since
    /// they were removed: whoever is at one may have looked a source up before.
    fn recycle(&self, sweep: &mut Sweep) {
        if sweep.mailboxes == 0 && sweep.own == 0 {
            sweep.count = self.table.retired();
            // Not worth a round of all the mailboxes for each. A model has one.
            let worth = if cfg!(loom) { 1 } else { self.mailboxes.len().max(1) };
            if sweep.count < worth {
                return;
            }
        }
        let mailboxes = self.mailboxes[sweep.mailboxes..].iter();
        sweep.mailboxes += mailboxes.take_while(|mailbox| mailbox.is_at_rest()).count();
        sweep.own += self.own.at_rest(sweep.own);
        if sweep.mailboxes == self.mailboxes.len() && sweep.own == self.own.len() {
            self.table.recycle(sweep.count);
            *sweep = Sweep::default();
        }
    }

    /// Hands on the events that were left to worker `index`. `None` while another thread does.
    pub(crate) fn open_mail(&self, index: usize, batch: &mut Batch) -> Option<Dispatched> {
        let mut opened = self.mailboxes[index].open()?;
        Some(self.hand_on(&mut opened.events, batch, |_| false))
    }

    /// True when events were left to worker `index`.
    #[inline]
    pub(crate) fn has_mail(&self, index: usize) -> bool {
        self.mailboxes.get(index).is_some_and(|mailbox| !mailbox.is_empty())
    }

    /// Hands events on, but for those that `leave` has taken to another place.
    fn hand_on(
        &self,
        fetched: &mut Fetched,
        batch: &mut Batch,
        mut leave: impl FnMut(Event) -> bool,
    ) -> Dispatched {
        while let Some(event) = fetched.first() {
            let is_left = fetched.unseen().is_some_and(&mut leave);
            if !is_left && let Some(source) = self.table.get(event.token) {
                let mut wakes = fetched.take_wakes().unwrap_or_else(|| source.dispatch(event.ready));
                if !source.gather(&mut wakes, batch) {
                    fetched.put_wakes(wakes);
                    return Dispatched::BatchFull;
                }
            }
            fetched.advance();
        }
        Dispatched::All
    }

    /// Puts an event aside for the worker that looks after its source, if that is not us and comes to it soon.
    fn stage(&self, event: Event, sorting: &Sorting<'_>, staged: &mut Vec<(usize, Event)>) -> bool {
        let home = self.table.home(event.token).filter(|&home| home < self.mailboxes.len());
        let home = home.filter(|&home| sorting.wants_to_leave(home));
        staged.extend(home.map(|home| (home, event)));
        home.is_some()
    }

    /// Leaves what was put aside: all that is for one worker at once, so that it does not come in between.
    fn post(&self, staged: &mut Vec<(usize, Event)>, sorting: &Sorting<'_>) {
        staged.sort_by_key(|&(home, _)| home);
        for events in staged.chunk_by(|(home, _), (other, _)| home == other) {
            let home = events[0].0;
            if self.mailboxes[home].post(events.iter().map(|&(_, event)| event)) {
                sorting.left_first(home);
            }
        }
        staged.clear();
    }

    /// Makes the current or the next wait of the poller come back.
    ///
    /// # Errors
    /// When the system refuses, which it has no reason to.
    pub(crate) fn wake(&self) -> io::Result<()> {
        self.registry.wake()
    }

    /// A model's system says so.
    #[cfg(loom)]
    pub(crate) fn happen(&self, watch: &Watch, ready: interest::Ready) {
        self.registry.happen(watch.fd(), ready);
    }

    /// In how many poll instances of a model's system a descriptor is.
    #[cfg(loom)]
    pub(crate) fn watching(&self, watch: &Watch) -> usize {
        self.registry.watching(watch.fd())
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

    /// How many of them one worker alone looks for.
    pub(crate) fn settled(&self) -> usize {
        self.own.sources()
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
