//! The one word of a task: who may touch what, and who must do something next.
//!
//! Notation: `{refs, WATCHED, JOIN_WAKER, JOIN_INTEREST, CANCELLED, COMPLETE, NOTIFIED, RUNNING}`, the flags in the
//! low seven bits, the reference count above them. Every change is one read-modify-write, so that the changes of one
//! task form a single order. References are held by the scheduler (one, from spawn until completion), by the
//! `JoinHandle` and cancel handles, and by wakers. A queue entry holds none: a task that is queued is not complete, so
//! the scheduler's is there.

use crate::prim::atomic::{AtomicUsize, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed};

/// Set at spawn, and by the worker that took the task from a queue; cleared by it when a poll ends, unless it ends with
/// a yield: then, as after the spawn, the task is queued as RUNNING, and need not be made so when its turn comes. While
/// it is set the holder of the queue entry alone touches the future. Never set together with COMPLETE.
const RUNNING: usize = 1;
/// Set by a wake. Its setter owes a push when the task was neither running nor notified before. A waker that sets it
/// beside RUNNING owes nothing: the runner finds it when a poll begins, or when it ends, and then queues the task
/// again. Cleared only by the runner, at the start of a poll. May stay set on a complete task, where it means nothing.
const NOTIFIED: usize = 1 << 1;
/// Set once by the runner, when the output (or error) is in place. From then on the future is gone and the output
/// belongs to the `JoinHandle` if JOIN_INTEREST is set, else to the runner.
const COMPLETE: usize = 1 << 2;
/// Set by anyone, together with NOTIFIED. The runner sees it at the start or the end of a poll and drops the future.
/// A task that completes in the poll during which it is set completes: the request came too late.
const CANCELLED: usize = 1 << 3;
/// Set at spawn; cleared once by the `JoinHandle`, if it goes before completion. Never cleared after COMPLETE.
const JOIN_INTEREST: usize = 1 << 4;
/// Set by the `JoinHandle` after it stored a waker, cleared by it to change that waker. Neither happens after COMPLETE:
/// whoever loses that race finds COMPLETE in its compare-exchange. If it is set when the task completes, the waker
/// belongs to the runner, else to the handle.
const JOIN_WAKER: usize = 1 << 5;

/// Set by whoever wants to be told of the task's end through its extras: the group it is spawned into, or one who waits
/// for it without a `JoinHandle`. Not set after COMPLETE: who comes too late is told so. The runner that completes the
/// task finds it in the same step, keeps the scheduler's reference, and tells them once the task is complete.
const WATCHED: usize = 1 << 6;

const REF_ONE: usize = 1 << 7;
/// A count that high can only come from leaked wakers: stop before it wraps into a use after free.
const REF_MAX: usize = usize::MAX >> 1;

/// What the runner owes after it began a poll.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum StartPoll {
    /// Poll the future.
    Poll,
    /// Drop the future and complete with a cancellation.
    Cancel,
}

/// What the runner owes after a poll that returned Pending.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum EndPoll {
    /// Nothing; the task may already be gone.
    Idle,
    /// It was woken during the poll: queue it again.
    Again,
}

/// What the runner owes after it put the output in place.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Complete {
    /// Nothing: the scheduler's reference is given up and the handle has the output. The task may already be gone.
    Left,
    /// The handle has the output. Tell those who watch, then give up the scheduler's reference.
    Watched,
    /// Wake the join waker, then give up the scheduler's reference.
    WakeJoiner,
    /// Nobody will read the output: drop it, then give up the scheduler's reference.
    DropOutput,
}

/// What a waker owes.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// Push the task.
    Push,
    /// Nothing.
    Done,
    /// By value only: the last reference went with it, free the task.
    Free,
}

/// What a `JoinHandle` owes when it is dropped.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum DropJoin {
    /// Nothing: its reference is given up.
    Left,
    /// Drop the stored waker, then give up the reference.
    DropWaker,
    /// The task is complete: drop the output, then give up the reference.
    DropOutput,
}

/// The word.
#[derive(Debug)]
pub(crate) struct State(AtomicUsize);

impl State {
    /// A task about to be queued: RUNNING, with the scheduler's and the `JoinHandle`'s references; with a join waker
    /// if it was spawned with one, watched if it belongs to a group.
    #[inline]
    pub(crate) fn new(has_joiner: bool, is_watched: bool) -> Self {
        let joiner = if has_joiner { JOIN_WAKER } else { 0 };
        let watched = if is_watched { WATCHED } else { 0 };
        Self(AtomicUsize::new(RUNNING | JOIN_INTEREST | joiner | watched | (2 * REF_ONE)))
    }

    /// Applies `change` until it is not disturbed; `None` from it means to leave the word alone.
    #[inline]
    fn update<R>(&self, mut change: impl FnMut(usize) -> (Option<usize>, R)) -> R {
        let mut now = self.0.load(Acquire);
        loop {
            let (next, result) = change(now);
            let Some(next) = next else { return result };
            match self.0.compare_exchange_weak(now, next, AcqRel, Acquire) {
                Ok(_) => return result,
                Err(seen) => now = seen,
            }
        }
    }

    /// A queue handed the task out: it is RUNNING from now on, if it was not all the time, and NOTIFIED no more. Only
    /// the holder of the queue entry calls it, and nobody else changes RUNNING.
    #[inline]
    pub(crate) fn start_poll(&self) -> StartPoll {
        // Relaxed: what earlier runners did to the future came with the queue entry, what came before a wake comes with
        // the NOTIFIED that is taken away below.
        let now = self.0.load(Relaxed);
        debug_assert_eq!(now & COMPLETE, 0);
        debug_assert_ne!(now & (RUNNING | NOTIFIED), 0);
        let before = match now & (RUNNING | NOTIFIED) {
            // New, or back from a yield. A wake or a request that comes now, or that we fail to see, is seen when the
            // poll ends.
            RUNNING => return StartPoll::Poll,
            NOTIFIED => self.0.fetch_sub(NOTIFIED - RUNNING, AcqRel),
            // As above, and woken since: this is the poll that the wake asked for.
            _ => self.0.fetch_sub(NOTIFIED, AcqRel),
        };
        if before & CANCELLED == 0 { StartPoll::Poll } else { StartPoll::Cancel }
    }

    /// The poll returned Pending: `RUNNING -> idle`, or `NOTIFIED` if a wake came during the poll.
    #[inline]
    pub(crate) fn end_poll(&self) -> EndPoll {
        let before = self.0.fetch_sub(RUNNING, AcqRel);
        debug_assert_eq!(before & (RUNNING | COMPLETE), RUNNING);
        if before & NOTIFIED == 0 { EndPoll::Idle } else { EndPoll::Again }
    }

    /// The output is in place: `RUNNING -> COMPLETE`.
    #[inline]
    pub(crate) fn complete(&self) -> Complete {
        self.update(|now| {
            debug_assert_eq!(now & (RUNNING | COMPLETE), RUNNING);
            let complete = now - RUNNING + COMPLETE;
            match now & (JOIN_INTEREST | JOIN_WAKER) {
                // The handle has a reference of its own, so ours is never the last here.
                JOIN_INTEREST if now & WATCHED == 0 => (Some(complete - REF_ONE), Complete::Left),
                JOIN_INTEREST => (Some(complete), Complete::Watched),
                0 => (Some(complete), Complete::DropOutput),
                _ => (Some(complete), Complete::WakeJoiner),
            }
        })
    }

    /// A wake by reference. A task that is notified already is written to all the same: what the caller did before
    /// must be visible to the poll that its wake asks for (f05).
    #[inline]
    pub(crate) fn wake_by_ref(&self) -> Wake {
        self.update(|now| match now {
            _ if now & COMPLETE != 0 => (None, Wake::Done),
            _ if now & (RUNNING | NOTIFIED) != 0 => (Some(now | NOTIFIED), Wake::Done),
            _ => (Some(now | NOTIFIED), Wake::Push),
        })
    }

    /// A wake that gives its reference up in the same step. The pusher may not touch the task after the push.
    #[inline]
    pub(crate) fn wake_by_value(&self) -> Wake {
        self.update(|now| {
            debug_assert!(now >= REF_ONE);
            let released = now - REF_ONE;
            match now {
                _ if now & COMPLETE != 0 && released < REF_ONE => (Some(released), Wake::Free),
                _ if now & COMPLETE != 0 => (Some(released), Wake::Done),
                _ if now & (RUNNING | NOTIFIED) != 0 => (Some(released | NOTIFIED), Wake::Done),
                _ => (Some(released | NOTIFIED), Wake::Push),
            }
        })
    }

    /// Asks the task to end at its next suspension.
    pub(crate) fn cancel(&self) -> Wake {
        self.update(|now| match now {
            _ if now & COMPLETE != 0 => (None, Wake::Done),
            _ if now & (RUNNING | NOTIFIED) != 0 => (Some(now | CANCELLED | NOTIFIED), Wake::Done),
            _ => (Some(now | CANCELLED | NOTIFIED), Wake::Push),
        })
    }

    /// True once the task has been asked to end at its next suspension, or is being ended.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.0.load(Acquire) & CANCELLED != 0
    }

    /// Somebody wants to be told of the task's end; false when it has ended.
    #[must_use]
    pub(crate) fn watch(&self) -> bool {
        self.update(|now| match now {
            _ if now & COMPLETE != 0 => (None, false),
            _ => (Some(now | WATCHED), true),
        })
    }

    /// True when somebody wants to be told of the task's end. Once the task is complete this does not change.
    #[inline]
    pub(crate) fn is_watched(&self) -> bool {
        self.0.load(Acquire) & WATCHED != 0
    }

    /// True while it waits for a wake.
    pub(crate) fn is_parked(&self) -> bool {
        self.0.load(Acquire) & (RUNNING | NOTIFIED | COMPLETE) == 0
    }

    /// True once the output is in place.
    #[inline]
    pub(crate) fn is_complete(&self) -> bool {
        self.0.load(Acquire) & COMPLETE != 0
    }

    /// Whether the `JoinHandle` may replace (`true`) or must first store its waker; `None` once complete.
    pub(crate) fn join_waker_is_set(&self) -> Option<bool> {
        let now = self.0.load(Acquire);
        if now & COMPLETE != 0 { None } else { Some(now & JOIN_WAKER != 0) }
    }

    /// The handle has stored a waker; false when the task completed first, and the waker is still the handle's.
    #[must_use]
    pub(crate) fn set_join_waker(&self) -> bool {
        self.update(|now| match now {
            _ if now & COMPLETE != 0 => (None, false),
            _ => (Some(now | JOIN_WAKER), true),
        })
    }

    /// The handle wants its waker back to change it; false when the task completed first, and the runner has it.
    #[must_use]
    pub(crate) fn unset_join_waker(&self) -> bool {
        self.update(|now| match now {
            _ if now & COMPLETE != 0 => (None, false),
            _ => (Some(now & !JOIN_WAKER), true),
        })
    }

    /// The handle goes.
    #[inline]
    pub(crate) fn drop_join(&self) -> DropJoin {
        self.update(|now| {
            debug_assert!(now & JOIN_INTEREST != 0);
            match now {
                _ if now & COMPLETE != 0 => (None, DropJoin::DropOutput),
                // Not complete, so the scheduler's reference is there and ours is not the last.
                _ if now & JOIN_WAKER == 0 => (Some((now & !JOIN_INTEREST) - REF_ONE), DropJoin::Left),
                _ => (Some(now & !(JOIN_INTEREST | JOIN_WAKER)), DropJoin::DropWaker),
            }
        })
    }

    /// One more reference.
    #[inline]
    pub(crate) fn retain(&self) {
        // Relaxed: whoever clones has a reference, and hands the new one over by its own synchronisation.
        if self.0.fetch_add(REF_ONE, Relaxed) > REF_MAX {
            std::process::abort();
        }
    }

    /// One reference less; true when it was the last and the task must be freed.
    #[inline]
    #[must_use]
    pub(crate) fn release(&self) -> bool {
        // With one reference left it is ours, and nobody can make another: no locked operation is needed.
        if self.0.load(Acquire) < 2 * REF_ONE {
            return true;
        }
        let before = self.0.fetch_sub(REF_ONE, AcqRel);
        debug_assert!(before >= REF_ONE);
        before < 2 * REF_ONE
    }
}
