//! Permits under one word and one wait queue: what `Mutex`, `RwLock` and the semaphores are made of, and the bound of
//! the bounded channels.
//!
//! The word says how many permits are free, whether anyone is in line, and whether it is closed. While nobody is in
//! line a permit is taken and given back by one exchange of the word. `QUEUED` is set by who enters the line and
//! cleared by who empties it, both under the queue's lock; while it is set the free permits belong to the front of the
//! line, so nobody overtakes. All is said in one word, so there is no moment between "none is free" and "I am in
//! line": whoever gives back either finds `QUEUED` set, and goes through the lock, or was first, and is seen by whoever
//! sets it.

use raddle_runtime::budget;
use raddle_runtime::prim::atomic::AtomicUsize;
use raddle_runtime::prim::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use raddle_runtime::wait::{Arrival, Batch, Outcome, Place, Queue, QueueGuard};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

/// Someone is in line. Set and cleared under the lock.
const QUEUED: usize = 1;
/// Nothing is handed out any more. Set once, under the lock.
const CLOSED: usize = 2;
/// One permit.
const ONE: usize = 4;

/// The most permits there can be.
pub(crate) const MAX: usize = usize::MAX / ONE;

/// Why there was no permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Not enough are free, or others were first.
    Taken,
    /// It is closed.
    Closed,
}

/// A number of permits, and the line of those who wait for some.
#[derive(Debug)]
pub(crate) struct Permits {
    word: AtomicUsize,
    queue: Queue,
}

impl Permits {
    /// So many free permits, at most [`MAX`].
    #[cfg(not(loom))]
    pub(crate) const fn new(permits: usize) -> Self {
        Self { word: AtomicUsize::new(permits * ONE), queue: Queue::new(()) }
    }

    /// So many free permits, at most [`MAX`].
    #[cfg(loom)]
    pub(crate) fn new(permits: usize) -> Self {
        Self { word: AtomicUsize::new(permits * ONE), queue: Queue::new(()) }
    }

    /// How many are free.
    pub(crate) fn available(&self) -> usize {
        self.word.load(Acquire) / ONE
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.word.load(Acquire) & CLOSED != 0
    }

    /// Takes `n` permits if they are free and nobody was first.
    #[inline]
    pub(crate) fn try_acquire(&self, n: usize) -> Result<(), Refused> {
        let mut word = self.word.load(Relaxed);
        loop {
            if word & CLOSED != 0 {
                return Err(Refused::Closed);
            }
            if (word & QUEUED != 0 && n != 0) || word / ONE < n {
                return Err(Refused::Taken);
            }
            match self.word.compare_exchange_weak(word, word - n * ONE, Acquire, Relaxed) {
                Ok(_) => return Ok(()),
                Err(now) => word = now,
            }
        }
    }

    /// Waits for `n` permits, in line if there are not enough; an error once it is closed.
    ///
    /// Dropped before it is ready it leaves the line; permits that it was given go to the next.
    #[inline]
    pub(crate) async fn acquire(&self, n: usize) -> Result<(), Refused> {
        // The common case makes no place in line.
        if budget::try_spend() {
            match self.try_acquire(n) {
                Err(Refused::Taken) => {}
                settled => return settled,
            }
        }
        Acquiring { permits: self, n, place: Place::new(&self.queue) }.await
    }

    /// Gives `n` permits back, to those in line first. No more than [`MAX`] may be free.
    #[inline]
    pub(crate) fn release(&self, n: usize) {
        let fits = self.release_up_to(n, MAX);
        assert!(fits, "a semaphore can have at most {MAX} permits");
    }

    /// As [`release`](Self::release), unless more than `max` would be free: then it does nothing and says false.
    #[inline]
    pub(crate) fn release_up_to(&self, n: usize, max: usize) -> bool {
        let mut word = self.word.load(Relaxed);
        while word & QUEUED == 0 {
            if (word / ONE).saturating_add(n) > max {
                return false;
            }
            match self.word.compare_exchange_weak(word, word + n * ONE, Release, Relaxed) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        self.release_in_line(n, max)
    }

    fn release_in_line(&self, n: usize, max: usize) -> bool {
        let mut guard = self.queue.lock();
        if self.available().saturating_add(n) > max {
            return false;
        }
        if let Some(first) = self.give(&mut guard, n) {
            self.give_more(guard, first);
        }
        true
    }

    /// Takes up to `n` free permits away for good; says how many.
    pub(crate) fn forget(&self, n: usize) -> usize {
        // Under the lock, for whoever hands out reads the word and changes it in two steps.
        let _guard = self.queue.lock();
        let mut word = self.word.load(Relaxed);
        loop {
            let taken = n.min(word / ONE);
            match self.word.compare_exchange_weak(word, word - taken * ONE, AcqRel, Relaxed) {
                Ok(_) => return taken,
                Err(now) => word = now,
            }
        }
    }

    /// Refuses everybody from now on, those in line too. Permits can still be given back.
    pub(crate) fn close(&self) {
        let guard = self.queue.lock();
        self.word.fetch_or(CLOSED, AcqRel);
        self.word.fetch_and(!QUEUED, AcqRel);
        guard.release_all();
    }

    /// Adds `n` permits to the free ones, and gives the front of the line what it asks for, if that is there now.
    /// Nobody else changes the word while `QUEUED` is set: the lock is ours.
    fn give(&self, guard: &mut QueueGuard<'_, ()>, n: usize) -> Option<Waker> {
        let word = self.word.load(Acquire);
        let front = guard.front_want().filter(|want| *want <= word / ONE + n);
        match front.unwrap_or(0) {
            given if given < n => drop(self.word.fetch_add((n - given) * ONE, AcqRel)),
            given if given > n => drop(self.word.fetch_sub((given - n) * ONE, AcqRel)),
            _ => {}
        }
        let chosen = front.and_then(|_| guard.pop(Outcome::One));
        if guard.is_empty() && word & QUEUED != 0 {
            self.word.fetch_and(!QUEUED, AcqRel);
        }
        chosen
    }

    /// Hands out to those behind `first`, who has been chosen, while there is enough; then wakes them.
    fn give_more<'a>(&'a self, mut guard: QueueGuard<'a, ()>, first: Waker) {
        if guard.is_empty() || self.available() == 0 {
            drop(guard);
            return first.wake();
        }
        let mut batch = Batch::new();
        batch.push(first);
        while let Some(next) = self.give(&mut guard, 0) {
            if batch.is_full() {
                drop(guard);
                batch.wake();
                guard = self.queue.lock();
            }
            batch.push(next);
        }
        drop(guard);
        batch.wake();
    }

    /// Takes `n` permits, or says that someone is in line from now on. Called under the lock by who then enters.
    fn take_or_queue(&self, n: usize) -> Option<Result<(), Refused>> {
        loop {
            let word = self.word.load(Acquire);
            let (next, result) = match word {
                _ if word & CLOSED != 0 => return Some(Err(Refused::Closed)),
                _ if word & QUEUED != 0 => return None,
                _ if word / ONE >= n => (word - n * ONE, Some(Ok(()))),
                _ => (word | QUEUED, None),
            };
            if self.word.compare_exchange(word, next, AcqRel, Relaxed).is_ok() {
                return result;
            }
        }
    }
}

/// One who waits for permits.
#[derive(Debug)]
struct Acquiring<'a> {
    permits: &'a Permits,
    n: usize,
    place: Place<'a, ()>,
}

impl Future for Acquiring<'_> {
    type Output = Result<(), Refused>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let unit = ready!(budget::poll_unit(cx));
        let (permits, n) = (self.permits, self.n);
        // SAFETY: the place is pinned whenever we are: nothing here moves it.
        let place = unsafe { self.map_unchecked_mut(|this| &mut this.place) };
        let result = match ready!(place.poll_uncounted(cx, n, |_| permits.take_or_queue(n))) {
            Arrival::Admitted(result) => result,
            Arrival::Notified(Outcome::One) => Ok(()),
            Arrival::Notified(Outcome::All) => Err(Refused::Closed),
        };
        unit.spend();
        Poll::Ready(result)
    }
}

impl Drop for Acquiring<'_> {
    fn drop(&mut self) {
        let (permits, n) = (self.permits, self.n);
        // The front of the line may have kept others waiting who ask for less.
        let next = self.place.leave(|guard| permits.give(guard, 0), |guard| permits.give(guard, n));
        if let Some(next) = next {
            permits.give_more(permits.queue.lock(), next);
        }
    }
}
