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
use raddle_runtime::wait::{Arrival, Batch, Outcome, Place, Queue, QueueGuard, batch};
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

/// Someone is in line. Set and cleared under the lock.
const QUEUED: usize = 1;
/// Nothing is handed out any more. Set once, under the lock.
const CLOSED: usize = 2;
/// One permit.
const ONE: usize = 4;

/// The most permits that can be free: half of what the word has room for, so that those of a waiter who goes fit too.
pub(crate) const MAX: usize = usize::MAX / ONE / 2;

/// Why there was no permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Not enough are free, or others were first.
    Taken,
    /// It is closed.
    Closed,
}

/// What waits for permits that nobody can close.
#[inline]
pub(crate) fn granted(result: Result<(), Refused>) {
    assert!(result.is_ok(), "a lock is never closed");
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

    /// Whether one who asks for a permit now would not get it at once.
    pub(crate) fn is_taken(&self) -> bool {
        let word = self.word.load(Acquire);
        word < ONE || word & (QUEUED | CLOSED) != 0
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
    pub(crate) fn acquire(&self, n: usize) -> Acquiring<'_> {
        Acquiring { permits: self, n, place: None }
    }

    /// Takes `n` permits, and a unit of the budget, if both are there.
    #[inline]
    fn acquire_at_once(&self, n: usize) -> Option<Result<(), Refused>> {
        let unit = budget::try_unit()?;
        let result = self.try_acquire(n);
        if result == Err(Refused::Taken) {
            return None;
        }
        unit.spend();
        Some(result)
    }

    /// Gives `n` permits back, to those in line first.
    ///
    /// # Panics
    /// When more than [`MAX`] would be free.
    #[inline]
    pub(crate) fn release(&self, n: usize) {
        let mut word = self.word.load(Relaxed);
        while word & QUEUED == 0 {
            let free = (word / ONE).saturating_add(n);
            assert!(free <= MAX, "more than {MAX} permits would be free");
            match self.word.compare_exchange_weak(word, word + n * ONE, Release, Relaxed) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
        self.release_in_line(n);
    }

    #[cold]
    #[inline(never)]
    fn release_in_line(&self, n: usize) {
        let mut guard = self.queue.lock();
        let fits = self.available().saturating_add(n) <= MAX;
        let first = if fits { self.give(&mut guard, n) } else { None };
        match first {
            Some(first) => self.give_more(guard, first),
            None => drop(guard),
        }
        assert!(fits, "more than {MAX} permits would be free");
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
    fn give(&self, guard: &mut QueueGuard<'_, ()>, n: usize) -> Option<Waker> {
        // Relaxed: who set `QUEUED`, under the lock, has acquired what was released before.
        let word = self.word.load(Relaxed);
        if word & QUEUED == 0 {
            // Nobody is in line, so others may change the word beside us.
            self.word.fetch_add(n * ONE, Release);
            return None;
        }
        // Nobody else changes it while `QUEUED` is set: the lock is ours. Nor is it closed, for that clears the line.
        let free = word / ONE + n;
        let want = guard.front_want().filter(|want| *want <= free);
        let chosen = want.and_then(|_| guard.pop(Outcome::One));
        let queued = if guard.is_empty() { 0 } else { QUEUED };
        self.word.store((free - want.unwrap_or(0)) * ONE + queued, Release);
        chosen
    }

    /// Hands out to those behind `first`, who has been chosen, while there is enough; then wakes them.
    fn give_more<'a>(&'a self, mut guard: QueueGuard<'a, ()>, first: Waker) {
        if guard.is_empty() || self.available() == 0 {
            drop(guard);
            return batch::wake(first);
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
                _ if word & QUEUED != 0 && n != 0 => return None,
                _ if word / ONE >= n => (word - n * ONE, Some(Ok(()))),
                _ => (word | QUEUED, None),
            };
            if self.word.compare_exchange(word, next, AcqRel, Relaxed).is_ok() {
                return result;
            }
        }
    }
}

/// One who asks for permits. It makes a place in line when it has to wait: mostly it need not.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub(crate) struct Acquiring<'a> {
    permits: &'a Permits,
    n: usize,
    /// Dropped by hand, out of the way of those who need none.
    place: Option<ManuallyDrop<Place<'a, ()>>>,
}

impl Acquiring<'_> {
    /// Leaves the line, to be dropped. What it was given it passes on; if it was given nothing it may be the front that
    /// kept others waiting who ask for less.
    #[cold]
    #[inline(never)]
    fn leave(&mut self) {
        let (permits, n) = (self.permits, self.n);
        let Some(place) = &mut self.place else { return };
        let next = place.leave(|guard| permits.give(guard, 0), |guard| permits.give(guard, n));
        // SAFETY: `self` is being dropped, which happens once, and does not drop it by itself.
        unsafe { ManuallyDrop::drop(place) };
        if let Some(next) = next {
            permits.give_more(permits.queue.lock(), next);
        }
    }

    #[cold]
    #[inline(never)]
    fn poll_in_line(self: Pin<&mut Self>, cx: &Context<'_>) -> Poll<Result<(), Refused>> {
        let unit = ready!(budget::poll_unit(cx));
        let (permits, n) = (self.permits, self.n);
        // SAFETY: nothing is moved out of it.
        let place = &mut unsafe { self.get_unchecked_mut() }.place;
        let place = place.get_or_insert_with(|| ManuallyDrop::new(Place::new(&permits.queue)));
        // SAFETY: the place is pinned whenever we are: once it is made, nothing here moves it.
        let place = unsafe { Pin::new_unchecked(&mut **place) };
        let result = match ready!(place.poll_uncounted(cx, n, |_| permits.take_or_queue(n))) {
            Arrival::Admitted(result) => result,
            Arrival::Notified(Outcome::One) => Ok(()),
            Arrival::Notified(Outcome::All) => Err(Refused::Closed),
        };
        unit.spend();
        Poll::Ready(result)
    }
}

impl Future for Acquiring<'_> {
    type Output = Result<(), Refused>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.place.is_none()
            && let Some(settled) = self.permits.acquire_at_once(self.n)
        {
            return Poll::Ready(settled);
        }
        self.poll_in_line(cx)
    }
}

impl Drop for Acquiring<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.place.is_some() {
            self.leave();
        }
    }
}
