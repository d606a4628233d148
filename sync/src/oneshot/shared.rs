//! What the two ends of a oneshot channel share: one allocation, one word, the value, and a slot for each end.
//!
//! The word says what has been: `ENDED`, the sender has said its last, and the cell (with or without a value) is the
//! receiver's from then on; `CLOSED`, the receiver takes nothing any more. Each is said by one exchange that is refused
//! once the other has been said, so a value is either the receiver's or still the sender's. An end that has left its
//! waker says so (`..._WAITS`); while it has not, the other goes (`..._GONE`) in the same exchange in which it says its
//! last. Whoever goes second frees the memory.

use raddle_runtime::prim::atomic::AtomicU8;
use raddle_runtime::prim::atomic::Ordering::{AcqRel, Acquire};
use raddle_runtime::prim::cell::UnsafeCell;
use raddle_runtime::wait::{Slot, batch};
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::task::{Poll, Waker};

/// The sender has said its last.
const ENDED: u8 = 1;
/// The receiver takes nothing any more.
const CLOSED: u8 = 2;
/// The receiver's slot has been used: who says `ENDED` looks there.
const RECEIVER_WAITS: u8 = 4;
/// The sender's slot has been used: who says `CLOSED` looks there.
const SENDER_WAITS: u8 = 8;
/// The sender touches the channel no more.
const SENDER_GONE: u8 = 16;
/// The receiver touches the channel no more.
const RECEIVER_GONE: u8 = 32;

/// The allocation.
struct Channel<T> {
    word: AtomicU8,
    /// The sender's until `ENDED` is said, then the receiver's.
    value: UnsafeCell<Option<T>>,
    receiver: Slot,
    sender: Slot,
}

/// The bits of one end, and its slot.
struct Side<'a> {
    last: u8,
    waits: u8,
    gone: u8,
    slot: &'a Slot,
}

impl<T> Channel<T> {
    fn sender_side(&self) -> Side<'_> {
        Side { last: ENDED, waits: SENDER_WAITS, gone: SENDER_GONE, slot: &self.sender }
    }

    fn receiver_side(&self) -> Side<'_> {
        Side { last: CLOSED, waits: RECEIVER_WAITS, gone: RECEIVER_GONE, slot: &self.receiver }
    }

    /// Leaves `waker` for `side`, to be woken when the other end says its last. The word as it is afterwards.
    fn wait(&self, side: &Side<'_>, word: u8, waker: &Waker) -> u8 {
        if word & side.waits != 0 {
            // The other end has been told of the slot, which orders the look behind the registration.
            side.slot.register(waker);
            return self.word.load(Acquire);
        }
        // SAFETY: the other end looks at the slot once it has seen `waits`; on this side one task waits at a time.
        unsafe { side.slot.fill(waker.clone()) };
        self.word.fetch_or(side.waits, AcqRel)
    }

    /// Says `mine.last` and goes, unless one of `refused` has been said: the last use of the channel by this end. True
    /// when the memory is to be freed; false when the other end will do that; an error when it was refused.
    #[inline]
    fn leave(&self, mine: &Side<'_>, other: &Side<'_>, refused: u8) -> Result<bool, Refused> {
        let mut word = self.word.load(Acquire);
        let (takes_own, takes_other) = loop {
            if word & refused != 0 {
                return Err(Refused);
            }
            if word & other.gone != 0 {
                return Ok(true);
            }
            // Each waker is taken by who comes first: the other end to wake it, or this one when it wakes nobody now.
            let takes_other = word & mine.last == 0 && word & other.waits != 0;
            let takes_own = word & other.last == 0 && word & mine.waits != 0;
            let may_go = !takes_own && !takes_other;
            let next = word | mine.last | if may_go { mine.gone } else { 0 };
            match self.word.compare_exchange_weak(word, next, AcqRel, Acquire) {
                Ok(_) if may_go => return Ok(false),
                Ok(_) => break (takes_own, takes_other),
                Err(now) => word = now,
            }
        };
        Ok(self.wake_and_leave(mine, takes_own, takes_other.then_some(other.slot), other.gone))
    }

    /// The rest of `leave` for who has said its last and has wakers to take; true when the memory is to be freed.
    #[inline(never)]
    fn wake_and_leave(&self, mine: &Side<'_>, takes_own: bool, other: Option<&Slot>, other_gone: u8) -> bool {
        let own = if takes_own { mine.slot.take_last() } else { None };
        let waker = other.and_then(Slot::take_last);
        let is_last = self.word.fetch_or(mine.gone, AcqRel) & other_gone != 0;
        drop(own);
        if let Some(waker) = waker {
            batch::wake(waker);
        }
        is_last
    }
}

/// The other end had said its last before.
struct Refused;

/// A pointer to the channel that one end holds.
struct End<T>(NonNull<Channel<T>>);

// SAFETY: the value goes from one thread to another, and is touched by one end at a time; all else is atomic.
unsafe impl<T: Send> Send for End<T> {}
// SAFETY: a shared end looks at the word; its cell is read through `&self` by `has_value` alone, which shows no `T`.
unsafe impl<T: Send> Sync for End<T> {}

impl<T> End<T> {
    fn channel(&self) -> &Channel<T> {
        // SAFETY: the memory is freed when both ends are gone; this one has not gone while it is used.
        unsafe { self.0.as_ref() }
    }

    /// # Safety
    /// Both ends have gone, this one with the call that returned true.
    unsafe fn free(&self) {
        // SAFETY: it came from a box, and nobody else is about.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }

    /// # Safety
    /// The cell is this end's: see `Channel::value`.
    #[inline]
    unsafe fn put(&self, value: T) {
        // SAFETY: the caller's. It is empty, so nothing is overwritten.
        self.channel().value.with_mut(|cell| unsafe { cell.write(Some(value)) });
    }

    /// # Safety
    /// The cell is this end's: see `Channel::value`.
    #[inline]
    unsafe fn take(&self) -> Option<T> {
        // SAFETY: the caller's.
        self.channel().value.with_mut(|cell| unsafe { (*cell).take() })
    }
}

/// The sender's end.
pub(super) struct Tx<T>(End<T>);

/// The receiver's end.
pub(super) struct Rx<T>(End<T>);

/// Both ends of a new channel.
pub(super) fn allocate<T>() -> (Tx<T>, Rx<T>) {
    let channel = Box::new(Channel {
        word: AtomicU8::new(0),
        value: UnsafeCell::new(None),
        receiver: Slot::new(),
        sender: Slot::new(),
    });
    let channel = NonNull::from(Box::leak(channel));
    (Tx(End(channel)), Rx(End(channel)))
}

impl<T> Tx<T> {
    /// Hands the value over, or gives it back when the receiver takes nothing any more.
    #[inline]
    pub(super) fn send(self, value: T) -> Result<(), T> {
        let this = ManuallyDrop::new(self);
        // SAFETY: `ENDED` has not been said: the cell is the sender's.
        unsafe { this.0.put(value) };
        // Mostly nobody waits yet: one exchange, without a look before.
        let word = &this.0.channel().word;
        if word.compare_exchange(0, ENDED | SENDER_GONE, AcqRel, Acquire).is_ok()
            || this.leave(CLOSED).is_ok()
        {
            return Ok(());
        }
        // SAFETY: as above: saying it was refused.
        let value = unsafe { this.0.take() };
        drop(ManuallyDrop::into_inner(this));
        value.map_or(Ok(()), Err)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.0.channel().word.load(Acquire) & CLOSED != 0
    }

    /// Ready when the receiver takes nothing any more; else `waker` is woken then.
    pub(super) fn poll_closed(&self, waker: &Waker) -> Poll<()> {
        let channel = self.0.channel();
        let word = channel.word.load(Acquire);
        if word & CLOSED != 0 || channel.wait(&channel.sender_side(), word, waker) & CLOSED != 0 {
            return Poll::Ready(());
        }
        Poll::Pending
    }

    /// Drops the waker that was left by `poll_closed`.
    pub(super) fn forget_waker(&self) {
        drop(self.0.channel().sender.take());
    }

    fn leave(&self, refused: u8) -> Result<(), Refused> {
        let channel = self.0.channel();
        if channel.leave(&channel.sender_side(), &channel.receiver_side(), refused)? {
            // SAFETY: `leave` has said so; every caller forgets this end.
            unsafe { self.0.free() };
        }
        Ok(())
    }
}

impl<T> Drop for Tx<T> {
    fn drop(&mut self) {
        let _ = self.leave(0);
    }
}

/// How far the sender has come, as the receiver sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// It may still send.
    Open,
    /// It has sent, or has gone without: the cell says which.
    Ended,
    /// It has not sent and cannot any more, for the receiver has closed.
    Closed,
}

impl From<u8> for Progress {
    fn from(word: u8) -> Self {
        match word {
            _ if word & ENDED != 0 => Self::Ended,
            _ if word & CLOSED != 0 => Self::Closed,
            _ => Self::Open,
        }
    }
}

impl<T> Rx<T> {
    pub(super) fn progress(&self) -> Progress {
        self.0.channel().word.load(Acquire).into()
    }

    /// As [`progress`](Self::progress); while it is open, `waker` is woken when that changes.
    #[inline]
    pub(super) fn poll_progress(&self, waker: &Waker) -> Progress {
        let channel = self.0.channel();
        let word = channel.word.load(Acquire);
        match Progress::from(word) {
            Progress::Open => channel.wait(&channel.receiver_side(), word, waker).into(),
            progress => progress,
        }
    }

    /// Whether the sender has left a value.
    pub(super) fn has_value(&self) -> bool {
        self.progress() == Progress::Ended
            // SAFETY: `ENDED` has been said: the cell is the receiver's, who does not change it meanwhile.
            && self.0.channel().value.with(|cell| unsafe { (*cell).is_some() })
    }

    /// Refuses what is not sent yet.
    pub(super) fn close(&self) {
        let channel = self.0.channel();
        let before = channel.word.fetch_or(CLOSED, AcqRel);
        if before & (CLOSED | SENDER_WAITS) == SENDER_WAITS {
            channel.sender.wake();
        }
    }

    /// Takes the value, if there is one, and goes. No value comes any more: the progress is no longer `Open`.
    #[inline]
    pub(super) fn finish(self) -> Option<T> {
        let this = ManuallyDrop::new(self);
        this.take_and_leave()
    }

    #[inline]
    fn take_and_leave(&self) -> Option<T> {
        let value = match self.progress() {
            // SAFETY: `ENDED` has been said: the cell is the receiver's.
            Progress::Ended => unsafe { self.0.take() },
            _ => None,
        };
        let _ = self.leave(0);
        value
    }

    fn leave(&self, refused: u8) -> Result<(), Refused> {
        let channel = self.0.channel();
        if channel.leave(&channel.receiver_side(), &channel.sender_side(), refused)? {
            // SAFETY: `leave` has said so; every caller forgets this end.
            unsafe { self.0.free() };
        }
        Ok(())
    }
}

impl<T> Drop for Rx<T> {
    fn drop(&mut self) {
        // One that goes before the sender has ended has no cell to look into.
        if self.leave(ENDED).is_err() {
            drop(self.take_and_leave());
        }
    }
}
