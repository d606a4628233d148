//! The layout of a task and its typed operations, reached through the vtable.

use super::current;
use super::error::JoinError;
use super::extras::Extras;
use super::header::{Header, Vtable};
use super::incoming::Incoming;
use super::join::JoinHandle;
use super::linger::{self, Over};
use super::local::InheritedScope;
use super::request::Request;
use super::runnable::{Ran, Task};
use super::state::{Complete, EndPoll, StartPoll};
use super::{Schedule, memory, waker};
use crate::prim::atomic::Ordering::Acquire;
use crate::prim::cell::UnsafeCell;
use crate::unwind;
use std::alloc::Layout;
use std::any::Any;
use std::future::Future;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::ptr::{self, NonNull};
use std::task::{Context, Poll, Waker};

enum Stage<F: Future> {
    Running(F),
    Finished(Result<F::Output, JoinError>),
    Consumed,
}

#[repr(C)]
struct Cell<F: Future, S> {
    header: Header,
    scheduler: S,
    stage: UnsafeCell<Stage<F>>,
    join_waker: UnsafeCell<MaybeUninit<Waker>>,
}

/// How a task is to be made.
pub(crate) struct Spawn {
    pub(crate) spawned_at: &'static Location<'static>,
    pub(crate) extras: Option<Box<Extras>>,
    /// Woken when the task ends: the join waker that its handle begins with.
    pub(crate) joiner: Option<Waker>,
}

/// Makes a task. The caller sets its live key and then queues it.
#[inline]
pub(crate) fn allocate<F, S>(future: Incoming<F>, scheduler: S, spawn: Spawn) -> (Task, JoinHandle<F::Output>)
where
    F: Future + 'static,
    S: Schedule,
{
    let layout = Layout::new::<Cell<F, S>>();
    let memory = memory::allocate(layout).cast::<Cell<F, S>>();
    let header =
        Header::new(const { &vtable::<F, S>() }, spawn.spawned_at, spawn.extras, spawn.joiner.is_some());
    // Written part by part, so that a large future is moved once, from the caller into the heap (f42).
    // SAFETY: `memory` is fresh and of this layout.
    let place = unsafe { &raw mut (*memory).header };
    // SAFETY: nothing is there yet.
    unsafe { place.write(header) };
    // SAFETY: as above.
    let place = unsafe { &raw mut (*memory).scheduler };
    // SAFETY: nothing is there yet.
    unsafe { place.write(scheduler) };
    // SAFETY: as above.
    let place = unsafe { &raw mut (*memory).stage };
    // SAFETY: nothing is there yet.
    unsafe { place.write(UnsafeCell::new(Stage::Running(future.into_inner()))) };
    // SAFETY: as above.
    let place = unsafe { &raw mut (*memory).join_waker };
    let joiner = spawn.joiner.map_or(MaybeUninit::uninit(), MaybeUninit::new);
    // SAFETY: nothing is there yet.
    unsafe { place.write(UnsafeCell::new(joiner)) };
    // SAFETY: not null, as checked.
    let task = unsafe { NonNull::new_unchecked(memory.cast::<Header>()) };
    (Task::new(task), JoinHandle::new(task))
}

const fn vtable<F: Future + 'static, S: Schedule>() -> Vtable {
    Vtable {
        run: run::<F, S>,
        complete: complete::<F, S>,
        schedule: schedule::<F, S>,
        is_on_worker: is_on_worker::<F, S>,
        scheduler: scheduler::<F, S>,
        take_output: take_output::<F, S>,
        drop_output: drop_output::<F, S>,
        join_waker: join_waker::<F, S>,
        panicked: panicked::<F, S>,
        free: free::<F, S>,
    }
}

/// # Safety
/// `task` was made by `allocate::<F, S>` and is alive for `'a`.
#[inline(always)]
unsafe fn cell<'a, F: Future, S>(task: NonNull<Header>) -> &'a Cell<F, S> {
    // SAFETY: the header is the cell's first field (`repr(C)`).
    unsafe { task.cast::<Cell<F, S>>().as_ref() }
}

unsafe fn schedule<F: Future, S: Schedule>(task: NonNull<Header>) {
    // SAFETY: the vtable's contract.
    let scheduler: *const S = unsafe { &raw const (*task.cast::<Cell<F, S>>().as_ptr()).scheduler };
    // SAFETY: alive, and ours to push.
    unsafe { S::schedule(scheduler, Task::new(task)) };
}

unsafe fn is_on_worker<F: Future, S: Schedule>(task: NonNull<Header>) -> bool {
    // SAFETY: the vtable's contract.
    unsafe { cell::<F, S>(task) }.scheduler.is_on_worker()
}

unsafe fn scheduler<F: Future, S: Schedule>(task: NonNull<Header>) -> *const () {
    // SAFETY: the vtable's contract.
    unsafe { cell::<F, S>(task) }.scheduler.as_ptr()
}

unsafe fn join_waker<F: Future, S>(task: NonNull<Header>) -> NonNull<UnsafeCell<MaybeUninit<Waker>>> {
    // SAFETY: the vtable's contract.
    NonNull::from(&unsafe { cell::<F, S>(task) }.join_waker)
}

unsafe fn panicked<F: Future, S: Schedule>(task: NonNull<Header>, payload: &(dyn Any + Send)) {
    // SAFETY: the vtable's contract.
    let cell = unsafe { cell::<F, S>(task) };
    cell.scheduler.panicked(&cell.header.origin(), payload);
}

/// What one attempt at a task came to.
enum Attempt {
    Pending,
    Yielded,
    /// The result is in place.
    Ended,
}

unsafe fn run<F: Future, S: Schedule>(task: NonNull<Header>) -> Ran {
    // Whatever marks the task as current, or holds its locals, ends with `attempt`: after the transitions below the
    // task may be gone (rule 5).
    let attempt = attempt::<F, S>(task);
    // SAFETY: the caller has the queue entry, so the task is alive (rule 4).
    let state = &unsafe { cell::<F, S>(task) }.header.state;
    match attempt {
        // It stays as it is: who polls it next finds it running.
        Attempt::Yielded => Ran::Again,
        Attempt::Pending => match state.end_poll() {
            EndPoll::Idle => Ran::Idle,
            EndPoll::Again => Ran::Again,
        },
        Attempt::Ended => {
            // SAFETY: as above: not complete yet.
            if let Some(over) = unsafe { linger::leave(task) } {
                // Directly and not through the vtable: most tasks end here.
                // SAFETY: not complete yet, and its output is in place.
                over.complete_by(|task| unsafe { complete::<F, S>(task) });
            }
            Ran::Done
        }
    }
}

fn attempt<F: Future, S: Schedule>(task: NonNull<Header>) -> Attempt {
    // SAFETY: `run` has the queue entry (rule 4).
    let cell = unsafe { cell::<F, S>(task) };
    let entered = current::enter(task);
    let inherited = cell.header.extras().and_then(|extras| extras.inherited.clone());
    let _scope = inherited.map(|own| InheritedScope::enter(Some(own)));
    if cell.header.state.start_poll() == StartPoll::Cancel {
        put_result(cell, Err(cancellation(cell)));
        return Attempt::Ended;
    }
    let poll = catch_unwind(AssertUnwindSafe(|| {
        let waker = waker::borrowed(task);
        let mut cx = Context::from_waker(&waker);
        crate::budget::with_budget(|| poll_future(cell, &mut cx))
    }));
    match poll {
        Ok(Poll::Pending) if entered.take_yielded() => return Attempt::Yielded,
        Ok(Poll::Pending) => {
            cell.header.note_wait(entered.noted(), cell.scheduler.coarse_now());
            return Attempt::Pending;
        }
        Ok(Poll::Ready(output)) => put_result(cell, Ok(output)),
        Err(payload) => {
            cell.header.extras_or_new().fail();
            put_result(cell, Err(JoinError::panic(cell.header.origin(), payload)));
        }
    }
    Attempt::Ended
}

#[inline(always)]
fn poll_future<F: Future, S>(cell: &Cell<F, S>, cx: &mut Context<'_>) -> Poll<F::Output> {
    cell.stage.with_mut(|stage| {
        // SAFETY: rule 2: we run the queue entry, and the state is RUNNING.
        let stage = unsafe { &mut *stage };
        let Stage::Running(future) = stage else { unreachable!("a running task has its future") };
        // SAFETY: the cell is on the heap and the future is dropped in place before it is freed.
        unsafe { Pin::new_unchecked(future) }.poll(cx)
    })
}

#[cold]
fn cancellation<F: Future, S>(cell: &Cell<F, S>) -> JoinError {
    let request = cell.header.extras().and_then(Extras::request);
    JoinError::cancelled(cell.header.origin(), request.unwrap_or_else(Request::of_the_end))
}

/// Replaces the stage; the old one (future or output) is dropped, and what that panics with is returned.
fn replace_stage<F: Future, S>(cell: &Cell<F, S>, new: Stage<F>) -> Result<(), Box<dyn Any + Send>> {
    cell.stage.with_mut(|stage| {
        if std::mem::needs_drop::<F>() || !matches!(new, Stage::Finished(_)) {
            // SAFETY: rule 2: the caller owns the stage. Consumed owns nothing, so it is overwritten below.
            let old = catch_unwind(AssertUnwindSafe(|| unsafe {
                // A future must be dropped where it was pinned.
                ptr::drop_in_place(stage);
            }));
            // SAFETY: as above; what was there is dropped.
            unsafe { stage.write(new) };
            return old;
        }
        // SAFETY: as above; the future needs no drop.
        unsafe { stage.write(new) };
        Ok(())
    })
}

/// Drops the future and puts the result in its place. By the runner.
fn put_result<F: Future, S>(cell: &Cell<F, S>, result: Result<F::Output, JoinError>) {
    if let Err(payload) = replace_stage(cell, Stage::Finished(result)) {
        // The future's destructor panicked: that is what the joiner must hear of.
        let error = JoinError::panic(cell.header.origin(), payload);
        if let Err(payload) = replace_stage(cell, Stage::Finished(Err(error))) {
            unwind::discard(payload);
        }
    }
}

unsafe fn complete<F: Future, S: Schedule>(task: NonNull<Header>) -> Option<Over> {
    // SAFETY: not complete yet, so the scheduler's reference is there.
    let cell = unsafe { cell::<F, S>(task) };
    cell.scheduler.completed(cell.header.live_key());
    let has_failed = cell.header.extras().is_some_and(Extras::has_failed);
    match cell.header.state.complete() {
        Complete::Left => return None,
        Complete::Watched => {}
        Complete::WakeJoiner => {
            // SAFETY: rule 3: the waker is ours, and nobody drops it after us.
            let waker = cell.join_waker.with(|waker| unsafe { &*waker });
            // SAFETY: as above; the handle wrote it before it set JOIN_WAKER.
            let waker = unsafe { waker.assume_init_read() };
            if has_failed {
                // Who waits for many at once tells by this that the end is a bad one.
                unwind::contain(|| waker.wake_by_ref());
            }
            unwind::contain(|| waker.wake());
        }
        // SAFETY: rule 2: there is no handle, so the output is the runner's.
        Complete::DropOutput => unsafe { drop_output::<F, S>(task) },
    }
    let waited = if cell.header.state.is_watched() {
        // SAFETY: we have completed it, and the scheduler's reference is there.
        unsafe { Header::tell_end(task) }
    } else {
        None
    };
    // SAFETY: the scheduler's reference is given up by the one who completed the task.
    unsafe { Header::release(task) };
    waited
}

unsafe fn take_output<F: Future, S>(task: NonNull<Header>, into: *mut ()) {
    // SAFETY: the vtable's contract.
    let cell = unsafe { cell::<F, S>(task) };
    cell.stage.with_mut(|stage| {
        // SAFETY: rule 2: complete, and the caller is the handle.
        let stage = unsafe { std::mem::replace(&mut *stage, Stage::Consumed) };
        if let Stage::Finished(result) = stage {
            // SAFETY: the handle passes a place of this very type.
            unsafe { *into.cast::<Option<Result<F::Output, JoinError>>>() = Some(result) };
        }
    });
}

unsafe fn drop_output<F: Future, S: Schedule>(task: NonNull<Header>) {
    // SAFETY: the vtable's contract.
    let cell = unsafe { cell::<F, S>(task) };
    // SAFETY: rule 2: complete, and the caller owns the output.
    let unseen = cell.stage.with(|stage| match unsafe { &*stage } {
        Stage::Finished(Err(error)) if error.is_panic() => true,
        Stage::Finished(Ok(_)) if !std::mem::needs_drop::<F::Output>() => false,
        Stage::Consumed | Stage::Running(_) => false,
        Stage::Finished(_) => true,
    });
    if !unseen {
        return;
    }
    // SAFETY: as above.
    let stage = cell.stage.with_mut(|stage| unsafe { std::mem::replace(&mut *stage, Stage::Consumed) });
    match stage {
        Stage::Finished(Err(error)) if error.is_panic() => report(cell, error.into_panic()),
        stage => {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(stage))) {
                report(cell, payload);
            }
        }
    }
}

/// Reports a panic that nobody will join.
#[cold]
fn report<F: Future, S: Schedule>(cell: &Cell<F, S>, payload: Box<dyn Any + Send>) {
    cell.scheduler.panicked(&cell.header.origin(), payload.as_ref());
    unwind::discard(payload);
}

unsafe fn free<F: Future, S>(task: NonNull<Header>) {
    let extras = {
        // SAFETY: alive until the end of this function.
        let header = unsafe { task.as_ref() };
        header.extras.load(Acquire)
    };
    if !extras.is_null() {
        // SAFETY: it came from a Box, and the task that owned it goes.
        let extras = unsafe { Box::from_raw(extras) };
        // Inherited task-locals may go with it: foreign destructors.
        unwind::contain(|| drop(extras));
    }
    let cell = task.cast::<Cell<F, S>>().as_ptr();
    // SAFETY: the caller had the last reference.
    unsafe { ptr::drop_in_place(cell) };
    // SAFETY: from `allocate`, with this layout.
    unsafe { memory::free(cell.cast(), Layout::new::<Cell<F, S>>()) };
}
