//! Callbacks for a task's end.
//!
//! Each is called once. It is in the list before its adder looks at the task's state: if that is complete, the adder
//! takes it back and calls it, unless whoever completed the task has taken it, and calls it. If it is not complete,
//! WATCHED is set in the same step, and the runner that completes the task calls it.

use super::current::TaskInfo;
use super::error::message;
use super::header::Header;
use crate::prim::lock::Mutex;
use crate::unwind;
use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

/// A callback for a task's end.
pub(super) type Call = Box<dyn FnOnce(&TaskInfo) + Send>;

/// Names a callback of a task; from [`JoinHandle::add_done_callback`](super::JoinHandle::add_done_callback).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DoneCallbackId(u64);

impl DoneCallbackId {
    /// Of a callback that was called when it was added.
    const CALLED: Self = Self(u64::MAX);
}

/// Those of one task that have not been called.
#[derive(Default)]
pub(super) struct Callbacks(Mutex<List>);

#[derive(Default)]
struct List {
    added: u64,
    waiting: Vec<(DoneCallbackId, Call)>,
}

impl Callbacks {
    fn add(&self, call: Call) -> DoneCallbackId {
        let mut list = self.0.lock();
        let id = DoneCallbackId(list.added);
        list.added += 1;
        list.waiting.push((id, call));
        id
    }

    /// Takes one back, if nobody has.
    pub(super) fn remove(&self, id: DoneCallbackId) -> Option<Call> {
        let mut list = self.0.lock();
        let index = list.waiting.iter().position(|(own, _)| *own == id)?;
        Some(list.waiting.remove(index).1)
    }

    fn take(&self) -> Vec<(DoneCallbackId, Call)> {
        mem::take(&mut self.0.lock().waiting)
    }
}

/// Has `call` called when the task is complete; now, if it is.
///
/// # Safety
/// The task is alive for the time of this call.
pub(super) unsafe fn add(task: NonNull<Header>, call: Call) -> DoneCallbackId {
    // SAFETY: by contract.
    let header = unsafe { task.as_ref() };
    if header.state.is_complete() {
        // SAFETY: as above.
        unsafe { run(task, &TaskInfo::of(header, false), call) };
        return DoneCallbackId::CALLED;
    }
    let callbacks = &header.extras_or_new().callbacks;
    let id = callbacks.add(call);
    if !header.state.watch()
        && let Some(call) = callbacks.remove(id)
    {
        // SAFETY: as above.
        unsafe { run(task, &TaskInfo::of(header, false), call) };
    }
    id
}

/// Calls those of a complete task, in the order in which they were added.
///
/// # Safety
/// As for [`add`].
pub(super) unsafe fn call_all(task: NonNull<Header>) {
    // SAFETY: by contract.
    let header = unsafe { task.as_ref() };
    let calls = header.extras().map(|extras| extras.callbacks.take()).unwrap_or_default();
    if calls.is_empty() {
        return;
    }
    let info = TaskInfo::of(header, false);
    for (_, call) in calls {
        // SAFETY: by contract.
        unsafe { run(task, &info, call) };
    }
}

/// Calls one. A panic in it is treated as that of a task that nobody joins.
///
/// # Safety
/// As for [`add`].
unsafe fn run(task: NonNull<Header>, info: &TaskInfo, call: Call) {
    let Err(payload) = catch_unwind(AssertUnwindSafe(|| call(info))) else { return };
    let text = message(payload.as_ref()).unwrap_or("(a payload that is not a string)");
    let told: Box<dyn Any + Send> = Box::new(format!("in a done-callback: {text}"));
    unwind::discard(payload);
    // SAFETY: by contract.
    let vtable = unsafe { task.as_ref() }.vtable;
    // SAFETY: by contract.
    unsafe { (vtable.panicked)(task, told.as_ref()) };
}
