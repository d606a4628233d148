//! Permits under one word and one wait queue: what `Mutex`, `RwLock` and the semaphores are made of, and the bound of
//! the bounded channels.
//!
//! The word says how many permits are free, whether anyone is in line, and whether it is closed. While nobody is in
//! line a permit is taken and given back by one exchange of the word. `QUEUED` is set by who enters the line and
//! cleared by who empties it, both under the queue's lock; while it is set the free permits belong to the front of the
//! line, so nobody overtakes. All is said in one word, so there is no moment between "none is free" and "I am in
//! line": whoever gives back either finds `QUEUED` set, and goes through the lock, or was first, and is seen by whoever
//! sets it.
//!
//! While `QUEUED` is set nobody takes permits but under the lock, and who has the lock hands out: it takes all that are
//! free into its hand, gives from there to the front of the line while that fits, and puts back what is left, all in
//! two steps of the word however many it serves. In between nobody else changes the word, so a load and a store do.
//!
//! With `SHARED`, which is set from the start or never, that is not so. All who wait ask for one permit (readers) or
//! for all of them (writers), and a single permit goes back without the lock, beside whoever has it, unless it is the
//! last that was missing. This is why nobody is forgotten:
//! - While somebody holds a single permit, the front of the line asks for all, or somebody is about to hand out: one
//!   that asks for one would have been served when the permit was, or when those before it were served or went. So
//!   there is nobody to whom a single permit could go, unless it is the last.
//! - Who gives back the last sees that it is: it changes the word from what it has looked at, or looks again. It goes
//!   through the lock, and nobody else holds anything then.
//! - Permits in the hand of who hands out are missing from the word, so that the last one may not know it. Hence who
//!   has put back what was left looks whether the front is served by what is free now, and if so begins again. Who
//!   gives back after it has put back sees them.
//!
//! Who hands out then changes the word by what it adds and takes, and acquires what it takes, for a permit given back
//! without the lock is not released by the lock.

use raddle_runtime::budget;
use raddle_runtime::prim::atomic::AtomicUsize;
use raddle_runtime::prim::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use raddle_runtime::wait::{Arrival, Batch, Outcome, Place, Queue, QueueGuard, What, batch};
use std::hint::spin_loop;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

/// Someone is in line. Set and cleared under the lock.
const QUEUED: usize = 1;
/// Nothing is handed out any more. Set once, under the lock.
const CLOSED: usize = 2;
/// All who wait ask for one permit or for [`MAX`], and one goes back without the lock. Set from the start, or never.
const SHARED: usize = 4;
/// One permit.
const ONE: usize = 8;

/// How often one looks before it waits in line. A model needs no more to show what follows from it.
const LOOKS: u32 = if cfg!(loom) { 1 } else { 32 };

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

    /// [`MAX`] free permits, of which one or all are taken at a time.
    #[cfg(not(loom))]
    pub(crate) const fn shared() -> Self {
        Self { word: AtomicUsize::new(MAX * ONE + SHARED), queue: Queue::new(()) }
    }

    /// [`MAX`] free permits, of which one or all are taken at a time.
    #[cfg(loom)]
    pub(crate) fn shared() -> Self {
        Self { word: AtomicUsize::new(MAX * ONE + SHARED), queue: Queue::new(()) }
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
    pub(crate) fn acquire(&self, what: What, n: usize) -> Acquiring<'_> {
        Acquiring { permits: self, what, n, place: None }
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

    /// Whether it may come free at any moment: it is shared, and nobody is in line.
    #[inline]
    fn is_worth_a_look(&self) -> bool {
        self.word.load(Relaxed) & (QUEUED | SHARED) == SHARED
    }

    /// Looks for a moment whether what is shared comes free, while nobody is in line: most hold it for less time than
    /// it takes to wait for it in line, and a line that has formed stays as long as its members come again.
    #[cold]
    #[inline(never)]
    fn acquire_soon(&self, n: usize) -> Option<Result<(), Refused>> {
        for _ in 0..LOOKS {
            let settled = self.acquire_at_once(n);
            if settled.is_some() || !self.is_worth_a_look() {
                return settled;
            }
            spin_loop();
        }
        None
    }

    /// Gives `n` permits back, to those in line first.
    ///
    /// # Panics
    /// When more than [`MAX`] would be free.
    #[inline]
    pub(crate) fn release(&self, n: usize) {
        let mut word = self.word.load(Relaxed);
        while word & QUEUED == 0 || (n == 1 && is_no_news(word)) {
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
        if fits {
            let first = self.give(&mut guard, n);
            self.give_more(guard, first);
        } else {
            drop(guard);
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
        let mut hand = n;
        loop {
            hand += self.take_free();
            let chosen = choose(guard, &mut hand);
            if self.put_back(guard, hand) || chosen.is_some() {
                return chosen;
            }
            hand = 0;
        }
    }

    /// Hands out to those behind `first`, who has been chosen, while there is enough; then wakes them.
    fn give_more<'a>(&'a self, mut guard: QueueGuard<'a, ()>, first: Option<Waker>) {
        let Some(first) = first else { return drop(guard) };
        if guard.is_empty() || self.available() == 0 {
            drop(guard);
            return batch::wake(first);
        }
        let mut batch = Batch::new();
        batch.push(first);
        while !self.fill(&mut guard, &mut batch) {
            drop(guard);
            batch.wake();
            guard = self.queue.lock();
        }
        drop(guard);
        batch.wake();
    }

    /// Hands out while there is enough and room in the batch; false if it was for want of room that it ended.
    fn fill(&self, guard: &mut QueueGuard<'_, ()>, batch: &mut Batch) -> bool {
        loop {
            let mut hand = self.take_free();
            while !batch.is_full()
                && let Some(next) = choose(guard, &mut hand)
            {
                batch.push(next);
            }
            let done = self.put_back(guard, hand);
            if done || batch.is_full() {
                return done;
            }
        }
    }

    /// Takes all free permits into the hand of the caller, who has the lock and puts back what is left of them; none
    /// if nobody is in line.
    fn take_free(&self) -> usize {
        let word = self.word.load(Relaxed);
        if word < ONE || word & QUEUED == 0 {
            return 0;
        }
        if word & SHARED != 0 {
            return self.word.fetch_and(ONE - 1, Acquire) / ONE;
        }
        // `put_back` overwrites it. Relaxed: who set `QUEUED`, under the lock, has acquired what was released before.
        word / ONE
    }

    /// Puts back what is left after handing out; false if the front of the line can be served (again).
    fn put_back(&self, guard: &QueueGuard<'_, ()>, hand: usize) -> bool {
        let word = self.word.load(Relaxed);
        let gone = if guard.is_empty() { word & QUEUED } else { 0 };
        let free = match word & (QUEUED | SHARED) {
            QUEUED => {
                self.word.store(hand * ONE + QUEUED - gone, Release);
                hand
            }
            _ => self.word.fetch_add((hand * ONE).wrapping_sub(gone), AcqRel) / ONE + hand,
        };
        free == 0 || guard.front_want().is_none_or(|want| want > free)
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

/// Whether one permit more tells those in line nothing: all are shared, and it is not the last that was missing.
#[inline]
fn is_no_news(word: usize) -> bool {
    word & SHARED != 0 && word / ONE + 1 < MAX
}

/// Gives the front of the line what it asks for, if that is in the hand.
fn choose(guard: &mut QueueGuard<'_, ()>, hand: &mut usize) -> Option<Waker> {
    let want = guard.front_want().filter(|want| *want <= *hand)?;
    *hand -= want;
    guard.pop(Outcome::One)
}

/// One who asks for permits. It makes a place in line when it has to wait: mostly it need not.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub(crate) struct Acquiring<'a> {
    permits: &'a Permits,
    /// What its task is said to wait for.
    what: What,
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
        if next.is_some() {
            permits.give_more(permits.queue.lock(), next);
        }
    }

    #[cold]
    #[inline(never)]
    fn poll_in_line(self: Pin<&mut Self>, cx: &Context<'_>) -> Poll<Result<(), Refused>> {
        let unit = ready!(budget::poll_unit(cx));
        let (permits, what, n) = (self.permits, self.what, self.n);
        // SAFETY: nothing is moved out of it.
        let place = &mut unsafe { self.get_unchecked_mut() }.place;
        let place = place.get_or_insert_with(|| ManuallyDrop::new(Place::new(&permits.queue).named(what)));
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
        if self.place.is_none() {
            if let Some(settled) = self.permits.acquire_at_once(self.n) {
                return Poll::Ready(settled);
            }
            if self.permits.is_worth_a_look()
                && let Some(settled) = self.permits.acquire_soon(self.n)
            {
                return Poll::Ready(settled);
            }
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
