//! Turning the driver as a worker, and the events that one worker leaves to another.
//!
//! The rule that keeps them from being lost is kind 4 in `runtime/src/idle/README.md`.

use super::core::Worker;
use super::worth::Mail;
use crate::driver::{Look, Sorting};
use crate::prim::thread::spin;
use crate::task::Task;

impl Worker {
    /// Turns the driver, leaving events to those who look after their sources.
    pub(super) fn sorting<R>(&self, turn: impl FnOnce(Option<&Sorting<'_>>) -> R) -> R {
        if self.shared.driver.clock().is_paused() {
            // Paused time jumps when all sleep, and does not know of events in mailboxes.
            return turn(None);
        }
        let is_at_work = |index| self.shared.is_at_work(index);
        turn(Some(&Sorting::new(self.index, &is_at_work)))
    }

    /// True when events were left to this worker.
    #[inline]
    pub(super) fn has_mail(&self) -> bool {
        self.shared.driver.io().has_mail(self.index)
    }

    /// Looks for events, if no other thread does.
    pub(super) fn look(&self) -> Look {
        self.sorting(|sorting| self.shared.driver.look(sorting))
    }

    /// Hands on the events that were left to worker `index`. What they wake is queued here.
    #[inline]
    pub(super) fn take_mail(&self, index: usize) {
        let driver = &self.shared.driver;
        if driver.io().has_mail(index) && driver.open_mail(index) == Look::Busy {
            // Another thread hands them on, and is soon done.
            spin(0);
        }
    }

    /// A task from the events that were left to worker `index`.
    #[inline]
    pub(super) fn task_from_mail(&self, index: usize) -> Option<Task> {
        if !self.shared.driver.io().has_mail(index) {
            return None;
        }
        self.take_mail(index);
        self.woken()
    }

    /// A task that a turn or a mailbox has woken.
    pub(super) fn woken(&self) -> Option<Task> {
        self.local.pop(&self.remote().queue).or_else(|| self.pop_pinned())
    }

    /// Hands on what was left to those who do not come to it.
    pub(super) fn take_abandoned_mail(&self) {
        let workers = 0..self.shared.settings.workers;
        for index in workers.filter(|&index| self.shared.has_abandoned_mail(index)) {
            self.take_mail(index);
        }
    }

    /// A task from events that were left to another worker, if that one does not come to them; says so in `is_unclear`
    /// if that cannot be told yet.
    pub(super) fn others_mail(&self, is_unclear: &mut bool) -> Option<Task> {
        let shared = &*self.shared;
        let others = (0..shared.settings.workers).filter(|&index| index != self.index);
        others.filter(|&index| shared.driver.io().has_mail(index)).find_map(|index| {
            let polls = || shared.remotes[index].stats.polls.get();
            let mail = if shared.is_at_work(index) { self.paces.mail(index, polls()) } else { Mail::Late };
            *is_unclear |= mail == Mail::Unclear;
            if mail == Mail::Late { self.task_from_mail(index) } else { None }
        })
    }
}
