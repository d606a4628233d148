//! asyncio's event loop, as a serial lane on a runtime of many cores.
//!
//! Callbacks given to one [`EventLoop`] run in order, one at a time, on whichever core is free. Many loops run side by
//! side, and a callback that blocks holds up its own loop and nothing else.
//!
//! ```
//! use raddle_runtime::event_loop::EventLoop;
//! use std::sync::mpsc;
//!
//! let event_loop = EventLoop::new();
//! let (send, receive) = mpsc::channel();
//! let sum = event_loop.run_until_complete(async {
//!     for n in [1, 2] {
//!         let send = send.clone();
//!         EventLoop::current().call_soon(move || send.send(n).unwrap());
//!     }
//!     3
//! });
//! assert_eq!(sum, 3);
//! assert_eq!(receive.try_iter().collect::<Vec<_>>(), [1, 2]);
//! ```
//!
//! # What runs when
//! * A loop made with [`EventLoop::new`] runs callbacks only while someone runs it ([`EventLoop::run_forever`],
//!   [`EventLoop::run_until_complete`]); until then they gather. A runtime's own loop, which [`EventLoop::current`]
//!   gives inside it, runs for as long as the runtime does.
//! * [`EventLoop::run_until_complete`] first runs what was queued before, and polls its future on the calling thread.
//!   Callbacks that the future, a task of the loop or a callback gives to the loop run after its current step, in
//!   order; those queued when the future is done still run, then the loop stops.
//! * Callbacks run in turns: those that a callback adds run in the next turn. Timers that are due go behind what is
//!   queued, in the order of their times.
//! * [Tasks](EventLoop::create_task) are the runtime's: they run on all cores from the moment they are made, beside the
//!   lane, and also while nobody runs the loop. The loop only ends them when it closes.
//! * A task spawned with [`spawn`](crate::spawn) is none of the loop's: callbacks that it gives to a loop may run at
//!   once, on another core.

mod callback;
mod core;
mod exception;
mod executor;
mod frame;
mod lane;
mod members;
mod outcome;
mod promise;
mod signals;
mod thread_future;
mod timer;
mod turns;
mod watch;

pub use callback::CallbackHandle;
#[cfg(loom)]
pub(crate) use callback::once;
pub(crate) use core::main;
pub use exception::ExceptionContext;
pub use executor::{Executor, ThreadPool};
#[cfg(loom)]
pub(crate) use lane::{Gate, Lane, Next};
#[cfg(loom)]
pub(crate) use outcome::Settled;
pub use promise::{DoneCallbackId, InvalidState, Promise, PromiseError};
pub use thread_future::{ThreadFuture, ThreadFutureError};
pub use timer::TimerHandle;

use self::core::Core;
use crate::driver::clock::nanos;
use crate::handle::Handle;
use crate::io::Direction;
use crate::prim::atomic::Ordering::Relaxed;
use crate::runtime::{Builder, Runtime};
use crate::signal::SignalKind;
use crate::task::{self, Extras, Incoming, JoinHandle, Spawn};
use callback::{Queued as Callback, once as callback};
use lane::Phase;
use members::InLoop;
use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::io;
use std::os::fd::RawFd;
use std::panic::Location;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The runtime of those who have none: made at first need, as the environment asks for, and there until the process
/// ends.
fn shared_runtime() -> Handle {
    static SHARED: OnceLock<Runtime> = OnceLock::new();
    let make = || {
        Builder::new()
            .build()
            .unwrap_or_else(|error| panic!("cannot make a runtime for event loops: {error}"))
    };
    SHARED.get_or_init(make).handle().clone()
}

thread_local! {
    /// What `current()` gives outside a runtime.
    static OF_THREAD: RefCell<Option<EventLoop>> = const { RefCell::new(None) };
}

/// An event loop; see the [module](self). Cheap to clone; all clones are one loop, and every method may be called from
/// any thread.
///
/// Close it when it is no longer needed: what still waits in it is kept until then.
#[derive(Clone)]
pub struct EventLoop {
    core: Arc<Core>,
}

impl fmt::Debug for EventLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLoop")
            .field("running", &self.is_running())
            .field("closed", &self.is_closed())
            .field("debug", &self.get_debug())
            .finish()
    }
}

impl Default for EventLoop {
    fn default() -> Self {
        Self::new()
    }
}

impl EventLoop {
    /// A new loop on the current runtime; outside one, on a runtime that all such loops share, sized by the
    /// environment.
    ///
    /// # Panics
    /// When that runtime cannot be made: a `RADDLE_*` variable has a bad value, or the system has no more threads.
    pub fn new() -> Self {
        let handle = Handle::try_current().unwrap_or_else(shared_runtime);
        Self { core: Core::new(handle, false) }
    }

    /// The loop this thread is running a callback or a task of; else, inside a runtime, that runtime's own loop; else
    /// the loop of this thread, which is made at the first call, or when the last one was closed. (`get_event_loop`)
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn current() -> Self {
        if let Some(core) = frame::current() {
            return Self { core };
        }
        if let Some(handle) = Handle::try_current() {
            return Self { core: Core::own(handle) };
        }
        OF_THREAD.with(|place| {
            let found = place.borrow().clone();
            let found = found.filter(|event_loop| !event_loop.is_closed()).unwrap_or_else(Self::new);
            *place.borrow_mut() = Some(found.clone());
            found
        })
    }

    /// Runs the loop on behalf of `future`, which is polled on this thread, until it is done; then until the callbacks
    /// that are queued by then have run. Returns what the future returned.
    ///
    /// # Panics
    /// When the loop is running or closed; inside async code, where another loop is running; when the loop is stopped
    /// before the future is done. With the future, once the loop has stopped.
    #[track_caller]
    pub fn run_until_complete<F: Future>(&self, future: F) -> F::Output {
        self.core.run_until_complete(future)
    }

    /// Runs the loop until [`stop`](Self::stop), or until its runtime shuts down.
    ///
    /// # Panics
    /// When the loop is running or closed; inside async code.
    #[track_caller]
    pub fn run_forever(&self) {
        self.core.run_forever();
    }

    /// Stops the loop: from one of its callbacks, once the callbacks of this turn have run; from elsewhere, once those
    /// that are queued now have. What they add stays queued. A loop that nobody runs takes one turn when it is run
    /// next. A stopped loop may be run again.
    ///
    /// # Panics
    /// When it is a runtime's own loop, which runs for as long as that does.
    #[track_caller]
    pub fn stop(&self) {
        assert!(
            !self.core.is_own,
            "EventLoop::stop: this is its runtime's own loop, which runs until that shuts down; \
             make one with EventLoop::new() to stop it"
        );
        match self.core.lane.phase() {
            (Phase::Running, run) if !frame::is_lane_of(&self.core) => self.core.stop_behind_queued(run),
            _ => self.core.lane.stop(),
        }
    }

    /// True while it runs.
    pub fn is_running(&self) -> bool {
        self.core.lane.phase().0 == Phase::Running
    }

    /// Closes the loop, for good: callbacks that wait are dropped, unless they have run (in debug mode their number is
    /// reported), descriptors are watched no longer, and tasks that have not ended are cancelled and dropped, one after
    /// the other, the first made first. Does nothing the second time.
    ///
    /// Waits for the tasks' current polls to end, except inside async code: there they are dropped soon after.
    ///
    /// # Panics
    /// While the loop runs.
    #[track_caller]
    pub fn close(&self) {
        self.core.close();
    }

    /// True once it was closed, or its runtime has shut down.
    pub fn is_closed(&self) -> bool {
        matches!(self.core.lane.phase().0, Phase::Closed | Phase::Ended)
    }

    /// The time now, on the loop's monotonic clock, which is that of its runtime: with that it stands still and jumps.
    pub fn time(&self) -> Duration {
        Duration::from_nanos(self.core.now())
    }

    /// Has `call` called in the loop's next turn, after all that is queued.
    ///
    /// # Panics
    /// When the loop is closed. After the end of its runtime the callback is dropped instead.
    #[track_caller]
    pub fn call_soon(&self, call: impl FnOnce() + Send + 'static) -> CallbackHandle {
        let callback = callback(call, Location::caller());
        let pushed = self.core.push(callback.clone());
        self.check("call_soon", pushed);
        CallbackHandle::new(callback)
    }

    /// The same as [`call_soon`](Self::call_soon), which may be called from any thread here, under asyncio's name.
    ///
    /// # Panics
    /// When the loop is closed.
    #[track_caller]
    pub fn call_soon_threadsafe(&self, call: impl FnOnce() + Send + 'static) -> CallbackHandle {
        self.call_soon(call)
    }

    /// Has `call` called once `delay` has passed, never before; later by as long as other callbacks keep the loop busy.
    ///
    /// # Panics
    /// When the loop is closed.
    #[track_caller]
    pub fn call_later(&self, delay: Duration, call: impl FnOnce() + Send + 'static) -> TimerHandle {
        let when = self.core.now().saturating_add(nanos(delay));
        self.timer(when, callback(call, Location::caller()))
    }

    /// Has `call` called at `when` on the clock of [`time`](Self::time); in the next turn, if that has passed.
    ///
    /// # Panics
    /// When the loop is closed.
    #[track_caller]
    pub fn call_at(&self, when: Duration, call: impl FnOnce() + Send + 'static) -> TimerHandle {
        self.timer(nanos(when), callback(call, Location::caller()))
    }

    #[track_caller]
    fn timer(&self, when: u64, callback: Callback) -> TimerHandle {
        let pushed = self.core.lane.push_at(when, callback.clone(), frame::gate(&self.core));
        self.check("call_later", pushed);
        TimerHandle::new(self.core.clone(), callback, when)
    }

    #[track_caller]
    fn check(&self, what: &str, pushed: Result<(), Phase>) {
        if pushed == Err(Phase::Closed) {
            panic!("EventLoop::{what}: this event loop is closed");
        }
    }

    #[track_caller]
    fn check_open(&self, what: &str) {
        let phase = self.core.lane.phase().0;
        assert!(phase != Phase::Closed, "EventLoop::{what}: this event loop is closed");
    }

    /// Starts a task that ends with the loop; see "What runs when" in the [module](self).
    ///
    /// # Panics
    /// When the loop is closed.
    #[track_caller]
    pub fn create_task<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.check_open("create_task");
        let future = InLoop::new(self.core.clone(), future);
        let number = future.number();
        let extras = Extras::for_spawn(None, task::inherited());
        let spawn = Spawn { spawned_at: Location::caller(), extras, joiner: None };
        let task = self.core.handle.inner().scheduler.spawn(Incoming::new(future), spawn);
        self.core.members.settle(number, task.abort_handle());
        task
    }

    /// Starts a coroutine from a thread outside; see [`create_task`](Self::create_task).
    ///
    /// # Panics
    /// When the loop is closed.
    #[track_caller]
    pub fn run_coroutine_threadsafe<F>(&self, future: F) -> ThreadFuture<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        ThreadFuture::new(self.create_task(future), self.core.handle.clone())
    }

    /// A promise whose callbacks run on this loop.
    pub fn create_future<T: Send + Sync + 'static>(&self) -> Promise<T> {
        Promise::new(self.core.clone())
    }

    /// Runs a call that blocks on a thread of `executor`.
    ///
    /// # Panics
    /// When the loop is closed.
    #[track_caller]
    pub fn run_in_executor<F, T>(&self, executor: Executor<'_>, call: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.check_open("run_in_executor");
        match executor {
            Executor::Default => self.core.handle.inner().spawn_blocking(call, None, Location::caller()),
            Executor::Pool(pool) => pool.run(call, Location::caller()),
        }
    }

    /// Has `call` called on the lane each time `fd` has something to read, or has reached its end, in place of the
    /// reader it had: once a turn, for as long as it stays so. Remove it before the descriptor is closed.
    ///
    /// # Errors
    /// When the descriptor cannot be watched (a regular file, say), or is by something else of this runtime.
    ///
    /// # Panics
    /// When the loop is closed.
    #[track_caller]
    pub fn add_reader(&self, fd: RawFd, call: impl FnMut() + Send + 'static) -> io::Result<()> {
        self.check_open("add_reader");
        self.core.watches.add(&self.core, fd, Direction::Read, call)
    }

    /// Ends what [`add_reader`](Self::add_reader) began, and drops the callback; false when `fd` has no reader. One
    /// that runs on another thread just now runs to its end.
    pub fn remove_reader(&self, fd: RawFd) -> bool {
        self.core.watches.remove(fd, Direction::Read)
    }

    /// As [`add_reader`](Self::add_reader), each time `fd` has room to write.
    ///
    /// # Errors
    /// As [`add_reader`](Self::add_reader).
    ///
    /// # Panics
    /// When the loop is closed.
    #[track_caller]
    pub fn add_writer(&self, fd: RawFd, call: impl FnMut() + Send + 'static) -> io::Result<()> {
        self.check_open("add_writer");
        self.core.watches.add(&self.core, fd, Direction::Write, call)
    }

    /// As [`remove_reader`](Self::remove_reader), for the writer.
    pub fn remove_writer(&self, fd: RawFd) -> bool {
        self.core.watches.remove(fd, Direction::Write)
    }

    /// Has `call` called on the lane for each delivery of a signal, from now on, in place of the handler that was
    /// there. The signal no longer does what it does by default, until the last handler and the last
    /// [`Signal`](crate::signal::Signal) of its kind are gone.
    ///
    /// # Errors
    /// As [`signal`](fn@crate::signal::signal).
    ///
    /// # Panics
    /// When the loop is closed.
    #[track_caller]
    pub fn add_signal_handler(
        &self,
        kind: SignalKind,
        call: impl FnMut() + Send + 'static,
    ) -> io::Result<()> {
        self.check_open("add_signal_handler");
        self.core.signals.add(&self.core, kind, call)
    }

    /// Ends what [`add_signal_handler`](Self::add_signal_handler) began; false when there was no handler.
    pub fn remove_signal_handler(&self, kind: SignalKind) -> bool {
        self.core.signals.remove(kind)
    }

    /// Has `handler` called with each failure that nobody else hears of, on the thread where it happened, in place of a
    /// line on stderr: callbacks that panicked, promises whose error nobody looked at.
    pub fn set_exception_handler(&self, handler: impl Fn(&ExceptionContext) + Send + Sync + 'static) {
        self.core.exceptions.set(Arc::new(handler));
    }

    /// Tells the exception handler.
    pub fn call_exception_handler(&self, context: &ExceptionContext) {
        self.core.exceptions.call(context);
    }

    /// Switches debug mode on or off: slow callbacks are reported on stderr, with where they were given to the loop and
    /// how long they took, and how many were dropped when the loop closed. On from the start when its runtime's is.
    pub fn set_debug(&self, on: bool) {
        self.core.debug.store(on, Relaxed);
    }

    /// Whether debug mode is on.
    pub fn get_debug(&self) -> bool {
        self.core.debug.load(Relaxed)
    }

    /// A callback as long as this is slow; 100 ms unless said otherwise. Measured in real time.
    pub fn set_slow_callback_duration(&self, duration: Duration) {
        self.core.slow_after_ns.store(nanos(duration), Relaxed);
    }
}
