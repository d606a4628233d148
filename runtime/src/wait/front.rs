//! Something that happens once, and the first of those who wait for it: that one stands in a word, so that neither it
//! nor whoever makes it happen needs a lock. All others are in the queue beside it.
//!
//! The word is `{waiter: 61, LINE, OVER, SETTLING}`.
//!
//! - A waiter enters by one compare-exchange that finds none there. Its node is its owner's alone until a settler has
//!   taken it out of the word; the owner may take it out again in the same way, to leave or to change its waker.
//! - The settler who sets `SETTLING` has won, and has taken the waiter and `LINE` out in the same step. It moves a
//!   value
//!   into place, runs no foreign code, and stores `OVER`, which does not change any more. Nobody changes the word in
//!   between: whoever must know more waits for that moment.
//! - An owner who finds its waiter taken out waits in the same way for its stage to say so: it may free the waiter
//!   then.
//! - `LINE` says that there is something behind the queue's lock. It is set under that lock, before what it speaks of
//!   is entered; a settler that does not find it has come first, and is found by whoever wanted to set it.

use super::batch;
use super::note::note;
use super::place::{Place, discard};
use super::queue::{Stage, Waiter};
use crate::budget;
use crate::prim::atomic::{AtomicPtr, Ordering::AcqRel, Ordering::Acquire, Ordering::Release};
use crate::prim::thread::Moment;
use std::pin::Pin;
use std::ptr::{self, NonNull};
use std::task::{Context, Poll, ready};

const SETTLING: usize = 1;
const OVER: usize = 1 << 1;
const LINE: usize = 1 << 2;
const FLAGS: usize = SETTLING | OVER | LINE;

/// The word.
#[derive(Debug)]
pub(crate) struct Front {
    word: AtomicPtr<Waiter>,
    /// Between `SETTLING` and `OVER`, and until the settler is through with the waiter.
    moment: Moment,
}

/// A value of the word, taken apart.
#[derive(Debug, Clone, Copy)]
struct Word(*mut Waiter);

impl Word {
    #[inline]
    fn has(self, flags: usize) -> bool {
        self.0.addr() & flags != 0
    }

    #[inline]
    fn waiter(self) -> *mut Waiter {
        self.0.map_addr(|addr| addr & !FLAGS)
    }

    /// The flags as they are, with this waiter.
    #[inline]
    fn with(self, waiter: *const Waiter) -> *mut Waiter {
        waiter.cast_mut().map_addr(|addr| addr | (self.0.addr() & FLAGS))
    }
}

/// The right to settle it, and the duty to finish.
#[derive(Debug)]
#[must_use = "whoever waits for the end of it waits for ever"]
pub(crate) struct Settling<'a> {
    front: &'a Front,
    first: *mut Waiter,
    has_line: bool,
}

impl Front {
    /// Not settled, and nobody waits.
    pub(crate) fn new() -> Self {
        const { assert!(align_of::<Waiter>() > FLAGS) };
        Self { word: AtomicPtr::new(ptr::null_mut()), moment: Moment::new() }
    }

    #[inline]
    fn load(&self) -> Word {
        Word(self.word.load(Acquire))
    }

    /// Puts `next` where `seen` was; the word as it is, if that is something else.
    #[inline]
    fn exchange(&self, seen: Word, next: *mut Waiter) -> Result<(), Word> {
        // Release: whoever takes a waiter out finds its node as we left it. Acquire: and so do we.
        self.word.compare_exchange(seen.0, next, AcqRel, Acquire).map(drop).map_err(Word)
    }

    /// True once it is settled, and what was written before [`Settling::finish`] can be read.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        self.load().has(OVER)
    }

    /// Begins to settle it; `None` when another has: then it is over.
    #[inline]
    pub(crate) fn settle(&self) -> Option<Settling<'_>> {
        let mut word = self.load();
        while !word.has(SETTLING | OVER) {
            match self.exchange(word, ptr::without_provenance_mut(SETTLING)) {
                Ok(()) => {
                    return Some(Settling { front: self, first: word.waiter(), has_line: word.has(LINE) });
                }
                Err(seen) => word = seen,
            }
        }
        self.wait_until_over();
        None
    }

    /// Says that there is something behind the lock of the queue, which the caller holds; false when it is over, and
    /// nobody will look there any more.
    #[must_use]
    pub(crate) fn mark_line(&self) -> bool {
        let mut word = self.load();
        while !word.has(SETTLING | OVER) {
            match self.exchange(word, word.0.map_addr(|addr| addr | LINE)) {
                Ok(()) => return true,
                Err(seen) => word = seen,
            }
        }
        // The settler has not found `LINE`, so it does not come for the lock.
        self.wait_until_over();
        false
    }

    fn wait_until_over(&self) {
        self.moment.wait(|| self.is_over());
    }

    /// Waits in `place`, whose queue is the one beside this word; takes a unit of the budget.
    #[inline]
    pub(crate) fn poll<S>(&self, place: Pin<&mut Place<'_, S>>, cx: &Context<'_>) -> Poll<()> {
        let unit = ready!(budget::poll_unit(cx));
        let polled = match place.stage() {
            Stage::New => self.enter(place, cx),
            Stage::Alone => self.stay(place, cx),
            _ => place.poll_uncounted(cx, 1, |_| None::<()>).map(drop),
        };
        ready!(polled);
        unit.spend();
        Poll::Ready(())
    }

    fn enter<S>(&self, place: Pin<&mut Place<'_, S>>, cx: &Context<'_>) -> Poll<()> {
        if self.is_over() {
            place.skip();
            return Poll::Ready(());
        }
        // SAFETY: it is new; `poll` was called on a pinned place, and `leave` takes it out before it is freed.
        if unsafe { self.stand(place.waiter(), cx) } {
            note(place.waiter().what);
            return Poll::Pending;
        }
        // Somebody stands there already, or it is over.
        place.poll_uncounted(cx, 1, |_| if self.mark_line() { None } else { Some(()) }).map(drop)
    }

    /// Puts a waiter in the word, if nobody is there.
    ///
    /// # Safety
    /// It is new, stays where it is, and is taken out by [`Front::leave`] before it is freed.
    #[inline]
    unsafe fn stand(&self, waiter: &Waiter, cx: &Context<'_>) -> bool {
        let mut word = self.load();
        if word.has(SETTLING | OVER) || !word.waiter().is_null() {
            return false;
        }
        // SAFETY: new, so its node is ours.
        unsafe { waiter.fill(Stage::Alone, Some(cx.waker().clone())) };
        while !word.has(SETTLING | OVER) && word.waiter().is_null() {
            match self.exchange(word, word.with(waiter)) {
                Ok(()) => return true,
                Err(seen) => word = seen,
            }
        }
        // SAFETY: it has not been shown to anyone.
        discard(unsafe { waiter.fill(Stage::New, None) });
        false
    }

    /// A later poll: makes sure that the task that polls now is the one to be woken.
    fn stay<S>(&self, place: Pin<&mut Place<'_, S>>, cx: &Context<'_>) -> Poll<()> {
        let waiter = place.waiter();
        if !self.take_out(waiter) {
            waiter.finish();
            return Poll::Ready(());
        }
        // SAFETY: taken out, so its node is ours.
        discard(unsafe { waiter.fill(Stage::New, None) });
        self.enter(place, cx)
    }

    /// Takes a waiter out of the word again; when a settler was faster, waits until that is through with it.
    fn take_out(&self, waiter: &Waiter) -> bool {
        let mut word = self.load();
        while ptr::eq(word.waiter(), waiter) {
            match self.exchange(word, word.with(ptr::null())) {
                Ok(()) => return true,
                Err(seen) => word = seen,
            }
        }
        self.moment.wait(|| waiter.stage() != Stage::Alone);
        false
    }

    /// Leaves the word for good, if the place is in it. Before the place is dropped.
    #[inline]
    pub(crate) fn leave<S>(&self, place: &Place<'_, S>) {
        if place.stage() == Stage::Alone && self.take_out(place.waiter()) {
            // SAFETY: taken out, so its node is ours.
            discard(unsafe { place.waiter().fill(Stage::New, None) });
        }
    }
}

impl Settling<'_> {
    /// It is over: whoever looks finds what was written before. Wakes the first; true when there is something behind
    /// the lock of the queue.
    #[inline]
    pub(crate) fn finish(self) -> bool {
        let Self { front, first, has_line } = self;
        front.word.store(ptr::without_provenance_mut(OVER), Release);
        // SAFETY: we took it out, and its owner waits until its stage says that we are through.
        let waker = NonNull::new(first).and_then(|first| unsafe { Waiter::notify_alone(first) });
        front.moment.pass();
        if let Some(waker) = waker {
            batch::wake(waker);
        }
        has_line
    }
}
