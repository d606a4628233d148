//! The plain channel, and what a task can want of one.

use crate::common::plain::{Line, Permits, Stage};
use std::collections::VecDeque;

/// What a task waits for. The message that it sends is numbered when it starts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Job {
    Send(u32),
    Reserve,
    ReserveMany(usize),
    ReserveOwned,
    Closed,
}

/// The plain channel.
pub(crate) struct Plain {
    pub(crate) max: usize,
    pub(crate) permits: Permits,
    pub(crate) ending: Line,
    pub(crate) jobs: Vec<Job>,
    pub(crate) messages: VecDeque<u32>,
    pub(crate) strong: usize,
    /// The receiver's wait, and how many messages it takes at most.
    pub(crate) receiving: Stage,
    pub(crate) limit: usize,
    pub(crate) is_gone: bool,
    pub(crate) next: u32,
}

impl Plain {
    /// An empty channel with one sender.
    pub(crate) fn new(max: usize, tasks: usize) -> Self {
        Self {
            max,
            permits: Permits::new(max, tasks),
            ending: Line::new(tasks),
            jobs: vec![Job::Closed; tasks],
            messages: VecDeque::new(),
            strong: 1,
            receiving: Stage::Idle,
            limit: 0,
            is_gone: false,
            next: 0,
        }
    }

    pub(crate) fn next(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    pub(crate) fn push(&mut self, message: u32) -> bool {
        if self.is_gone {
            self.permits.release(1);
            return false;
        }
        self.messages.push_back(message);
        self.wake_receiver();
        true
    }

    pub(crate) fn wake_receiver(&mut self) {
        if self.receiving == Stage::InLine {
            self.receiving = Stage::Chosen;
        }
    }

    /// Permits come back unused: the receiver of a closed channel waits for the last of them.
    pub(crate) fn give_up(&mut self, n: usize) {
        self.permits.release(n);
        if self.permits.is_closed {
            self.wake_receiver();
        }
    }

    pub(crate) fn drop_sender(&mut self) {
        self.strong -= 1;
        if self.strong == 0 {
            self.wake_receiver();
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.strong == 0 || (self.permits.is_closed && self.permits.free == self.max)
    }

    pub(crate) fn take(&mut self, limit: usize) -> Vec<u32> {
        let n = limit.min(self.messages.len());
        let taken = self.messages.drain(..n).collect();
        self.permits.release(n);
        taken
    }

    /// What the receiver's poll returns.
    pub(crate) fn receive(&mut self) -> Option<Vec<u32>> {
        if self.limit > 0 && self.messages.is_empty() && !self.is_over() {
            self.receiving = Stage::InLine;
            return None;
        }
        self.receiving = Stage::Idle;
        Some(self.take(self.limit))
    }

    pub(crate) fn close(&mut self) {
        self.permits.close();
        self.ending.reach_all();
    }
}
