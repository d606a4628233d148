//! `Notify`: wakes one task or all of them, and remembers one notification that nobody waited for.
//!
//! One word says whether a permit is kept, whether anyone is in line, and how often all were notified. `QUEUED` is set
//! by who enters the line and cleared by the notifier who finds or leaves it empty, both under the line's lock. While
//! it is clear a permit is left and taken by one exchange of the word; while it is set a notifier goes through the
//! lock, for there may be someone to wake. All is said in one word, so there is no moment between "no permit is there"
//! and "I am in line".

use raddle_runtime::budget;
use raddle_runtime::prim::atomic::AtomicUsize;
use raddle_runtime::prim::atomic::Ordering::{AcqRel, Acquire, Release};
use raddle_runtime::wait::{Outcome, Place, Queue, QueueGuard, Stage, What, batch};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

/// A notification is kept. Not beside `QUEUED`.
const PERMIT: usize = 1;
/// Someone is in line, or was and went by himself. Set and cleared under the lock.
const QUEUED: usize = 2;
/// The rest of the word counts the calls of `notify_waiters`: a `Notified` that is older than one has been notified.
const ROUND: usize = 4;

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
    word: AtomicUsize,
    line: Queue,
}

impl Notify {
    /// A `Notify` without a permit.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Self { word: AtomicUsize::new(0), line: Queue::new(()) }
    }

    /// A `Notify` without a permit.
    #[cfg(loom)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes the task that waits longest; if none does, keeps one permit for the next that comes.
    pub fn notify_one(&self) {
        if self.leave_permit() {
            return;
        }
        let waker = self.grant(&mut self.line.lock());
        if let Some(waker) = waker {
            batch::wake(waker);
        }
    }

    /// Wakes all who hold a [`Notified`] now, whether they have polled it yet or not. Keeps no permit.
    pub fn notify_waiters(&self) {
        let guard = self.line.lock();
        self.word.fetch_add(ROUND, AcqRel);
        self.word.fetch_and(!QUEUED, AcqRel);
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
        let round = self.word.load(Acquire) / ROUND;
        Notified { notify: self, round, place: Place::new(&self.line).named(What::Notify) }
    }

    /// Keeps a notification, unless someone is in line. The word is written also when the permit is there already: who
    /// takes it is to see what was done before this call.
    fn leave_permit(&self) -> bool {
        let leave = |word| (word & QUEUED == 0).then_some(word | PERMIT);
        self.word.fetch_update(Release, Acquire, leave).is_ok()
    }

    /// Gives one notification to the longest waiter, whose waker is returned, or keeps it.
    #[must_use = "the waiter waits for this waker"]
    fn grant(&self, guard: &mut QueueGuard<'_, ()>) -> Option<Waker> {
        let chosen = guard.pop(Outcome::One);
        // Nobody enters while we hold the lock.
        if guard.is_empty() {
            self.word.fetch_and(!QUEUED, AcqRel);
        }
        if chosen.is_none() {
            self.word.fetch_or(PERMIT, AcqRel);
        }
        chosen
    }

    /// Takes what a `Notified` of `round` waits for, if it is there. If not, and someone is about to wait for it, with
    /// the lock held, says that they are in line from now on.
    fn take(&self, round: usize, enters: bool) -> Option<()> {
        let mut word = self.word.load(Acquire);
        loop {
            let (next, found) = match word {
                _ if word / ROUND != round => return Some(()),
                _ if word & PERMIT != 0 => (word & !PERMIT, Some(())),
                _ if enters => (word | QUEUED, None),
                _ => return None,
            };
            match self.word.compare_exchange_weak(word, next, AcqRel, Acquire) {
                Ok(_) => return found,
                Err(now) => word = now,
            }
        }
    }
}

/// The future of [`Notify::notified`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Notified<'a> {
    notify: &'a Notify,
    round: usize,
    place: Place<'a, ()>,
}

impl Notified<'_> {
    /// Enters the line now, before the first await; true when the notification is already there.
    ///
    /// With it one can enter the line, then look at some shared state, then wait, and miss nothing.
    pub fn enable(self: Pin<&mut Self>) -> bool {
        match self.place.stage() {
            // It keeps the waker that it has.
            Stage::Queued => false,
            Stage::Done => true,
            _ => self.look(&Context::from_waker(Waker::noop())).is_ready(),
        }
    }

    /// Takes the notification, or enters the line, or stays in it.
    fn look(self: Pin<&mut Self>, cx: &Context<'_>) -> Poll<()> {
        let (notify, round) = (self.notify, self.round);
        // SAFETY: `place` is pinned whenever we are: nothing here moves it.
        let place = unsafe { self.map_unchecked_mut(|this| &mut this.place) };
        if place.stage() == Stage::New && notify.take(round, false).is_some() {
            place.skip();
            return Poll::Ready(());
        }
        place.poll_uncounted(cx, 1, |_| notify.take(round, true)).map(drop)
    }
}

impl Future for Notified<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.place.stage() == Stage::Done {
            return Poll::Ready(());
        }
        let unit = ready!(budget::poll_unit(cx));
        ready!(self.look(cx));
        unit.spend();
        Poll::Ready(())
    }
}

impl Drop for Notified<'_> {
    fn drop(&mut self) {
        let notify = self.notify;
        let next = self.place.leave(|_| None, |guard| notify.grant(guard));
        if let Some(next) = next {
            batch::wake(next);
        }
    }
}
