//! The body's side: the yielder it is given, and the future of one yield.

use super::exchange::{Exchange, Link};
use super::{Coroutine, Step};
use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

/// What a body yields with: handed to the closure of [`Coroutine::new`], and good in that body alone.
///
/// It is a small value to copy, also into the functions that the body calls. One that gets out of its body does no
/// harm: a yield with it panics.
pub struct Yielder<In, Out> {
    link: Link<In, Out>,
}

impl<In, Out> Yielder<In, Out> {
    pub(super) fn new(link: Link<In, Out>) -> Self {
        Self { link }
    }

    /// Hands `value` to the driver, whose `start` or `send` returns with it, and resolves to what is sent next.
    ///
    /// One yield at a time: the one before has to have its answer.
    ///
    /// # Panics
    /// The future panics when it is polled anywhere but in the body of its coroutine (in another coroutine, in a task
    /// of its own, after the end), and when another yield is open.
    ///
    /// # Cancel safety
    /// A yield that is dropped in the poll in which it began is taken back: the driver does not see its value. One that
    /// is dropped later leaves its answer to nobody, and the answer is dropped.
    #[inline]
    pub fn yield_(self, value: Out) -> Yield<In, Out> {
        Yield { link: self.link, phase: Phase::New(value) }
    }

    /// Delegates to another coroutine, as Python's `yield from`: what it yields is yielded here, what is sent here is
    /// sent to it, until it returns; that is what this returns.
    ///
    /// Where it awaits anything else, so does this body. Closing this coroutine closes it.
    ///
    /// # Panics
    /// If `inner` has been started: there would be nobody to answer its last yield.
    ///
    /// ```
    /// use raddle_runtime::coroutine::{Coroutine, Yielder};
    ///
    /// fn countdown(from: u32) -> Coroutine<(), u32, &'static str> {
    ///     Coroutine::new(move |co| async move {
    ///         for n in (1..=from).rev() {
    ///             co.yield_(n).await;
    ///         }
    ///         "lift-off"
    ///     })
    /// }
    ///
    /// let twice = Coroutine::new(|co: Yielder<(), u32>| async move {
    ///     assert_eq!(co.yield_from(countdown(2)).await, "lift-off");
    ///     co.yield_from(countdown(3)).await;
    /// });
    /// assert_eq!(twice.collect::<Vec<_>>(), [2, 1, 3, 2, 1]);
    /// ```
    pub async fn yield_from<Ret, Body>(self, mut inner: Coroutine<In, Out, Ret, Body>) -> Ret
    where
        Body: Future<Output = Ret> + Unpin,
    {
        inner.begin(None);
        loop {
            match poll_fn(|cx| inner.poll_step(cx)).await {
                Step::Yielded(value) => inner.begin(Some(self.yield_(value).await)),
                Step::Returned(value) => return value,
            }
        }
    }
}

impl<In, Out> Clone for Yielder<In, Out> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<In, Out> Copy for Yielder<In, Out> {}

impl<In, Out> fmt::Debug for Yielder<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Yielder").finish_non_exhaustive()
    }
}

/// The future of [`Yielder::yield_`].
#[must_use = "nothing is yielded until it is awaited"]
pub struct Yield<In, Out> {
    link: Link<In, Out>,
    phase: Phase<Out>,
}

enum Phase<Out> {
    New(Out),
    /// The value is given: this yield is the open one.
    Open,
    Done,
}

impl<In, Out> Yield<In, Out> {
    #[inline]
    fn begin(&mut self, exchange: &Exchange<'_, In, Out>) -> Poll<In> {
        if exchange.is_open() {
            two_at_once();
        }
        if let Phase::New(value) = mem::replace(&mut self.phase, Phase::Open) {
            exchange.give(value);
        }
        Poll::Pending
    }
}

impl<In, Out> Future for Yield<In, Out> {
    type Output = In;

    // A body has it twice at each yield, for the answer and for the next value, and calls it if it is left the choice.
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<In> {
        let this = self.get_mut();
        let polled = this.link.meet(|exchange| {
            let polled = match this.phase {
                Phase::New(_) => this.begin(exchange),
                Phase::Open => exchange.take_answer(),
                Phase::Done => panic!("the future of a yield was polled after it had its answer"),
            };
            match polled {
                Poll::Ready(_) => this.phase = Phase::Done,
                Poll::Pending => exchange.wake_for_answer(cx.waker()),
            }
            polled
        });
        polled.unwrap_or_else(|| out_of_body())
    }
}

/// A value is never pinned in it.
impl<In, Out> Unpin for Yield<In, Out> {}

impl<In, Out> Drop for Yield<In, Out> {
    #[inline]
    fn drop(&mut self) {
        if let Phase::Open = self.phase {
            // Where there is no exchange, the body is being dropped, and with it whatever would have been exchanged.
            drop(self.link.meet(|exchange| exchange.give_up()));
        }
    }
}

impl<In, Out> fmt::Debug for Yield<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Yield").field("is_open", &matches!(self.phase, Phase::Open)).finish_non_exhaustive()
    }
}

#[cold]
#[inline(never)]
fn two_at_once() -> ! {
    panic!(
        "two yields of one coroutine at once: await each before the next is polled (not joined or selected), so that \
         it is clear to which of them an answer belongs"
    )
}

#[cold]
#[inline(never)]
fn out_of_body() -> ! {
    panic!(
        "a yielder was used outside the body of its coroutine (in another coroutine, in a task, or after the end): \
         await co.yield_(…) in the body that was given `co`, or in a future that this body awaits"
    )
}
