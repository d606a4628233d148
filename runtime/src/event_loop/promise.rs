//! [`Promise`]: a value to come, set by anyone, awaited by any number. (asyncio's `Future`)

use super::callback::once;
use super::core::Core;
use super::exception::ExceptionContext;
use super::outcome::{Settled, Wait};
use crate::prim::atomic::{AtomicBool, Ordering::Relaxed};
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// An error that many can hold.
type Failure = Arc<dyn Error + Send + Sync>;

/// A value to come, or an error: whoever has a clone may set it, once; any number await it; callbacks run when it is
/// there, on the lane of the loop that [made](super::EventLoop::create_future) it. (asyncio's `Future`)
///
/// To await it is to use a clone up: `promise.clone().await`.
///
/// ```
/// use raddle_runtime::event_loop::EventLoop;
/// use std::time::Duration;
///
/// let event_loop = EventLoop::new();
/// let promise = event_loop.create_future::<&str>();
/// let setter = promise.clone();
/// event_loop.call_later(Duration::from_millis(1), move || setter.set_result("ready").unwrap());
/// assert_eq!(event_loop.run_until_complete(promise).unwrap(), "ready");
/// ```
///
/// # Cancel safety
/// Dropping a clone, awaited or not, changes nothing for the others.
#[must_use = "a promise that nobody keeps is never set"]
pub struct Promise<T: 'static> {
    /// Leads into `inner`, hence dropped before it.
    wait: Wait<'static, Outcome<T>, Done<T>>,
    inner: Arc<Inner<T>>,
}

struct Inner<T: 'static> {
    settled: Settled<Outcome<T>, Done<T>>,
    core: Arc<Core>,
    /// Somebody has seen the error.
    is_seen: AtomicBool,
}

enum Outcome<T> {
    Value(T),
    Failed(Failure),
    Cancelled,
}

type Call<T> = Box<dyn FnOnce(&Promise<T>) + Send>;

struct Done<T: 'static> {
    call: Call<T>,
    made_at: &'static Location<'static>,
}

/// Names a callback of a [`Promise`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DoneCallbackId(Option<u64>);

/// A [`Promise`] was set that had been set, or cancelled, before. (asyncio's `InvalidStateError`)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidState;

impl fmt::Display for InvalidState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the promise is done already: it was set before, or cancelled; ask done() first")
    }
}

impl Error for InvalidState {}

/// Why a [`Promise`] has no value.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum PromiseError {
    /// Nobody has set it yet. (`InvalidStateError`)
    NotDone,
    /// It was cancelled. (`CancelledError`)
    Cancelled,
    /// It was set to this error.
    Failed(Arc<dyn Error + Send + Sync>),
}

impl PromiseError {
    /// True when the promise was cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled)
    }
}

impl fmt::Display for PromiseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDone => f.write_str("the promise is not done yet"),
            Self::Cancelled => f.write_str("the promise was cancelled"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl Error for PromiseError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => Some(&**error),
            _ => None,
        }
    }
}

impl<T: 'static> Promise<T> {
    pub(super) fn new(core: Arc<Core>) -> Self {
        Self::of(Arc::new(Inner { settled: Settled::default(), core, is_seen: AtomicBool::new(false) }))
    }

    fn of(inner: Arc<Inner<T>>) -> Self {
        let settled: *const Settled<Outcome<T>, Done<T>> = &raw const inner.settled;
        // SAFETY: it lives in the Arc, which is kept beside the wait and dropped after it.
        let wait = unsafe { &*settled }.wait();
        Self { wait, inner }
    }

    /// True once it has a value or an error, or is cancelled.
    pub fn done(&self) -> bool {
        self.inner.settled.get().is_some()
    }

    /// True once it is cancelled.
    pub fn cancelled(&self) -> bool {
        matches!(self.inner.settled.get(), Some(Outcome::Cancelled))
    }
}

impl<T: Send + Sync + 'static> Promise<T> {
    /// Sets the value, wakes who awaits it and gives the callbacks their turn.
    ///
    /// # Errors
    /// When it is done already; the value is dropped.
    pub fn set_result(&self, value: T) -> Result<(), InvalidState> {
        self.settle(Outcome::Value(value))
    }

    /// Sets an error, as [`set_result`](Self::set_result). If nobody ever looks at it, it goes to the loop's exception
    /// handler when the last clone is dropped.
    ///
    /// # Errors
    /// When it is done already; the error is dropped.
    pub fn set_error(&self, error: impl Into<Box<dyn Error + Send + Sync>>) -> Result<(), InvalidState> {
        self.settle(Outcome::Failed(error.into().into()))
    }

    /// Cancels it, as [`set_result`](Self::set_result); false when it is done already.
    pub fn cancel(&self) -> bool {
        self.settle(Outcome::Cancelled).is_ok()
    }

    #[inline]
    fn settle(&self, outcome: Outcome<T>) -> Result<(), InvalidState> {
        let callbacks = self.inner.settled.settle(outcome).map_err(|_| InvalidState)?;
        callbacks.into_iter().for_each(|(_, done)| self.give_turn(done));
        Ok(())
    }

    /// Has the loop call it. A loop that is closed does not.
    fn give_turn(&self, done: Done<T>) {
        let promise = self.clone();
        let Done { call, made_at } = done;
        let _ = self.inner.core.push(once(move || call(&promise), made_at));
    }

    /// Has `call` called once with this promise when it is done: on the loop's lane, in the order in which callbacks
    /// were added; soon, if it is done already. A loop that is closed calls nothing.
    #[track_caller]
    pub fn add_done_callback(&self, call: impl FnOnce(&Self) + Send + 'static) -> DoneCallbackId {
        let done = Done { call: Box::new(call), made_at: Location::caller() };
        match self.inner.settled.add(done) {
            Ok(number) => DoneCallbackId(Some(number)),
            Err(done) => {
                self.give_turn(done);
                DoneCallbackId(None)
            }
        }
    }

    /// Takes a callback back; returns how many that were: 1, or 0 when it has been given its turn.
    pub fn remove_done_callback(&self, id: DoneCallbackId) -> usize {
        let removed = id.0.and_then(|number| self.inner.settled.remove(number));
        usize::from(removed.is_some())
    }

    /// The error it was set to, if it was.
    ///
    /// # Errors
    /// When it is not done, or cancelled.
    pub fn exception(&self) -> Result<Option<Arc<dyn Error + Send + Sync>>, PromiseError> {
        match self.inner.settled.get() {
            None => Err(PromiseError::NotDone),
            Some(Outcome::Cancelled) => Err(PromiseError::Cancelled),
            Some(Outcome::Failed(error)) => {
                self.inner.is_seen.store(true, Relaxed);
                Ok(Some(error.clone()))
            }
            Some(Outcome::Value(_)) => Ok(None),
        }
    }
}

impl<T: Clone + 'static> Promise<T> {
    /// The value, without waiting.
    ///
    /// # Errors
    /// When it is not done, cancelled, or was set to an error.
    pub fn result(&self) -> Result<T, PromiseError> {
        self.inner.settled.get().map_or(Err(PromiseError::NotDone), |outcome| self.inner.look(outcome))
    }
}

impl<T: Clone + 'static> Inner<T> {
    fn look(&self, outcome: &Outcome<T>) -> Result<T, PromiseError> {
        match outcome {
            Outcome::Value(value) => Ok(value.clone()),
            Outcome::Cancelled => Err(PromiseError::Cancelled),
            Outcome::Failed(error) => {
                self.is_seen.store(true, Relaxed);
                Err(PromiseError::Failed(error.clone()))
            }
        }
    }
}

impl<T: Clone + 'static> Future for Promise<T> {
    type Output = Result<T, PromiseError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: `wait` is pinned whenever we are; nothing here moves it.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above.
        let outcome = ready!(unsafe { Pin::new_unchecked(&mut this.wait) }.poll(cx));
        Poll::Ready(this.inner.look(outcome))
    }
}

impl<T: 'static> Clone for Promise<T> {
    fn clone(&self) -> Self {
        Self::of(self.inner.clone())
    }
}

impl<T: 'static> fmt::Debug for Promise<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.inner.settled.get() {
            None => "pending",
            Some(Outcome::Value(_)) => "done",
            Some(Outcome::Failed(_)) => "failed",
            Some(Outcome::Cancelled) => "cancelled",
        };
        write!(f, "Promise({state})")
    }
}

impl<T: 'static> Drop for Inner<T> {
    fn drop(&mut self) {
        if let Some(Outcome::Failed(error)) = self.settled.get()
            && !self.is_seen.load(Relaxed)
        {
            let context = ExceptionContext::new("a Promise failed, and nobody looked at its error");
            self.core.exceptions.call(&context.with_error(error.clone()));
        }
    }
}
