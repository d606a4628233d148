//! `Condition`: waits, beside a lock, until somebody says that what the lock protects has changed.

use crate::{Mutex, MutexGuard};
use raddle_runtime::wait::{Arrival, Batches, Outcome, Place, Queue, What, batch};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

/// Lets tasks that hold a [`Mutex`] give it up and wait for a notification, in one step.
///
/// The lock is the caller's, and comes with each call: several conditions may share one lock. Change what is waited for
/// with the lock held, then [`notify`](Self::notify); whether the lock is still held then is up to the caller (asyncio
/// wants it held). What asyncio writes as `async with cond: await cond.wait_for(ready)` is this:
///
/// ```
/// # fn main() { futures_lite::future::block_on(async {
/// use raddle_sync::{Condition, Mutex};
/// let (items, changed) = (Mutex::new(Vec::new()), Condition::new());
/// let consume = async {
///     let guard = items.lock().await;
///     let mut guard = changed.wait_for(guard, |items| !items.is_empty()).await;
///     guard.pop()
/// };
/// let produce = async {
///     items.lock().await.push(7);
///     changed.notify(1);
/// };
/// let (item, ()) = futures_lite::future::zip(consume, produce).await;
/// assert_eq!(item, Some(7));
/// # }) }
/// ```
#[derive(Debug, Default)]
pub struct Condition {
    line: Queue,
}

impl Condition {
    /// A condition that nobody waits for.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Self { line: Queue::new(()) }
    }

    /// A condition that nobody waits for.
    #[cfg(loom)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the lock up, waits for a notification, and takes the lock again. What was waited for may have changed back
    /// by then: look again, or use [`wait_for`](Self::wait_for).
    ///
    /// # Cancel safety
    /// Dropping the future leaves the line; the lock is not held then. A notification from [`notify`](Self::notify)
    /// that it was chosen for goes to the next in line, also when it was waiting for the lock already.
    pub async fn wait<'a, T: ?Sized>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        let mutex: &'a Mutex<T> = MutexGuard::mutex(&guard);
        let mut turn = pin!(Turn { place: Place::new(&self.line).named(What::Condition), is_owed: false });
        let mut held = Some(guard);
        poll_fn(|cx| {
            let ended = turn.as_mut().poll_chosen(cx);
            // In line now: whoever gets the lock and notifies finds us there.
            held = None;
            ended
        })
        .await;
        let guard = mutex.lock().await;
        turn.use_up();
        guard
    }

    /// Waits, as with [`wait`](Self::wait), until `predicate` says true of what the lock protects; at once if it does.
    ///
    /// # Cancel safety
    /// As `wait`.
    pub async fn wait_for<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        mut predicate: impl FnMut(&mut T) -> bool,
    ) -> MutexGuard<'a, T> {
        let mut guard = guard;
        while !predicate(&mut guard) {
            guard = self.wait(guard).await;
        }
        guard
    }

    /// Wakes the `n` that wait longest, or as many as wait. A notification that finds nobody is not kept.
    pub fn notify(&self, n: usize) {
        // Woken when it is dropped, after the guard.
        let mut wakers = Batches::new();
        self.line.lock().gather(0, n, Outcome::One, &mut wakers);
    }

    /// Wakes all who wait.
    pub fn notify_all(&self) {
        self.line.lock().release_all();
    }
}

/// A place in line whose notification is used up only when the lock is held again.
struct Turn<'a> {
    place: Place<'a, ()>,
    /// A notification for one came, and whoever waits does not have the lock yet.
    is_owed: bool,
}

impl Turn<'_> {
    /// Not counted in the budget: taking the lock is.
    fn poll_chosen(self: Pin<&mut Self>, cx: &Context<'_>) -> Poll<()> {
        // SAFETY: the place is not moved.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: the place is pinned whenever we are.
        let place = unsafe { Pin::new_unchecked(&mut this.place) };
        let arrival = ready!(place.poll_uncounted(cx, 1, |_| None::<()>));
        this.is_owed = arrival == Arrival::Notified(Outcome::One);
        Poll::Ready(())
    }

    fn use_up(self: Pin<&mut Self>) {
        // SAFETY: a flag is no part of what is pinned.
        unsafe { self.get_unchecked_mut() }.is_owed = false;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let next = if self.is_owed {
            self.place.queue().lock().pop(Outcome::One)
        } else {
            self.place.leave(|_| None, |guard| guard.pop(Outcome::One))
        };
        if let Some(next) = next {
            batch::wake(next);
        }
    }
}
