//! Generator coroutines: bodies that give values out, one at a time, and are sent values back. They need no runtime.
//!
//! ```
//! use raddle_runtime::coroutine::{Coroutine, Step, Yielder};
//!
//! let mut average = Coroutine::new(|co: Yielder<f64, f64>| async move {
//!     let (mut sum, mut count) = (0.0, 0);
//!     while count < 3 {
//!         let mean = if count == 0 { 0.0 } else { sum / f64::from(count) };
//!         sum += co.yield_(mean).await;
//!         count += 1;
//!     }
//!     sum
//! });
//! assert_eq!(average.start(), Step::Yielded(0.0));
//! assert_eq!(average.send(10.0), Step::Yielded(10.0));
//! assert_eq!(average.send(30.0), Step::Yielded(20.0));
//! assert_eq!(average.send(5.0), Step::Returned(45.0));
//! ```
//!
//! A coroutine that is sent `()` is an iterator of what it yields:
//!
//! ```
//! use raddle_runtime::coroutine::Coroutine;
//!
//! fn fibonacci() -> Coroutine<(), u32, ()> {
//!     Coroutine::new(|co| async move {
//!         let (mut a, mut b) = (0, 1);
//!         loop {
//!             co.yield_(a).await;
//!             (a, b) = (b, a + b);
//!         }
//!     })
//! }
//! assert_eq!(fibonacci().take(8).collect::<Vec<_>>(), [0, 1, 1, 2, 3, 5, 8, 13]);
//! ```
//!
//! # Awaiting other things
//! The body is async code. With [`start`](Coroutine::start), [`send`](Coroutine::send) and as an iterator it is driven
//! then and there, so all it may wait for is the answer to a yield. A body that sleeps, reads or locks is driven with
//! [`start_async`](Coroutine::start_async) and [`send_async`](Coroutine::send_async), or as a stream with
//! [`into_stream`](Coroutine::into_stream) (`async for`); both ways can be mixed.
//!
//! # Python's generators
//! | Python | here |
//! |---|---|
//! | `next(g)` at first | [`start`](Coroutine::start); `send` before it panics (there: `TypeError`) |
//! | `v = yield x`, `g.send(v)` | `let v = co.yield_(x).await`, [`send`](Coroutine::send) |
//! | `StopIteration.value` | [`Step::Returned`] |
//! | `StopIteration` once more | a panic: ask [`is_done`](Coroutine::is_done); the iterator gives `None` |
//! | `g.close()` | [`close`](Coroutine::close) drops the body: destructors run, and nothing can catch it |
//! | `g.throw(e)` | send a `Result`, and use `?` on the answer |
//! | `ValueError`: already executing | does not compile: who drives has borrowed the coroutine mutably |
//! | an exception in the body | a panic: goes to the sender, ends the coroutine |
//! | `yield from inner` | [`co.yield_from(inner).await`](Yielder::yield_from) |
//! | `async for`, `asend` | [`into_stream`](Coroutine::into_stream), [`send_async`](Coroutine::send_async) |
//!
//! # Cost
//! A coroutine is one allocation, its body, or none with [`on_stack`](Coroutine::on_stack); a step is one call of the
//! body through a pointer, with no allocation, lock or atomic operation.

mod body;
mod drive;
mod exchange;
mod resume;
mod yielder;

pub use body::{BoxBody, LocalBody, LocalCoroutine, OnStack};
pub use resume::{CoroutineStream, Resume};
pub use yielder::{Yield, Yielder};

use exchange::{Kept, Link};
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;

/// A generator coroutine that is sent `In`s, yields `Out`s and returns a `Ret`.
///
/// It runs only while it is driven. Dropping one that is under way is to [`close`](Self::close) it. It is `Send` where
/// `In` is: [`new`](Self::new) asks that of the body. The fourth parameter says where the body is, and can be left out.
#[must_use = "a coroutine does nothing until it is started"]
pub struct Coroutine<In, Out, Ret, Body = BoxBody<'static, Ret>> {
    /// None when it is done.
    body: Option<Body>,
    stage: Stage,
    kept: Kept<In>,
    link: Link<In, Out>,
    ret: PhantomData<fn() -> Ret>,
}

/// How far a coroutine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    /// A yield waits for its answer.
    Yielded,
    /// The body was started or sent to, and has not come to its next yield.
    UnderWay,
    /// Returned, panicked or closed.
    Done,
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step<Out, Ret> {
    /// The body has yielded this.
    Yielded(Out),
    /// The body has returned this: the coroutine is done.
    Returned(Ret),
}

impl<Out, Ret> Step<Out, Ret> {
    /// What was yielded, if it was.
    pub fn yielded(self) -> Option<Out> {
        match self {
            Self::Yielded(value) => Some(value),
            Self::Returned(_) => None,
        }
    }

    /// What was returned, if it was.
    pub fn returned(self) -> Option<Ret> {
        match self {
            Self::Yielded(_) => None,
            Self::Returned(value) => Some(value),
        }
    }
}

impl<'a, In, Out, Ret> Coroutine<In, Out, Ret, BoxBody<'a, Ret>> {
    /// A coroutine with this body, which does not run yet. The body may borrow.
    pub fn new<F>(body: impl FnOnce(Yielder<In, Out>) -> F) -> Self
    where
        F: Future<Output = Ret> + Send + 'a,
    {
        Self::with_body(|co| Box::pin(body(co)))
    }
}

impl<'a, In, Out, Ret> Coroutine<In, Out, Ret, LocalBody<'a, Ret>> {
    /// As [`new`](Coroutine::new), for a body that is not `Send`: it holds an `Rc`, say.
    pub fn new_local<F>(body: impl FnOnce(Yielder<In, Out>) -> F) -> Self
    where
        F: Future<Output = Ret> + 'a,
    {
        Self::with_body(|co| Box::pin(body(co)))
    }
}

impl<'a, In, Out, F: Future> Coroutine<In, Out, F::Output, OnStack<'a, F>> {
    /// As [`new`](Coroutine::new), without an allocation: the body lies in `place`, which is `pin!(None)`.
    ///
    /// ```
    /// use raddle_runtime::coroutine::Coroutine;
    /// use std::pin::pin;
    ///
    /// let place = pin!(None);
    /// let squares = Coroutine::on_stack(place, |co| async move {
    ///     for n in 1..=4 {
    ///         co.yield_(n * n).await;
    ///     }
    /// });
    /// assert_eq!(squares.sum::<u32>(), 30);
    /// ```
    pub fn on_stack(place: Pin<&'a mut Option<F>>, body: impl FnOnce(Yielder<In, Out>) -> F) -> Self {
        Self::with_body(|co| OnStack::new(place, body(co)))
    }
}

impl<In, Out, Ret, Body> Coroutine<In, Out, Ret, Body> {
    fn with_body(body: impl FnOnce(Yielder<In, Out>) -> Body) -> Self {
        let link = Link::new();
        Self {
            body: Some(body(Yielder::new(link))),
            stage: Stage::New,
            kept: Kept::new(),
            link,
            ret: PhantomData,
        }
    }

    /// Ends it where it stands: the body is dropped, and with it everything it holds, the innermost first. Nothing of
    /// the body runs but destructors. One that is done is left as it is.
    ///
    /// # Panics
    /// If a destructor does. The coroutine is done all the same.
    pub fn close(&mut self) {
        self.stage = Stage::Done;
        self.body = None;
        self.kept = Kept::new();
    }

    /// True when it has returned, panicked or been closed: from then on it cannot be driven.
    pub fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }
}

impl<In, Out, Ret, Body> fmt::Debug for Coroutine<In, Out, Ret, Body> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Coroutine").field("stage", &self.stage).finish_non_exhaustive()
    }
}
