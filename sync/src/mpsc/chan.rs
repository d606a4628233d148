//! What the two ends of a channel share.

use super::block::Published;
use super::bound::Bound;
use super::list::{Head, List};
use crate::Event;
use crossbeam_utils::CachePadded;
use raddle_runtime::prim::arc::Arc;
use raddle_runtime::prim::atomic::AtomicUsize;
use raddle_runtime::prim::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use raddle_runtime::wait::Slot;
use std::fmt;

/// One channel.
pub(super) struct Chan<T, B> {
    /// The list, and what limits it.
    pub(super) flow: CachePadded<Flow<T, B>>,
    /// The receiver, while it sleeps.
    pub(super) sleeper: Slot,
    /// Set once the receiver takes no more messages.
    pub(super) closed: Event,
    senders: AtomicUsize,
    weak_senders: AtomicUsize,
}

/// What every message goes through. The words that senders change are on one cache line: who has got it for the permit
/// has it for the position.
pub(super) struct Flow<T, B> {
    pub(super) list: List<T>,
    pub(super) bound: B,
}

impl<T, B> fmt::Debug for Chan<T, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chan").field("senders", &self.senders.load(Relaxed)).finish_non_exhaustive()
    }
}

impl<T, B: Bound> Chan<T, B> {
    /// A channel with one sender.
    pub(super) fn new(bound: B) -> (Arc<Self>, Head<T>) {
        let chan = Arc::new(Self {
            flow: CachePadded::new(Flow { list: List::new(), bound }),
            sleeper: Slot::new(),
            closed: Event::new(),
            senders: AtomicUsize::new(1),
            weak_senders: AtomicUsize::new(0),
        });
        let head = chan.flow.list.begin();
        (chan, head)
    }

    /// Sends a message whose permit, if it needs one, is taken; it goes with the message, or back if that is refused.
    #[inline]
    pub(super) fn push(&self, message: T) -> Result<(), T> {
        match self.flow.list.push(message) {
            Published::Quietly => Ok(()),
            Published::ToSleeper => {
                self.sleeper.wake();
                Ok(())
            }
            Published::Refused(message) => {
                self.give_back(1);
                Err(message)
            }
        }
    }

    /// Makes room for `n` messages, if room is limited.
    #[inline]
    pub(super) fn give_back(&self, n: usize) {
        if let Some(limit) = self.flow.bound.limit()
            && n > 0
        {
            limit.permits.release(n);
        }
    }

    /// As [`give_back`](Self::give_back), for permits that were not used: the receiver of a closed channel waits for
    /// the last of them.
    pub(super) fn give_up(&self, n: usize) {
        self.give_back(n);
        // Either the permits were closed before this look, or whoever closes them finds ours among the free ones.
        if self.flow.bound.limit().is_some_and(|limit| limit.permits.is_closed()) {
            self.sleeper.wake();
        }
    }

    /// True once the receiver takes no more messages, or nobody is there to send one.
    pub(super) fn is_closed(&self) -> bool {
        let is_refused = self.flow.bound.limit().is_some_and(|limit| limit.permits.is_closed());
        is_refused || self.flow.list.is_closed()
    }

    pub(super) fn senders(&self) -> usize {
        self.senders.load(Acquire)
    }

    pub(super) fn weak_senders(&self) -> usize {
        self.weak_senders.load(Acquire)
    }

    pub(super) fn add_sender(&self) {
        self.senders.fetch_add(1, Relaxed);
    }

    /// Adds a sender if there is one.
    pub(super) fn try_add_sender(&self) -> bool {
        let mut senders = self.senders.load(Relaxed);
        while senders != 0 {
            match self.senders.compare_exchange_weak(senders, senders + 1, AcqRel, Relaxed) {
                Ok(_) => return true,
                Err(now) => senders = now,
            }
        }
        false
    }

    /// A sender goes. With the last one the receiver has all that it gets.
    pub(super) fn remove_sender(&self) {
        if self.senders.fetch_sub(1, AcqRel) == 1 {
            self.flow.list.close();
            self.sleeper.wake();
        }
    }

    pub(super) fn add_weak_sender(&self) {
        self.weak_senders.fetch_add(1, Relaxed);
    }

    pub(super) fn remove_weak_sender(&self) {
        self.weak_senders.fetch_sub(1, AcqRel);
    }
}
