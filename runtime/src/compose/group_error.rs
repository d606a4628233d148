//! What a task group failed with.

use crate::context;
use crate::task::{JoinError, TaskInfo};
use crate::worker::panics::PanicPolicy;
use std::error::Error;
use std::fmt;

/// The error of [`task_group`](crate::task_group): everything that went wrong in it, in the order in which it happened.
///
/// [`source`](Error::source) is the first of the errors.
pub struct GroupError<E> {
    errors: Vec<ChildError<E>>,
}

/// One of the errors of a group.
pub enum ChildError<E> {
    /// A child returned an error.
    Failed {
        /// The child: its id, name and spawn site.
        task: TaskInfo,
        /// What it returned.
        error: E,
    },
    /// A child panicked.
    Panicked(JoinError),
    /// The body of the group returned an error.
    Body(E),
    /// The body panicked when a child had failed already, with this message. (It may have awaited another child, and
    /// seen that cancelled. A body that panics first has its panic resumed instead.)
    BodyPanicked(Box<str>),
}

impl<E> GroupError<E> {
    /// `errors` has one at least.
    pub(super) fn new(errors: Vec<ChildError<E>>) -> Self {
        debug_assert!(!errors.is_empty());
        Self { errors }
    }

    /// All errors, the first one first. There is one at least.
    pub fn errors(&self) -> &[ChildError<E>] {
        &self.errors
    }

    /// All errors, to be taken apart.
    pub fn into_errors(self) -> Vec<ChildError<E>> {
        self.errors
    }
}

impl<E> ChildError<E> {
    /// What the child or the body returned; `None` for a panic.
    pub fn error(&self) -> Option<&E> {
        match self {
            Self::Failed { error, .. } | Self::Body(error) => Some(error),
            Self::Panicked(_) | Self::BodyPanicked(_) => None,
        }
    }

    /// As [`error`](Self::error), by value.
    pub fn into_error(self) -> Option<E> {
        match self {
            Self::Failed { error, .. } | Self::Body(error) => Some(error),
            Self::Panicked(_) | Self::BodyPanicked(_) => None,
        }
    }

    /// True for a panic.
    pub fn is_panic(&self) -> bool {
        matches!(self, Self::Panicked(_) | Self::BodyPanicked(_))
    }
}

/// Reports the panics among errors that nobody will read.
pub(super) fn report_panics<E>(errors: &[ChildError<E>]) {
    for error in errors {
        if let ChildError::Panicked(error) = error {
            report_panic(error);
        }
    }
}

/// Reports a panic that nobody will read, as that of a detached task.
pub(super) fn report_panic(error: &JoinError) {
    let Some((task, payload)) = error.as_panic() else { return };
    let by_policy = |inner: &crate::handle::Inner| inner.scheduler.settings.on_panic.apply(task, payload);
    if context::try_with(by_policy).is_none() {
        PanicPolicy::Report.apply(task, payload);
    }
}

impl<E: fmt::Display> fmt::Display for ChildError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { task, error } => write!(f, "{task} failed: {error}"),
            Self::Panicked(error) => error.fmt(f),
            Self::Body(error) => write!(f, "the group's body failed: {error}"),
            Self::BodyPanicked(message) => write!(f, "the group's body panicked: {message}"),
        }
    }
}

impl<E: fmt::Debug> fmt::Debug for ChildError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { task, error } => write!(f, "Failed({task}: {error:?})"),
            Self::Panicked(error) => write!(f, "Panicked({error:?})"),
            Self::Body(error) => write!(f, "Body({error:?})"),
            Self::BodyPanicked(message) => write!(f, "BodyPanicked({message:?})"),
        }
    }
}

impl<E: Error + 'static> Error for ChildError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed { error, .. } | Self::Body(error) => Some(error),
            Self::Panicked(error) => Some(error),
            Self::BodyPanicked(_) => None,
        }
    }
}

impl<E: fmt::Display> fmt::Display for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.errors.len() {
            1 => write!(f, "a task group failed: ")?,
            n => write!(f, "a task group failed, with {n} errors: ")?,
        }
        for (number, error) in self.errors.iter().enumerate() {
            let between = if number == 0 { "" } else { "; " };
            write!(f, "{between}{error}")?;
        }
        Ok(())
    }
}

impl<E: fmt::Debug> fmt::Debug for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GroupError")?;
        f.debug_list().entries(&self.errors).finish()
    }
}

impl<E: Error + 'static> Error for GroupError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.errors.first().and_then(Error::source)
    }
}
