//! A sleep: a deadline, and an entry in a wheel once it has been polled and found too early.

use super::Instant;
use crate::budget;
use crate::context;
use crate::driver::clock::{LAST, nanos};
use crate::driver::time::{Entered, Entry};
use crate::wait::note::{What, note};
use crate::worker::{SharedRef, current};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::ptr;
use std::task::{Context, Poll, RawWakerVTable, Waker};
use std::time::Duration;

/// Waits for `duration`. Never less; more only by what the machine needs to come to it, not by a tick.
///
/// A duration too long for the clock, such as `Duration::MAX`, is never over.
///
/// # Cancel safety
/// Dropping it loses nothing.
///
/// # Panics
/// Outside a runtime.
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    context::with(|inner| {
        let deadline = inner.clock().now().saturating_add(nanos(duration));
        Sleep::new(inner.scheduler.clone(), deadline)
    })
}

/// Waits until `deadline`; one that has passed is over at once.
///
/// # Cancel safety
/// Dropping it loses nothing.
///
/// # Panics
/// Outside a runtime.
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    context::with(|inner| Sleep::new(inner.scheduler.clone(), inner.clock().time_of(deadline.into())))
}

/// The future of [`sleep`].
#[must_use = "futures do nothing unless awaited"]
pub struct Sleep {
    scheduler: SharedRef,
    /// On the scheduler's clock.
    deadline: u64,
    /// The wheel the entry is in: that of the worker it was first polled on.
    wheel: Option<u32>,
    /// Whose waker the entry has, to see without the wheel's lock that it is still the right one. Compared only.
    woken: (*const (), *const RawWakerVTable),
    /// It was due in a poll that had no budget left.
    gave_way: bool,
    entry: Entry,
}

// SAFETY: `woken` is compared and never followed; the rest is Send.
unsafe impl Send for Sleep {}
// SAFETY: a shared Sleep can do nothing but be read.
unsafe impl Sync for Sleep {}

impl Sleep {
    pub(crate) fn new(scheduler: SharedRef, deadline: u64) -> Self {
        Self {
            scheduler,
            deadline,
            wheel: None,
            woken: (ptr::null(), ptr::null()),
            gave_way: false,
            entry: Entry::new(),
        }
    }

    /// When it ends.
    pub fn deadline(&self) -> Instant {
        self.scheduler.driver.clock().instant(self.deadline).into()
    }

    /// True once the time has come.
    pub fn is_elapsed(&self) -> bool {
        self.entry.has_fired() || self.scheduler.driver.clock().now() >= self.deadline
    }

    /// Makes it end at another time.
    pub fn reset(self: Pin<&mut Self>, deadline: Instant) {
        let this = self.leave();
        this.deadline = this.scheduler.driver.clock().time_of(deadline.into());
        this.gave_way = false;
    }

    /// Takes the entry out of its wheel, if it is in one.
    fn leave(self: Pin<&mut Self>) -> &mut Self {
        // SAFETY: the entry is not moved; the other fields are not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        if let Some(wheel) = this.wheel.take() {
            // SAFETY: pinned, as part of us.
            let entry = unsafe { Pin::new_unchecked(&this.entry) };
            entry.leave(this.scheduler.driver.wheel(wheel as usize));
        }
        this
    }

    /// Its time has come. With the budget used up it gives way, but once only: beside a branch that uses the budget up
    /// in every poll it would otherwise never end (f10).
    fn end(self: Pin<&mut Self>, cx: &Context<'_>) -> Poll<()> {
        // SAFETY: the entry is not moved.
        let this = unsafe { self.get_unchecked_mut() };
        match budget::poll_unit(cx) {
            Poll::Ready(unit) => unit.spend(),
            Poll::Pending if !std::mem::replace(&mut this.gave_way, true) => return Poll::Pending,
            Poll::Pending => {}
        }
        Poll::Ready(())
    }

    /// Enters a wheel, or gives the entry another waker; true if the time has come meanwhile.
    fn wait(self: Pin<&mut Self>, cx: &Context<'_>) -> bool {
        // SAFETY: as in `leave`.
        let this = unsafe { self.get_unchecked_mut() };
        let here = || {
            current::with(|worker| {
                worker.filter(|worker| worker.belongs_to(this.scheduler.as_ptr())).map(|w| w.index())
            })
        };
        let wheel = *this.wheel.get_or_insert_with(|| here().map_or(u32::MAX, |index| index as u32));
        let driver = &this.scheduler.driver;
        // SAFETY: pinned, as part of us.
        let entry = unsafe { Pin::new_unchecked(&this.entry) };
        // SAFETY: it waits in this wheel only, which the scheduler keeps alive; `leave` is called before either goes.
        let entered = unsafe { entry.enter(driver.wheel(wheel as usize), this.deadline, cx.waker()) };
        this.woken = identity(cx.waker());
        assert!(
            entered != Entered::Closed,
            "a sleep was awaited after its runtime had shut down: no clock will end it"
        );
        if entered == Entered::Earliest {
            driver.timer_lowered(this.deadline);
        }
        entered == Entered::Fired
    }
}

/// What makes two wakers the same.
fn identity(waker: &Waker) -> (*const (), *const RawWakerVTable) {
    (waker.data(), waker.vtable())
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // The clock as well as the entry: in a combinator that polls again without ever returning to the worker, nobody
        // turns the driver (f10).
        if self.is_elapsed() {
            return self.end(cx);
        }
        note(What::Sleep);
        if self.entry.is_waiting() && self.woken == identity(cx.waker()) {
            return Poll::Pending;
        }
        if self.deadline > LAST {
            // Nothing will end it, so nobody has to watch it.
            return Poll::Pending;
        }
        if self.as_mut().wait(cx) { self.end(cx) } else { Poll::Pending }
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        // SAFETY: it does not move any more.
        unsafe { Pin::new_unchecked(self) }.leave();
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep")
            .field("deadline", &self.deadline())
            .field("elapsed", &self.is_elapsed())
            .finish()
    }
}
