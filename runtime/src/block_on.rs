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
        let _held = Held(&self.scheduler);
        match budget::with_budget(|| future.poll(&mut Context::from_waker(waker))) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }
}

/// The hold on paused time that a woken root has.
struct Held<'a>(&'a SharedRef);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let driver = &self.0.driver;
        if driver.clock().release() && driver.clock().is_paused() {
            driver.wake();
        }
    }
}

/// Runs `future` to its end on this thread.
pub(crate) fn block_on<F: Future>(scheduler: &SharedRef, roots: &Roots, future: F) -> F::Output {
    let mut future = pin!(future);
    let root = Root::new(scheduler);
    let waker = Waker::from(root.clone());
    loop {
        if let Some(output) = root.poll(future.as_mut(), &waker) {
            return output;
        }
        if scheduler.settings.start_thread.is_none() {
            if let Some(output) = run_tasks(scheduler, roots, &root, || root.poll(future.as_mut(), &waker)) {
                return output;
            }
            continue;
        }
        root.parker.park_on_condvar();
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
    let Some(worker) = Worker::new(scheduler.clone(), 0) else {
        // In the list before we looked for the core: whoever gives it back sees us.
        root.parker.park_on_condvar();
        roots.remove(root);
        return None;
    };
    roots.remove(root);
    // Gives the core back also when the root panics.
    let mut core = ReturnCore { worker: Some(worker), roots };
    let output = core.worker.as_ref().and_then(|worker| drive(worker, scheduler, poll));
    core.give_back();
    if output.is_none() {
        // Shut down by another thread while we were at it: only wakes from elsewhere can help the root now.
        root.parker.park_on_condvar();
    }
    output
}

/// Runs tasks between the polls of a root, until it is done or the runtime shuts down.
fn drive<T>(worker: &Worker, scheduler: &SharedRef, mut poll: impl FnMut() -> Option<T>) -> Option<T> {
    let _entered = worker.enter();
    let mut output = None;
    worker.run(|| {
        output = poll();
        output.is_some() || scheduler.phase() != Phase::Open
    });
    if output.is_none() {
        worker.end_own_tasks();
    }
    output
}

struct ReturnCore<'a> {
    worker: Option<Worker>,
    roots: &'a Roots,
}

impl ReturnCore<'_> {
    fn give_back(&mut self) {
        if let Some(worker) = self.worker.take() {
            worker.retire();
            // Another root may run the tasks now.
            if let Some(next) = self.roots.0.lock().first() {
                next.unpark();
            }
        }
    }
}

impl Drop for ReturnCore<'_> {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl Roots {
    fn remove(&self, root: &Arc<Root>) {
        self.0.lock().retain(|other| !Arc::ptr_eq(other, root));
    }
}
