//! The tasks of a loop, in the order they were made: those that are left when it closes end then.

use super::core::Core;
use super::frame::Frame;
use crate::task::CancelHandle;
use crate::wait::{Place, Queue};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

const REASON: &str = "its event loop was closed";

/// See the head of this file.
#[derive(Default)]
pub(super) struct Members(Queue<Tasks>);

#[derive(Default)]
struct Tasks {
    made: u64,
    /// `None` while the task is being made.
    alive: BTreeMap<u64, Option<CancelHandle>>,
    is_closed: bool,
}

impl Members {
    /// A task is about to be made.
    fn enter(&self) -> u64 {
        let mut tasks = self.0.lock();
        tasks.made += 1;
        let number = tasks.made;
        tasks.alive.insert(number, None);
        number
    }

    /// It was made; if the loop was closed meanwhile it ends.
    pub(super) fn settle(&self, number: u64, task: CancelHandle) {
        let mut tasks = self.0.lock();
        if tasks.is_closed {
            drop(tasks);
            return task.cancel_with(REASON);
        }
        // Gone already if the task has ended.
        let unused = match tasks.alive.get_mut(&number) {
            Some(place) => place.replace(task),
            None => Some(task),
        };
        drop(tasks);
        drop(unused);
    }

    /// It has ended, and its future is dropped.
    fn leave(&self, number: u64) {
        let mut tasks = self.0.lock();
        let task = tasks.alive.remove(&number);
        if tasks.is_closed {
            tasks.release_all();
        } else {
            drop(tasks);
        }
        drop(task);
    }

    /// Tasks made from now on end at once.
    pub(super) fn close(&self) {
        self.0.lock().is_closed = true;
    }

    fn all(&self) -> Vec<(u64, CancelHandle)> {
        let tasks = self.0.lock();
        tasks.alive.iter().filter_map(|(number, task)| Some((*number, task.clone()?))).collect()
    }

    /// Asks all to end, the first made first.
    pub(super) fn cancel_all(&self) {
        self.all().iter().for_each(|(_, task)| task.cancel_with(REASON));
    }

    /// Ends all, one after the other, the first made first.
    pub(super) async fn end_all(&self) {
        for (number, task) in self.all() {
            task.cancel_with(REASON);
            while self.0.lock().alive.contains_key(&number) {
                let mut place = pin!(Place::new(&self.0));
                let gone = |tasks: &Tasks| !tasks.alive.contains_key(&number);
                std::future::poll_fn(|cx| {
                    place.as_mut().poll_uncounted(cx, 1, |tasks| gone(tasks).then_some(()))
                })
                .await;
            }
        }
    }
}

/// A coroutine that is a task of a loop.
pub(super) struct InLoop<F> {
    /// Dropped before the place among the tasks is given up.
    future: F,
    place: Membership,
}

struct Membership {
    core: Arc<Core>,
    number: u64,
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.core.members.leave(self.number);
    }
}

impl<F> InLoop<F> {
    pub(super) fn new(core: Arc<Core>, future: F) -> Self {
        let number = core.members.enter();
        Self { future, place: Membership { core, number } }
    }

    pub(super) fn number(&self) -> u64 {
        self.place.number
    }
}

impl<F: Future> Future for InLoop<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: `future` is structurally pinned; the rest is not moved either.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above.
        let future = unsafe { Pin::new_unchecked(&mut this.future) };
        Frame::step(&this.place.core).run(|| future.poll(cx))
    }
}
