//! What a loop consists of, and how it is run.

use super::callback::{Callback, Origin, Queued, once};
use super::exception::{ExceptionContext, Exceptions};
use super::frame::{self, Frame};
use super::lane::{Lane, Phase};
use super::members::Members;
use super::signals::Signals;
use super::turns::Turns;
use super::watch::Watches;
use crate::context;
use crate::driver::clock::real_now;
use crate::handle::{Handle, Inner};
use crate::prim::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use crate::report;
use crate::task::{Extras, Incoming, JoinHandle, Spawn};
use crate::wait::{Place, Queue};
use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Weak};
use std::task::Poll;

/// asyncio's `slow_callback_duration`.
const SLOW_AFTER_NS: u64 = 100_000_000;

/// A loop.
pub(super) struct Core {
    pub(super) lane: Lane,
    pub(super) handle: Handle,
    /// The runtime's own loop, which runs for as long as that does.
    pub(super) is_own: bool,
    pub(super) members: Members,
    pub(super) watches: Watches,
    pub(super) signals: Signals,
    pub(super) exceptions: Exceptions,
    pub(super) debug: AtomicBool,
    pub(super) slow_after_ns: AtomicU64,
}

/// Why a run ended before its future did.
enum Cut {
    /// The future panicked.
    Panic(Box<dyn Any + Send>),
    /// Somebody stopped the loop.
    Stopped,
    /// The runtime has shut down.
    Ended,
}

impl Core {
    pub(super) fn new(handle: Handle, is_own: bool) -> Arc<Self> {
        let debug = handle.inner().scheduler.settings.report_blocked;
        Arc::new(Self {
            lane: Lane::default(),
            handle,
            is_own,
            members: Members::default(),
            watches: Watches::default(),
            signals: Signals::default(),
            exceptions: Exceptions::default(),
            debug: AtomicBool::new(debug),
            slow_after_ns: AtomicU64::new(SLOW_AFTER_NS),
        })
    }

    /// The own loop of the runtime `handle` is on; made, and set going, at the first call.
    pub(super) fn own(handle: Handle) -> Arc<Self> {
        if let Some(core) = Self::existing(handle.inner()) {
            return core;
        }
        let core = Self::new(handle, true);
        let any: Arc<dyn Any + Send + Sync> = core.clone();
        let mut slot = core.handle.inner().attached.lock();
        if let Some(other) = slot.as_ref().and_then(attached) {
            // Another thread was faster.
            drop(slot);
            return other;
        }
        *slot = Some(Arc::downgrade(&any));
        drop(slot);
        if core.lane.begin().is_ok() {
            core.spawn_lane().detach();
        }
        core
    }

    /// The own loop of that runtime, if there is one.
    fn existing(inner: &Inner) -> Option<Arc<Self>> {
        let weak = inner.attached.lock().clone();
        weak.as_ref().and_then(attached)
    }

    /// What tells loops apart; the own loop of a runtime has the runtime's.
    #[inline]
    pub(super) fn id(&self) -> *const () {
        if self.is_own { self.handle.inner().id() } else { std::ptr::from_ref(self).cast() }
    }

    /// The time now, on the clock of the runtime, in nanoseconds.
    pub(super) fn now(&self) -> u64 {
        self.handle.inner().clock().now()
    }

    /// Queues a callback from wherever this is called.
    ///
    /// # Errors
    /// When the loop takes no more; the callback is cancelled then.
    #[inline]
    pub(super) fn push(self: &Arc<Self>, callback: Queued) -> Result<(), Phase> {
        self.lane.push(callback, frame::gate(self))
    }

    /// Has the lane's task run until the lane is stopped.
    fn spawn_lane(self: &Arc<Self>) -> JoinHandle<()> {
        let extras = Extras::for_spawn(Some("event loop".into()), None);
        let spawn = Spawn { spawned_at: Location::caller(), extras, joiner: None };
        self.handle.inner().scheduler.spawn(Incoming::new(Turns::new(self.clone())), spawn)
    }

    /// Runs a callback that has its turn.
    pub(super) fn call(&self, callback: &dyn Callback) {
        let began = self.debug.load(Relaxed).then(real_now);
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| callback.call())) {
            self.exceptions.call(&ExceptionContext::of_callback(callback.origin(), payload));
        }
        if let Some(began) = began {
            self.check_pace(callback.origin(), began);
        }
    }

    #[cold]
    fn check_pace(&self, origin: Origin, began: std::time::Instant) {
        let took = real_now() - began;
        if took.as_nanos() >= u128::from(self.slow_after_ns.load(Relaxed)) {
            report::warn(format_args!("{origin} took {:.3} s", took.as_secs_f64()));
        }
    }

    /// Makes sure that `what` may run the loop here and now, and begins.
    ///
    /// # Panics
    /// When it may not.
    #[track_caller]
    fn begin(&self, what: &str) -> (u64, bool) {
        self.handle.inner().scheduler.check_fork();
        match self.lane.phase().0 {
            Phase::Stopped => {}
            Phase::Running => panic!("{what}: this event loop is already running"),
            Phase::Closed => panic!("{what}: this event loop is closed"),
            Phase::Ended => panic!("{what}: the runtime of this event loop has shut down"),
        }
        assert!(
            !context::in_async_code(),
            "{what} was called inside async code, where another event loop is running: use .await, or \
             block_in_place(|| ...) in a task"
        );
        match self.lane.begin() {
            Ok(run) => run,
            Err(_) => panic!("{what}: another thread has just run or closed this event loop"),
        }
    }

    /// Runs the lane until `future` is done and what was queued before that has run.
    #[track_caller]
    pub(super) fn run_until_complete<F: Future>(self: &Arc<Self>, future: F) -> F::Output {
        let (run, is_awaited) = self.begin("EventLoop::run_until_complete");
        match self.handle.block_on(self.drive(run, is_awaited, future)) {
            Ok(output) => output,
            Err(Cut::Panic(payload)) => resume_unwind(payload),
            Err(Cut::Stopped) => {
                panic!("EventLoop::run_until_complete: the event loop was stopped before its future was done")
            }
            Err(Cut::Ended) => panic!(
                "EventLoop::run_until_complete: the runtime of this event loop shut down before its future was done"
            ),
        }
    }

    /// Runs the lane until it is stopped, or the runtime shuts down.
    #[track_caller]
    pub(super) fn run_forever(self: &Arc<Self>) {
        self.begin("EventLoop::run_forever");
        // An error: the runtime has shut down, and so has the loop.
        let _ = self.handle.block_on(async { self.spawn_lane().await });
    }

    async fn drive<F: Future>(
        self: &Arc<Self>,
        run: u64,
        is_awaited: bool,
        future: F,
    ) -> Result<F::Output, Cut> {
        // What was queued before comes first.
        let before = if is_awaited { Some(self.mark()) } else { None };
        let mut passed = pin!(async {
            if let Some(before) = &before {
                before.passed().await;
            }
        });
        let (mut lane, mut future, mut begins) = (self.spawn_lane(), pin!(future), false);
        let result = poll_fn(|cx| {
            begins = begins || passed.as_mut().poll(cx).is_ready();
            let frame = Frame::step(self);
            let step = AssertUnwindSafe(|| frame.run(|| future.as_mut().poll(cx)));
            match begins.then(|| catch_unwind(step)) {
                Some(Ok(Poll::Ready(output))) => return Poll::Ready(Ok(output)),
                Some(Err(payload)) => return Poll::Ready(Err(Cut::Panic(payload))),
                Some(Ok(Poll::Pending)) | None => {}
            }
            Pin::new(&mut lane).poll(cx).map(|ended| Err(ended.map_or(Cut::Ended, |()| Cut::Stopped)))
        })
        .await;
        if !matches!(result, Err(Cut::Stopped | Cut::Ended)) {
            self.stop_behind_queued(run);
            let _ = lane.await;
        }
        result
    }

    /// Stops that run once the callbacks that are queued now have run.
    pub(super) fn stop_behind_queued(self: &Arc<Self>, run: u64) {
        // Weak: one that is left behind must not keep the loop it is in.
        let core = Arc::downgrade(self);
        let stop = move || {
            if let Some(core) = Weak::upgrade(&core) {
                core.lane.stop_run(run);
            }
        };
        // Refused only by a loop that runs no more.
        let _ = self.push(once(stop, Location::caller()));
    }

    /// Queues a mark behind the callbacks that are queued now.
    fn mark(self: &Arc<Self>) -> Arc<Passage> {
        let passage = Arc::<Passage>::default();
        let mark = Mark(passage.clone());
        let _ = self.push(once(move || drop(mark), Location::caller()));
        passage
    }

    /// What the loop holds goes: its callbacks, its watches, its tasks.
    ///
    /// # Panics
    /// While it runs.
    #[track_caller]
    pub(super) fn close(&self) {
        let Ok(queued) = self.lane.close() else {
            panic!("EventLoop::close: this event loop is running; stop it first");
        };
        if !queued.is_empty() && self.debug.load(Relaxed) {
            report::warn(format_args!(
                "an event loop was closed with {} callbacks queued, which will not run",
                queued.len()
            ));
        }
        // As if cancelled, in order: handles say so, and closures go now.
        queued.iter().for_each(|callback| {
            callback.cancel();
        });
        self.watches.end_all();
        self.signals.end_all();
        self.members.close();
        if !context::in_async_code() {
            self.handle.block_on(self.members.end_all());
        } else {
            self.members.cancel_all();
        }
    }
}

fn attached(weak: &Weak<dyn Any + Send + Sync>) -> Option<Arc<Core>> {
    weak.upgrade()?.downcast().ok()
}

/// Whether the lane has come to a mark, or never will.
#[derive(Default)]
struct Passage(Queue<bool>);

impl Passage {
    async fn passed(&self) {
        let mut place = pin!(Place::new(&self.0));
        poll_fn(|cx| place.as_mut().poll_uncounted(cx, 1, |passed| passed.then_some(()))).await;
    }
}

/// Dropped when the lane comes to it, or drops what is queued.
struct Mark(Arc<Passage>);

impl Drop for Mark {
    fn drop(&mut self) {
        let mut passed = self.0.0.lock();
        *passed = true;
        passed.release_all();
    }
}

/// Runs the main coroutine of a runtime: its callbacks to the runtime's own loop run after its current step, and those
/// queued when it ends still run. (`asyncio.run`)
pub(crate) async fn main<F: Future>(future: F) -> F::Output {
    let id = context::with(Inner::id);
    let mut future = pin!(future);
    let output = poll_fn(|cx| Frame::main(id).run(|| future.as_mut().poll(cx))).await;
    if let Some(core) = context::with(Core::existing) {
        core.mark().passed().await;
    }
    output
}
