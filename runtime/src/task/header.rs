//! The front of a task that is the same for all futures: what queues, wakers and handles point at.

use super::current;
use super::error::Origin;
use super::extras::Extras;
use super::id::Id;
use super::linger::Over;
use super::owned::LiveKey;
use super::runnable::Ran;
use super::state::State;
use super::waits::{self, WaitInfo};
use crate::prim::atomic::{AtomicPtr, AtomicU64, Ordering::Acquire, Ordering::Relaxed};
use crate::prim::cell::UnsafeCell;
use std::any::Any;
use std::mem::MaybeUninit;
use std::panic::Location;
use std::ptr::{self, NonNull};
use std::task::Waker;

/// The untyped front of a task; what queues, wakers and handles point at.
#[repr(C)]
pub(crate) struct Header {
    pub(super) state: State,
    pub(super) vtable: &'static Vtable,
    live: UnsafeCell<LiveKey>,
    pub(super) spawned_at: &'static Location<'static>,
    pub(super) extras: AtomicPtr<Extras>,
    pub(super) id: Id,
    /// The id of the task that spawned it, or 0.
    spawned_by: u64,
    /// What it waits for (`waits`), written by who polls.
    waits: AtomicU64,
}

/// The operations that need the future's type. Each takes a pointer to a living task.
pub(super) struct Vtable {
    /// Polls or cancels once. The caller has the queue entry.
    pub(super) run: unsafe fn(NonNull<Header>) -> Ran,
    /// Hands a queue entry to the scheduler. The caller owes the push.
    pub(super) schedule: unsafe fn(NonNull<Header>),
    pub(super) is_on_worker: unsafe fn(NonNull<Header>) -> bool,
    pub(super) scheduler: unsafe fn(NonNull<Header>) -> *const (),
    /// Completes a task whose result is in place, and returns the task whose end waited for this one only. The caller
    /// owes the completion.
    pub(super) complete: unsafe fn(NonNull<Header>) -> Option<Over>,
    /// Moves the output to `*mut Option<Result<T, JoinError>>`. The task is complete and the handle's.
    pub(super) take_output: unsafe fn(NonNull<Header>, *mut ()),
    /// Drops an output that nobody takes; reports a panic nobody saw.
    pub(super) drop_output: unsafe fn(NonNull<Header>),
    pub(super) join_waker: unsafe fn(NonNull<Header>) -> NonNull<UnsafeCell<MaybeUninit<Waker>>>,
    /// Tells the scheduler of a panic that nobody will see in a `JoinHandle`.
    pub(super) panicked: unsafe fn(NonNull<Header>, &(dyn Any + Send)),
    /// Frees the memory. The caller had the last reference.
    pub(super) free: unsafe fn(NonNull<Header>),
}

impl Header {
    /// The header of a new task.
    #[inline(always)]
    pub(super) fn new(
        vtable: &'static Vtable,
        spawned_at: &'static Location<'static>,
        extras: Option<Box<Extras>>,
        has_joiner: bool,
    ) -> Self {
        let is_watched = extras.as_ref().is_some_and(|extras| extras.has_parent());
        let spawner = current::with(|spawner| spawner.map_or(0, |spawner| spawner.id.0));
        Self {
            state: State::new(has_joiner, is_watched),
            vtable,
            live: UnsafeCell::new(LiveKey::NONE),
            spawned_at,
            extras: AtomicPtr::new(extras.map_or(ptr::null_mut(), Box::into_raw)),
            id: Id::next(),
            spawned_by: spawner,
            waits: AtomicU64::new(0),
        }
    }

    /// Where the task stands in the live set.
    #[inline]
    pub(crate) fn live_key(&self) -> LiveKey {
        // SAFETY: rule 1: written before the task was shared.
        self.live.with(|key| unsafe { *key })
    }

    /// Sets the live key.
    ///
    /// # Safety
    /// The task has been shown to nobody yet (rule 1).
    #[inline]
    pub(crate) unsafe fn set_live_key(&self, key: LiveKey) {
        // SAFETY: by contract nobody else looks.
        self.live.with_mut(|cell| unsafe { *cell = key });
    }

    /// The task that spawned it, if one did.
    pub(super) fn spawned_by(&self) -> Option<Id> {
        (self.spawned_by != 0).then_some(Id(self.spawned_by))
    }

    /// Its poll says Pending: notes for what, at `now`. By who polls it.
    #[inline]
    pub(super) fn note_wait(&self, note: u64, now: u64) {
        self.waits.store(waits::stamped(note, now), Relaxed);
    }

    /// What it waits for, if it does: it is not being polled, nor about to be.
    pub(super) fn wait_info(&self) -> Option<WaitInfo> {
        // The state first: of a task that is parked the note has been made.
        self.state.is_parked().then(|| WaitInfo::of(self.waits.load(Relaxed)))
    }

    /// Name, locals and cancellation of the task, if it has any.
    #[inline]
    pub(super) fn extras(&self) -> Option<&Extras> {
        // SAFETY: set once, from a Box, and freed with the task.
        unsafe { self.extras.load(Acquire).as_ref() }
    }

    /// The task's id.
    pub(crate) fn id(&self) -> Id {
        self.id
    }

    /// The task's id, name and spawn site.
    pub(crate) fn origin(&self) -> Origin {
        let name = self.extras().and_then(Extras::name).map(Box::from);
        Origin { id: self.id, name, spawned_at: self.spawned_at }
    }

    /// Gives a reference up, and frees the task if it was the last.
    ///
    /// # Safety
    /// The caller has a reference, and does not use the task afterwards.
    #[inline]
    pub(super) unsafe fn release(task: NonNull<Header>) {
        // SAFETY: alive: the caller has a reference.
        let header = unsafe { task.as_ref() };
        if header.state.release() {
            // SAFETY: it was the last one.
            unsafe { (header.vtable.free)(task) };
        }
    }
}
