//! Where threads that are no workers put tasks: one injector per worker, so that pushers and takers meet seldom.

use super::{Local, STEAL_MAX};
use crate::prim::deque::{Injector, Steal};
use crate::task::Task;
use crossbeam_utils::CachePadded;

/// The injectors of a runtime.
pub(crate) struct Injectors {
    shards: Box<[CachePadded<Injector<Task>>]>,
}

impl Injectors {
    pub(crate) fn new(shards: usize) -> Self {
        Self { shards: (0..shards).map(|_| CachePadded::new(Injector::new())).collect() }
    }

    /// Queues a task in a shard; any number will do.
    #[inline]
    pub(crate) fn push(&self, shard: usize, task: Task) {
        self.shards[shard % self.shards.len()].push(task);
    }

    /// Moves a few tasks from the first shard that has some to `local`, beginning at `first`, and hands one out.
    pub(crate) fn pop(&self, first: usize, local: &Local) -> Option<Task> {
        let shards = self.shards.len();
        (0..shards).find_map(|step| self.pop_from((first + step) % shards, local))
    }

    /// As [`pop`](Self::pop), from one shard.
    #[inline]
    pub(crate) fn pop_from(&self, shard: usize, local: &Local) -> Option<Task> {
        let shard = &self.shards[shard % self.shards.len()];
        if shard.is_empty() {
            return None;
        }
        retry(|| shard.steal_batch_with_limit_and_pop(local.deque(), STEAL_MAX))
    }

    /// Takes a single task, for a thread that has no queue.
    pub(crate) fn take_one(&self) -> Option<Task> {
        self.shards.iter().find_map(|shard| retry(|| shard.steal()))
    }

    /// True when no shard has a task.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.shards.iter().all(|shard| shard.is_empty())
    }

    /// Tasks waiting, roughly.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.len()).sum()
    }
}

/// Repeats a steal that another one disturbed.
pub(crate) fn retry<T>(mut steal: impl FnMut() -> Steal<T>) -> Option<T> {
    loop {
        match steal() {
            Steal::Success(item) => return Some(item),
            Steal::Empty => return None,
            Steal::Retry => {}
        }
    }
}
