//! What few tasks have: a name, inherited task-locals, a parent, a request to end. One pointer in the header, made on
//! first need.

use super::done::{self, Callbacks};
use super::header::Header;
use super::id::Id;
use super::linger::{Ends, Over};
use super::local::Inherited;
use super::request::Request;
use crate::prim::atomic::{AtomicBool, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed};
use crate::prim::lock::Mutex;
use crate::wait::Queue;
use std::fmt;
use std::ptr::{self, NonNull};
use std::sync::Arc;

/// The group that a task was spawned into.
pub(crate) trait Parent: Send + Sync {
    /// The task is complete. Returns the task, if any, whose end waited for this one only.
    #[must_use = "that task waits to be completed"]
    fn child_ended(&self, id: Id) -> Option<Over>;
}

/// The rarely used part of a task.
#[derive(Default)]
pub(crate) struct Extras {
    name: Option<Box<str>>,
    pub(super) inherited: Option<Inherited>,
    parent: Option<Arc<dyn Parent>>,
    cancel: Mutex<Option<Arc<Request>>>,
    /// Those who wait in `task::cancelled()`.
    pub(super) asked: Queue,
    /// Those who wait for the task's end, whatever it ends with.
    pub(super) ended: Queue,
    /// What is to be called at the task's end.
    pub(super) callbacks: Callbacks,
    /// What the task's completion waits for.
    pub(super) ends: Ends,
    /// It panicked, or says itself that its output is an error. Written by the runner, before the task is complete.
    failed: AtomicBool,
}

impl fmt::Debug for Extras {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extras")
            .field("name", &self.name)
            .field("cancel", &self.cancel)
            .finish_non_exhaustive()
    }
}

impl Extras {
    /// For a new task: `None` when it has neither name nor locals.
    #[inline]
    pub(crate) fn for_spawn(name: Option<Box<str>>, inherited: Option<Inherited>) -> Option<Box<Self>> {
        if name.is_none() && inherited.is_none() {
            return None;
        }
        Some(Self::boxed(name, inherited))
    }

    /// Out of line: most tasks have none, and this would be in every function that spawns.
    #[cold]
    fn boxed(name: Option<Box<str>>, inherited: Option<Inherited>) -> Box<Self> {
        Box::new(Self { name, inherited, ..Self::default() })
    }

    /// For a new task that belongs to a group.
    pub(crate) fn for_child(
        name: Option<Box<str>>,
        inherited: Option<Inherited>,
        parent: Arc<dyn Parent>,
    ) -> Box<Self> {
        Box::new(Self { name, inherited, parent: Some(parent), ..Self::default() })
    }

    #[inline]
    pub(super) fn has_parent(&self) -> bool {
        self.parent.is_some()
    }

    /// Its joiner is to know at once that it ends badly.
    pub(super) fn fail(&self) {
        self.failed.store(true, Relaxed);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Relaxed)
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Notes a request to end; the first one stays.
    pub(super) fn ask(&self, request: &Arc<Request>) {
        self.cancel.lock().get_or_insert_with(|| request.clone());
        self.asked.notify_all();
    }

    pub(super) fn is_asked(&self) -> bool {
        self.cancel.lock().is_some()
    }

    /// The first request to end the task.
    pub(super) fn request(&self) -> Option<Arc<Request>> {
        self.cancel.lock().clone()
    }
}

impl Header {
    /// The task is complete: tells those who watch it. A group hears of it last, so that its callbacks have been called
    /// when the group has ended.
    ///
    /// # Safety
    /// By whoever completed the task, once; its reference is there.
    pub(super) unsafe fn tell_end(task: NonNull<Self>) -> Option<Over> {
        // SAFETY: by contract.
        let header = unsafe { task.as_ref() };
        let extras = header.extras()?;
        extras.ended.notify_all();
        // SAFETY: by contract.
        unsafe { done::call_all(task) };
        extras.parent.as_ref()?.child_ended(header.id)
    }

    /// True when only the ends of others are missing to the task's own.
    pub(crate) fn lingers(&self) -> bool {
        self.extras().is_some_and(|extras| extras.ends.is_runner_gone())
    }

    /// The extras, made now if there are none.
    pub(super) fn extras_or_new(&self) -> &Extras {
        if let Some(extras) = self.extras() {
            return extras;
        }
        let made = Box::into_raw(Box::<Extras>::default());
        match self.extras.compare_exchange(ptr::null_mut(), made, AcqRel, Acquire) {
            // SAFETY: in place now, and freed with the task only.
            Ok(_) => unsafe { &*made },
            Err(theirs) => {
                // SAFETY: nobody has seen ours.
                drop(unsafe { Box::from_raw(made) });
                // SAFETY: set once, freed with the task only.
                unsafe { &*theirs }
            }
        }
    }
}
