//! The roster under gather, wait and as_completed.

use crate::compose::{self, Hear};
use std::task::{Context, Poll, Waker};

/// Which of many tasks have ended.
#[derive(Debug)]
pub struct Roster(compose::Roster);

impl Roster {
    /// One that tells of each task.
    pub fn of_each() -> Self {
        Self(compose::Roster::new(Hear::Each))
    }

    /// One that tells when all have ended, and of failures.
    pub fn of_all() -> Self {
        Self(compose::Roster::new(Hear::All))
    }

    pub fn add(&mut self) -> Waker {
        self.0.add()
    }

    pub fn seal(&mut self) {
        self.0.seal();
    }

    pub fn failed(&self) -> Option<usize> {
        self.0.failed()
    }

    pub fn poll_ended(&mut self, cx: &Context<'_>) -> Poll<usize> {
        self.0.poll_ended(cx)
    }

    pub fn poll_all(&mut self, cx: &Context<'_>) -> Poll<()> {
        self.0.poll_all(cx)
    }
}
