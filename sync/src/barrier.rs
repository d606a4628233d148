//! `Barrier`: so many tasks wait for each other.

use raddle_runtime::budget;
use raddle_runtime::wait::{Arrival, Batches, Outcome, Place, Queue, QueueGuard, What, thread};
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Lets a number of tasks wait for each other, again and again.
///
/// asyncio's barrier is filling, draining, resetting or broken. This one fills or is broken: those who are released or
/// refused are so in one step, and need not be gone before the next may come.
///
/// ```
/// # fn main() { futures_lite::future::block_on(async {
/// use raddle_sync::Barrier;
/// let barrier = Barrier::new(2);
/// let (one, other) = futures_lite::future::zip(barrier.wait(), barrier.wait()).await;
/// assert_eq!((one.unwrap().index(), other.unwrap().index()), (0, 1));
/// # }) }
/// ```
#[derive(Debug)]
pub struct Barrier {
    parties: usize,
    line: Queue<State>,
}

#[derive(Debug)]
struct State {
    /// How many are in line.
    waiting: usize,
    /// Indices below `waiting + left.len()` that were given back by those who were cancelled; the next to come take
    /// them, so that each index is there once when the barrier is full.
    left: Vec<usize>,
    is_broken: bool,
}

/// How a wait ended that met a barrier which was full, or broken.
type Ended = Result<BarrierWaitResult, BrokenBarrier>;

impl Barrier {
    /// A barrier for `parties` tasks.
    ///
    /// # Panics
    /// When `parties` is zero: nobody could ever pass.
    #[cfg(not(loom))]
    pub const fn new(parties: usize) -> Self {
        assert!(parties > 0, "a barrier needs at least one party");
        Self { parties, line: Queue::new(State { waiting: 0, left: Vec::new(), is_broken: false }) }
    }

    /// A barrier for `parties` tasks.
    ///
    /// # Panics
    /// When `parties` is zero: nobody could ever pass.
    #[cfg(loom)]
    pub fn new(parties: usize) -> Self {
        assert!(parties > 0, "a barrier needs at least one party");
        Self { parties, line: Queue::new(State { waiting: 0, left: Vec::new(), is_broken: false }) }
    }

    /// Waits until as many as there are parties wait; then all go on, and the barrier is as new.
    ///
    /// # Errors
    /// [`BrokenBarrier`] if the barrier is [aborted](Self::abort) or [reset](Self::reset) meanwhile, or was aborted
    /// before. Who has been released is not touched by that any more.
    ///
    /// # Cancel safety
    /// Dropping the future before the barrier is full counts as not having come, as in asyncio: the others wait for one
    /// more. After that it changes nothing: the others go on.
    pub async fn wait(&self) -> Result<BarrierWaitResult, BrokenBarrier> {
        Waiting { barrier: self, index: 0, place: Place::new(&self.line).named(What::Barrier) }.await
    }

    /// As [`wait`](Self::wait), for a thread outside async code, which sleeps meanwhile.
    ///
    /// # Errors
    /// As `wait`.
    ///
    /// # Panics
    /// In async code.
    #[track_caller]
    pub fn blocking_wait(&self) -> Result<BarrierWaitResult, BrokenBarrier> {
        thread::block_on("Barrier::blocking_wait", self.wait())
    }

    /// Breaks the barrier: those who wait, and those who come from now on, get [`BrokenBarrier`], until it is
    /// [reset](Self::reset). For a program that would wait for a task that is not going to come.
    pub fn abort(&self) {
        self.refuse(true);
    }

    /// Makes the barrier as new. Those who wait get [`BrokenBarrier`].
    pub fn reset(&self) {
        self.refuse(false);
    }

    /// How many have to come.
    pub fn parties(&self) -> usize {
        self.parties
    }

    /// How many wait.
    pub fn n_waiting(&self) -> usize {
        self.line.lock().waiting
    }

    /// Whether it was aborted, and not reset since.
    pub fn broken(&self) -> bool {
        self.line.lock().is_broken
    }

    fn refuse(&self, is_broken: bool) {
        // Woken when it is dropped, after the guard.
        let mut wakers = Batches::new();
        let mut guard = self.line.lock();
        guard.is_broken = is_broken;
        empty(&mut guard, Outcome::One, &mut wakers);
    }

    /// One more has come. The last is told how it ended, with the others in `wakers`; who has to wait, with which
    /// index.
    fn arrive(&self, guard: &mut QueueGuard<'_, State>, wakers: &mut Batches) -> Result<Ended, usize> {
        if guard.is_broken {
            return Ok(Err(BrokenBarrier));
        }
        let index = guard.left.pop().unwrap_or(guard.waiting);
        guard.waiting += 1;
        if guard.waiting < self.parties {
            return Err(index);
        }
        empty(guard, Outcome::All, wakers);
        Ok(Ok(BarrierWaitResult { index, is_leader: true }))
    }
}

/// Ends the wait of all in line. `All` releases them, `One` says that the barrier broke.
fn empty(guard: &mut QueueGuard<'_, State>, outcome: Outcome, wakers: &mut Batches) {
    guard.gather(0, usize::MAX, outcome, wakers);
    guard.waiting = 0;
    guard.left.clear();
}

/// One who has come, or is about to.
struct Waiting<'a> {
    barrier: &'a Barrier,
    /// Set when it enters the line.
    index: usize,
    place: Place<'a, State>,
}

impl Future for Waiting<'_> {
    type Output = Ended;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ended> {
        let unit = ready!(budget::poll_unit(cx));
        let mut wakers = Batches::new();
        // SAFETY: the place is not moved.
        let this = unsafe { self.get_unchecked_mut() };
        let (barrier, index) = (this.barrier, &mut this.index);
        // SAFETY: the place is pinned whenever we are.
        let place = unsafe { Pin::new_unchecked(&mut this.place) };
        let arrive = |guard: &mut QueueGuard<'_, State>| {
            let arrived = barrier.arrive(guard, &mut wakers);
            arrived.map_err(|waits_as| *index = waits_as).ok()
        };
        let ended = match ready!(place.poll_uncounted(cx, 1, arrive)) {
            Arrival::Admitted(ended) => ended,
            Arrival::Notified(Outcome::All) => Ok(BarrierWaitResult { index: this.index, is_leader: false }),
            Arrival::Notified(Outcome::One) => Err(BrokenBarrier),
        };
        unit.spend();
        Poll::Ready(ended)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let index = self.index;
        let gone = |guard: &mut QueueGuard<'_, State>| {
            guard.waiting -= 1;
            guard.left.push(index);
            None::<()>
        };
        // Released or refused: that was for each of them, and there is nothing to pass on.
        self.place.leave(gone, |_| None);
    }
}

/// What [`Barrier::wait`] returns when the barrier was full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BarrierWaitResult {
    index: usize,
    is_leader: bool,
}

impl BarrierWaitResult {
    /// A number below the number of parties that no other of them has: in the order they came, but that who comes next
    /// takes the number of one who was cancelled.
    pub fn index(&self) -> usize {
        self.index
    }

    /// True for one of them: the last to come.
    pub fn is_leader(&self) -> bool {
        self.is_leader
    }
}

/// The barrier was aborted, or was reset while the task waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrokenBarrier;

impl fmt::Display for BrokenBarrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the barrier was aborted, or was reset while a task waited at it")
    }
}

impl Error for BrokenBarrier {}
