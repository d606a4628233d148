//! A worker: what its thread alone touches.

use super::current;
use super::shared::{Bundle, Phase, Remote, Shared, SharedRef};
use super::worth::Paces;
use crate::driver::clock::real_now;
use crate::driver::io::IoDriver;
use crate::prim::thread;
use crate::queue::Local;
use crate::rng::Rng;
use crate::task::{LiveKey, Shard, Task};
use crate::unwind;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A poll that pushes much looks at the clock once in so many pushes.
const PUSHES_PER_LOOK: u32 = 64;
/// A poll that goes on pushing for longer than this no longer keeps its tasks to itself.
const KEEP_TO_ITSELF: Duration = Duration::from_micros(20);

/// The part of a worker that outlives its thread.
pub(crate) struct Core {
    local: Local,
    shard: Shard,
    rng: Rng,
}

impl Core {
    pub(super) fn new(local: Local, rng: Rng) -> Self {
        Self { local, shard: Shard::default(), rng }
    }
}

/// A worker, on its thread.
pub(crate) struct Worker {
    pub(super) index: usize,
    pub(super) shared: SharedRef,
    pub(super) local: Local,
    pub(super) rng: Rng,
    pub(super) paces: Paces,
    /// Turns of the run loop, for what is done once in so many.
    pub(super) tick: Cell<u32>,
    pub(super) bundle: Bundle,
    pub(super) probe: Cell<Probe>,
    /// Polls until the last rest.
    pub(super) polls_until_rest: Cell<u64>,
    /// When the driver was last looked at from this worker's loop, in the clock's nanoseconds.
    pub(super) looked_at: Cell<u64>,
    /// A time of the clock's that is not long ago; 0 after a rest or a long poll, until somebody asks.
    pub(super) coarse: Cell<u64>,
    shard: Cell<Shard>,
    /// Pinned tasks woken on this thread.
    pinned: RefCell<VecDeque<Task>>,
    /// Pushes since the current poll began, and when the count first passed a multiple of 64.
    pushes: Cell<u32>,
    first_look: Cell<Option<Instant>>,
}

/// A sample of how long the queue is: a task pushed at `since` would be run after `left` more turns.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Probe {
    pub(super) since: u64,
    pub(super) left: usize,
}

impl Worker {
    /// Takes the core of remote `index`; `None` if a thread has it.
    pub(crate) fn new(shared: SharedRef, index: usize) -> Option<Self> {
        let Core { local, shard, rng } = shared.remotes[index].core.lock().take()?;
        let paces = Paces::new(shared.remotes.len());
        Some(Self {
            index,
            shared,
            local,
            rng,
            paces,
            tick: Cell::new(0),
            bundle: Bundle::default(),
            probe: Cell::default(),
            polls_until_rest: Cell::new(0),
            looked_at: Cell::new(0),
            coarse: Cell::new(0),
            shard: Cell::new(shard),
            pinned: RefCell::default(),
            pushes: Cell::new(0),
            first_look: Cell::new(None),
        })
    }

    /// Gives the core back to its remote.
    pub(crate) fn retire(self) {
        self.bundle.give_back(&self.shared);
        let remote = &self.shared.remotes[self.index];
        self.pinned.take().into_iter().for_each(|task| remote.inbox.push(task));
        let core = Core { local: self.local, shard: self.shard.take(), rng: self.rng };
        *remote.core.lock() = Some(core);
    }

    /// Makes this the worker of the calling thread while the guard lives.
    pub(crate) fn enter(&self) -> current::Entered<'_> {
        current::enter(self)
    }

    #[inline]
    pub(super) fn remote(&self) -> &Remote {
        &self.shared.remotes[self.index]
    }

    /// Its number among the workers.
    #[inline]
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    #[inline]
    pub(crate) fn belongs_to(&self, shared: *const Shared) -> bool {
        std::ptr::eq(self.shared.as_ptr(), shared)
    }

    /// True when its runtime's driver is this one.
    #[inline]
    pub(crate) fn turns(&self, driver: &Arc<IoDriver>) -> bool {
        Arc::ptr_eq(self.shared.driver.io(), driver)
    }

    /// The time, but for what has passed since the last look at the clock: some polls, none of them long.
    #[inline]
    pub(super) fn coarse_now(&self) -> u64 {
        let clock = self.shared.driver.clock();
        let known = self.coarse.get();
        // Paused time is read without a system call, and may jump between two polls.
        if known != 0 && !clock.is_paused() {
            return known;
        }
        let now = clock.now();
        self.coarse.set(now);
        now
    }

    /// A random number below `n`; the same in each run with the same seed, as far as the same tasks come here.
    pub(crate) fn random_below(&self, n: usize) -> usize {
        self.rng.below(n)
    }

    /// True for a worker that was started while others were stuck.
    #[inline]
    pub(super) fn is_spare(&self) -> bool {
        self.index >= self.shared.settings.workers
    }

    /// A poll begins: counts its pushes anew.
    #[inline]
    pub(super) fn begin_poll(&self) {
        self.pushes.set(0);
    }

    /// Queues a task that was woken or spawned on this thread.
    #[inline]
    pub(super) fn push(&self, task: Task) {
        self.local.push(&self.remote().queue, task);
        let pushes = self.pushes.get() + 1;
        self.pushes.set(pushes);
        if pushes.is_multiple_of(PUSHES_PER_LOOK) {
            self.share_if_slow();
        }
    }

    /// Lets another worker have some of what this long poll has pushed.
    #[cold]
    fn share_if_slow(&self) {
        if !self.shared.idle.wants_wake() {
            return;
        }
        let now = real_now();
        if self.pushes.get() == PUSHES_PER_LOOK {
            self.first_look.set(Some(now));
        } else if self.first_look.get().is_none_or(|first| now - first > KEEP_TO_ITSELF) {
            self.shared.wake_one();
        }
    }

    /// Queues a pinned task of this worker.
    pub(super) fn push_pinned(&self, task: Task) {
        self.pinned.borrow_mut().push_back(task);
    }

    /// The next pinned task. What others sent joins the line first, or a task that yields for ever would keep it out.
    #[inline]
    pub(super) fn pop_pinned(&self) -> Option<Task> {
        let inbox = &self.remote().inbox;
        let mut pinned = self.pinned.borrow_mut();
        if !inbox.is_empty() {
            while let Some(task) = crate::queue::retry(|| inbox.steal()) {
                pinned.push_back(task);
            }
        }
        pinned.pop_front()
    }

    /// True when a task waits that this worker has to itself.
    pub(super) fn has_own_work(&self) -> bool {
        self.local.len(&self.remote().queue) > 0 || !self.pinned.borrow().is_empty() || self.has_mail()
    }

    /// Tasks that this worker would run next, roughly.
    pub(crate) fn queued(&self) -> usize {
        let shared = self.shared.injectors.len() + self.remote().inbox.len();
        self.local.len(&self.remote().queue) + self.pinned.borrow().len() + shared
    }

    /// Enters a new task in the live set.
    ///
    /// # Safety
    /// The task was made just now and has been shown to nobody.
    #[inline]
    pub(super) unsafe fn enlist(&self, task: &Task) {
        let mut shard = self.shard.take();
        // SAFETY: by contract.
        unsafe { self.shared.live.insert(&mut shard, self.index, task) };
        self.shard.set(shard);
        self.remote().stats.spawned.add(1);
    }

    /// Takes a task out of the live set, whoever entered it.
    #[inline]
    pub(super) fn delist(&self, key: LiveKey) {
        let slab = self.shared.live.slab(key.shard());
        if key.shard() == self.index {
            let mut shard = self.shard.take();
            slab.remove_own(&mut shard, key);
            self.shard.set(shard);
        } else {
            slab.remove(key);
        }
        self.remote().stats.completed.add(1);
    }
}

/// The body of a worker's thread.
fn thread_main(shared: SharedRef, index: usize, when_done: &dyn Fn()) {
    let worker = Worker::new(shared.clone(), index).expect("a slot is given out once its core is back");
    {
        let _entered = worker.enter();
        loop {
            worker.run(|| worker.must_stop());
            if shared.phase() != Phase::Open {
                worker.end_own_tasks();
                break;
            }
            if !worker.wait_in_reserve() {
                break;
            }
        }
    }
    worker.retire();
    when_done();
    shared.vacate(index);
    shared.leave();
}

/// Tasks that panic are caught one by one. What comes through here is the runtime's own fault, and with one worker less
/// tasks would hang: the process says so and ends.
fn guarded(shared: SharedRef, index: usize, when_done: &dyn Fn()) {
    if !unwind::contain(|| thread_main(shared, index, when_done)) {
        crate::report::warn(format_args!("worker {index} panicked outside any task; aborting"));
        std::process::abort();
    }
}

/// Starts the thread of worker `index`.
///
/// # Errors
/// When the system cannot start one more thread.
pub(crate) fn start_thread(shared: &SharedRef, index: usize) -> std::io::Result<()> {
    let Some(start) = &shared.settings.start_thread else {
        return Err(std::io::Error::other("a current-thread runtime has no threads of its own"));
    };
    let for_thread = shared.clone();
    *shared.running.lock() += 1;
    match start(index, Box::new(move |when_done: &dyn Fn()| guarded(for_thread, index, when_done))) {
        Ok(thread) => {
            let mut threads = shared.threads.lock();
            // Threads that have ended need no joining; keeping them would let the list grow with every spare.
            threads.retain(|thread: &thread::JoinHandle<()>| !is_finished(thread));
            threads.push(thread);
            Ok(())
        }
        Err(error) => {
            *shared.running.lock() -= 1;
            Err(error)
        }
    }
}

#[cfg(not(loom))]
fn is_finished(thread: &thread::JoinHandle<()>) -> bool {
    thread.is_finished()
}

/// Loom's threads are joined by the model.
#[cfg(loom)]
fn is_finished(_thread: &thread::JoinHandle<()>) -> bool {
    false
}
