//! `Event`: asyncio's flag that any number of tasks wait for.

use raddle_runtime::wait::{Place, Queue, Stage};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A flag that is set or not. [`wait`](Self::wait) returns at once while it is set; [`set`](Self::set) wakes everyone
/// who waits, and they return even if it is cleared before they run.
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
    queue: Queue<bool>,
}

impl Event {
    /// An event that is not set.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Self { queue: Queue::new(false) }
    }

    /// An event that is not set.
    #[cfg(loom)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the flag and wakes all who wait.
    pub fn set(&self) {
        let mut guard = self.queue.lock();
        *guard = true;
        guard.release_all();
    }

    /// Clears the flag: those who come from now on wait until it is set again.
    pub fn clear(&self) {
        *self.queue.lock() = false;
    }

    /// Whether the flag is set.
    pub fn is_set(&self) -> bool {
        *self.queue.lock()
    }

    /// Waits until the flag is set; returns at once if it is.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the line and changes nothing else.
    pub fn wait(&self) -> EventWait<'_> {
        EventWait { place: Place::new(&self.queue) }
    }
}

/// The future of [`Event::wait`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct EventWait<'a> {
    place: Place<'a, bool>,
}

impl Future for EventWait<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: `place` is pinned whenever we are: nothing here moves it.
        let place = unsafe { self.map_unchecked_mut(|this| &mut this.place) };
        if place.stage() == Stage::Done {
            return Poll::Ready(());
        }
        place.poll(cx, 1, |is_set| is_set.then_some(())).map(drop)
    }
}
