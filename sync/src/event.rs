//! `Event`: asyncio's flag that any number of tasks wait for.

use raddle_runtime::budget;
use raddle_runtime::prim::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
use raddle_runtime::wait::{Place, Queue, Stage, What, thread};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A flag that is set or not. [`wait`](Self::wait) returns at once while it is set; [`set`](Self::set) wakes everyone
/// who waits, and they return even if it is cleared before they run.
///
/// What is written before `set` is seen by those whom it wakes, and by those who find the flag set.
///
/// ```
/// # fn main() { futures_lite::future::block_on(async {
/// use raddle_sync::Event;
/// let started = Event::new();
/// assert!(!started.is_set());
/// started.set();
/// started.wait().await;
/// # }) }
/// ```
#[derive(Debug, Default)]
pub struct Event {
    /// Set under the lock of the line: who enters that finds the flag clear there, and is found by whoever sets it.
    /// Read and cleared without.
    is_set: AtomicBool,
    line: Queue,
}

impl Event {
    /// An event that is not set.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Self { is_set: AtomicBool::new(false), line: Queue::new(()) }
    }

    /// An event that is not set.
    #[cfg(loom)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the flag and wakes all who wait.
    pub fn set(&self) {
        let guard = self.line.lock();
        self.is_set.store(true, Release);
        guard.release_all();
    }

    /// Clears the flag: those who come from now on wait until it is set again.
    pub fn clear(&self) {
        self.is_set.store(false, Release);
    }

    /// Whether the flag is set. Takes no lock.
    #[inline]
    pub fn is_set(&self) -> bool {
        self.is_set.load(Acquire)
    }

    /// Waits until the flag is set; returns at once, without a lock, if it is.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the line and changes nothing else.
    pub fn wait(&self) -> EventWait<'_> {
        EventWait { event: self, place: Place::new(&self.line).named(What::Event) }
    }

    /// As [`wait`](Self::wait), for a thread outside async code, which sleeps meanwhile.
    ///
    /// # Panics
    /// In async code.
    #[track_caller]
    pub fn blocking_wait(&self) {
        if !self.is_set() || budget::is_limited() {
            thread::block_on("Event::blocking_wait", self.wait());
        }
    }
}

/// The future of [`Event::wait`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct EventWait<'a> {
    event: &'a Event,
    place: Place<'a, ()>,
}

impl Future for EventWait<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let event = self.event;
        // SAFETY: `place` is pinned whenever we are: nothing here moves it.
        let place = unsafe { self.map_unchecked_mut(|this| &mut this.place) };
        match place.stage() {
            Stage::Done => return Poll::Ready(()),
            Stage::New if event.is_set() => {
                ready!(budget::poll_unit(cx)).spend();
                place.skip();
                return Poll::Ready(());
            }
            _ => {}
        }
        place.poll(cx, 1, |_| event.is_set().then_some(())).map(drop)
    }
}
