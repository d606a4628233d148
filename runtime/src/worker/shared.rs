//! What the workers of one runtime share, and the counted reference to it.

use super::core::Core;
use super::current;
use super::monitor::{Monitor, Pace};
use super::panics::PanicPolicy;
use super::stats::Stats;
use crate::driver::Driver;
use crate::fork;
use crate::idle::Idle;
use crate::park::Parker;
use crate::prim::atomic::{
    AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed,
    Ordering::SeqCst, fence,
};
use crate::prim::deque::Injector;
use crate::prim::lock::{Condvar, Mutex};
use crate::prim::statics;
use crate::prim::thread::JoinHandle;
use crate::queue::{self, Injectors, Stealable};
use crate::rng::Rng;
use crate::task::{LiveSet, Task};
use crossbeam_utils::CachePadded;
use std::io;
use std::ops::Deref;
use std::ptr::NonNull;
use std::time::Duration;

/// What a thread does; it calls its argument when it is done, before it tells anyone so.
pub(crate) type ThreadBody = Box<dyn FnOnce(&dyn Fn()) + Send>;

/// Starts the thread of worker `index` with that body.
pub(crate) type StartThread = Box<dyn Fn(usize, ThreadBody) -> io::Result<JoinHandle<()>> + Send + Sync>;

/// What a scheduler is made from.
pub(crate) struct Settings {
    /// Workers that run all the time.
    pub(crate) workers: usize,
    /// Workers that may be started besides while others are stuck.
    pub(crate) spares: usize,
    /// A poll that goes on for so long is reported and compensated for.
    pub(crate) blocked_after: Duration,
    /// Whether each such poll is named on stderr.
    pub(crate) report_blocked: bool,
    pub(crate) on_panic: PanicPolicy,
    pub(crate) seed: u64,
    /// `None`: no threads of its own, `block_on` runs the tasks.
    pub(crate) start_thread: Option<StartThread>,
}

/// How far a scheduler's life has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Phase {
    /// Tasks run.
    Open = 0,
    /// No new tasks; those there are, are cancelled.
    Closing = 1,
    /// The workers have gone: whoever still pushes a task ends it himself.
    Closed = 2,
}

/// What others see of a worker.
pub(crate) struct Remote {
    pub(crate) index: usize,
    pub(crate) queue: Stealable,
    pub(crate) parker: Parker,
    /// Pinned tasks woken by others.
    pub(crate) inbox: Injector<Task>,
    /// The task being polled, as `LiveKey::pack` names it; 0 between polls.
    pub(crate) polling: AtomicU64,
    /// Whether it is at work, and what the monitor thinks of its current poll.
    pub(crate) pace: Pace,
    pub(crate) stats: Stats,
    /// The core its thread was last seen on.
    pub(crate) core_id: AtomicU32,
    /// The owner's end, while no thread has it.
    pub(crate) core: Mutex<Option<Core>>,
}

/// The scheduler.
pub(crate) struct Shared {
    /// One per task, handle, thread, timer that holds it; workers take them in bundles.
    refs: CachePadded<AtomicUsize>,
    pub(crate) settings: Settings,
    pub(crate) driver: Driver,
    pub(crate) idle: CachePadded<Idle>,
    pub(crate) injectors: Injectors,
    pub(crate) live: LiveSet,
    pub(crate) remotes: Box<[CachePadded<Remote>]>,
    phase: AtomicU8,
    /// Remotes that have ever had a thread: those before this number.
    pub(crate) started: AtomicUsize,
    /// Threads that run workers now and are not blocked in place.
    pub(crate) active: AtomicUsize,
    /// What threads that are no workers count; added to by several.
    pub(crate) outside: CachePadded<Stats>,
    pub(crate) monitor: Monitor,
    pub(crate) threads: Mutex<Vec<JoinHandle<()>>>,
    /// Threads that have not left yet; its condvar tells of each that leaves.
    pub(crate) running: Mutex<usize>,
    pub(crate) left: Condvar,
    /// Random numbers drawn by threads that are no workers.
    draws: statics::AtomicU64,
    generation: u32,
}

impl Shared {
    pub(crate) fn create(settings: Settings, driver: Driver) -> SharedRef {
        let slots = settings.workers + settings.spares;
        let remotes = (0..slots).map(|index| CachePadded::new(Remote::new(index, settings.seed))).collect();
        let shared = Box::new(Self {
            refs: CachePadded::new(AtomicUsize::new(1)),
            driver,
            idle: CachePadded::new(Idle::new()),
            injectors: Injectors::new(settings.workers),
            live: LiveSet::new(slots),
            remotes,
            phase: AtomicU8::new(Phase::Open as u8),
            started: AtomicUsize::new(settings.workers),
            active: AtomicUsize::new(settings.workers),
            outside: CachePadded::default(),
            monitor: Monitor::new(),
            threads: Mutex::new(Vec::new()),
            running: Mutex::new(0),
            left: Condvar::new(),
            draws: statics::AtomicU64::new(0),
            generation: fork::generation(),
            settings,
        });
        SharedRef(NonNull::from(Box::leak(shared)))
    }

    #[inline]
    pub(crate) fn phase(&self) -> Phase {
        match self.phase.load(Acquire) {
            0 => Phase::Open,
            1 => Phase::Closing,
            _ => Phase::Closed,
        }
    }

    /// A random number below `n`, for a thread that is no worker.
    pub(crate) fn random_below(&self, n: usize) -> usize {
        let draw = self.draws.fetch_add(1, statics::Ordering::Relaxed);
        // Apart from the seeds of the workers, which are the next numbers after the runtime's.
        Rng::new(self.settings.seed.wrapping_sub(1 + draw)).below(n)
    }

    /// Moves on to `phase`; false if that has happened before.
    pub(crate) fn enter_phase(&self, phase: Phase) -> bool {
        let entered = self.phase.fetch_max(phase as u8, SeqCst) < phase as u8;
        // Pairs with the fence of whoever pushes and then looks at the phase.
        fence(SeqCst);
        entered
    }

    /// True when worker `index` is one that runs tasks now: neither asleep nor stuck.
    #[inline]
    pub(crate) fn is_at_work(&self, index: usize) -> bool {
        index < self.settings.workers && self.remotes[index].pace.is_fresh()
    }

    /// The remotes that have or had a thread.
    #[inline]
    pub(crate) fn started(&self) -> &[CachePadded<Remote>] {
        &self.remotes[..self.started.load(Acquire)]
    }

    /// Wakes worker `index` from its sleep.
    pub(crate) fn unpark(&self, index: usize) {
        self.remotes[index].parker.unpark(|| self.driver.wake());
    }

    /// Wakes one worker for work that was just made, if that is called for.
    #[inline]
    pub(crate) fn wake_one(&self) {
        if let Some(index) = self.idle.choose(|| self.driver_sleeper()) {
            self.unpark(index);
        }
    }

    /// The worker that sleeps in the driver: the last one to wake, for then the driver is left alone.
    fn driver_sleeper(&self) -> Option<usize> {
        self.started().iter().position(|remote| remote.parker.is_in_driver())
    }

    /// Sees to it that somebody sleeps in the driver, if anybody sleeps at all.
    pub(crate) fn attend_driver(&self) {
        if self.driver.try_turn().is_some()
            && let Some(index) = self.idle.any_sleeper(None)
        {
            self.unpark(index);
        }
    }

    /// True when work waits that any worker could do.
    pub(crate) fn has_work(&self) -> bool {
        let stealable = |remote: &CachePadded<Remote>| {
            remote.queue.has_tasks()
                || (remote.pace.is_slow() && remote.queue.has_next())
                || self.has_abandoned_mail(remote.index)
        };
        !self.injectors.is_empty() || self.started().iter().any(stealable)
    }

    /// True when events were left to worker `index`, and it does not come to them.
    #[inline]
    pub(crate) fn has_abandoned_mail(&self, index: usize) -> bool {
        self.driver.io().has_mail(index) && !self.is_at_work(index)
    }

    /// True when a pinned task waits for a worker that another thread has woken for it.
    pub(crate) fn has_pinned_work(&self) -> bool {
        self.started().iter().any(|remote| !remote.inbox.is_empty())
    }

    /// True when a worker is in a poll, and not blocked in place.
    pub(crate) fn anyone_polls(&self) -> bool {
        let polls = |remote: &Remote| remote.polling.load(SeqCst) != 0 && !remote.pace.is_away();
        self.started().iter().any(|remote| polls(remote))
    }

    /// # Panics
    /// In a process forked off from the one that made the runtime.
    #[inline]
    #[track_caller]
    pub(crate) fn check_fork(&self) {
        assert!(!self.is_forked(), "{FORKED}");
    }

    /// True in a process forked off from the one that made the runtime.
    #[inline]
    pub(crate) fn is_forked(&self) -> bool {
        self.generation != fork::generation()
    }
}

impl Remote {
    fn new(index: usize, seed: u64) -> Self {
        let (local, queue) = queue::local();
        let core = Core::new(local, Rng::new(seed.wrapping_add(index as u64)));
        Self {
            index,
            queue,
            parker: Parker::new(),
            inbox: Injector::new(),
            polling: AtomicU64::new(0),
            pace: Pace::default(),
            stats: Stats::default(),
            core_id: AtomicU32::new(u32::MAX),
            core: Mutex::new(Some(core)),
        }
    }
}

/// What to do with a runtime in a forked child, in one line.
pub(super) const FORKED: &str = "this raddle runtime was made before the process forked: its threads exist in the \
    parent only; make a new runtime in the child";

/// A counted reference to a scheduler. On one of its workers, cloning and dropping it costs no locked operation: the
/// worker has a bundle of references to give from.
#[derive(Debug)]
pub(crate) struct SharedRef(NonNull<Shared>);

// SAFETY: Shared is made for use from any thread.
unsafe impl Send for SharedRef {}
// SAFETY: as above.
unsafe impl Sync for SharedRef {}

/// References a worker takes or gives back at once.
const BUNDLE: usize = 512;

/// A worker's bundle.
#[derive(Debug, Default)]
pub(crate) struct Bundle(std::cell::Cell<usize>);

impl Bundle {
    #[inline]
    fn take(&self, shared: &Shared) {
        let left = self.0.get();
        if left == 0 {
            // Relaxed, as in Arc: the bundle's owner has a reference already.
            shared.refs.fetch_add(BUNDLE, Relaxed);
            self.0.set(BUNDLE - 1);
        } else {
            self.0.set(left - 1);
        }
    }

    #[inline]
    fn give(&self, shared: &Shared) {
        let left = self.0.get() + 1;
        if left < 2 * BUNDLE {
            self.0.set(left);
        } else {
            self.0.set(BUNDLE);
            // Not the last: the bundle's owner has one of its own.
            shared.refs.fetch_sub(BUNDLE, AcqRel);
        }
    }

    /// Gives all back.
    pub(super) fn give_back(&self, shared: &Shared) {
        shared.refs.fetch_sub(self.0.take(), AcqRel);
    }
}

impl SharedRef {
    #[inline]
    pub(crate) fn as_ptr(&self) -> *const Shared {
        self.0.as_ptr()
    }

    /// A new reference to the scheduler at `shared`.
    ///
    /// # Safety
    /// It is alive: the caller has a reference, through whatever.
    pub(crate) unsafe fn from_ptr(shared: *const Shared) -> Self {
        let pointer = NonNull::new(shared.cast_mut()).expect("a scheduler's address is not null");
        let borrowed = std::mem::ManuallyDrop::new(Self(pointer));
        Self::clone(&borrowed)
    }
}

impl Deref for SharedRef {
    type Target = Shared;

    #[inline]
    fn deref(&self) -> &Shared {
        // SAFETY: we have a reference.
        unsafe { self.0.as_ref() }
    }
}

impl Clone for SharedRef {
    #[inline]
    fn clone(&self) -> Self {
        current::with(|worker| match worker {
            Some(worker) if worker.belongs_to(self.as_ptr()) => worker.bundle.take(self),
            _ => {
                self.refs.fetch_add(1, Relaxed);
            }
        });
        Self(self.0)
    }
}

impl Drop for SharedRef {
    #[inline]
    fn drop(&mut self) {
        let last = current::with(|worker| match worker {
            Some(worker) if worker.belongs_to(self.as_ptr()) => {
                worker.bundle.give(self);
                false
            }
            _ => self.refs.fetch_sub(1, AcqRel) == 1,
        });
        if last {
            // SAFETY: made by `create` from a Box; nobody else is left.
            drop(unsafe { Box::from_raw(self.0.as_ptr()) });
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("workers", &self.settings.workers)
            .field("phase", &self.phase())
            .finish_non_exhaustive()
    }
}
