//! The end: no new tasks, then every task ended, each phase with a deadline and a count of what it left.

use super::core::Worker;
use super::current;
use super::shared::{Phase, Remote, Shared, SharedRef};
use crate::driver::clock::real_now;
use crate::prim::atomic::Ordering::Relaxed;
use crate::prim::thread::spin;
use crate::queue::retry;
use crate::task::{CancelHandle, Header, Id, Origin, Task};
use crossbeam_utils::CachePadded;
use std::cell::Cell;
use std::time::{Duration, Instant};

/// Turns that one waits awake for a thread that is about to be done.
const PATIENCE: usize = 200;
/// How often one looks at a thread that takes longer.
const LOOK: Duration = Duration::from_millis(1);

impl SharedRef {
    /// Begins the end: from here on, spawning gives a cancelled task. False if it has begun before.
    pub(crate) fn close(&self) -> bool {
        // First: once a worker has seen the phase and gone, nobody may give it another task.
        self.live.close_outside();
        if !self.enter_phase(Phase::Closing) {
            return false;
        }
        self.monitor.call();
        (0..self.started().len()).for_each(|index| self.unpark(index));
        true
    }

    /// Waits until the workers have ended their tasks, at most until `deadline`, and ends what they left. Returns the
    /// tasks that are in a poll that does not end; their threads go on with them.
    pub(crate) fn finish(&self, deadline: Instant) -> Vec<Origin> {
        self.wait_for_threads(deadline);
        self.enter_phase(Phase::Closed);
        self.end_outside_tasks();
        self.stuck_tasks()
    }

    /// Waits for the worker threads to leave; those that do not are abandoned.
    fn wait_for_threads(&self, deadline: Instant) {
        let mut running = self.running.lock();
        // Dropped from inside one of its own tasks, a runtime cannot wait for that very thread (f18).
        let own = usize::from(current::is_worker_of(self));
        while *running > own {
            let now = real_now();
            if now >= deadline {
                return;
            }
            running = self.left.wait_timeout(running, deadline - now).0;
        }
        drop(running);
        if own == 0 {
            let threads = std::mem::take(&mut *self.threads.lock());
            // They have left: what remains of them is the end of a function.
            threads.into_iter().for_each(|thread| drop(thread.join()));
        }
    }

    /// The core of a current-thread runtime has been given back.
    pub(crate) fn core_is_back(&self) {
        // Through the lock, so that nobody misses it between his look and his wait.
        drop(self.running.lock());
        self.left.notify_all();
    }

    /// Waits until a current-thread runtime's core is free, at most until `deadline`.
    pub(crate) fn wait_for_core(&self, deadline: Instant) {
        let mut running = self.running.lock();
        while self.remotes[0].core.lock().is_none() && real_now() < deadline {
            running = self.left.wait_timeout(running, deadline.saturating_duration_since(real_now())).0;
        }
    }

    /// A worker's thread is done.
    pub(crate) fn leave(&self) {
        let mut running = self.running.lock();
        *running -= 1;
        let last = *running == 0;
        drop(running);
        self.left.notify_all();
        if last && self.phase() != Phase::Open {
            // Nobody may be waiting for us: what is left in the queues is ours to end.
            self.enter_phase(Phase::Closed);
            self.end_outside_tasks();
        }
    }

    /// Ends every task that any thread may end.
    fn end_outside_tasks(&self) {
        self.end_queued_tasks();
        let mut idle: Vec<CancelHandle> = Vec::new();
        self.live.for_each(|header| {
            if header.live_key().pinned().is_none() {
                idle.push(CancelHandle::of(header));
            }
        });
        // Cancelling an idle task queues it, and in this phase whoever queues a task ends it.
        idle.into_iter().for_each(|task| task.end());
        self.end_queued_tasks();
    }

    /// How many tasks are left. Those that another thread is ending now, because it spawned or woke them while the
    /// runtime ended, are waited for, at most until `deadline`; not those that are `stuck`.
    pub(crate) fn wait_for_enders(&self, stuck: usize, deadline: Instant) -> usize {
        for turn in 0.. {
            let alive = self.alive();
            if alive <= stuck || current::is_worker_of(self) || real_now() >= deadline {
                return alive;
            }
            if turn < PATIENCE {
                spin(turn);
            } else {
                // A destructor that takes its time. It tells nobody when it is done.
                drop(self.left.wait_timeout(self.running.lock(), LOOK));
            }
        }
        unreachable!("the deadline comes")
    }

    fn stuck_tasks(&self) -> Vec<Origin> {
        let polls = self.started().iter().map(|remote| remote.polling.load(Relaxed));
        polls.filter_map(|task| self.live.look(task, Header::origin)).collect()
    }
}

thread_local! {
    /// Set while this thread ends queued tasks.
    static ENDING: Cell<bool> = const { Cell::new(false) };
}

impl Shared {
    /// Ends every task that is in a queue, from a thread that is no worker. Ending one may wake, and so queue, the
    /// next: the outermost call takes them all, so that a long chain does not need a deep stack.
    pub(super) fn end_queued_tasks(&self) {
        struct Ending;
        impl Drop for Ending {
            fn drop(&mut self) {
                ENDING.set(false);
            }
        }
        if ENDING.replace(true) {
            return;
        }
        let _ending = Ending;
        while let Some(task) = self.any_queued_task() {
            task.cancel();
        }
    }

    fn any_queued_task(&self) -> Option<Task> {
        let from_worker = |remote: &CachePadded<Remote>| {
            retry(|| remote.queue.steal_one()).or_else(|| remote.queue.take_next())
        };
        self.injectors.take_one().or_else(|| self.started().iter().find_map(from_worker))
    }

    /// The tasks that are being polled now.
    pub(crate) fn polled_tasks(&self) -> Vec<Id> {
        let polls = self.started().iter().map(|remote| remote.polling.load(Relaxed));
        polls.filter_map(|task| self.live.look(task, Header::id)).collect()
    }

    /// Tasks that have been spawned and have not ended.
    pub(crate) fn alive(&self) -> usize {
        let stats = || self.remotes.iter().map(|remote| &remote.stats).chain([&*self.outside]);
        // The completed first: a task that completes between the two sums must not count as minus one.
        let completed: u64 = stats().map(|stats| stats.completed.get()).sum();
        let spawned: u64 = stats().map(|stats| stats.spawned.get()).sum();
        usize::try_from(spawned.saturating_sub(completed)).unwrap_or(usize::MAX)
    }
}

impl Worker {
    /// Ends the tasks of this worker: those it entered in the live set, those in its queues, those pinned to it.
    pub(crate) fn end_own_tasks(&self) {
        let mut turn = 0;
        loop {
            let pinned = self.cancel_own();
            let ended = self.drain();
            if ended == 0 && pinned == 0 {
                return;
            }
            if ended == 0 {
                // A pinned task that another thread is about to put in our inbox: only we may drop it.
                spin(turn);
                turn += 1;
            }
        }
    }

    /// Cancels the tasks of this worker, which queues them here; returns how many pinned ones are left, but for those
    /// that wait for others to end.
    fn cancel_own(&self) -> usize {
        let live = &self.shared.live;
        let mut mine: Vec<CancelHandle> = Vec::new();
        let mut pinned = 0;
        live.slab(self.index).for_each(|header| mine.push(CancelHandle::of(header)));
        live.for_each(|header| {
            if header.live_key().pinned() == Some(self.index) && !header.lingers() {
                mine.push(CancelHandle::of(header));
                pinned += 1;
            }
        });
        mine.iter().for_each(|task| task.end());
        pinned
    }

    /// Ends all tasks in the queues this worker may empty; destructors may add to them meanwhile.
    fn drain(&self) -> usize {
        let queue = &self.remote().queue;
        let mut ended = 0;
        while let Some(task) = self
            .local
            .pop(queue)
            .or_else(|| self.pop_pinned())
            .or_else(|| self.shared.injectors.pop(self.index, &self.local))
        {
            self.remote().polling.store(task.header().live_key().pack(), Relaxed);
            task.cancel();
            self.remote().polling.store(0, Relaxed);
            ended += 1;
        }
        ended
    }
}
