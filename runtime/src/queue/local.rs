//! A worker's own queue: the `next` slot for the task it woke last, and a deque for the rest.
//!
//! The slot is what makes a message between two tasks cost no queue and no second core. It may hold the floor for a few
//! turns only, and a task in it can be taken by others when its owner is stuck.

use super::STEAL_MAX;
use crate::prim::atomic::{AtomicPtr, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use crate::prim::deque::{Steal, Stealer, Worker};
use crate::task::{Header, Task};
use std::cell::Cell;
use std::ptr;

/// How often in a row the slot may come before the deque: two tasks that wake each other must not starve the rest
/// (f09).
const NEXT_IN_A_ROW: u8 = 3;

/// The owner's end.
pub(crate) struct Local {
    deque: Worker<Task>,
    /// How often in a row the slot has come first.
    streak: Cell<u8>,
}

/// The end that other workers see.
pub(crate) struct Stealable {
    /// A task to run next, or null. Filled by the owner only; emptied by a swap, by the owner or a thief.
    next: AtomicPtr<Header>,
    stealer: Stealer<Task>,
}

/// Both ends of a new queue.
pub(crate) fn new() -> (Local, Stealable) {
    let deque = Worker::new_fifo();
    let stealer = deque.stealer();
    let next = AtomicPtr::new(ptr::null_mut());
    (Local { deque, streak: Cell::new(0) }, Stealable { next, stealer })
}

impl Local {
    /// Queues a task that the current poll woke or spawned: first in line if the slot is free, else last.
    #[inline]
    pub(crate) fn push(&self, ours: &Stealable, task: Task) {
        // Relaxed: only we fill the slot, so what we read as empty stays empty.
        if ours.next.load(Relaxed).is_null() {
            // Release: the thief that swaps it out sees the task as we do.
            ours.next.store(task.into_raw(), Release);
        } else {
            self.deque.push(task);
        }
    }

    /// Queues a task behind all others.
    #[inline]
    pub(crate) fn push_back(&self, task: Task) {
        self.deque.push(task);
    }

    /// The next task of this queue.
    #[inline]
    pub(crate) fn pop(&self, ours: &Stealable) -> Option<Task> {
        let streak = self.streak.get();
        if streak < NEXT_IN_A_ROW {
            if let Some(task) = ours.take_next() {
                self.streak.set(streak + 1);
                return Some(task);
            }
            return self.deque.pop();
        }
        self.streak.set(0);
        match self.deque.pop() {
            Some(task) => {
                self.give_up_next(ours);
                Some(task)
            }
            None => ours.take_next(),
        }
    }

    /// Sends the task in the slot to the back of the deque, where thieves look.
    pub(crate) fn give_up_next(&self, ours: &Stealable) {
        if let Some(task) = ours.take_next() {
            self.deque.push(task);
        }
    }

    /// Tasks waiting here, roughly: thieves may be at work.
    #[inline]
    pub(crate) fn len(&self, ours: &Stealable) -> usize {
        self.deque.len() + usize::from(ours.has_next())
    }

    /// The deque, for batches from elsewhere.
    #[inline]
    pub(crate) fn deque(&self) -> &Worker<Task> {
        &self.deque
    }
}

impl Stealable {
    /// Takes the task in the slot. By the owner, by a thief when the owner is stuck, by shutdown.
    #[inline]
    pub(crate) fn take_next(&self) -> Option<Task> {
        // An empty slot costs a load, not a locked swap.
        if self.next.load(Relaxed).is_null() {
            return None;
        }
        // SAFETY: put there by `push`; the swap hands it out once.
        unsafe { Task::from_raw(self.next.swap(ptr::null_mut(), Acquire)) }
    }

    /// True when the slot holds a task.
    #[inline]
    pub(crate) fn has_next(&self) -> bool {
        !self.next.load(Relaxed).is_null()
    }

    /// Moves up to half of the deque to `thief`, and hands one of those tasks out.
    pub(crate) fn steal(&self, thief: &Local) -> Steal<Task> {
        self.stealer.steal_batch_with_limit_and_pop(&thief.deque, STEAL_MAX)
    }

    /// Takes a single task, for a thread that has no queue.
    pub(crate) fn steal_one(&self) -> Steal<Task> {
        self.stealer.steal()
    }

    /// True when there is something to steal.
    #[inline]
    pub(crate) fn has_tasks(&self) -> bool {
        !self.stealer.is_empty()
    }

    /// Tasks waiting here, roughly.
    pub(crate) fn len(&self) -> usize {
        self.stealer.len() + usize::from(self.has_next())
    }
}
