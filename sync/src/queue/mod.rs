//! asyncio's queues: first in first out, last in first out, smallest first.

mod error;
mod state;
mod store;
mod wait;

pub use error::{QueueShutDown, TooManyDone, TryGetError, TryPutError};
use raddle_runtime::budget;
use raddle_runtime::wait::{self as waiting, Batch, Batches, Place, What, thread};
use state::{JOINERS, LINES, State, finish_one, push, shut_down, take};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use store::Store;
use wait::{Getting, Putting};

/// A queue that hands its items out in the order they were put.
///
/// Any number of tasks put, any number get; they share it by reference or in an `Arc`. With
/// [`task_done`](BaseQueue::task_done) and [`join`](BaseQueue::join) the producers learn when all that they put has
/// been dealt with.
///
/// ```
/// # fn main() { futures_lite::future::block_on(async {
/// use raddle_sync::Queue;
/// let queue = Queue::new(3);
/// let produce = async {
///     for product in 0..5 {
///         queue.put(product).await.unwrap(); // waits while the queue is full
///     }
///     queue.join().await; // until every product is done
///     queue.shutdown(false);
/// };
/// let consume = async {
///     let mut sum = 0;
///     while let Ok(product) = queue.get().await {
///         sum += product;
///         queue.task_done().unwrap();
///     }
///     sum
/// };
/// let ((), sum) = futures_lite::future::zip(produce, consume).await;
/// assert_eq!(sum, 10);
/// # }) }
/// ```
pub type Queue<T> = BaseQueue<VecDeque<T>>;

/// A queue that hands out the item that was put last; otherwise as [`Queue`].
///
/// ```
/// # fn main() { futures_lite::future::block_on(async {
/// use raddle_sync::LifoQueue;
/// let stack = LifoQueue::unbounded();
/// stack.put("plate").await.unwrap();
/// stack.put("bowl").await.unwrap();
/// assert_eq!(stack.get().await, Ok("bowl"));
/// # }) }
/// ```
pub type LifoQueue<T> = BaseQueue<Vec<T>>;

/// A queue that hands out the smallest item first, as asyncio's; otherwise as [`Queue`].
///
/// Items that are equal come in no particular order. For the largest first put `std::cmp::Reverse(item)`. Items are
/// compared under the queue's lock: a comparison must not use the queue. When one panics, `put` has put the item all
/// the same, `get` has lost the one that it was about to return, and the order of those left is unspecified.
///
/// ```
/// # fn main() { futures_lite::future::block_on(async {
/// use raddle_sync::PriorityQueue;
/// let jobs = PriorityQueue::unbounded();
/// jobs.put((7, "sweep")).await.unwrap();
/// jobs.put((1, "put out the fire")).await.unwrap();
/// assert_eq!(jobs.get().await, Ok((1, "put out the fire")));
/// # }) }
/// ```
pub type PriorityQueue<T> = BaseQueue<BinaryHeap<Reverse<T>>>;

/// What [`Queue`], [`LifoQueue`] and [`PriorityQueue`] have in common.
///
/// Whoever waits, to put or to get, is served first come, first served, and is not overtaken: an item that one was
/// chosen for is counted in [`qsize`](Self::qsize) until it comes for it, and is not given to others.
pub struct BaseQueue<S> {
    line: waiting::Queue<State<S>, LINES>,
}

impl<S: Store> BaseQueue<S> {
    /// An empty queue for up to `maxsize` items. Zero means without a bound, as in asyncio.
    #[cfg(not(loom))]
    pub const fn new(maxsize: usize) -> Self {
        Self { line: waiting::Queue::new(State::new(maxsize)) }
    }

    /// An empty queue for up to `maxsize` items. Zero means without a bound, as in asyncio.
    #[cfg(loom)]
    pub fn new(maxsize: usize) -> Self {
        Self { line: waiting::Queue::new(State::new(maxsize)) }
    }

    /// An empty queue without a bound: `new(0)`.
    pub fn unbounded() -> Self {
        Self::new(0)
    }

    /// Puts `item`; waits for a slot while the queue is full.
    ///
    /// # Errors
    /// [`QueueShutDown`] with the item, once the queue is shut down.
    ///
    /// # Cancel safety
    /// Dropping the future drops the item, which is not put, and leaves the line; a slot that it was chosen for goes to
    /// the next.
    pub async fn put(&self, item: S::Item) -> Result<(), QueueShutDown<S::Item>> {
        let mut item = item;
        // The common case makes no place in line.
        if let Some(unit) = budget::try_unit() {
            match self.put_nowait(item) {
                Err(TryPutError::Full(back)) => item = back,
                settled => {
                    unit.spend();
                    return settled.map_err(|refused| QueueShutDown(refused.into_inner()));
                }
            }
        }
        Putting::new(&self.line, item).await
    }

    /// Takes the next item; waits for one while the queue is empty.
    ///
    /// # Errors
    /// [`QueueShutDown`] once the queue is shut down and empty.
    ///
    /// # Cancel safety
    /// Dropping the future takes no item and leaves the line; an item that it was chosen for goes to the next.
    pub async fn get(&self) -> Result<S::Item, QueueShutDown> {
        if let Some(unit) = budget::try_unit() {
            let got = self.get_nowait();
            if !matches!(got, Err(TryGetError::Empty)) {
                unit.spend();
                return got.map_err(|_| QueueShutDown(()));
            }
        }
        Getting::new(&self.line).await
    }

    /// Puts `item` if there is a slot that nobody waits for.
    ///
    /// # Errors
    /// The item, with what kept it out.
    pub fn put_nowait(&self, item: S::Item) -> Result<(), TryPutError<S::Item>> {
        // Declared before the guard, so that who is chosen is woken after it is dropped.
        let mut chosen = Batch::new();
        let mut guard = self.line.lock();
        if guard.is_shut_down() {
            return Err(TryPutError::ShutDown(item));
        }
        if !guard.has_slot() {
            return Err(TryPutError::Full(item));
        }
        push(&mut guard, item, &mut chosen);
        Ok(())
    }

    /// Takes the next item if there is one that nobody was chosen for.
    ///
    /// # Errors
    /// When there is none.
    pub fn get_nowait(&self) -> Result<S::Item, TryGetError> {
        let mut chosen = Batch::new();
        let mut guard = self.line.lock();
        let item = if guard.has_item() { take(&mut guard, &mut chosen) } else { None };
        item.ok_or_else(|| if guard.is_shut_down() { TryGetError::ShutDown } else { TryGetError::Empty })
    }

    /// As [`put`](Self::put), for a thread outside async code, which sleeps meanwhile.
    ///
    /// # Errors
    /// As `put`.
    ///
    /// # Panics
    /// In async code.
    #[track_caller]
    pub fn blocking_put(&self, item: S::Item) -> Result<(), QueueShutDown<S::Item>> {
        thread::block_on("Queue::blocking_put", self.put(item))
    }

    /// As [`get`](Self::get), for a thread outside async code, which sleeps meanwhile.
    ///
    /// # Errors
    /// As `get`.
    ///
    /// # Panics
    /// In async code.
    #[track_caller]
    pub fn blocking_get(&self) -> Result<S::Item, QueueShutDown> {
        thread::block_on("Queue::blocking_get", self.get())
    }

    /// Says that one item that was got has been dealt with. Those who [`join`](Self::join) wait until it was said for
    /// every item that was put.
    ///
    /// # Errors
    /// When it was said for all of them already.
    pub fn task_done(&self) -> Result<(), TooManyDone> {
        let mut joiners = Batches::new();
        let mut guard = self.line.lock();
        if finish_one(&mut guard, &mut joiners) { Ok(()) } else { Err(TooManyDone) }
    }

    /// Waits until [`task_done`](Self::task_done) was called for every item that was put; returns at once if nothing
    /// was. It is enough that this is so at one moment: items that are put later are not waited for.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the line and changes nothing else.
    pub async fn join(&self) {
        let mut place = pin!(Place::in_line(&self.line, JOINERS).named(What::QueueJoin));
        poll_fn(|cx| place.as_mut().poll(cx, 1, |state| (state.unfinished() == 0).then_some(()))).await;
    }

    /// Refuses all items from now on, as asyncio does since Python 3.13: `put` fails at once, for those who wait too.
    ///
    /// What is in the queue can still be got, after that `get` fails. With `immediate` the queue is emptied instead:
    /// each item is dropped and counts as done, so that `join` returns when the items that were got before are done.
    pub fn shutdown(&self, immediate: bool) {
        let mut woken = Batches::new();
        let drained = shut_down(&mut self.line.lock(), immediate, &mut woken);
        drop(woken);
        drop(drained);
    }

    /// How many items it holds.
    pub fn qsize(&self) -> usize {
        self.line.lock().qsize()
    }

    /// Whether it holds no item.
    pub fn empty(&self) -> bool {
        self.qsize() == 0
    }

    /// Whether it holds as many items as it may.
    pub fn full(&self) -> bool {
        let guard = self.line.lock();
        guard.maxsize() != 0 && guard.qsize() >= guard.maxsize()
    }

    /// How many items it may hold; zero when there is no bound.
    pub fn maxsize(&self) -> usize {
        self.line.lock().maxsize()
    }
}

impl<S: Store> Default for BaseQueue<S> {
    fn default() -> Self {
        Self::unbounded()
    }
}

impl<S: Store> fmt::Debug for BaseQueue<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let guard = self.line.lock();
        let (maxsize, qsize, unfinished) = (guard.maxsize(), guard.qsize(), guard.unfinished());
        let is_shut_down = guard.is_shut_down();
        drop(guard);
        f.debug_struct("Queue")
            .field("maxsize", &maxsize)
            .field("qsize", &qsize)
            .field("unfinished", &unfinished)
            .field("is_shut_down", &is_shut_down)
            .finish()
    }
}
