//! What happens when a task panics and nobody joins it.

use crate::task::{Id, Origin, message};
use crate::unwind;
use std::any::Any;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// A panic that no `JoinHandle` will show to anyone.
pub struct TaskPanic<'a> {
    task: &'a Origin,
    payload: &'a (dyn Any + Send),
}

impl TaskPanic<'_> {
    /// The panic's message, when it was a string.
    pub fn message(&self) -> Option<&str> {
        message(self.payload)
    }

    /// The task's id.
    pub fn id(&self) -> Id {
        self.task.id
    }

    /// The task's name, if it was given one.
    pub fn task_name(&self) -> Option<&str> {
        self.task.name.as_deref()
    }

    /// Where the task was spawned.
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.task.spawned_at
    }
}

impl fmt::Display for TaskPanic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} panicked: {}", self.task, self.message().unwrap_or("(a payload that is not a string)"))
    }
}

impl fmt::Debug for TaskPanic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskPanic({self})")
    }
}

/// What the runtime does about a panic in a detached task.
#[derive(Clone, Default)]
pub enum PanicPolicy {
    /// One line on stderr with the task's name and spawn site; the runtime goes on.
    #[default]
    Report,
    /// The same line, then the process aborts.
    Abort,
    /// A function of yours instead; it is called on the thread the task panicked on, and the runtime goes on.
    Call(Arc<dyn Fn(&TaskPanic<'_>) + Send + Sync>),
}

impl fmt::Debug for PanicPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Report => "Report",
            Self::Abort => "Abort",
            Self::Call(_) => "Call(..)",
        })
    }
}

impl PanicPolicy {
    /// Does it.
    pub(crate) fn apply(&self, task: &Origin, payload: &(dyn Any + Send)) {
        let panic = TaskPanic { task, payload };
        match self {
            Self::Report => crate::report::warn(format_args!("detached {panic}")),
            Self::Abort => {
                crate::report::warn(format_args!("detached {panic}; aborting, as PanicPolicy::Abort says"));
                std::process::abort();
            }
            Self::Call(hook) => {
                if !unwind::contain(|| hook(&panic)) {
                    crate::report::warn(format_args!(
                        "the PanicPolicy::Call function itself panicked about {panic}"
                    ));
                }
            }
        }
    }
}
