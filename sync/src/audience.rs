//! How many receivers a channel has, and the line of those who wait until there is none.

use raddle_runtime::prim::atomic::AtomicUsize;
use raddle_runtime::prim::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use raddle_runtime::wait::{Arrival, Queue, What};

/// The receivers of a channel, as a number.
#[derive(Debug)]
pub(crate) struct Audience {
    size: AtomicUsize,
    /// Those who wait until nobody is left.
    line: Queue,
}

impl Audience {
    /// Nobody.
    pub(crate) fn new() -> Self {
        Self { size: AtomicUsize::new(0), line: Queue::new(()) }
    }

    #[inline]
    pub(crate) fn size(&self) -> usize {
        self.size.load(Acquire)
    }

    pub(crate) fn add(&self) {
        self.size.fetch_add(1, Relaxed);
    }

    /// One less. True when that was the last: call [`tell_empty`](Self::tell_empty) once no lock is held.
    #[must_use = "someone may wait for the last to go"]
    pub(crate) fn remove(&self) -> bool {
        self.size.fetch_sub(1, AcqRel) == 1
    }

    /// Wakes those who wait for the last to go.
    pub(crate) fn tell_empty(&self) {
        self.line.notify_all();
    }

    /// Waits until there is nobody.
    pub(crate) async fn until_empty(&self) {
        loop {
            let arrival = self.line.arrive(What::Closed, |_| (self.size() == 0).then_some(())).await;
            // Another may have come since the last one went.
            if arrival == Arrival::Admitted(()) || self.size() == 0 {
                return;
            }
        }
    }
}
