//! Where a task goes when it is spawned or woken: the worker's own queue on a worker, an injector elsewhere.

use super::current;
use super::shared::{FORKED, Phase, Shared, SharedRef};
use crate::prim::statics::{AtomicU32, Ordering};
use crate::task::{self, Incoming, JoinHandle, LiveKey, Origin, Schedule, Spawn, Task};
use std::any::Any;
use std::cell::Cell;
use std::future::Future;

thread_local! {
    /// The injector shard of this thread, which is no worker: chosen once, so that one thread's tasks stay in order.
    static SHARD: Cell<Option<u32>> = const { Cell::new(None) };
}

static NEXT_SHARD: AtomicU32 = AtomicU32::new(0);

fn my_shard() -> usize {
    let shard = SHARD.get().unwrap_or_else(|| NEXT_SHARD.fetch_add(1, Ordering::Relaxed));
    SHARD.set(Some(shard));
    shard as usize
}

impl SharedRef {
    /// Makes a task and queues it. Once shutdown has begun the task is cancelled at once instead.
    ///
    /// # Panics
    /// In a forked child.
    #[inline]
    #[track_caller]
    pub(crate) fn spawn<F>(&self, future: Incoming<F>, spawn: Spawn) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (task, handle) = self.make(future, spawn);
        // SAFETY: made just now, and Send.
        unsafe { self.admit(task) };
        handle
    }

    /// Makes a task and does not queue it: [`admit`](Self::admit) does, or who runs it elsewhere.
    ///
    /// # Panics
    /// In a forked child.
    #[inline]
    #[track_caller]
    pub(crate) fn make<F>(&self, future: Incoming<F>, spawn: Spawn) -> (Task, JoinHandle<F::Output>)
    where
        F: Future + 'static,
    {
        if self.is_forked() {
            future.refuse(FORKED);
        }
        task::allocate(future, self.clone(), spawn)
    }

    /// Queues a new task. Once shutdown has begun it is cancelled at once instead.
    ///
    /// # Safety
    /// The task was made with this scheduler, of a future and an output that are Send; nobody has queued it or entered
    /// it in a live set, and what has been shown of it to others is a cancel handle at most.
    #[inline]
    pub(crate) unsafe fn admit(&self, task: Task) {
        current::with(|worker| match worker {
            Some(worker) if worker.belongs_to(self.as_ptr()) && self.phase() == Phase::Open => {
                // SAFETY: by contract.
                unsafe { worker.enlist(&task) };
                worker.push(task);
            }
            _ => self.admit_outside(task, None),
        });
    }

    /// Makes a task that only worker `index` runs, and queues it there.
    ///
    /// # Safety
    /// The future and what it holds may be touched by that worker's thread (rule 6 of `task`).
    #[track_caller]
    pub(crate) unsafe fn spawn_pinned<F>(
        &self,
        index: usize,
        future: Incoming<F>,
        spawn: Spawn,
    ) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: Send + 'static,
    {
        let (task, handle) = self.make(future, spawn);
        self.admit_outside(task, Some(index));
        handle
    }

    fn admit_outside(&self, task: Task, pinned: Option<usize>) {
        // SAFETY: both callers have made it just now, or have it from who did.
        if unsafe { self.live.insert_outside(&task, pinned) } {
            self.outside.spawned.add_shared(1);
            self.schedule(task);
        } else {
            // Closed. A pinned future is still the closure that makes it, which may be dropped anywhere.
            task.cancel();
        }
    }
}

impl Shared {
    /// Queues a task from a thread that is no worker of this runtime.
    fn inject(&self, task: Task) {
        self.injectors.push(my_shard(), task);
        self.wake_one();
        // `wake_one` fenced after the push: if the workers have gone, either they saw the task, or we see that.
        if self.phase() == Phase::Closed {
            self.end_queued_tasks();
        }
    }

    fn schedule_pinned(&self, index: usize, task: Task) {
        let task = current::with(|worker| match worker {
            Some(worker) if worker.belongs_to(self) && worker.index == index => {
                worker.push_pinned(task);
                None
            }
            _ => Some(task),
        });
        if let Some(task) = task {
            self.remotes[index].inbox.push(task);
            self.unpark(index);
        }
    }

    /// Queues a task that was woken.
    #[inline]
    fn schedule(&self, task: Task) {
        if let Some(index) = task.header().live_key().pinned() {
            return self.schedule_pinned(index, task);
        }
        current::with(|worker| match worker {
            Some(worker) if worker.belongs_to(self) => worker.push(task),
            _ => self.inject(task),
        });
    }
}

impl Schedule for SharedRef {
    #[inline]
    unsafe fn schedule(this: *const Self, task: Task) {
        // SAFETY: alive when called, by contract.
        let shared = unsafe { &*this }.as_ptr();
        // SAFETY: the scheduler outlives the push: on a worker by the worker's own reference, elsewhere by that of the
        // waker or handle the wake came through.
        unsafe { &*shared }.schedule(task);
    }

    #[inline]
    fn is_on_worker(&self) -> bool {
        current::with(|worker| worker.is_some_and(|worker| worker.belongs_to(self.as_ptr())))
    }

    #[inline]
    fn coarse_now(&self) -> u64 {
        current::with(|worker| match worker {
            Some(worker) if worker.belongs_to(self.as_ptr()) => worker.coarse_now(),
            _ => self.driver.clock().now(),
        })
    }

    #[inline]
    fn completed(&self, key: LiveKey) {
        if !key.is_some() {
            return;
        }
        current::with(|worker| match worker {
            Some(worker) if worker.belongs_to(self.as_ptr()) => worker.delist(key),
            _ => {
                self.live.slab(key.shard()).remove(key);
                self.outside.completed.add_shared(1);
            }
        });
    }

    fn panicked(&self, task: &Origin, payload: &(dyn Any + Send)) {
        self.settings.on_panic.apply(task, payload);
    }

    fn as_ptr(&self) -> *const () {
        SharedRef::as_ptr(self).cast()
    }
}
