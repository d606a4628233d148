//! Models of the runtime's protocols, one file each in `tests/`; here is what they share.
//!
//! Run them with `RUSTFLAGS="--cfg loom" cargo test --release -p loom-tests`; without that cfg there is nothing here.
#![cfg(loom)]

use loom::model::Builder;
use loom::thread::yield_now;
use raddle_runtime::internals::{Ran, Schedule, Task, allocate};
use raddle_runtime::prim::atomic::{AtomicUsize, Ordering::Relaxed};
use raddle_runtime::prim::cell::UnsafeCell;
use raddle_runtime::prim::lock::{Condvar, Mutex};
use raddle_runtime::task::JoinHandle;
use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};

/// Context switches that nobody asked for, in one run of a model, unless the environment or the model says otherwise.
const PREEMPTIONS: usize = 3;
/// A run of a model with two whole workers has more steps than loom allows unasked.
const STEPS: usize = 20_000;

/// Runs `model` in every order that matters.
pub fn check(model: impl Fn() + Send + Sync + 'static) {
    check_within(usize::MAX, model);
}

/// As [`check`], with at most `preemptions` switches, for a model that would take too long with more.
pub fn check_within(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(builder.preemption_bound.unwrap_or(PREEMPTIONS).min(preemptions));
    builder.max_branches = builder.max_branches.max(STEPS);
    builder.check(model);
}

/// Something that happens once, and that threads wait for; also as a waker.
#[derive(Debug, Default)]
pub struct Event {
    happened: Mutex<bool>,
    changed: Condvar,
}

impl Event {
    /// One that has not happened.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// It happens.
    pub fn set(&self) {
        *self.happened.lock() = true;
        self.changed.notify_all();
    }

    /// True once it has happened.
    pub fn is_set(&self) -> bool {
        *self.happened.lock()
    }

    /// Waits until it has happened.
    pub fn wait(&self) {
        let mut happened = self.happened.lock();
        while !*happened {
            happened = self.changed.wait(happened);
        }
    }

    /// Waits until it has happened, and makes it one that has not.
    pub fn wait_and_reset(&self) {
        let mut happened = self.happened.lock();
        while !*happened {
            happened = self.changed.wait(happened);
        }
        *happened = false;
    }

    /// A waker that makes it happen.
    pub fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(self.clone())
    }
}

impl Wake for Event {
    fn wake(self: Arc<Self>) {
        self.set();
    }
}

/// Polls `future` to its end; loom finds a deadlock if nobody wakes it.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let woken = Event::new();
    let waker = woken.waker();
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        woken.wait_and_reset();
        // A waiter that meets another thread in a slot wakes itself, to look again: let that thread go on.
        yield_now();
    }
}

/// Polls once.
pub fn poll_once<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// How many [`Probe`]s of one kind are alive.
#[derive(Clone, Debug)]
pub struct Count(Arc<AtomicUsize>);

impl Default for Count {
    fn default() -> Self {
        Self(Arc::new(AtomicUsize::new(0)))
    }
}

impl Count {
    /// How many are alive, for a thread that knows that the others are done.
    pub fn get(&self) -> usize {
        self.0.load(Relaxed)
    }

    /// One more.
    pub fn probe(&self) -> Probe {
        self.0.fetch_add(1, Relaxed);
        Probe { alive: self.clone(), cell: UnsafeCell::new(true) }
    }
}

/// A part of something that is to be used by one thread at a time and dropped once, after every use.
pub struct Probe {
    alive: Count,
    cell: UnsafeCell<bool>,
}

// SAFETY: loom checks each access to the cell, which is what it is there for.
unsafe impl Sync for Probe {}

impl Probe {
    /// A use that must not be beside any other.
    ///
    /// # Panics
    /// Fails the model when it is, or comes too late.
    pub fn change(&self) {
        self.cell.with_mut(|is_whole| {
            // SAFETY: loom has checked that nobody else is here.
            assert!(unsafe { *is_whole }, "used after it was dropped");
        });
    }

    /// A use that may be beside others of its kind.
    ///
    /// # Panics
    /// Fails the model when it is beside a change, or comes too late.
    pub fn look(&self) {
        self.cell.with(|is_whole| {
            // SAFETY: loom has checked that nobody changes it.
            assert!(unsafe { *is_whole }, "used after it was dropped");
        });
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.cell.with_mut(|is_whole| {
            // SAFETY: loom has checked that nobody else is here.
            let was_whole = std::mem::replace(unsafe { &mut *is_whole }, false);
            assert!(was_whole, "dropped twice");
        });
        self.alive.0.fetch_sub(1, Relaxed);
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Probe")
    }
}

/// A run queue that anyone may push to and the model takes from.
#[derive(Clone, Default)]
pub struct Ready(Arc<(Mutex<VecDeque<Task>>, Condvar)>);

impl Ready {
    /// Queues a task.
    pub fn push(&self, task: Task) {
        self.0.0.lock().push_back(task);
        self.0.1.notify_one();
    }

    /// The next task, if there is one.
    pub fn pop(&self) -> Option<Task> {
        self.0.0.lock().pop_front()
    }

    /// The next task; waits for it.
    pub fn wait(&self) -> Task {
        let mut queue = self.0.0.lock();
        loop {
            match queue.pop_front() {
                Some(task) => return task,
                None => queue = self.0.1.wait(queue),
            }
        }
    }

    /// Polls what is queued until the one task there is has ended.
    pub fn run_to_end(&self) {
        loop {
            match self.wait().run() {
                Ran::Done => return,
                Ran::Idle => {}
                Ran::Again(task) => {
                    self.push(task);
                    // A task that meets another thread in a slot wakes itself, to look again: let that thread go on.
                    yield_now();
                }
            }
        }
    }

    /// A scheduler that pushes here. `whole` is probed at each push, and dropped with the task.
    pub fn scheduler(&self, whole: Probe, is_on_worker: bool) -> impl Schedule + use<> {
        Pushes { queue: self.clone(), whole, is_on_worker }
    }
}

struct Pushes {
    queue: Ready,
    whole: Probe,
    is_on_worker: bool,
}

impl Schedule for Pushes {
    fn schedule(&self, task: Task) {
        self.whole.look();
        self.queue.push(task);
    }

    fn is_on_worker(&self) -> bool {
        self.is_on_worker
    }
}

/// Makes a task of `future`, which is not ready yet, and polls it once: its handle and its waker.
///
/// # Panics
/// When the future is ready.
pub fn waiting_task<F>(future: F, scheduler: impl Schedule) -> (JoinHandle<F::Output>, Waker)
where
    F: Future + Send + 'static,
{
    let (send, receive) = mpsc::channel();
    let (mut send, mut future) = (Some(send), Box::pin(future));
    let (task, handle) = allocate(
        poll_fn(move |cx| {
            if let Some(send) = send.take() {
                send.send(cx.waker().clone()).expect("the other end waits below");
            }
            future.as_mut().poll(cx)
        }),
        scheduler,
    );
    assert!(matches!(task.run(), Ran::Idle), "the model waits for something");
    (handle, receive.recv().expect("sent by the poll"))
}
