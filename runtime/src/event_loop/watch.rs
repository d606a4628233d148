//! Descriptors that a loop watches: a callback each time one is ready, as long as it is.
//!
//! Readiness comes in edges, and a callback does its own system calls, so nobody here sees `WouldBlock`. What asyncio's
//! callbacks rely on is the level: so the system is asked (`poll`) before each call, and only when it says no is the
//! edge taken back and the next one waited for.

use super::callback::{Callback, Origin, Queued};
use super::core::Core;
use crate::io::{Direction, Interest, Registration};
use crate::prim::lock::Mutex;
use crate::task::{CancelHandle, Extras, Incoming, Spawn};
use crate::wait::{Queue, What};
use std::any::type_name;
use std::collections::HashMap;
use std::io;
use std::os::fd::RawFd;
use std::panic::Location;
use std::sync::{Arc, Weak};

type Call = Box<dyn FnMut() + Send>;

/// The watches of one loop.
#[derive(Default)]
pub(super) struct Watches(Mutex<HashMap<RawFd, Watch>>);

/// One descriptor.
struct Watch {
    registration: Arc<Registration>,
    reader: Option<Side>,
    writer: Option<Side>,
}

/// One thing that is waited for again and again: its callback, and the task that waits.
pub(super) struct Side {
    callback: Arc<Repeated>,
    task: CancelHandle,
}

impl Side {
    /// Starts `attend` as a task with this name.
    pub(super) fn start(
        core: &Core,
        name: String,
        callback: Arc<Repeated>,
        attend: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        let (extras, spawned_at) = (Extras::for_spawn(Some(name.into()), None), callback.origin.made_at);
        let spawn = Spawn { spawned_at, extras, joiner: None };
        let task = core.handle.inner().scheduler.spawn(Incoming::new(attend), spawn);
        let side = Self { callback, task: task.abort_handle() };
        task.detach();
        side
    }

    pub(super) fn end(&self) {
        self.callback.cancel();
        self.task.cancel();
    }
}

impl Watch {
    fn side(&mut self, direction: Direction) -> &mut Option<Side> {
        match direction {
            Direction::Read => &mut self.reader,
            Direction::Write => &mut self.writer,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Now, and not when the last task has let go of it: the descriptor may be closed after this.
        self.registration.unwatch();
        self.reader.iter().chain(&self.writer).for_each(Side::end);
    }
}

/// A closure that is called again and again.
pub(super) struct Repeated {
    state: Mutex<State>,
    /// Tells its task that it has had its turn.
    called: Queue<bool>,
    origin: Origin,
}

struct State {
    /// Taken out while it is called.
    call: Option<Call>,
    is_removed: bool,
}

/// The end of a call, also by a panic.
struct GiveBack<'a>(&'a Repeated, Option<Call>);

impl Drop for GiveBack<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        if !state.is_removed {
            state.call = self.1.take();
        }
        drop(state);
        let mut called = self.0.called.lock();
        *called = true;
        called.release_all();
    }
}

impl Callback for Repeated {
    fn call(&self) {
        let call = self.state.lock().call.take();
        let mut call = GiveBack(self, call);
        if let Some(call) = &mut call.1 {
            call();
        }
    }

    fn cancel(&self) -> bool {
        let mut state = self.state.lock();
        let was_removed = std::mem::replace(&mut state.is_removed, true);
        let call = state.call.take();
        drop(state);
        drop(call);
        !was_removed
    }

    fn is_cancelled(&self) -> bool {
        self.state.lock().is_removed
    }

    fn origin(&self) -> Origin {
        self.origin
    }
}

/// What the system says of a descriptor.
enum Level {
    Ready,
    NotReady,
    /// It was closed without the loop's being told.
    Closed,
}

fn level(fd: RawFd, direction: Direction) -> Level {
    let events = match direction {
        Direction::Read => libc::POLLIN,
        Direction::Write => libc::POLLOUT,
    };
    let mut asked = libc::pollfd { fd, events, revents: 0 };
    // SAFETY: one entry, which lives across the call; a time-out of 0 does not wait.
    let found = unsafe { libc::poll(&raw mut asked, 1, 0) };
    match found {
        1.. if asked.revents & libc::POLLNVAL != 0 => Level::Closed,
        1.. => Level::Ready,
        _ => Level::NotReady,
    }
}

/// Waits for readiness, and gives the callback its turn each time.
async fn attend(
    core: Weak<Core>,
    registration: Arc<Registration>,
    fd: RawFd,
    direction: Direction,
    call: Arc<Repeated>,
) {
    let interest = match direction {
        Direction::Read => Interest::READABLE,
        Direction::Write => Interest::WRITABLE,
    };
    // An error: the runtime has shut down.
    while let Ok(event) = registration.readiness(interest).await {
        match level(fd, direction) {
            Level::Ready => {}
            Level::NotReady => {
                registration.clear_readiness(event);
                continue;
            }
            Level::Closed => {
                core.upgrade().map(|core| core.watches.remove(fd, direction));
                return;
            }
        }
        if !call.has_turn(&core).await {
            return;
        }
    }
}

impl Repeated {
    pub(super) fn new<F: FnMut() + Send + 'static>(
        call: F,
        made_at: &'static Location<'static>,
    ) -> Arc<Self> {
        let state = State { call: Some(Box::new(call)), is_removed: false };
        let origin = Origin { name: type_name::<F>(), made_at };
        Arc::new(Self { state: Mutex::new(state), called: Queue::new(false), origin })
    }

    /// Queues a call, and waits until it is over; false when the loop takes no more.
    pub(super) async fn has_turn(self: &Arc<Self>, core: &Weak<Core>) -> bool {
        let turn: Queued = self.clone();
        let is_queued = core.upgrade().is_some_and(|core| core.push(turn).is_ok());
        if !is_queued {
            return false;
        }
        self.called.arrive(What::Callbacks, |called| called.then_some(())).await;
        *self.called.lock() = false;
        true
    }
}

fn register(core: &Core, fd: RawFd) -> io::Result<Registration> {
    let driver = core.handle.inner().scheduler.driver.io().clone();
    Registration::with_driver(driver, fd, Interest::READABLE | Interest::WRITABLE)
}

impl Watches {
    /// Has `call` called when `fd` is ready in `direction`, in place of what was there.
    ///
    /// # Errors
    /// When the descriptor cannot be watched.
    #[track_caller]
    pub(super) fn add<F>(&self, core: &Arc<Core>, fd: RawFd, direction: Direction, call: F) -> io::Result<()>
    where
        F: FnMut() + Send + 'static,
    {
        // Made before the lock is taken, and dropped after it: the closure is foreign.
        let callback = Repeated::new(call, Location::caller());
        let mut watches = self.0.lock();
        let registration = match watches.get(&fd) {
            Some(watch) => watch.registration.clone(),
            None => Arc::new(register(core, fd)?),
        };
        let task = attend(Arc::downgrade(core), registration.clone(), fd, direction, callback.clone());
        let side = Side::start(core, format!("watch of descriptor {fd}"), callback, task);
        let watch = watches.entry(fd).or_insert_with(|| Watch { registration, reader: None, writer: None });
        let old = watch.side(direction).replace(side);
        drop(watches);
        old.iter().for_each(Side::end);
        Ok(())
    }

    /// Ends what `add` began; false when there was nothing.
    pub(super) fn remove(&self, fd: RawFd, direction: Direction) -> bool {
        let mut watches = self.0.lock();
        let side = watches.get_mut(&fd).and_then(|watch| watch.side(direction).take());
        let is_idle = watches.get(&fd).is_some_and(|watch| watch.reader.is_none() && watch.writer.is_none());
        let watch = if is_idle { watches.remove(&fd) } else { None };
        drop(watches);
        drop(watch);
        side.iter().for_each(Side::end);
        side.is_some()
    }

    pub(super) fn end_all(&self) {
        let all = std::mem::take(&mut *self.0.lock());
        drop(all);
    }
}
