//! A worker's loop: find a task, poll it once, share what is left over, rest when there is nothing.

use super::core::{Probe, Worker};
use super::find::Found;
use super::shared::Phase;
use crate::driver::clock::LAST;
use crate::driver::{Turn, TurnHold};
use crate::idle::{Awake, Searching};
use crate::prim::atomic::Ordering::{Relaxed, Release, SeqCst};
use crate::task::{Ran, Task};

/// The driver is looked at from a busy loop at most this often, in nanoseconds: it is a system call.
pub(super) const LOOK_EVERY_NS: u64 = 20_000;

impl Worker {
    /// Runs tasks until `stop` says so.
    pub(crate) fn run(&self, mut stop: impl FnMut() -> bool) {
        let mut searching = None;
        while !stop() {
            match self.find(searching.take()) {
                Found::Task(task) => self.run_task(task),
                Found::Nothing(searched) => searching = self.rest(searched),
            }
        }
        if let Some(searching) = searching {
            // We leave while others rely on our search.
            if searching.found() {
                self.shared.wake_one();
            }
        }
    }

    /// True when this thread is to leave its loop: shutdown, or it was a spare and is needed no longer.
    #[inline]
    pub(super) fn must_stop(&self) -> bool {
        self.shared.phase() != Phase::Open || (self.is_spare() && self.is_surplus())
    }

    /// Polls a task once.
    #[inline]
    pub(super) fn run_task(&self, task: Task) {
        let remote = self.remote();
        remote.polling.store(task.header().live_key().pack(), Relaxed);
        remote.stats.polls.add(1);
        self.begin_poll();
        let (ran, task) = task.run();
        if self.shared.is_forked() {
            forked_in_task();
        }
        if ran == Ran::Again {
            self.requeue(task);
        }
        if remote.pace.is_slow() {
            self.catch_up();
        }
        // Last: a worker that is in no poll, and out of the count, would let paused time jump.
        remote.polling.store(0, Release);
        self.count_down_probe();
        self.share_surplus();
    }

    /// A task that was woken during its poll, or yielded, goes behind the others.
    #[inline]
    fn requeue(&self, task: Task) {
        if task.header().live_key().pinned().is_some() {
            self.push_pinned(task);
        } else {
            self.local.push_back(task);
        }
    }

    /// Wakes one worker if more tasks wait here than we run next, or events do that we come to after our tasks. A stale
    /// answer costs one poll's delay.
    #[inline]
    pub(super) fn share_surplus(&self) {
        if self.shared.idle.wants_wake() && (self.local.len(&self.remote().queue) > 1 || self.has_mail()) {
            self.shared.wake_one();
        }
    }

    /// The monitor thought this worker slow: it is not any more.
    #[cold]
    pub(crate) fn catch_up(&self) {
        self.coarse.set(0);
        if self.remote().pace.reset() {
            self.shared.active.fetch_add(1, SeqCst);
        }
    }

    /// What a busy worker does once in a while: timers that are due, events if nobody waits for them now.
    pub(super) fn look_at_driver(&self) {
        let driver = &self.shared.driver;
        let now = driver.clock().now();
        self.coarse.set(now);
        let stands_still = driver.clock().is_paused();
        let since = now.saturating_sub(self.looked_at.get());
        if driver.io().registered() > 0 && (stands_still || since >= LOOK_EVERY_NS) {
            let _ = self.look();
        } else {
            driver.expire_due(now);
        }
        if self.probe.get().left == 0 {
            self.probe.set(Probe { since: now, left: self.local.len(&self.remote().queue) + 1 });
        }
    }

    /// One turn less until the task that the probe stands for would run.
    #[inline]
    fn count_down_probe(&self) {
        let probe = self.probe.get();
        if probe.left > 0 {
            self.probe.set(Probe { left: probe.left - 1, ..probe });
            if probe.left == 1 {
                let now = self.shared.driver.clock().now();
                self.remote().stats.note_delay(now.saturating_sub(probe.since));
            }
        }
    }

    /// Sleeps until there may be something to do. Returns evidence if it was woken to search.
    fn rest<'a>(&'a self, searching: Option<Searching<'a>>) -> Option<Searching<'a>> {
        let shared = &*self.shared;
        let pace = &self.remote().pace;
        if pace.leave() {
            shared.active.fetch_add(1, SeqCst);
        }
        let must_look = shared.idle.fall_asleep(self.index, searching);
        let saw_work = self.has_own_work() || (must_look && shared.has_work());
        // Held until we are counted awake again: what a turn has woken is in our queue, where nobody sees it.
        let mut _hold = None;
        if !saw_work {
            _hold = self.advance_paused_time();
            if _hold.is_none() {
                self.remote().stats.parks.add(1);
                if !self.is_in_long_run() {
                    shared.driver.io().give_some_back();
                }
                _hold = self.sorting(|sorting| self.remote().parker.park(&shared.driver, sorting));
            }
        }
        self.coarse.set(0);
        self.polls_until_rest.set(self.remote().stats.polls.get());
        // Threads change cores when they wake, if ever.
        self.note_core();
        let searching = match shared.idle.wake_up(self.index, saw_work) {
            Awake::Chosen(searching) => Some(searching),
            Awake::ByItself => None,
        };
        // Nobody but us ends AWAY.
        let _ = pace.reset();
        shared.monitor.notice_awake();
        // Counted awake, or holding the time: it does not move from here on.
        shared.driver.clock().let_jump();
        self.share_surplus();
        searching
    }

    /// With the clock paused, and nothing left to do at this time: moves it to the next timer. `Some` if there may be
    /// something to do now; time is held until that is dropped.
    ///
    /// Two workers that fell asleep at once may both be here, each the last one awake (f22): they jump one at a time.
    /// Who has moved the time holds it before the other may look, until he is counted awake.
    fn advance_paused_time(&self) -> Option<TurnHold<'_>> {
        let shared = &*self.shared;
        let driver = &shared.driver;
        if !driver.clock().is_paused() || !self.is_last_awake() {
            return None;
        }
        let Some(turning) = driver.try_turn() else {
            // Another worker sleeps in the driver, from before we fell asleep: it is to come to this point now.
            driver.wake();
            return None;
        };
        // What has happened comes before what will (f22).
        let hold = driver.hold_turn();
        drop(turning.run(Turn::Look, None));
        if self.has_own_work() {
            return Some(hold);
        }
        drop(hold);
        // Who holds the time pushes before he releases it, so the queues are looked at after the holds.
        let jump = driver.clock().begin_jump()?;
        if shared.has_work() {
            return Some(driver.hold_after(jump));
        }
        // A pinned task's worker has been unparked, and will come by here when it is done.
        if shared.has_pinned_work() || !self.is_last_awake() {
            return None;
        }
        let next = driver.exact_next_deadline();
        // Time does not go to its end for what comes after that (f21).
        if next > LAST || !driver.clock().advance_to(next) {
            return None;
        }
        let hold = driver.hold_after(jump);
        driver.expire_due(next);
        Some(hold)
    }

    /// True when all other workers sleep, and none is stuck in a poll.
    fn is_last_awake(&self) -> bool {
        let shared = &*self.shared;
        shared.idle.sleeping() >= shared.active.load(SeqCst) && !shared.anyone_polls()
    }
}

/// A task has forked, and this is the child: the tasks here are copies of the parent's, and must not run twice.
#[cold]
fn forked_in_task() -> ! {
    crate::report::warn(format_args!(
        "a task forked the process and returned to the runtime in the child, where the runtime's threads do not exist; \
         exec or exit in the child, or make a new runtime there before the task goes on; aborting the child"
    ));
    std::process::abort();
}
