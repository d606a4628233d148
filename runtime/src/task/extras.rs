//! What few tasks have: a name, inherited task-locals, a request to end. One pointer in the header, made on first need.

use super::header::Header;
use super::local::Inherited;
use crate::prim::atomic::{AtomicBool, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed};
use crate::prim::lock::Mutex;
use crate::wait::Queue;
use std::borrow::Cow;
use std::ptr;

/// The rarely used part of a task.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    name: Option<Box<str>>,
    pub(super) inherited: Option<Inherited>,
    cancel: Mutex<Request>,
    /// Those who wait in `task::cancelled()`.
    pub(super) asked: Queue,
    /// Those who wait for the task's end, whatever it ends with.
    pub(super) ended: Queue,
    /// It panicked, or says itself that its output is an error. Written by the runner, before the task is complete.
    failed: AtomicBool,
}

#[derive(Debug, Default)]
struct Request {
    asked: bool,
    reason: Option<Cow<'static, str>>,
}

impl Extras {
    /// For a new task: `None` when it has neither name nor locals.
    #[inline]
    pub(crate) fn for_spawn(name: Option<Box<str>>, inherited: Option<Inherited>) -> Option<Box<Self>> {
        if name.is_none() && inherited.is_none() {
            return None;
        }
        Some(Box::new(Self { name, inherited, ..Self::default() }))
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

    /// Notes a request to end; the first reason stays.
    pub(super) fn ask(&self, reason: Option<Cow<'static, str>>) {
        let mut request = self.cancel.lock();
        request.asked = true;
        if request.reason.is_none() {
            request.reason = reason;
        }
        drop(request);
        self.asked.notify_all();
    }

    pub(super) fn is_asked(&self) -> bool {
        self.cancel.lock().asked
    }

    pub(super) fn cancel_reason(&self) -> Option<Cow<'static, str>> {
        self.cancel.lock().reason.clone()
    }
}

impl Header {
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
