//! Turning the driver as a worker, and the events that one worker leaves to another.
//!
//! The rule that keeps them from being lost is kind 4 in `runtime/src/idle/README.md`.

use super::core::Worker;
use super::run::LOOK_EVERY_NS;
use super::shared::Shared;
use super::worth::Mail;
use crate::driver::{Look, Sorting};
use crate::prim::thread::spin;
use crate::task::Task;

impl Shared {
    /// Looks at the sources of workers that do not come to them now. For one who finds nobody asleep in the driver:
    /// otherwise these are looked after there.
    pub(super) fn look_for_absent(&self, sorting: Option<&Sorting<'_>>) {
        for index in self.driver.io().with_own().filter(|&index| !self.is_at_work(index)) {
            // Whoever is at it hands it on.
            let _ = self.driver.look_at_own(index, sorting);
        }
    }
}

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

    /// Looks for events: at its own sources, and at those of all if no other thread does.
    pub(super) fn look(&self) -> Look {
        let shared = &self.shared;
        self.sorting(|sorting| {
            self.look_at_own(sorting);
            self.looked_at.set(shared.driver.clock().now());
            let looked = shared.driver.look(sorting);
            if looked == Look::Done {
                shared.look_for_absent(sorting);
            }
            looked
        })
    }

    fn look_at_own(&self, sorting: Option<&Sorting<'_>>) {
        if self.shared.driver.io().has_own(self.index) {
            // Whoever is at it hands it on.
            let _ = self.shared.driver.look_at_own(self.index, sorting);
        }
    }

    /// A task from the sources that only this worker looks at. While there are some, it need not meet the others; but
    /// once in a while it looks at what comes in for all.
    #[inline]
    pub(super) fn task_from_own_sources(&self) -> Option<Task> {
        let driver = &self.shared.driver;
        if !driver.io().has_own(self.index) {
            return None;
        }
        let since = driver.clock().now().saturating_sub(self.looked_at.get());
        if since >= LOOK_EVERY_NS {
            let _ = self.look();
        } else {
            self.sorting(|sorting| self.look_at_own(sorting));
        }
        self.woken()
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
