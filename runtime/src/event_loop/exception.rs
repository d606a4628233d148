//! What a loop does with a failure that nobody else hears of.

use super::callback::Origin;
use crate::prim::lock::Mutex;
use crate::task::message;
use crate::{report, unwind};
use std::any::Any;
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

type Handler = Arc<dyn Fn(&ExceptionContext) + Send + Sync>;

/// A failure that nobody else hears of: a callback panicked, or a [`Promise`](super::Promise) failed and nobody looked.
/// (asyncio's `context` of an exception handler)
#[non_exhaustive]
pub struct ExceptionContext {
    message: String,
    error: Option<Arc<dyn Error + Send + Sync>>,
    payload: Option<Box<dyn Any + Send>>,
    location: Option<&'static Location<'static>>,
}

impl ExceptionContext {
    /// One for [`EventLoop::call_exception_handler`](super::EventLoop::call_exception_handler).
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), error: None, payload: None, location: None }
    }

    /// With the error that is behind it.
    #[must_use]
    pub fn with_error(self, error: Arc<dyn Error + Send + Sync>) -> Self {
        Self { error: Some(error), ..self }
    }

    pub(super) fn of_callback(origin: Origin, payload: Box<dyn Any + Send>) -> Self {
        let message = format!("{origin} panicked");
        Self { payload: Some(payload), location: Some(origin.made_at), ..Self::new(message) }
    }

    /// What happened, in a few words.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The error behind it, if it was one.
    pub fn error(&self) -> Option<&Arc<dyn Error + Send + Sync>> {
        self.error.as_ref()
    }

    /// The panic's message, if it was a panic, and with a string.
    pub fn panic_message(&self) -> Option<&str> {
        self.payload.as_deref().and_then(message)
    }

    /// Where the callback was given to the loop.
    pub fn location(&self) -> Option<&'static Location<'static>> {
        self.location
    }
}

impl fmt::Display for ExceptionContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(text) = self.panic_message() {
            write!(f, ": {text}")?;
        }
        match &self.error {
            Some(error) => write!(f, ": {error}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for ExceptionContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ExceptionContext({self})")
    }
}

/// A loop's handler.
#[derive(Default)]
pub(super) struct Exceptions(Mutex<Option<Handler>>);

impl Exceptions {
    pub(super) fn set(&self, handler: Handler) {
        let old = self.0.lock().replace(handler);
        drop(old);
    }

    /// Tells the handler; without one, stderr.
    pub(super) fn call(&self, context: &ExceptionContext) {
        let handler = self.0.lock().clone();
        let Some(handler) = handler else {
            return report::warn(format_args!("{context}"));
        };
        if !unwind::contain(|| handler(context)) {
            report::warn(format_args!("the exception handler of an event loop panicked about: {context}"));
        }
    }
}
