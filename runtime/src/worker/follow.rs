//! A task that reads from a socket moves to the worker on whose core the socket's packets come in.
//!
//! What a packet brings is in that core's caches: the socket, its data, and, where both ends are in one process, the
//! task at the other end. A task that runs elsewhere fetches all of that from there, each time. Where packets of one
//! connection come in is for the system to choose (the network card's queues, or the core of the sender on loopback),
//! so the task goes there. It costs a system call to ask: that is done soon after a task has come to a worker, and then
//! more and more seldom.
//!
//! It moves only where there is less to do, or a single core that takes all packets would get all tasks too; that also
//! keeps two ends of one connection, which see each other on the wrong side at the same time, from changing places for
//! ever.

use super::core::Worker;
use crate::driver::io::cpu::{self, Arrivals};
use crate::driver::io::watch::Watch;
use crate::prim::atomic::{AtomicU32, Ordering::Relaxed};
use crate::task;
use std::sync::Arc;

/// Waits until the first look after a move, and at most between two looks.
const SOON: u32 = 1;
const SELDOM: u32 = 16;
/// Waits between two looks from which a source has settled: so many again will pay for moving it, which takes two
/// system calls.
const SETTLED: u32 = 4;
/// No packets come in: never look.
const NEVER: u32 = 0xff;

/// When to look again where the packets of a source come in, as `w.i.l` in one word: the worker it was waited on last
/// (16 bits), how many waits lie between two looks (8), how many are left until the next (8). All a hint.
#[derive(Debug)]
pub(crate) struct Looks(AtomicU32);

impl Looks {
    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    fn set(&self, worker: u32, interval: u32, left: u32) {
        self.0.store(worker << 16 | interval << 8 | left, Relaxed);
    }

    /// Counts a wait on worker `index`; true when it is time to look.
    #[inline]
    fn count(&self, index: usize) -> bool {
        let word = self.0.load(Relaxed);
        let (worker, interval, left) = (word >> 16, word >> 8 & 0xff, word & 0xff);
        let here = index as u32 & 0xffff;
        match (interval, left) {
            (NEVER, _) => return false,
            (1.., 2..) if worker == here => self.set(here, interval, left - 1),
            (1.., _) if worker == here => {
                let interval = (2 * interval).min(SELDOM);
                self.set(here, interval, interval);
                return true;
            }
            _ => self.set(here, SOON, SOON),
        }
        false
    }

    /// True when it has been waited on for long where it was last.
    fn is_settled(&self) -> bool {
        let interval = self.0.load(Relaxed) >> 8 & 0xff;
        (SETTLED..NEVER).contains(&interval)
    }

    fn never_again(&self) {
        self.set(0, NEVER, 0);
    }
}

impl Worker {
    /// The task that is polled here waits to read from what `watch` watches: on which worker it is to run next.
    #[inline]
    pub(crate) fn follow(&self, watch: &Arc<Watch>, looks: &Looks) -> usize {
        let is_alone = self.shared.settings.workers == 1;
        if cpu::IS_TOLD && !is_alone && looks.count(self.index) {
            self.find_place(watch, looks)
        } else {
            self.index
        }
    }

    #[cold]
    fn find_place(&self, watch: &Arc<Watch>, looks: &Looks) -> usize {
        if let Some(there) = self.where_packets_come_in(watch, looks) {
            return there;
        }
        let shared = &self.shared;
        if looks.is_settled() && self.is_in_long_run() && !shared.driver.clock().is_paused() {
            shared.driver.io().adopt(watch, self.index, || shared.idle.sleeping() == 0);
        }
        self.index
    }

    /// The worker that the task had better run on, if it is another.
    fn where_packets_come_in(&self, watch: &Watch, looks: &Looks) -> Option<usize> {
        let here = self.note_core()?;
        let there = match cpu::of_arrivals(watch.fd()) {
            Arrivals::On(core) => core,
            Arrivals::NotYet => return None,
            Arrivals::Never => {
                looks.never_again();
                return None;
            }
        };
        if there == here || task::is_pinned() {
            return None;
        }
        let workers = &self.shared.remotes[..self.shared.settings.workers];
        let is_there = |index: usize| index != self.index && workers[index].core_id.load(Relaxed) == there;
        let target = (0..workers.len()).find(|&index| is_there(index))?;
        let (theirs, ours) = (workers[target].queue.len(), self.local.len(&self.remote().queue));
        let has_less = theirs < ours || (theirs == ours && self.rng.below(2) == 0);
        (has_less && self.shared.is_at_work(target)).then_some(target)
    }

    /// Tells the others on which core this worker runs.
    pub(super) fn note_core(&self) -> Option<u32> {
        let here = cpu::here()?;
        let place = &self.remote().core_id;
        if place.load(Relaxed) != here {
            place.store(here, Relaxed);
        }
        Some(here)
    }
}

#[cfg(test)]
mod tests {
    use super::{Looks, SELDOM};

    #[test]
    fn looks_come_soon_after_a_move_and_then_more_and_more_seldom() {
        let looks = Looks::new();
        let waits_until_a_look = |worker| (1..).find(|_| looks.count(worker)).expect("there is an end");
        // The first wait on a worker only notes it.
        let intervals: Vec<u32> = (0..8).map(|_| waits_until_a_look(3)).collect();
        assert_eq!(intervals, [2, 2, 4, 8, SELDOM, SELDOM, SELDOM, SELDOM]);
        assert!(!looks.count(70_000), "it has moved");
        assert_eq!((waits_until_a_look(70_000), waits_until_a_look(70_000)), (1, 2));
    }

    #[test]
    fn what_has_no_packets_is_never_looked_at_again() {
        let looks = Looks::new();
        looks.never_again();
        assert!((0..1_000).all(|_| !looks.count(0)));
        assert!(!looks.count(1));
    }
}
