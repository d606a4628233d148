//! The list of sleeping workers, last in first out: the one that slept shortest has the warmest caches.

use super::Awake;
use super::counters::{Counters, Searching};
use crate::prim::lock::Mutex;

/// The list. Membership and the `sleeping` count change together, under the lock.
#[derive(Debug)]
pub(crate) struct Sleepers(Mutex<Vec<usize>>);

impl Sleepers {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// See [`super::Idle::fall_asleep`].
    pub(super) fn enter(&self, counters: &Counters, worker: usize, searching: Option<Searching<'_>>) -> bool {
        let mut list = self.0.lock();
        debug_assert!(!list.contains(&worker));
        list.push(worker);
        counters.sleep(searching)
    }

    /// See [`super::Idle::choose`].
    pub(super) fn choose(&self, counters: &Counters, last: Option<usize>) -> Option<usize> {
        let mut list = self.0.lock();
        // Again under the lock: of several pushers, one wakes.
        if !counters.wants_wake() {
            return None;
        }
        let at = list.iter().rposition(|&worker| Some(worker) != last).or(list.len().checked_sub(1))?;
        let worker = list.remove(at);
        counters.choose();
        Some(worker)
    }

    /// See [`super::Idle::wake_up`].
    pub(super) fn leave<'a>(&self, counters: &'a Counters, worker: usize, saw_work: bool) -> Awake<'a> {
        let mut list = self.0.lock();
        if let Some(at) = list.iter().position(|&other| other == worker) {
            list.remove(at);
            if !saw_work {
                counters.rise();
                return Awake::ByItself;
            }
            counters.choose();
        }
        Awake::Chosen(counters.chosen())
    }

    /// A sleeper other than `not`.
    pub(super) fn any(&self, not: Option<usize>) -> Option<usize> {
        self.0.lock().iter().rev().copied().find(|&worker| Some(worker) != not)
    }
}
