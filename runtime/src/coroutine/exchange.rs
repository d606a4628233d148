//! How a body and its driver meet: the driver lays an [`Exchange`] on its stack for one poll of the body and notes its
//! address in a thread-local; a yield finds it there, and knows by the [`Link`]'s id whether it is its own.
//!
//! So the two share no memory between polls, and a `Yielder` is a number: it may be copied, sent and kept for ever, and
//! where it does no good it finds out.

use crate::task::Id;
use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr;
use std::task::{Poll, Waker};

thread_local! {
    /// The exchange of the body that this thread is polling, the innermost if they are nested; null if there is none.
    static CURRENT: Cell<*const Id> = const { Cell::new(ptr::null()) };
}

type Invariant<T> = PhantomData<fn(T) -> T>;

/// What belongs together: a coroutine, its yielder, its exchanges. No two coroutines have the same.
///
/// The id stands for the types: a link is made in one place, and it is invariant in both, so whatever has this id was
/// made for exactly these. (Otherwise this would hand a short-lived answer to a body that may keep it for ever.)
///
/// ```compile_fail
/// use raddle_runtime::coroutine::Coroutine;
///
/// fn shorten<'a>(keeps: Coroutine<&'static str, (), ()>) -> Coroutine<&'a str, (), ()> {
///     keeps
/// }
/// ```
pub(super) struct Link<In, Out> {
    id: Id,
    types: Invariant<(In, Out)>,
}

impl<In, Out> Link<In, Out> {
    pub(super) fn new() -> Self {
        Self { id: Id::next(), types: PhantomData }
    }

    /// Runs `f` on the exchange of the poll that this is called in; `None` where that is no poll of this link's body.
    #[inline]
    pub(super) fn meet<R>(self, f: impl FnOnce(&Exchange<'_, In, Out>) -> R) -> Option<R> {
        let current = CURRENT.get();
        if current.is_null() {
            return None;
        }
        // SAFETY: `during` set it to an exchange that it borrows until it has set it to another or to null. An exchange
        // begins with its id.
        let id = unsafe { *current };
        if id != self.id {
            return None;
        }
        // SAFETY: it is alive as above, and has this link's id, so it is one of these types.
        let exchange = unsafe { &*current.cast::<Exchange<'_, In, Out>>() };
        Some(f(exchange))
    }
}

impl<In, Out> Clone for Link<In, Out> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<In, Out> Copy for Link<In, Out> {}

/// What a coroutine keeps of its exchanges from one poll to the next. It stays where it is, and is lent: to move it
/// into an exchange and back costs more than the poll does.
pub(super) struct Kept<In> {
    /// A yield has given a value and not taken its answer.
    is_open: Cell<bool>,
    /// What was sent, and that yield has not taken.
    answer: Cell<Option<In>>,
    /// Whose waker that yield was polled with, where that was not the driver's.
    combinator: Cell<Option<Waker>>,
}

impl<In> Kept<In> {
    pub(super) fn new() -> Self {
        Self { is_open: Cell::new(false), answer: Cell::new(None), combinator: Cell::new(None) }
    }

    /// The next poll is to find this answer.
    #[inline]
    pub(super) fn answer(&mut self, answer: Option<In>) {
        self.answer = Cell::new(answer);
        if self.combinator.get_mut().is_some() {
            self.wake_combinator();
        }
    }

    #[cold]
    fn wake_combinator(&self) {
        if let Some(waker) = self.combinator.take() {
            waker.wake();
        }
    }
}

/// What goes to and fro in one poll of a body.
#[repr(C)]
pub(super) struct Exchange<'a, In, Out> {
    /// First, since [`Link::meet`] reads it before it knows the rest.
    id: Id,
    /// The driver's.
    waker: &'a Waker,
    value: Cell<Option<Out>>,
    kept: &'a Kept<In>,
}

impl<'a, In, Out> Exchange<'a, In, Out> {
    #[inline]
    pub(super) fn new(link: Link<In, Out>, waker: &'a Waker, kept: &'a Kept<In>) -> Self {
        Self { id: link.id, waker, value: Cell::new(None), kept }
    }

    /// Runs `poll`, in which this is the current exchange.
    #[inline]
    pub(super) fn during<R>(&self, poll: impl FnOnce() -> R) -> R {
        let _restore = Restore(CURRENT.replace(ptr::from_ref(self).cast()));
        poll()
    }

    /// A yield has given a value, in this poll or an earlier one, and has not taken its answer.
    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.kept.is_open.get()
    }

    /// Gives the driver a value: the yield that does is the open one now.
    #[inline]
    pub(super) fn give(&self, value: Out) {
        self.kept.is_open.set(true);
        self.value.set(Some(value));
    }

    /// Takes the answer to what was given, once it is there.
    #[inline]
    pub(super) fn take_answer(&self) -> Poll<In> {
        let Some(answer) = self.kept.answer.take() else { return Poll::Pending };
        self.kept.is_open.set(false);
        Poll::Ready(answer)
    }

    /// The open yield will be polled again by whom this waker wakes. That is the driver, as a rule, who comes anyway;
    /// a combinator that polls only those of its futures that were woken has wakers of its own.
    #[inline]
    pub(super) fn wake_for_answer(&self, waker: &Waker) {
        if !waker.will_wake(self.waker) {
            self.kept.combinator.set(Some(waker.clone()));
        }
    }

    /// The open yield is given up: what was given and not taken, on either side, is the caller's to drop.
    pub(super) fn give_up(&self) -> (Option<In>, Option<Out>) {
        self.kept.is_open.set(false);
        (self.kept.answer.take(), self.value.take())
    }

    /// What was given, for the driver.
    #[inline]
    pub(super) fn into_value(self) -> Option<Out> {
        self.value.into_inner()
    }
}

/// Sets the current exchange back to the one before, also when the body panics.
struct Restore(*const Id);

impl Drop for Restore {
    #[inline]
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}
