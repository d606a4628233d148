//! A place in the line of a wait queue: what every waiting future is made of.
//!
//! Whoever comes looks at the state and enters the line in one step under the lock, so that what is changed before is
//! seen by the look, and whoever changes it later sees the place in line.

use super::batch;
use super::note::{What, note};
use super::queue::{Outcome, Queue, QueueGuard, Stage, Waiter};
use crate::{budget, report, unwind};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};

/// What a wait ended with.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival<R> {
    /// The look found what was waited for; nobody was notified.
    Admitted(R),
    /// A notification came.
    Notified(Outcome),
}

/// A future's place in the line of a queue. It leaves the line when it is dropped; a primitive that hands something to
/// single waiters calls [`Place::leave`] before, or what was handed over is lost.
#[derive(Debug)]
pub struct Place<'a, S, const LINES: usize = 1> {
    queue: &'a Queue<S, LINES>,
    waiter: Waiter,
}

impl<'a, S, const LINES: usize> Place<'a, S, LINES> {
    /// A place that is not in the (first) line yet.
    pub fn new(queue: &'a Queue<S, LINES>) -> Self {
        Self::in_line(queue, 0)
    }

    /// A place that is not in the line with this number yet.
    pub fn in_line(queue: &'a Queue<S, LINES>, line: u8) -> Self {
        Self { queue, waiter: Waiter::new(line) }
    }

    /// Says what its task waits for, to those who list tasks.
    #[inline]
    pub fn named(mut self, what: What) -> Self {
        self.waiter.what = what;
        self
    }

    /// Ends a wait that has not begun: what it was for was found without the lock.
    pub fn skip(&self) {
        debug_assert_eq!(self.stage(), Stage::New, "only a wait that has not begun can be skipped");
        self.waiter.finish();
    }

    /// Its waiter, for who keeps it elsewhere than in the queue.
    #[inline]
    pub(super) fn waiter(&self) -> &Waiter {
        &self.waiter
    }

    /// The queue it is for.
    pub fn queue(&self) -> &'a Queue<S, LINES> {
        self.queue
    }

    /// How far it has come: `Done` once a poll has said Ready. `Queued` may be over already.
    #[inline]
    pub fn stage(&self) -> Stage {
        self.waiter.stage()
    }

    /// As [`poll_uncounted`](Self::poll_uncounted), with a unit of the budget spent when it is ready.
    #[inline]
    pub fn poll<R>(
        self: Pin<&mut Self>,
        cx: &Context<'_>,
        want: usize,
        look: impl FnOnce(&mut QueueGuard<'_, S, LINES>) -> Option<R>,
    ) -> Poll<Arrival<R>> {
        let unit = ready!(budget::poll_unit(cx));
        let arrival = ready!(self.poll_uncounted(cx, want, look));
        unit.spend();
        Poll::Ready(arrival)
    }

    /// Waits to be notified. The first poll asks `look`, under the lock, and enters the line for `want` if it finds
    /// nothing; the later ones do not, for whoever changes the state must notify those who wait for it.
    ///
    /// # Panics
    /// When it has been ready before.
    pub fn poll_uncounted<R>(
        self: Pin<&mut Self>,
        cx: &Context<'_>,
        want: usize,
        look: impl FnOnce(&mut QueueGuard<'_, S, LINES>) -> Option<R>,
    ) -> Poll<Arrival<R>> {
        let this = &*self;
        let stage = match this.waiter.stage() {
            Stage::New => return this.enter(cx, want, look),
            Stage::Queued => this.stay(cx),
            stage => stage,
        };
        let outcome = match stage {
            Stage::One => Outcome::One,
            Stage::All => Outcome::All,
            Stage::Done => panic!("a wait was polled after it had ended"),
            Stage::New | Stage::Queued | Stage::Alone => {
                note(this.waiter.what);
                return Poll::Pending;
            }
        };
        this.waiter.finish();
        Poll::Ready(Arrival::Notified(outcome))
    }

    /// The first poll. The waker is cloned before the lock is taken: a clone runs foreign code.
    fn enter<R>(
        &self,
        cx: &Context<'_>,
        want: usize,
        look: impl FnOnce(&mut QueueGuard<'_, S, LINES>) -> Option<R>,
    ) -> Poll<Arrival<R>> {
        let mut waker = Some(cx.waker().clone());
        let mut guard = self.queue.lock();
        let found = look(&mut guard);
        if found.is_none() {
            // SAFETY: it is new; `poll` was called on a pinned place, and `leave` takes it out before it is freed.
            unsafe { guard.enter(&self.waiter, want, waker.take()) };
        }
        drop(guard);
        discard(waker);
        let Some(found) = found else {
            note(self.waiter.what);
            return Poll::Pending;
        };
        self.waiter.finish();
        Poll::Ready(Arrival::Admitted(found))
    }

    /// A later poll: makes sure that the task that polls now is the one to be woken.
    fn stay(&self, cx: &Context<'_>) -> Stage {
        // SAFETY: it enters this queue only.
        if unsafe { self.queue.lock().is_settled(&self.waiter, cx.waker()) } {
            return self.waiter.stage();
        }
        let mut waker = Some(cx.waker().clone());
        let mut guard = self.queue.lock();
        // SAFETY: as above.
        unsafe { guard.replace(&self.waiter, &mut waker) };
        drop(guard);
        discard(waker);
        self.waiter.stage()
    }

    /// Leaves the line for good. If it was chosen by a notification meant for one and no poll has returned that,
    /// `pass_on` says who gets it instead, under the lock; what it returns (wakers, say) comes back, to be used now
    /// that the lock is released. So it is for a waiter that leaves the line before its turn, with `gone`.
    pub fn leave<R>(
        &mut self,
        gone: impl FnOnce(&mut QueueGuard<'_, S, LINES>) -> Option<R>,
        pass_on: impl FnOnce(&mut QueueGuard<'_, S, LINES>) -> Option<R>,
    ) -> Option<R> {
        let stage = self.waiter.stage();
        debug_assert_ne!(stage, Stage::Alone, "whoever keeps a waiter outside of the queue takes it back");
        if matches!(stage, Stage::New | Stage::All | Stage::Done) {
            self.waiter.finish();
            return None;
        }
        let mut guard = self.queue.lock();
        // SAFETY: it enters this queue only.
        let removed = unsafe { guard.remove(&self.waiter) };
        // Taken out by us or by a notifier: the stage is final now.
        let owed = match self.waiter.stage() {
            Stage::One => pass_on(&mut guard),
            Stage::All => None,
            _ => gone(&mut guard),
        };
        drop(guard);
        discard(removed);
        self.waiter.finish();
        owed
    }
}

/// Drops a waker. Its destructor is foreign code: a panic in it must not take with it what was handed out meanwhile.
pub(super) fn discard(waker: Option<Waker>) {
    if waker.is_some() && !unwind::contain(|| drop(waker)) {
        report::warn(format_args!("a waker panicked when it was dropped"));
    }
}

impl<S, const LINES: usize> Drop for Place<'_, S, LINES> {
    #[inline]
    fn drop(&mut self) {
        // Nearly every place has had its end, or never began.
        if matches!(self.stage(), Stage::Queued | Stage::One) {
            self.leave(|_| None::<()>, |_| None);
        }
    }
}

impl<S> Queue<S> {
    /// Waits for `what` until it is notified, unless `look`, which is asked once, under the lock, finds something.
    /// Takes a unit of the budget.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the queue; a notification meant for one is lost if it had been chosen.
    pub async fn arrive<R>(
        &self,
        what: What,
        mut look: impl FnMut(&mut QueueGuard<'_, S>) -> Option<R>,
    ) -> Arrival<R> {
        let mut place = pin!(Place::new(self).named(what));
        poll_fn(|cx| place.as_mut().poll(cx, 1, &mut look)).await
    }

    /// Waits for a notification. A `Wait` that is dropped after it was chosen by `notify_one`, and before it could
    /// return, passes the notification on to the next.
    pub fn wait(&self) -> Wait<'_, S> {
        Wait { place: Place::new(self) }
    }
}

/// The future of [`Queue::wait`].
///
/// # Cancel safety
/// Dropping it leaves the queue; a notification it was chosen for and has not returned goes to the next waiter.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Wait<'a, S = ()> {
    place: Place<'a, S>,
}

impl<S> Wait<'_, S> {
    /// Enters the queue now, before the first await, with `cx`'s waker; `Ready` once notified, however often.
    pub fn poll_wait(self: Pin<&mut Self>, cx: &Context<'_>) -> Poll<()> {
        // SAFETY: the place is pinned whenever we are: nothing here moves it.
        let place = unsafe { self.map_unchecked_mut(|this| &mut this.place) };
        if place.stage() == Stage::Done {
            return Poll::Ready(());
        }
        place.poll_uncounted(cx, 1, |_| None::<()>).map(drop)
    }
}

impl<S> Future for Wait<'_, S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_wait(cx)
    }
}

impl<S> Drop for Wait<'_, S> {
    fn drop(&mut self) {
        let next = self.place.leave(|_| None, |guard| guard.pop(Outcome::One));
        if let Some(next) = next {
            batch::wake(next);
        }
    }
}
