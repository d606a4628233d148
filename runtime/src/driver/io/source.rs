//! One registered file descriptor: its readiness, and who waits for it.
//!
//! Each direction has two places to wait: a slot for the `poll_*` functions, which one task at a time uses, and a
//! queue for the async functions, which any number may. A waiter takes its place first and looks at the readiness
//! afterwards; an event sets the readiness first and takes the waiters afterwards. An event that finds nobody stays in
//! the readiness word for whoever comes next.

use super::interest::{Direction, Interest, Ready};
use super::readiness::{Readiness, Snapshot};
use crate::prim::atomic::{
    AtomicU32,
    Ordering::{AcqRel, Acquire},
};
use crate::wait::queue::Outcome;
use crate::wait::{Batch, Queue, Slot};
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// What operations say once the driver is gone.
pub(crate) fn shut_down_error() -> io::Error {
    io::Error::other("the runtime this socket belongs to has shut down")
}

/// That a source was ready, and when: what `clear_readiness` needs to know.
#[derive(Debug, Clone, Copy)]
pub struct ReadyEvent {
    ready: Ready,
    seen: Snapshot,
}

impl ReadyEvent {
    /// What was asked for and is ready.
    #[inline]
    pub fn ready(&self) -> Ready {
        self.ready
    }

    /// The same moment, with fewer bits.
    #[inline]
    pub(crate) fn only(self, ready: Ready) -> Self {
        Self { ready: self.ready.intersection(ready), ..self }
    }

    /// True when out-of-band data was about, whether it was asked for or not.
    #[inline]
    pub(crate) fn saw_priority(&self) -> bool {
        self.seen.ready().is_priority()
    }
}

/// Who waits for one direction.
#[derive(Debug, Default)]
struct Waiters {
    slot: Slot,
    queue: Queue,
}

/// The waiters of one direction that an event has yet to take.
#[derive(Debug, Default)]
struct Owed {
    slot: bool,
    /// How many stood in the queue at the event: those who come later have seen it, and are not waited out.
    queued: usize,
}

impl Owed {
    fn to(waiters: &Waiters) -> Self {
        Self { slot: true, queued: waiters.queue.lock().len() }
    }

    fn next(&mut self, waiters: &Waiters) -> Option<Waker> {
        if std::mem::take(&mut self.slot)
            && let Some(waker) = waiters.slot.take()
        {
            return Some(waker);
        }
        while self.queued > 0 {
            self.queued -= 1;
            let waker = waiters.queue.lock().pop(Outcome::All);
            if waker.is_some() {
                return waker;
            }
        }
        None
    }

    fn is_settled(&self) -> bool {
        !self.slot && self.queued == 0
    }
}

/// The waiters that one event has yet to take.
#[derive(Debug, Default)]
#[must_use = "an event whose waiters are not gathered is lost to them"]
pub(crate) struct Wakes {
    read: Owed,
    write: Owed,
}

/// One source; see the head of this file.
#[derive(Debug)]
pub(crate) struct Source {
    /// How many owners it has had: the part of its token that changes. Written by the table.
    generation: AtomicU32,
    readiness: Readiness,
    read: Waiters,
    write: Waiters,
}

impl Source {
    /// A source that has had no owner.
    pub(crate) fn new() -> Self {
        Self {
            generation: AtomicU32::new(0),
            readiness: Readiness::new(),
            read: Waiters::default(),
            write: Waiters::default(),
        }
    }

    fn waiters(&self, direction: Direction) -> &Waiters {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
    }

    /// Which owner it has.
    #[inline]
    pub(crate) fn generation(&self) -> u32 {
        self.generation.load(Acquire)
    }

    /// The system says `ready`; [`Source::gather`] then takes those who waited for it.
    #[inline]
    pub(crate) fn dispatch(&self, ready: Ready) -> Wakes {
        let new = self.readiness.set(ready);
        let owed = |direction| {
            let concerns = !new.intersection(Ready::of(direction)).is_empty();
            if concerns { Owed::to(self.waiters(direction)) } else { Owed::default() }
        };
        Wakes { read: owed(Direction::Read), write: owed(Direction::Write) }
    }

    /// Moves what `wakes` owes into `batch`. False when the batch is full before all are: wake it, with no lock held,
    /// and come again with the same `wakes`.
    #[inline]
    #[must_use = "when false, there are more to gather"]
    pub(crate) fn gather(&self, wakes: &mut Wakes, batch: &mut Batch) -> bool {
        while !(wakes.read.is_settled() && wakes.write.is_settled()) {
            if batch.is_full() {
                return false;
            }
            let waker = wakes.read.next(&self.read).or_else(|| wakes.write.next(&self.write));
            if let Some(waker) = waker {
                batch.push(waker);
            }
        }
        true
    }

    /// What of `interest` is ready now.
    #[inline]
    pub(crate) fn ready(&self, interest: Interest) -> io::Result<Option<ReadyEvent>> {
        let seen = self.readiness.load();
        if seen.is_shut_down() {
            return Err(shut_down_error());
        }
        let ready = seen.ready().intersection(interest.answers());
        Ok((!ready.is_empty()).then_some(ReadyEvent { ready, seen }))
    }

    /// Waits in the slot of `direction`, for the task that polls last.
    #[inline]
    pub(crate) fn poll_ready(&self, direction: Direction, cx: &Context<'_>) -> Poll<io::Result<ReadyEvent>> {
        if let Some(event) = self.ready(direction.into())? {
            return Poll::Ready(Ok(event));
        }
        self.waiters(direction).slot.register(cx.waker());
        // An event between the look above and the registration found an empty slot: look again.
        match self.ready(direction.into())? {
            Some(event) => Poll::Ready(Ok(event)),
            None => Poll::Pending,
        }
    }

    /// Waits in the queues that `interest` concerns, among any number of tasks.
    pub(crate) async fn wait_ready(&self, interest: Interest) -> io::Result<ReadyEvent> {
        loop {
            if let Some(event) = self.ready(interest)? {
                return Ok(event);
            }
            let mut read = pin!(self.read.queue.wait());
            let mut write = pin!(self.write.queue.wait());
            poll_fn(|cx| {
                let read = interest.concerns(Direction::Read) && read.as_mut().poll_wait(cx).is_ready();
                let write = interest.concerns(Direction::Write) && write.as_mut().poll_wait(cx).is_ready();
                // In the queues now; an event before that may not have seen us: look again.
                if read || write || !matches!(self.ready(interest), Ok(None)) {
                    return Poll::Ready(());
                }
                Poll::Pending
            })
            .await;
        }
    }

    /// The system would block: what `event` said is over, unless there has been news since.
    #[inline]
    pub(crate) fn clear(&self, event: ReadyEvent) {
        self.readiness.clear(event.ready, event.seen);
    }

    /// The driver is gone: every wait and operation ends with an error. `None` when it was gone before.
    pub(crate) fn shut_down(&self) -> Option<Wakes> {
        let first = self.readiness.shut_down();
        first.then(|| Wakes { read: Owed::to(&self.read), write: Owed::to(&self.write) })
    }

    /// Its owner is gone: events under the old token no longer find it. Returns the wakers left behind, to be dropped
    /// with no lock held.
    #[must_use = "wakers are dropped with no lock held"]
    pub(crate) fn retire(&self) -> [Option<Waker>; 2] {
        self.generation.fetch_add(1, AcqRel);
        [self.read.slot.take(), self.write.slot.take()]
    }

    /// Made ready for its next owner. Nobody may be looking: see `table.rs`.
    pub(crate) fn reset(&self) {
        self.readiness.reset();
    }
}
