//! `Notify`: wakes one task or all of them, and remembers one notification that nobody waited for.

use raddle_runtime::wait::{Outcome, Place, Queue, QueueGuard, Stage};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// Tells a task that there is something to do.
///
/// [`notify_one`](Self::notify_one) wakes the task that waits longest; if none waits, the next to await
/// [`notified`](Self::notified) goes on at once. One such permit is kept, not a count. The usual shape is a queue or a
/// flag behind a lock, changed before `notify_one` and looked at again after each `notified().await`.
///
/// ```
/// # fn main() { futures_lite::future::block_on(async {
/// use raddle_sync::Notify;
/// let notify = Notify::new();
/// notify.notify_one();
/// notify.notified().await; // takes the permit that was kept
/// # }) }
/// ```
#[derive(Debug, Default)]
pub struct Notify {
    queue: Queue<State>,
}

/// While `permit` is set nobody stays in line: it is set when the line is empty only, and whoever enters looks again.
#[derive(Debug, Default)]
struct State {
    permit: bool,
    /// How often `notify_waiters` was called: a `Notified` that is older than a call has been notified by it.
    rounds: u64,
}

/// Gives one notification to the longest waiter, whose waker is returned, or keeps it.
#[must_use = "the waiter waits for this waker"]
fn grant(guard: &mut QueueGuard<'_, State>) -> Option<Waker> {
    if guard.permit {
        return None;
    }
    let waker = guard.pop(Outcome::One);
    guard.permit = waker.is_none();
    waker
}

impl Notify {
    /// A `Notify` without a permit.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Self { queue: Queue::new(State { permit: false, rounds: 0 }) }
    }

    /// A `Notify` without a permit.
    #[cfg(loom)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes the task that waits longest; if none does, keeps one permit for the next that comes.
    pub fn notify_one(&self) {
        let waker = grant(&mut self.queue.lock());
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Wakes all who hold a [`Notified`] now, whether they have polled it yet or not. Keeps no permit.
    pub fn notify_waiters(&self) {
        let mut guard = self.queue.lock();
        guard.rounds += 1;
        guard.release_all();
    }

    /// Waits for a notification.
    ///
    /// The first poll (or [`Notified::enable`]) enters the line for `notify_one`; for `notify_waiters` this call
    /// counts.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the line. A notification from `notify_one` that it got and did not return goes to the
    /// next waiter, or is kept as the permit.
    pub fn notified(&self) -> Notified<'_> {
        let round = self.queue.lock().rounds;
        Notified { round, place: Place::new(&self.queue) }
    }
}

/// The future of [`Notify::notified`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Notified<'a> {
    round: u64,
    place: Place<'a, State>,
}

impl<'a> Notified<'a> {
    /// Enters the line now, before the first await; true when the notification is already there.
    ///
    /// With it one can enter the line, then look at some shared state, then wait, and miss nothing.
    pub fn enable(self: Pin<&mut Self>) -> bool {
        match self.place.stage() {
            // It keeps the waker that it has.
            Stage::Queued => false,
            Stage::Done => true,
            _ => {
                let (place, look) = self.project();
                place.poll_uncounted(&Context::from_waker(Waker::noop()), 1, look).is_ready()
            }
        }
    }

    fn project(
        self: Pin<&mut Self>,
    ) -> (Pin<&mut Place<'a, State>>, impl FnOnce(&mut QueueGuard<'_, State>) -> Option<()> + use<>) {
        let round = self.round;
        // SAFETY: `place` is pinned whenever we are: nothing here moves it.
        let place = unsafe { self.map_unchecked_mut(|this| &mut this.place) };
        let look = move |state: &mut QueueGuard<'_, State>| {
            (state.rounds != round || std::mem::take(&mut state.permit)).then_some(())
        };
        (place, look)
    }
}

impl Future for Notified<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.place.stage() == Stage::Done {
            return Poll::Ready(());
        }
        let (place, look) = self.project();
        place.poll(cx, 1, look).map(drop)
    }
}

impl Drop for Notified<'_> {
    fn drop(&mut self) {
        let next = self.place.leave(|_| None, grant);
        if let Some(next) = next {
            next.wake();
        }
    }
}
