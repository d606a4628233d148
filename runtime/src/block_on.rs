//! `block_on`: a root future on the thread that calls.
//!
//! With worker threads, this thread polls the root and sleeps in between. Without (current-thread), it runs the tasks
//! too: whoever gets the one worker's core runs them, other callers wait for their own root or for the core.

use crate::budget;
use crate::park::Parker;
use crate::prim::atomic::{AtomicBool, Ordering::SeqCst};
use crate::prim::lock::Mutex;
use crate::worker::{Phase, SharedRef, Worker};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// Roots that wait for the core of a current-thread runtime.
#[derive(Default)]
pub(crate) struct Roots(Mutex<Vec<Arc<Root>>>);

/// The waking side of a root future.
struct Root {
    /// Set by a wake, cleared before a poll. While it is set paused time is held: the root is about to act.
    is_woken: AtomicBool,
    parker: Parker,
    scheduler: SharedRef,
}

impl Wake for Root {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.is_woken.swap(true, SeqCst) {
            return;
        }
        self.scheduler.driver.clock().hold();
        self.unpark();
        if self.scheduler.settings.start_thread.is_none() {
            // The root may be polled from within the worker's loop.
            self.scheduler.unpark(0);
        }
    }
}

impl Root {
    fn new(scheduler: &SharedRef) -> Arc<Self> {
        scheduler.driver.clock().hold();
        let is_woken = AtomicBool::new(true);
        Arc::new(Self { is_woken, parker: Parker::new(), scheduler: scheduler.clone() })
    }

    fn unpark(&self) {
        self.parker
            .unpark(|| unreachable!("a root's thread does not sleep in the driver through this parker"));
    }

    /// Polls the root if it was woken.
    fn poll<F: Future>(&self, future: Pin<&mut F>, waker: &Waker) -> Option<F::Output> {
        if !self.is_woken.load(SeqCst) || !self.is_woken.swap(false, SeqCst) {
            return None;
        }
        // Also when the poll panics: time that is held for ever would stand still for ever.
        let _woken = EndWoken(&self.scheduler);
        match budget::with_budget(|| future.poll(&mut Context::from_waker(waker))) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }
}

/// Ends the hold on paused time that a woken root has.
struct EndWoken<'a>(&'a SharedRef);

impl Drop for EndWoken<'_> {
    fn drop(&mut self) {
        self.0.driver.release();
    }
}

/// The end of a `block_on`: a wake that came too late holds no time, and none will from now on.
struct EndRoot<'a>(&'a Root);

impl Drop for EndRoot<'_> {
    fn drop(&mut self) {
        if self.0.is_woken.swap(true, SeqCst) {
            self.0.scheduler.driver.release();
        }
    }
}

/// Runs `future` to its end on this thread.
pub(crate) fn block_on<F: Future>(scheduler: &SharedRef, roots: &Roots, future: F) -> F::Output {
    let mut future = pin!(future);
    let root = Root::new(scheduler);
    let _end = EndRoot(&root);
    let waker = Waker::from(root.clone());
    loop {
        if let Some(output) = root.poll(future.as_mut(), &waker) {
            return output;
        }
        // The blocking call we are in, if any, waits for us, and we for time to pass.
        let _let_go = scheduler.driver.let_go_here();
        if scheduler.settings.start_thread.is_some() {
            root.parker.park_on_condvar();
        } else if let Some(output) = run_tasks(scheduler, roots, &root, || root.poll(future.as_mut(), &waker))
        {
            return output;
        }
    }
}

/// Runs the tasks of a current-thread runtime until `poll` gives an output; `None` if another thread has the core or
/// had it meanwhile: then this one has waited, and looks again.
fn run_tasks<T>(
    scheduler: &SharedRef,
    roots: &Roots,
    root: &Arc<Root>,
    poll: impl FnMut() -> Option<T>,
) -> Option<T> {
    roots.0.lock().push(root.clone());
    let worker = Worker::new(scheduler.clone(), 0);
    if worker.is_none() {
        // In the list before we looked for the core: whoever gives it back sees us.
        root.parker.park_on_condvar();
    }
    roots.remove(root);
    // Gives the core back also when the root panics.
    let core = ReturnCore { worker, scheduler, roots };
    let output = core.worker.as_ref().and_then(|worker| drive(worker, scheduler, poll));
    let was_driven = core.worker.is_some();
    drop(core);
    if was_driven && output.is_none() {
        // Shut down by another thread while we were at it: only wakes from elsewhere can help the root now.
        root.parker.park_on_condvar();
    }
    output
}

/// The root is polled once for so many tasks at most.
const TASKS_PER_ROOT_POLL: usize = 61;

/// Runs tasks between the polls of a root, until it is done or the runtime shuts down. The tasks that wait when the
/// root has been polled come before its next poll, as for a task that yields.
fn drive<T>(worker: &Worker, scheduler: &SharedRef, mut poll: impl FnMut() -> Option<T>) -> Option<T> {
    let _entered = worker.enter();
    let mut output = None;
    let mut first = worker.queued().min(TASKS_PER_ROOT_POLL);
    worker.run(|| {
        first = first.min(worker.queued());
        if first > 0 {
            first -= 1;
        } else {
            output = poll();
            first = worker.queued().min(TASKS_PER_ROOT_POLL);
        }
        output.is_some() || scheduler.phase() != Phase::Open
    });
    if scheduler.phase() != Phase::Open {
        worker.end_own_tasks();
    }
    output
}

struct ReturnCore<'a> {
    worker: Option<Worker>,
    scheduler: &'a SharedRef,
    roots: &'a Roots,
}

impl Drop for ReturnCore<'_> {
    fn drop(&mut self) {
        let Some(worker) = self.worker.take() else { return };
        worker.retire();
        // Shutdown changes the phase and then looks for the core: if it found none, we see the phase.
        if self.scheduler.phase() != Phase::Open {
            end_tasks(self.scheduler);
        }
        // Any of the other roots may run the tasks now. Not one: it may have no need to, and go.
        let others = self.roots.0.lock().clone();
        others.iter().for_each(|root| root.unpark());
        self.scheduler.core_is_back();
    }
}

/// Ends the tasks of a current-thread runtime on this thread; false if another one has them.
pub(crate) fn end_tasks(scheduler: &SharedRef) -> bool {
    let Some(worker) = Worker::new(scheduler.clone(), 0) else { return false };
    let entered = worker.enter();
    worker.end_own_tasks();
    drop(entered);
    worker.retire();
    true
}

impl Roots {
    fn remove(&self, root: &Arc<Root>) {
        self.0.lock().retain(|other| !Arc::ptr_eq(other, root));
    }
}
