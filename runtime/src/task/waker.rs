//! The task as a `Waker`: its pointer, and four functions that speak with the state word.

use super::header::Header;
use super::state::Wake;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;
use std::task::{RawWaker, RawWakerVTable, Waker};

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

/// A waker without a reference of its own, for the time of a poll.
pub(super) struct Borrowed(ManuallyDrop<Waker>);

impl Deref for Borrowed {
    type Target = Waker;

    #[inline]
    fn deref(&self) -> &Waker {
        &self.0
    }
}

/// The waker of a task that is being polled.
#[inline]
pub(super) fn borrowed(task: NonNull<Header>) -> Borrowed {
    let raw = RawWaker::new(task.as_ptr().cast::<()>(), &VTABLE);
    // SAFETY: the functions keep the contract; the missing reference is made up for by never dropping it.
    Borrowed(ManuallyDrop::new(unsafe { Waker::from_raw(raw) }))
}

/// True when `waker` wakes the task `task` directly.
#[inline]
pub(super) fn is_for(waker: &Waker, task: *const Header) -> bool {
    waker.data() == task.cast::<()>() && std::ptr::eq(waker.vtable(), &VTABLE)
}

/// The name of the task that `waker` wakes, if it wakes one directly.
pub(crate) fn name_of_task(waker: &Waker) -> Option<String> {
    let task = waker.data().cast::<Header>();
    // SAFETY: it is a waker of ours, so the pointer is to a task, and its reference keeps that task alive.
    is_for(waker, task).then(|| unsafe { &*task }.origin().to_string())
}

/// # Safety
/// `data` is that of a waker of ours: its task is alive, because the waker has a reference or is borrowed by a poll.
#[inline(always)]
unsafe fn task_of(data: *const ()) -> NonNull<Header> {
    // SAFETY: made from a NonNull.
    unsafe { NonNull::new_unchecked(data.cast::<Header>().cast_mut()) }
}

unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: called on a living waker.
    let task = unsafe { task_of(data) };
    // SAFETY: alive.
    unsafe { task.as_ref() }.state.retain();
    RawWaker::new(data, &VTABLE)
}

unsafe fn wake(data: *const ()) {
    // SAFETY: called on a living waker.
    let task = unsafe { task_of(data) };
    // SAFETY: alive: we have its reference.
    let header = unsafe { task.as_ref() };
    // SAFETY: as above.
    if !unsafe { (header.vtable.is_on_worker)(task) } {
        // The push may be what lets the runtime end, and this thread may be the last to hold it, through this very
        // reference: it is kept until the push is over.
        // SAFETY: called on a living waker.
        unsafe { wake_by_ref(data) };
        // SAFETY: and now the reference goes.
        unsafe { drop_waker(data) };
        return;
    }
    match header.state.wake_by_value() {
        // SAFETY: the transition gave us the queue entry, which keeps the task alive (rule 4).
        Wake::Push => unsafe { (header.vtable.schedule)(task) },
        Wake::Done => {}
        // SAFETY: it was the last reference.
        Wake::Free => unsafe { (header.vtable.free)(task) },
    }
}

unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: called on a living waker.
    let task = unsafe { task_of(data) };
    // SAFETY: alive: the waker has a reference, or is borrowed by the poll that runs now.
    let header = unsafe { task.as_ref() };
    if header.state.wake_by_ref() == Wake::Push {
        // SAFETY: the transition gave us the queue entry.
        unsafe { (header.vtable.schedule)(task) };
    }
}

unsafe fn drop_waker(data: *const ()) {
    // SAFETY: called on a living waker, once.
    let task = unsafe { task_of(data) };
    // SAFETY: its reference is ours to give up.
    unsafe { Header::release(task) };
}
