//! The pool itself.

use crate::driver::clock::real_now;
use crate::park::Parker;
use crate::prim::atomic::{AtomicUsize, Ordering::SeqCst};
use crate::prim::lock::{Condvar, Mutex, MutexGuard};
use crate::task::{Request, Task};
use crate::worker::{SharedRef, ThreadBody};
use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::marker::PhantomData;
use std::ptr;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Starts a thread with that body.
pub(crate) type StartThread = Arc<dyn Fn(ThreadBody) -> io::Result<()> + Send + Sync>;

/// What bounds a pool.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Threads at most.
    pub(crate) threads: usize,
    /// How long a thread stays without a job.
    pub(crate) keep_alive: Duration,
}

/// The pool of one runtime.
pub(crate) struct Pool {
    limits: Limits,
    /// For the clock: paused time does not jump while a job runs (f22).
    scheduler: SharedRef,
    start_thread: StartThread,
    state: Mutex<State>,
    /// Calls that have begun and not ended.
    calling: AtomicUsize,
    /// Tells shutdown of each thread that ends.
    ended: Condvar,
    /// Further pools of the runtime, which end with this one.
    siblings: Mutex<Vec<Weak<Pool>>>,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Task>,
    /// Threads without a job, the last in goes first.
    idle: Vec<Arc<Parker>>,
    threads: usize,
    /// Threads that take no more jobs and are about to end.
    ending: usize,
    /// A thread has been woken or started and has not reached the queue yet.
    is_coming: bool,
    closed: bool,
}

thread_local! {
    /// The pool whose job runs on this thread.
    static HERE: Cell<*const Pool> = const { Cell::new(ptr::null()) };
}

/// Marks this thread as running a job, until the call is over or this is dropped.
pub(super) struct Here<'a>(PhantomData<&'a Pool>);

impl<'a> Here<'a> {
    fn enter(pool: &'a Pool) -> Self {
        pool.calling.fetch_add(1, SeqCst);
        HERE.set(pool);
        Self(PhantomData)
    }

    fn is_in(pool: &Pool) -> bool {
        ptr::eq(HERE.get(), pool)
    }

    /// The call has returned. To be said before anyone who waits for its output can hear of it: a shutdown that follows
    /// must not find it running.
    pub(super) fn call_is_over() {
        let pool = HERE.replace(ptr::null());
        // SAFETY: set by `enter`, and cleared before the borrow of the pool that a `Here` has ends.
        if let Some(pool) = unsafe { pool.as_ref() } {
            pool.calling.fetch_sub(1, SeqCst);
        }
    }
}

impl Drop for Here<'_> {
    fn drop(&mut self) {
        Self::call_is_over();
    }
}

/// What a submitter owes after it put a job in the queue.
enum Owed {
    Nothing,
    Wake(Arc<Parker>),
    Start,
}

impl Pool {
    pub(crate) fn new(limits: Limits, scheduler: SharedRef, start_thread: StartThread) -> Self {
        Self {
            limits,
            scheduler,
            start_thread,
            state: Mutex::default(),
            calling: AtomicUsize::new(0),
            ended: Condvar::new(),
            siblings: Mutex::default(),
        }
    }

    /// A further pool of the same runtime, with threads of its own. It ends with this one at the latest.
    pub(crate) fn sibling(&self, limits: Limits) -> Arc<Self> {
        let pool = Arc::new(Self::new(limits, self.scheduler.clone(), self.start_thread.clone()));
        let mut siblings = self.siblings.lock();
        siblings.retain(|sibling| sibling.strong_count() > 0);
        siblings.push(Arc::downgrade(&pool));
        drop(siblings);
        // The lock orders us and a shutdown: it has seen the new one, or we see that it was there.
        if self.state.lock().closed {
            pool.close();
        }
        pool
    }

    /// Takes no more jobs. Those that wait still run, then the threads end.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        for parker in idle {
            parker.unpark(|| unreachable!("a pool thread does not sleep in the driver"));
        }
    }

    /// Queues a job. After shutdown it is cancelled at once.
    pub(crate) fn submit(self: &Arc<Self>, job: Task) {
        let mut state = self.state.lock();
        if state.closed {
            drop(state);
            job.cancel();
            return;
        }
        self.scheduler.driver.clock().hold();
        state.jobs.push_back(job);
        self.send_thread(state);
    }

    /// Restores the rule of this module for a queue that may hold jobs; gives the lock up.
    fn send_thread(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        match state.owed(self.limits.threads) {
            Owed::Nothing => {}
            Owed::Wake(parker) => {
                drop(state);
                parker.unpark(|| unreachable!("a pool thread does not sleep in the driver"));
            }
            Owed::Start => {
                drop(state);
                let pool = self.clone();
                if let Err(error) =
                    (self.start_thread)(Box::new(move |when_done: &dyn Fn()| pool.work(when_done)))
                {
                    self.cannot_start(&error);
                }
            }
        }
    }

    /// No thread could be started. One that has become idle meanwhile goes instead; else the running ones will come to
    /// the jobs; if there is none, the jobs end in an error.
    fn cannot_start(&self, error: &io::Error) {
        let mut state = self.state.lock();
        state.threads -= 1;
        state.is_coming = false;
        let orphans = if state.threads == 0 { std::mem::take(&mut state.jobs) } else { VecDeque::new() };
        let owed = state.owed(0);
        drop(state);
        // Shutdown may be waiting for the thread that never was.
        self.ended.notify_all();
        if let Owed::Wake(parker) = owed {
            parker.unpark(|| unreachable!("a pool thread does not sleep in the driver"));
        }
        if !orphans.is_empty() {
            let count = orphans.len();
            crate::report::warn(format_args!(
                "cannot start a thread for spawn_blocking: {error}; {count} blocking jobs are cancelled"
            ));
        }
        let request = Request::of_the_runtime("no thread could be started for it");
        self.cancel_all(orphans, &request);
    }

    fn cancel_all(&self, jobs: VecDeque<Task>, request: &Arc<Request>) {
        for job in jobs {
            job.refuse(request);
            self.scheduler.driver.release();
        }
    }

    /// The body of a pool thread.
    fn work(self: Arc<Self>, when_done: &dyn Fn()) {
        let parker = Arc::new(Parker::new());
        let mut state = self.state.lock();
        state.is_coming = false;
        loop {
            if let Some(job) = state.jobs.pop_front() {
                self.send_thread(state);
                {
                    let _hold = self.scheduler.driver.adopt_here();
                    let _here = Here::enter(&self);
                    let (_ran, _job) = job.run();
                }
                state = self.state.lock();
            } else if state.closed {
                break;
            } else {
                state.idle.push(parker.clone());
                drop(state);
                let notified = parker.park_timeout(self.limits.keep_alive);
                state = self.state.lock();
                // Off the list: chosen, also if its time was up at the same moment. On it: not chosen, whatever woke
                // it.
                if !state.leave(&parker) {
                    state.is_coming = false;
                } else if !notified {
                    break;
                }
            }
        }
        // From here on it takes no job, so it must not count against the cap.
        state.threads -= 1;
        state.ending += 1;
        drop(state);
        when_done();
        self.state.lock().ending -= 1;
        self.ended.notify_all();
    }

    /// Takes no more jobs, cancels those that wait, and lets those that run finish until `deadline`. Returns how many
    /// are still running then; their threads end with the process, or with the job.
    pub(crate) fn shut_down(&self, deadline: Instant) -> usize {
        self.close();
        let jobs = std::mem::take(&mut self.state.lock().jobs);
        self.cancel_all(jobs, &Request::of_the_end());
        let siblings = std::mem::take(&mut *self.siblings.lock());
        let living = siblings.iter().filter_map(Weak::upgrade);
        let abandoned: usize = living.map(|sibling| sibling.shut_down(deadline)).sum();
        // Shut down from inside one of its own jobs, it cannot wait for that very thread (f18).
        let own = usize::from(Here::is_in(self));
        let mut state = self.state.lock();
        while state.threads + state.ending > own {
            let now = real_now();
            if now >= deadline {
                break;
            }
            state = self.ended.wait_timeout(state, deadline - now).0;
        }
        self.calling.load(SeqCst) - own + abandoned
    }

    /// Threads, and jobs that wait for one.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let state = self.state.lock();
        (state.threads, state.jobs.len())
    }
}

impl State {
    /// What brings a thread to the jobs, with `threads_max` threads at most.
    fn owed(&mut self, threads_max: usize) -> Owed {
        if self.jobs.is_empty() || self.is_coming {
            return Owed::Nothing;
        }
        if let Some(parker) = self.idle.pop() {
            self.is_coming = true;
            return Owed::Wake(parker);
        }
        if self.threads < threads_max {
            self.is_coming = true;
            self.threads += 1;
            return Owed::Start;
        }
        Owed::Nothing
    }

    /// Takes a thread off the idle list; false if it was not there: chosen for a job, or shutdown.
    fn leave(&mut self, parker: &Arc<Parker>) -> bool {
        match self.idle.iter().position(|other| Arc::ptr_eq(other, parker)) {
            Some(at) => {
                self.idle.remove(at);
                true
            }
            None => false,
        }
    }
}
