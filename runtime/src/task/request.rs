//! A request to end a task: why, from where, by whom. The first one made is the one that the joiner hears of.

use super::current::{TaskInfo, try_current};
use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// One request. It may be passed on to many tasks.
#[derive(Debug)]
pub(crate) struct Request {
    reason: Option<Cow<'static, str>>,
    at: Option<&'static Location<'static>>,
    by: Option<TaskInfo>,
}

impl Request {
    /// A request made by whoever calls, at `at`.
    pub(crate) fn new(reason: Option<Cow<'static, str>>, at: &'static Location<'static>) -> Arc<Self> {
        Arc::new(Self { reason, at: Some(at), by: try_current() })
    }

    /// The runtime ends its tasks, with nobody's request; `why` says so.
    pub(crate) fn of_the_runtime(why: &'static str) -> Arc<Self> {
        Arc::new(Self { reason: Some(why.into()), at: None, by: None })
    }

    /// The runtime shuts down.
    pub(crate) fn of_the_end() -> Arc<Self> {
        Self::of_the_runtime("the runtime shut down")
    }

    pub(crate) fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    pub(super) fn at(&self) -> Option<&'static Location<'static>> {
        self.at
    }

    pub(super) fn by(&self) -> Option<&TaskInfo> {
        self.by.as_ref()
    }
}

/// As the end of "task 7 was cancelled".
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(at) = self.at {
            write!(f, " at {at}")?;
        }
        match &self.by {
            Some(by) if by.name().is_some() => {
                write!(f, " by task '{}' (id {})", by.name().unwrap_or_default(), by.id())?;
            }
            Some(by) => write!(f, " by task {}", by.id())?,
            None => {}
        }
        match &self.reason {
            Some(reason) => write!(f, ": {reason}"),
            None => Ok(()),
        }
    }
}
