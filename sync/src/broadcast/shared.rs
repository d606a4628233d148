//! What the ends of a broadcast channel share: a ring of slots, each under its own lock; the tail, a word that is read
//! without one; and the line of the receivers that wait, whose lock every sender takes.
//!
//! A slot says which message it holds, and how many receivers have not seen that one yet: the last of them takes the
//! message out, the others clone it. Clones are made under the slot's lock: a message need only be `Send`, so no two
//! threads may look at one at a time. Those who wait for that lock want the same message, or to send over it; the
//! latter hold the line's lock meanwhile.
//!
//! A sender fills the slot first, then moves the tail, then wakes. It does all this with the line locked, and who
//! enters the line looks at the tail under that lock, so no message comes between the look and the wait.

use crate::audience::Audience;
use raddle_runtime::prim::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use raddle_runtime::prim::atomic::{AtomicU64, AtomicUsize};
use raddle_runtime::prim::lock::{Mutex, MutexGuard};
use raddle_runtime::wait::{Queue, What};

/// Set in the tail when no sender is left.
const CLOSED: u64 = 1;
/// One message, in the tail.
const STEP: u64 = 2;

/// A place in the stream of messages, and the slot it falls on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor {
    pub(super) position: u64,
    slot: usize,
}

impl Cursor {
    #[inline]
    fn advance(&mut self, capacity: usize) {
        self.position += 1;
        self.slot = if self.slot + 1 == capacity { 0 } else { self.slot + 1 };
    }
}

#[derive(Debug)]
pub(super) struct Slot<T> {
    /// Which message it holds, or held last.
    position: u64,
    /// How many receivers have not seen it yet.
    unseen: usize,
    message: Option<T>,
}

/// The state beside the line of receivers.
#[derive(Debug)]
struct Line {
    tail: Cursor,
}

/// What a receiver finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nothing {
    /// Every message has been seen.
    Empty,
    /// Every message has been seen, and no more will come.
    Closed,
    /// So many messages have been overwritten.
    Lagged(u64),
}

#[derive(Debug)]
pub(super) struct Shared<T> {
    slots: Box<[Mutex<Slot<T>>]>,
    /// The position of the next message, and `CLOSED`. Changed with the line locked.
    tail: AtomicU64,
    line: Queue<Line>,
    /// Changed with the line locked.
    pub(super) receivers: Audience,
    senders: AtomicUsize,
}

impl<T> Shared<T> {
    /// With one sender and no receiver.
    pub(super) fn new(capacity: usize) -> Self {
        let slot = |_| Mutex::new(Slot { position: 0, unseen: 0, message: None });
        Self {
            slots: (0..capacity).map(slot).collect(),
            tail: AtomicU64::new(0),
            line: Queue::new(Line { tail: Cursor { position: 0, slot: 0 } }),
            receivers: Audience::new(),
            senders: AtomicUsize::new(1),
        }
    }

    /// Sends to all receivers; how many there are. The message comes back if there are none.
    #[inline]
    pub(super) fn send(&self, message: T) -> Result<usize, T> {
        let mut line = self.line.lock();
        let receivers = self.receivers.size();
        if receivers == 0 {
            return Err(message);
        }
        let Cursor { position, slot } = line.tail;
        let mut slot = self.slots[slot].lock();
        slot.position = position;
        slot.unseen = receivers;
        let overwritten = slot.message.replace(message);
        drop(slot);
        line.tail.advance(self.slots.len());
        // Not closed: the sender that is used here is still there.
        self.tail.store(line.tail.position * STEP, Release);
        line.release_all();
        drop(overwritten);
        Ok(receivers)
    }

    /// Whether a receiver that has come to `position` can go on: there is a message, or the end.
    #[inline]
    pub(super) fn has_news(&self, position: u64) -> bool {
        self.tail.load(Acquire) != position * STEP
    }

    pub(super) fn is_closed(&self) -> bool {
        self.tail.load(Acquire) & CLOSED != 0
    }

    /// How many messages were sent from `position` on.
    pub(super) fn sent_since(&self, position: u64) -> u64 {
        self.tail.load(Acquire) / STEP - position
    }

    /// The slot with the message at the cursor, which goes on to the next; or why there is none.
    #[inline]
    fn slot_at(&self, cursor: &mut Cursor) -> Result<MutexGuard<'_, Slot<T>>, Nothing> {
        let tail = self.tail.load(Acquire);
        if tail / STEP == cursor.position {
            return Err(if tail & CLOSED == 0 { Nothing::Empty } else { Nothing::Closed });
        }
        let mut slot = self.slots[cursor.slot].lock();
        if slot.position != cursor.position {
            return Err(self.skip(slot, cursor));
        }
        slot.unseen -= 1;
        cursor.advance(self.slots.len());
        Ok(slot)
    }

    /// Moves the cursor to the oldest message that is still there.
    #[cold]
    fn skip(&self, slot: MutexGuard<'_, Slot<T>>, cursor: &mut Cursor) -> Nothing {
        // The sender that filled this slot may not have moved the tail yet.
        let filled = slot.position + 1;
        drop(slot);
        let capacity = self.slots.len() as u64;
        let oldest = filled.max(self.tail.load(Acquire) / STEP) - capacity;
        let missed = oldest - cursor.position;
        *cursor = Cursor { position: oldest, slot: (oldest % capacity) as usize };
        Nothing::Lagged(missed)
    }

    /// The message at the cursor, which goes on.
    #[inline]
    pub(super) fn take(&self, cursor: &mut Cursor) -> Result<T, Nothing>
    where
        T: Clone,
    {
        let mut slot = self.slot_at(cursor)?;
        let message = if slot.unseen == 0 { slot.message.take() } else { slot.message.clone() };
        Ok(message.expect("a message stays until the last receiver has seen it"))
    }

    /// Waits until a receiver that has come to `position` can go on.
    pub(super) async fn until_news(&self, position: u64) {
        let _ = self.line.arrive(What::Broadcast, |_| self.has_news(position).then_some(())).await;
    }

    /// How many messages someone has still to see.
    pub(super) fn len(&self) -> usize {
        let line = self.line.lock();
        let (tail, capacity) = (line.tail, self.slots.len());
        // Receivers see messages in order, so those that all have seen come first.
        let (mut seen, mut rest) = (0, capacity.min(usize::try_from(tail.position).unwrap_or(capacity)));
        let oldest = tail.slot + capacity - rest;
        while rest > seen {
            let middle = seen + (rest - seen) / 2;
            if self.slots[(oldest + middle) % capacity].lock().unseen == 0 {
                seen = middle + 1;
            } else {
                rest = middle;
            }
        }
        tail.position.min(capacity as u64) as usize - seen
    }

    /// One more receiver; it begins with the next message.
    pub(super) fn add_receiver(&self) -> Cursor {
        let line = self.line.lock();
        self.receivers.add();
        line.tail
    }

    /// A receiver that has come to `cursor` goes: what only it had to see goes with it.
    pub(super) fn remove_receiver(&self, mut cursor: Cursor) {
        let line = self.line.lock();
        let is_last = self.receivers.remove();
        // What is sent from here on does not count this receiver.
        let end = line.tail.position;
        drop(line);
        if is_last {
            self.receivers.tell_empty();
        }
        while cursor.position < end {
            if let Ok(mut slot) = self.slot_at(&mut cursor) {
                let message = if slot.unseen == 0 { slot.message.take() } else { None };
                drop(slot);
                drop(message);
            }
        }
    }

    pub(super) fn add_sender(&self) {
        self.senders.fetch_add(1, Relaxed);
    }

    /// One more sender, unless the last has gone.
    pub(super) fn revive_sender(&self) -> bool {
        self.senders.fetch_update(Relaxed, Relaxed, |senders| (senders != 0).then_some(senders + 1)).is_ok()
    }

    /// The last to go closes the channel.
    pub(super) fn remove_sender(&self) {
        if self.senders.fetch_sub(1, AcqRel) == 1 {
            let line = self.line.lock();
            self.tail.fetch_or(CLOSED, Release);
            line.release_all();
        }
    }

    pub(super) fn senders(&self) -> usize {
        self.senders.load(Relaxed)
    }
}
