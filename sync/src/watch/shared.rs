//! What the ends of a watch channel share: the value under a reader-writer lock, and one word beside the line of those
//! who wait for a change.
//!
//! The word is `{version, WAITED, CLOSED}`. The version is raised with the value's lock held for writing, so whoever
//! reads it with that lock held reads the version of the value. `WAITED` is set under the line's lock by who then
//! enters, in the step in which it looks at the version: a sender that finds it unset has nobody to wake.

use super::RecvError;
use crate::audience::Audience;
use raddle_runtime::budget;
use raddle_runtime::prim::atomic::AtomicUsize;
use raddle_runtime::prim::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use raddle_runtime::prim::lock::RwLock;
use raddle_runtime::wait::{Arrival, Queue, What};

/// No sender is left.
const CLOSED: usize = 1;
/// Someone may be in line.
const WAITED: usize = 2;
/// One version.
const STEP: usize = 4;

/// The number of a value; they are compared for equality alone, and may wrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version(usize);

impl Version {
    fn of(word: usize) -> Self {
        Self(word & !(CLOSED | WAITED))
    }

    /// One that is not this.
    pub(super) fn before(self) -> Self {
        Self(self.0.wrapping_sub(STEP))
    }
}

/// The version that is current, and whether another may follow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Current {
    pub(super) version: Version,
    pub(super) is_closed: bool,
}

impl From<usize> for Current {
    fn from(word: usize) -> Self {
        Self { version: Version::of(word), is_closed: word & CLOSED != 0 }
    }
}

#[derive(Debug)]
pub(super) struct Shared<T> {
    pub(super) value: RwLock<T>,
    word: AtomicUsize,
    /// Those who wait for a change.
    line: Queue,
    senders: AtomicUsize,
    pub(super) receivers: Audience,
}

impl<T> Shared<T> {
    /// With one sender and no receiver.
    pub(super) fn new(value: T) -> Self {
        Self {
            value: RwLock::new(value),
            word: AtomicUsize::new(0),
            line: Queue::new(()),
            senders: AtomicUsize::new(1),
            receivers: Audience::new(),
        }
    }

    #[inline]
    pub(super) fn current(&self) -> Current {
        self.word.load(Acquire).into()
    }

    /// Changes the value under its lock; if `change` says that it has, all who wait for that are woken.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut T) -> (bool, R)) -> R {
        let mut value = self.value.write();
        let (has_changed, result) = change(&mut value);
        let before = if has_changed { self.word.fetch_add(STEP, AcqRel) } else { 0 };
        drop(value);
        if before & WAITED != 0 {
            self.wake_line();
        }
        result
    }

    fn wake_line(&self) {
        let line = self.line.lock();
        self.word.fetch_and(!WAITED, AcqRel);
        line.release_all();
    }

    /// What `seen` can be told at once: a newer version, or that none will come.
    #[inline]
    pub(super) fn news(&self, seen: Version) -> Option<Result<Version, RecvError>> {
        Self::news_in(self.current(), seen)
    }

    fn news_in(current: Current, seen: Version) -> Option<Result<Version, RecvError>> {
        match current {
            Current { version, .. } if version != seen => Some(Ok(version)),
            Current { is_closed, .. } => is_closed.then_some(Err(RecvError)),
        }
    }

    /// As [`news`](Self::news), under the line's lock: if there is none, a change from now on finds `WAITED` set.
    fn news_or_wait(&self, seen: Version) -> Option<Result<Version, RecvError>> {
        let mut word = self.word.load(Acquire);
        // Those who are in line already have set it, and it is cleared under this lock only.
        if word & WAITED == 0 {
            word = self.word.fetch_or(WAITED, AcqRel);
        }
        Self::news_in(word.into(), seen)
    }

    /// Waits for another version than `seen`.
    pub(super) async fn changed(&self, seen: Version) -> Result<Version, RecvError> {
        loop {
            if let Some(news) = self.news(seen)
                && budget::try_spend()
            {
                return news;
            }
            match self.line.arrive(What::Watch, |_| self.news_or_wait(seen)).await {
                Arrival::Admitted(news) => return news,
                Arrival::Notified(_) => {
                    if let Some(news) = self.news(seen) {
                        return news;
                    }
                }
            }
        }
    }

    pub(super) fn add_sender(&self) {
        self.senders.fetch_add(1, Relaxed);
    }

    /// The last to go closes the channel.
    pub(super) fn remove_sender(&self) {
        if self.senders.fetch_sub(1, AcqRel) == 1 && self.word.fetch_or(CLOSED, AcqRel) & WAITED != 0 {
            self.wake_line();
        }
    }

    pub(super) fn senders(&self) -> usize {
        self.senders.load(Relaxed)
    }
}
