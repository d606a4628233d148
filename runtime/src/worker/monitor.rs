//! The monitor: one thread that watches the workers' polls, asleep while all of them are.
//!
//! It is what keeps one long poll from stopping anything but itself. A worker whose poll stamp stands still is slow:
//! its queue and slot are offered to others, and somebody is sent to the driver. One that stands still for long is
//! stuck: it counts as lost, and when no worker is left and work waits, a spare one is started.

use super::core::start_thread;
use super::shared::{Phase, Remote, Shared, SharedRef};
use crate::driver::Look;
use crate::driver::clock::real_now;
use crate::prim::atomic::{
    AtomicBool, AtomicU8, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed, Ordering::SeqCst, fence,
};
use crate::prim::lock::{Condvar, Mutex};
use crate::task::{Header, Origin};
use std::time::{Duration, Instant};

/// How often it looks while anyone is awake.
const TICK: Duration = Duration::from_millis(5);
/// A poll as long as this is slow.
const SLOW_AFTER: Duration = Duration::from_millis(10);
/// After so many looks at workers that all sleep it sleeps too, until one wakes: waking it costs a system call, and a
/// server with little to do goes idle a thousand times a second.
const QUIET_TICKS: u32 = 20;
/// How long a spare worker stays when it is not needed.
const RESERVE: Duration = Duration::from_secs(2);

const FRESH: u8 = 0;
const SLOW: u8 = 1;
const STUCK: u8 = 2;
const NAMED: u8 = 3;
const AWAY: u8 = 4;

/// What there is to think of a worker. `FRESH -> SLOW -> STUCK -> NAMED` by the monitor, about one long poll; it takes
/// a worker that gets stuck out of the `active` count. Back to `FRESH`, or to `AWAY` while the worker sleeps or blocks
/// in place, by the owner, who settles the count. One word, so that each count is settled by whoever's change comes
/// first.
#[derive(Debug, Default)]
pub(crate) struct Pace(AtomicU8);

impl Pace {
    /// True when its worker runs tasks at the usual pace.
    #[inline]
    pub(crate) fn is_fresh(&self) -> bool {
        self.0.load(Relaxed) == FRESH
    }

    /// True when the worker is slow or stuck.
    #[inline]
    pub(crate) fn is_slow(&self) -> bool {
        (SLOW..=NAMED).contains(&self.0.load(Relaxed))
    }

    /// True while the worker sleeps or blocks in place.
    pub(crate) fn is_away(&self) -> bool {
        self.0.load(Relaxed) == AWAY
    }

    fn to_slow(&self) {
        let _ = self.0.compare_exchange(FRESH, SLOW, AcqRel, Relaxed);
    }

    /// True if it was slow and is stuck now: the caller takes it out of the count.
    #[must_use]
    fn to_stuck(&self) -> bool {
        self.0.compare_exchange(SLOW, STUCK, AcqRel, Relaxed).is_ok()
    }

    /// True if it was stuck and has not been named to anyone yet.
    #[must_use]
    fn to_named(&self) -> bool {
        self.0.compare_exchange(STUCK, NAMED, AcqRel, Relaxed).is_ok()
    }

    /// By the owner, who is back. True if it was stuck: it goes back into the count.
    #[must_use]
    pub(super) fn reset(&self) -> bool {
        (STUCK..=NAMED).contains(&self.0.swap(FRESH, AcqRel))
    }

    /// By the owner, who goes to sleep or to block. True if it was stuck: it is out of the count.
    #[must_use]
    pub(super) fn leave(&self) -> bool {
        (STUCK..=NAMED).contains(&self.0.swap(AWAY, AcqRel))
    }
}

/// The monitor's part of the shared state.
#[derive(Debug)]
pub(crate) struct Monitor {
    /// True while it sleeps until a worker wakes.
    is_asleep: AtomicBool,
    /// True when it was told to look at once.
    called: Mutex<bool>,
    calls: Condvar,
    spares: Mutex<Spares>,
}

/// Spare workers that have no work.
#[derive(Debug, Default)]
struct Spares {
    /// Waiting on their threads, to be used again.
    reserve: Vec<usize>,
    /// Slots whose threads have ended.
    vacant: Vec<usize>,
}

/// What the monitor remembers of a worker.
#[derive(Clone, Copy)]
struct Seen {
    stamp: u64,
    since: Instant,
}

impl Monitor {
    pub(crate) fn new() -> Self {
        Self {
            is_asleep: AtomicBool::new(false),
            called: Mutex::new(false),
            calls: Condvar::new(),
            spares: Mutex::default(),
        }
    }

    /// A worker woke: the monitor has something to watch.
    #[inline]
    pub(crate) fn notice_awake(&self) {
        // Pairs with the fence in `sleep`: either the monitor sees what we did before, or we see it asleep.
        fence(SeqCst);
        if self.is_asleep.load(Relaxed) {
            self.call();
        }
    }

    /// Makes the monitor look now.
    pub(crate) fn call(&self) {
        *self.called.lock() = true;
        self.calls.notify_one();
    }

    /// Waits for the next look.
    fn pause(&self) {
        let called = self.called.lock();
        let mut called = if *called { called } else { self.calls.wait_timeout(called, TICK).0 };
        *called = false;
    }

    /// Sleeps until a worker wakes. The caller has seen them all asleep.
    pub(crate) fn sleep(&self, still_quiet: impl Fn() -> bool) {
        self.is_asleep.store(true, Relaxed);
        // Pairs with the fence in `notice_awake`.
        fence(SeqCst);
        if still_quiet() {
            let mut called = self.called.lock();
            while !*called {
                called = self.calls.wait(called);
            }
            *called = false;
        }
        self.is_asleep.store(false, Relaxed);
    }
}

/// The body of the monitor's thread.
pub(crate) fn thread_main(shared: &SharedRef) {
    let mut seen: Vec<Seen> = Vec::new();
    let mut quiet = 0;
    while shared.phase() == Phase::Open {
        quiet = if shared.is_quiet() { quiet + 1 } else { 0 };
        if quiet > QUIET_TICKS {
            shared.attend_driver();
            shared.monitor.sleep(|| shared.is_quiet() && shared.phase() == Phase::Open);
            quiet = 0;
        }
        shared.monitor.pause();
        look(shared, &mut seen);
    }
}

/// One look at all workers.
fn look(shared: &SharedRef, seen: &mut Vec<Seen>) {
    let now = real_now();
    let started = shared.started();
    seen.resize(started.len(), Seen { stamp: 0, since: now });
    let mut anyone_slow = false;
    for (remote, seen) in started.iter().zip(seen.iter_mut()) {
        let stamp = remote.stats.polls.get();
        if seen.stamp != stamp || remote.polling.load(Relaxed) == 0 || remote.pace.is_away() {
            *seen = Seen { stamp, since: now };
            continue;
        }
        anyone_slow = true;
        watch(shared, remote, now - seen.since);
    }
    if anyone_slow || shared.active.load(SeqCst) == 0 {
        stand_in(shared);
    }
}

/// A worker has been in the same poll since the last look, or longer.
pub(crate) fn watch(shared: &SharedRef, remote: &Remote, age: Duration) {
    if age >= SLOW_AFTER {
        remote.pace.to_slow();
    }
    if age >= shared.settings.blocked_after && remote.pace.to_stuck() {
        shared.active.fetch_sub(1, SeqCst);
        remote.stats.blocked_polls.add(1);
        if shared.settings.report_blocked {
            name_stuck(shared, remote);
        }
    }
    if remote.queue.has_tasks() || remote.queue.has_next() || shared.driver.io().has_mail(remote.index) {
        shared.wake_one();
    }
}

/// Does what a slow worker does not get to: the driver, and its tasks.
pub(crate) fn stand_in(shared: &SharedRef) {
    let nobody_left = shared.active.load(SeqCst) == 0;
    if shared.idle.sleeping() > 0 && !nobody_left {
        shared.attend_driver();
        if shared.has_work() {
            shared.wake_one();
        }
        return;
    }
    if shared.driver.look(None) == Look::Done {
        shared.look_for_absent(None);
    }
    if shared.driver.clock().is_paused() {
        shared.driver.wake();
    }
    if shared.idle.sleeping() > 0 {
        // One of them may have found the turn taken by us.
        shared.attend_driver();
    }
    if shared.has_work() {
        shared.wake_one();
    }
    if nobody_left && shared.has_work() {
        shared.started().iter().for_each(|remote| name_stuck(shared, remote));
        start_spare(shared);
    }
}

/// Says which task keeps a worker from the others, once for each such poll.
fn name_stuck(shared: &Shared, remote: &Remote) {
    if !remote.pace.to_named() {
        return;
    }
    let task = remote.polling.load(Relaxed);
    let origin: Option<Origin> = shared.live.look(task, Header::origin);
    if let Some(origin) = origin {
        crate::report::warn(format_args!(
            "{origin} has been in one poll for more than {} ms and keeps its worker from other tasks; \
             use spawn_blocking or block_in_place for work that blocks, yield_now().await in long loops",
            shared.settings.blocked_after.as_millis()
        ));
    }
}

/// Puts one more worker to work, if the cap allows it.
pub(crate) fn start_spare(shared: &SharedRef) {
    let mut spares = shared.monitor.spares.lock();
    if let Some(index) = spares.reserve.pop() {
        drop(spares);
        shared.active.fetch_add(1, SeqCst);
        shared.unpark(index);
        return;
    }
    let next = shared.started.load(Acquire);
    let index = match spares.vacant.pop() {
        Some(index) => index,
        None if next < shared.remotes.len() => {
            shared.started.store(next + 1, SeqCst);
            next
        }
        None => return,
    };
    drop(spares);
    shared.active.fetch_add(1, SeqCst);
    if let Err(error) = start_thread(shared, index) {
        shared.active.fetch_sub(1, SeqCst);
        shared.monitor.spares.lock().vacant.push(index);
        crate::report::warn(format_args!(
            "all workers are stuck and no thread can be started in their place: {error}"
        ));
    }
}

impl Shared {
    /// The thread of a spare has given its core back: another may have the slot.
    pub(super) fn vacate(&self, index: usize) {
        if index >= self.settings.workers {
            self.monitor.spares.lock().vacant.push(index);
        }
    }

    /// True when there is nothing to watch: every worker that is left sleeps, and none is in a poll.
    pub(crate) fn is_quiet(&self) -> bool {
        let active = self.active.load(SeqCst);
        active > 0 && self.idle.sleeping() >= active && !self.anyone_polls()
    }
}

impl super::Worker {
    /// True when more workers run than are wanted; then this one is counted out.
    #[cold]
    pub(super) fn is_surplus(&self) -> bool {
        let shared = &self.shared;
        let wanted = shared.settings.workers;
        let count_out = |active| (active > wanted).then(|| active - 1);
        shared.active.fetch_update(SeqCst, SeqCst, count_out).is_ok()
    }

    /// A spare that was counted out waits to be used again; false when its time is up and the thread ends.
    pub(super) fn wait_in_reserve(&self) -> bool {
        let shared = &self.shared;
        self.hand_over();
        shared.monitor.spares.lock().reserve.push(self.index);
        loop {
            // Shutdown unparks all workers after it has changed the phase.
            let is_open = shared.phase() == Phase::Open;
            let notified = is_open && self.remote().parker.park_timeout(RESERVE);
            let mut spares = shared.monitor.spares.lock();
            match spares.reserve.iter().position(|&index| index == self.index) {
                // Off the list: chosen, and counted in, also if our time was up at the same moment.
                None => return true,
                // A notification that was left over from before.
                Some(_) if notified => {}
                Some(at) => {
                    spares.reserve.swap_remove(at);
                    return false;
                }
            }
        }
    }

    /// Gives all tasks of this worker to the others.
    fn hand_over(&self) {
        let shared = &self.shared;
        self.local.give_up_next(&self.remote().queue);
        while let Some(task) = self.local.deque().pop() {
            shared.injectors.push(self.index, task);
            self.remote().stats.overflowed.add(1);
        }
        shared.wake_one();
        shared.attend_driver();
    }
}
