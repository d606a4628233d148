//! Who was given a lock, a permit or an item and does not come for it (f41).
//!
//! A future that waits in line may be chosen while its task no longer polls it: it sits in a `select!` loop beside a
//! branch that goes on, or in a variable. What it was given is then lost to everybody else, and nothing shows it. With
//! `RADDLE_DEBUG` a thread that lives while somebody is due looks for those who were chosen a second ago.

use crate::prim::lock::{Condvar, Mutex};
use crate::prim::statics::{AtomicU32, Ordering};
use crate::prim::thread::{self, Spec};
use crate::report;
use std::sync::OnceLock;
use std::task::Waker;
use std::time::Duration;

/// How often the thread looks.
const LOOK: Duration = Duration::from_millis(250);
/// A task that has not polled for so many looks since it was chosen has forgotten it: it was chosen a second ago.
const LOOKS: u32 = 5;

/// How often it was switched on.
static ON: AtomicU32 = AtomicU32::new(0);
static WATCH: OnceLock<Watch> = OnceLock::new();

/// How tasks are named; they stand above this module.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names {
    /// The task behind a waker, if it is one of ours.
    pub(crate) of_waker: fn(&Waker) -> Option<String>,
    /// The task that calls, if any.
    pub(crate) of_current: fn() -> Option<String>,
}

struct Watch {
    names: Names,
    due: Mutex<Due>,
    /// Never notified: a sleep that gives the lock up.
    tick: Condvar,
}

#[derive(Default)]
struct Due {
    chosen: Vec<Chosen>,
    has_thread: bool,
}

struct Chosen {
    waiter: usize,
    looks: u32,
    task: String,
    giver: String,
    others_wait: bool,
}

/// Switches the watch on, for the whole process.
pub(crate) fn switch_on(names: Names) {
    WATCH.get_or_init(|| Watch { names, due: Mutex::default(), tick: Condvar::new() });
    ON.fetch_add(1, Ordering::Relaxed);
}

#[inline]
pub(super) fn is_on() -> bool {
    ON.load(Ordering::Relaxed) != 0
}

/// The waiter at this address has been chosen by whoever calls. Called with the queue locked.
#[cold]
pub(super) fn is_chosen(waiter: usize, waker: Option<&Waker>, others_wait: bool) {
    let Some(watch) = WATCH.get() else { return };
    let task = waker.and_then(watch.names.of_waker).unwrap_or_else(|| "a future outside the tasks".into());
    let giver = (watch.names.of_current)().unwrap_or_else(|| "a thread outside the tasks".into());
    let mut due = watch.due.lock();
    due.chosen.push(Chosen { waiter, looks: 0, task, giver, others_wait });
    if !std::mem::replace(&mut due.has_thread, true) {
        let spec = Spec { name: "raddle-debug".into(), stack_bytes: None };
        due.has_thread = thread::spawn(&spec, || watch.run()).is_ok();
    }
}

/// The waiter at this address has come for what it was given, or has passed it on.
#[cold]
pub(super) fn is_seen(waiter: usize) {
    if let Some(watch) = WATCH.get() {
        watch.due.lock().chosen.retain(|chosen| chosen.waiter != waiter);
    }
}

impl Watch {
    fn run(&self) {
        let mut due = self.due.lock();
        while !due.chosen.is_empty() {
            due = self.tick.wait_timeout(due, LOOK).0;
            due.chosen.iter_mut().for_each(Chosen::look);
        }
        due.has_thread = false;
    }
}

impl Chosen {
    fn look(&mut self) {
        self.looks += 1;
        if self.looks == LOOKS {
            self.report();
        }
    }

    fn report(&self) {
        let Self { task, giver, .. } = self;
        let others = if self.others_wait { "; others wait behind it" } else { "" };
        report::warn(format_args!(
            "{task} was handed a lock, permit or item by {giver} a second ago, and has not polled the \
             future that waited for it{others}; poll that future or drop it"
        ));
    }
}
