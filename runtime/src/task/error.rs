//! Why a task has no output: it was cancelled, or it panicked.

use super::current::TaskInfo;
use super::id::Id;
use super::request::Request;
use std::any::Any;
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// The error of a [`JoinHandle`](super::JoinHandle): the task was cancelled or panicked.
pub struct JoinError(Box<Inner>);

struct Inner {
    task: Origin,
    why: Why,
}

/// Which task an error speaks of.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) id: Id,
    pub(crate) name: Option<Box<str>>,
    pub(crate) spawned_at: &'static Location<'static>,
}

enum Why {
    Cancelled(Arc<Request>),
    Panic(Box<dyn Any + Send + 'static>),
}

// SAFETY: the panic payload is the only part that is not Sync, and no method gives out a shared reference to it other
// than to compare its type and read a string out of it.
unsafe impl Sync for Inner {}

impl JoinError {
    pub(crate) fn cancelled(task: Origin, request: Arc<Request>) -> Self {
        Self(Box::new(Inner { task, why: Why::Cancelled(request) }))
    }

    pub(crate) fn panic(task: Origin, payload: Box<dyn Any + Send + 'static>) -> Self {
        Self(Box::new(Inner { task, why: Why::Panic(payload) }))
    }

    /// True when the task was cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.0.why, Why::Cancelled(_))
    }

    fn request(&self) -> Option<&Request> {
        match &self.0.why {
            Why::Cancelled(request) => Some(request),
            Why::Panic(_) => None,
        }
    }

    /// The reason given with the cancellation: of several requests that of the first.
    pub fn reason(&self) -> Option<&str> {
        self.request()?.reason()
    }

    /// Where the first request to cancel the task was made. `None` when it ended with its runtime, which says so in
    /// [`reason`](Self::reason).
    pub fn cancelled_at(&self) -> Option<&'static Location<'static>> {
        self.request()?.at()
    }

    /// The task that made the first request, if a task did.
    pub fn cancelled_by(&self) -> Option<&TaskInfo> {
        self.request()?.by()
    }

    /// True when the task panicked.
    pub fn is_panic(&self) -> bool {
        matches!(self.0.why, Why::Panic(_))
    }

    /// What the task panicked with, for [`std::panic::resume_unwind`].
    ///
    /// # Panics
    /// When the task was cancelled instead: ask [`is_panic`](Self::is_panic) first.
    pub fn into_panic(self) -> Box<dyn Any + Send + 'static> {
        match self.0.why {
            Why::Panic(payload) => payload,
            Why::Cancelled(_) => panic!("into_panic on a task that was cancelled; ask is_panic() first"),
        }
    }

    /// The panic's message, when it was a string.
    pub fn panic_message(&self) -> Option<&str> {
        match &self.0.why {
            Why::Panic(payload) => message(payload.as_ref()),
            Why::Cancelled(_) => None,
        }
    }

    /// What the task panicked with, and which it was.
    pub(crate) fn as_panic(&self) -> Option<(&Origin, &(dyn Any + Send))> {
        match &self.0.why {
            Why::Panic(payload) => Some((&self.0.task, payload.as_ref())),
            Why::Cancelled(_) => None,
        }
    }

    /// The task's id.
    pub fn id(&self) -> Id {
        self.0.task.id
    }

    /// The task's name, if it was given one.
    pub fn task_name(&self) -> Option<&str> {
        self.0.task.name.as_deref()
    }

    /// Where the task was spawned.
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.0.task.spawned_at
    }
}

/// The text of a panic payload.
pub(crate) fn message<'a>(payload: &'a (dyn Any + Send + 'static)) -> Option<&'a str> {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "task '{name}' (id {}, spawned at {})", self.id, self.spawned_at),
            None => write!(f, "task {} (spawned at {})", self.id, self.spawned_at),
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.why {
            Why::Cancelled(request) => write!(f, "{} was cancelled{request}", self.0.task),
            Why::Panic(payload) => {
                let text = message(payload.as_ref()).unwrap_or("(a payload that is not a string)");
                write!(f, "{} panicked: {text}", self.0.task)
            }
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinError({self})")
    }
}

impl Error for JoinError {}

impl From<JoinError> for std::io::Error {
    fn from(error: JoinError) -> Self {
        Self::other(error)
    }
}
