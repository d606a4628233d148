//! A poll instance for each worker, for sources that have long been waited for there and nowhere else.
//!
//! In the poll instance for all, each packet and each look takes a lock that every worker takes, and fetches what all
//! sources have in common to its core. A worker that is busy with connections of its own needs nothing of that. So a
//! source that was waited for on one worker again and again, while nobody slept, is moved to that worker's own
//! instance, and all of its way from the packet to the task lies on one core. To sleep in several instances takes
//! longer, so workers that have little to do move some back each time they go to sleep.
//!
//! Who looks where, so that no event is left:
//! - A worker looks at its own instance whenever it looks for events.
//! - Whoever sleeps in the driver sleeps in all that are in use ([`Own::in_use`]). It must not miss one that comes into
//!   use meanwhile: who moves a source counts it first, fences, and goes on only if nobody sleeps; who falls asleep is
//!   counted first, fences, and looks at the counts then. One of them sees the other.
//! - While nobody sleeps in the driver, whoever looks at the one for all looks at those of workers that are not at work
//!   too: asleep elsewhere, blocked, or in a long poll. So does the monitor, while nobody else can.

use super::sys::{Poller, Registry};
use super::watch::{Place, Watch};
use crate::prim::atomic::{AtomicUsize, Ordering::Relaxed, Ordering::SeqCst, fence};
use crate::prim::lock::{Mutex, TryLock, TryLockGuard};
use crossbeam_utils::CachePadded;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;

/// Sources that are moved back at once.
const AT_ONCE: usize = if cfg!(loom) { 1 } else { 8 };

/// One worker's.
#[derive(Debug)]
struct OwnPoll {
    poller: TryLock<Poller>,
    registry: Registry,
    /// How many sources are in it, or about to come.
    sources: AtomicUsize,
}

/// Those of all workers; none where there is but one worker.
#[derive(Debug)]
pub(super) struct Own {
    polls: Box<[CachePadded<OwnPoll>]>,
    /// What is in them, by descriptor: the system only knows what is twice in one poll instance.
    settled: Mutex<BTreeMap<RawFd, Arc<Watch>>>,
}

impl Own {
    /// # Errors
    /// When the system has no more descriptors to give.
    pub(super) fn new(workers: usize, shared: &Registry) -> io::Result<Self> {
        let open = |_| {
            let (poller, registry) = shared.open_own()?;
            let poller = TryLock::new(poller);
            Ok(CachePadded::new(OwnPoll { poller, registry, sources: AtomicUsize::new(0) }))
        };
        let polls = (0..workers).map(open).collect::<io::Result<_>>()?;
        Ok(Self { polls, settled: Mutex::default() })
    }

    /// True when one of them watches the descriptor. Not asked of those that are registered at the same time.
    pub(super) fn watches(&self, fd: RawFd) -> bool {
        self.sources() > 0 && self.settled.lock().contains_key(&fd)
    }

    /// True when worker `index` has one with sources in it.
    #[inline]
    pub(super) fn is_in_use(&self, index: usize) -> bool {
        self.polls.get(index).is_some_and(|own| own.sources.load(Relaxed) > 0)
    }

    /// Those with sources in them.
    pub(super) fn in_use(&self) -> impl Iterator<Item = (usize, &Registry)> {
        let own = self.polls.iter().enumerate();
        own.filter(|(_, own)| own.sources.load(Relaxed) > 0).map(|(index, own)| (index, &own.registry))
    }

    /// How many sources are in them.
    pub(super) fn sources(&self) -> usize {
        self.polls.iter().map(|own| own.sources.load(Relaxed)).sum()
    }

    /// The right to look at that of worker `index`; `None` while another thread does.
    pub(super) fn try_lock(&self, index: usize) -> Option<TryLockGuard<'_, Poller>> {
        self.polls[index].poller.try_lock()
    }

    /// How many, counted from `from`, nobody hands events on from. Whoever begins afterwards sees what was done before
    /// the call.
    pub(super) fn at_rest(&self, from: usize) -> usize {
        let is_at_rest =
            |own: &&CachePadded<OwnPoll>| own.poller.try_lock().is_some_and(|poller| poller.is_empty());
        self.polls[from..].iter().take_while(is_at_rest).count()
    }

    pub(super) fn len(&self) -> usize {
        self.polls.len()
    }

    /// Has worker `index` watch a source from now on, which `shared` or another does now. Not if `nobody_sleeps` says
    /// no, nor if the system refuses: then all stays as it was.
    pub(super) fn adopt(
        &self,
        index: usize,
        watch: &Arc<Watch>,
        shared: &Registry,
        nobody_sleeps: impl FnOnce() -> bool,
    ) {
        let Some(own) = self.polls.get(index).filter(|_| !watch.is_at(Place::Own(index))) else { return };
        let Some(moving) = watch.begin_move() else { return };
        own.sources.fetch_add(1, Relaxed);
        // Pairs with the fence of a worker that falls asleep: it sees the count, or we see it asleep.
        fence(SeqCst);
        let (fd, token) = (watch.fd(), watch.entry().token());
        if nobody_sleeps() && own.registry.register(fd, token, watch.interest()).is_ok() {
            self.settled.lock().insert(fd, watch.clone());
            self.take_out(watch, moving.from(), shared);
            moving.to(Place::Own(index));
        } else {
            own.sources.fetch_sub(1, Relaxed);
        }
    }

    /// Has `shared` watch some of the sources again, if there are any.
    pub(super) fn give_some_back(&self, shared: &Registry) {
        (0..AT_ONCE).take_while(|_| self.sources() > 0).for_each(|_| self.give_one_back(shared));
    }

    fn give_one_back(&self, shared: &Registry) {
        let Some(watch) = self.settled.lock().values().next().cloned() else { return };
        // One that another moves, or that is over, is somebody else's.
        let Some(moving) = watch.begin_move() else { return };
        let is_settled = moving.from() != Place::Shared;
        if is_settled && shared.register(watch.fd(), watch.entry().token(), watch.interest()).is_ok() {
            self.remove(&watch, moving.from(), shared);
            moving.to(Place::Shared);
        }
    }

    /// A watch that was at `place` is over.
    pub(super) fn remove(&self, watch: &Watch, place: Place, shared: &Registry) {
        if place != Place::Shared {
            self.settled.lock().remove(&watch.fd());
        }
        self.take_out(watch, place, shared);
    }

    fn take_out(&self, watch: &Watch, place: Place, shared: &Registry) {
        match place {
            Place::Shared => shared.deregister(watch.fd()),
            Place::Own(index) => {
                self.polls[index].registry.deregister(watch.fd());
                self.polls[index].sources.fetch_sub(1, Relaxed);
            }
        }
    }
}
