//! Doors for the models in `loom-tests/`, in a model only: thin wrappers around private parts, under the names of what
//! they wrap. They add nothing but what a caller elsewhere in this crate does with the result.

mod lane;
mod paused;
mod pool;
mod roster;
mod wire;

pub use lane::{Lane, LaneTurn, Settled};
pub use pool::Pool;
pub use roster::Roster;
pub use wire::{Events, Watched, Wire};

use crate::block_on::{self, Roots};
use crate::compose::Group;
use crate::driver::clock::{Clock, real_now};
use crate::driver::time::{Entered, Entry};
use crate::driver::{self, Look, Turn};
use crate::io::{Direction, Interest, Ready, ReadyEvent};
use crate::prim::FAR;
use crate::prim::atomic::Ordering::SeqCst;
use crate::prim::thread::{self, Spec};
use crate::task::{self, Id, Incoming, JoinHandle, Origin, Spawn};
use crate::wait::Batch;
use crate::worker::panics::{PanicPolicy, TaskPanic};
use crate::worker::{self, Settings, Shared, SharedRef, StartThread, ThreadBody};
use crate::{park, queue};
use std::any::Any;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::ptr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// A queue entry.
pub struct Task(task::Task);

/// What became of a task that was run.
pub enum Ran {
    Done,
    Idle,
    Again(Task),
}

impl Task {
    pub fn run(self) -> Ran {
        match self.0.run() {
            (task::Ran::Done, _) => Ran::Done,
            (task::Ran::Idle, _) => Ran::Idle,
            (task::Ran::Again, task) => Ran::Again(Self(task)),
        }
    }

    pub fn cancel(self) {
        self.0.cancel();
    }

    pub fn id(&self) -> Id {
        self.0.header().id()
    }
}

/// A scheduler that a model plays.
pub trait Schedule: 'static {
    fn schedule(&self, task: Task);
    fn is_on_worker(&self) -> bool;
}

struct Played<S>(S);

impl<S: Schedule> task::Schedule for Played<S> {
    unsafe fn schedule(this: *const Self, task: task::Task) {
        // SAFETY: alive when called; models' schedulers push with their last step.
        unsafe { &*this }.0.schedule(Task(task));
    }

    fn is_on_worker(&self) -> bool {
        self.0.is_on_worker()
    }

    fn coarse_now(&self) -> u64 {
        0
    }

    fn completed(&self, _key: task::LiveKey) {}

    fn panicked(&self, task: &Origin, payload: &(dyn Any + Send)) {
        panic!("{task} panicked: {:?}", task::message(payload));
    }

    fn as_ptr(&self) -> *const () {
        ptr::null()
    }
}

fn unnamed() -> Spawn {
    Spawn { spawned_at: Location::caller(), extras: None, joiner: None }
}

/// Makes a task that is about to be queued.
pub fn allocate<F: Future + 'static>(future: F, scheduler: impl Schedule) -> (Task, JoinHandle<F::Output>) {
    let (task, handle) = task::allocate(Incoming::new(future), Played(scheduler), unnamed());
    (Task(task), handle)
}

/// Makes a child of a group; no queue entry when the group takes none.
pub fn allocate_in<F, T, E>(
    group: &Group<E>,
    future: F,
    scheduler: impl Schedule,
) -> (Option<Task>, JoinHandle<T>)
where
    F: Future<Output = Result<T, E>> + 'static,
    T: 'static,
    E: Send + 'static,
{
    let spawn = Spawn { extras: Some(group.extras(None)), ..unnamed() };
    let (task, handle) = task::allocate(Incoming::new(group.child(future)), Played(scheduler), spawn);
    (group.let_in(task, handle.abort_handle()).map(Task), handle)
}

/// The owner's end of a run queue.
pub struct Local(queue::Local);

/// The end of a run queue that others see.
pub struct Stealable(queue::Stealable);

pub fn local() -> (Local, Stealable) {
    let (local, stealable) = queue::local();
    (Local(local), Stealable(stealable))
}

impl Local {
    pub fn push(&self, ours: &Stealable, task: Task) {
        self.0.push(&ours.0, task.0);
    }

    pub fn pop(&self, ours: &Stealable) -> Option<Task> {
        self.0.pop(&ours.0).map(Task)
    }

    pub fn give_up_next(&self, ours: &Stealable) {
        self.0.give_up_next(&ours.0);
    }
}

impl Stealable {
    pub fn take_next(&self) -> Option<Task> {
        self.0.take_next().map(Task)
    }

    pub fn steal(&self, thief: &Local) -> Option<Task> {
        queue::retry(|| self.0.steal(&thief.0)).map(Task)
    }
}

/// The live tasks.
pub struct LiveSet(task::LiveSet);

/// The allocating part of one shard.
#[derive(Default)]
pub struct Shard(task::Shard);

/// A task's place.
#[derive(Clone, Copy)]
pub struct LiveKey(task::LiveKey);

impl LiveKey {
    /// The number of the slot, from 0.
    pub fn slot(self) -> u64 {
        (self.0.pack() - 1) & u64::from(u32::MAX)
    }
}

impl LiveSet {
    pub fn new(workers: usize) -> Self {
        Self(task::LiveSet::new(workers))
    }

    pub fn insert(&self, shard: &mut Shard, number: usize, task: &Task) -> LiveKey {
        // SAFETY: models insert a task before they do anything else with it.
        unsafe { self.0.insert(&mut shard.0, number, &task.0) };
        LiveKey(task.0.header().live_key())
    }

    pub fn remove_own(&self, shard: &mut Shard, key: LiveKey) {
        self.0.slab(key.0.shard()).remove_own(&mut shard.0, key.0);
    }

    pub fn remove(&self, key: LiveKey) {
        self.0.slab(key.0.shard()).remove(key.0);
    }

    pub fn for_each(&self, mut f: impl FnMut(Id)) {
        self.0.for_each(|header| f(header.id()));
    }

    pub fn look<R>(&self, key: LiveKey, f: impl FnOnce(Id) -> R) -> Option<R> {
        self.0.look(key.0.pack(), |header| f(header.id()))
    }
}

/// A scheduler.
#[derive(Clone)]
pub struct Scheduler(SharedRef, Arc<Roots>);

impl Scheduler {
    /// One whose workers have no threads yet. Fails the model when a detached task panics, or when this is never freed.
    pub fn new(workers: usize) -> Self {
        let start_thread = |_, body: ThreadBody| thread::spawn(&Spec::default(), move || body(&|| ()));
        Self::made_with(workers, Some(Box::new(start_thread)), Clock::new(false))
    }

    /// One whose tasks run in `block_on`.
    pub fn current_thread() -> Self {
        Self::made_with(1, None, Clock::new(false))
    }

    fn made_with(workers: usize, start_thread: Option<StartThread>, clock: Clock) -> Self {
        let witness = loom::alloc::Track::new(());
        let abort = move |panic: &TaskPanic<'_>| {
            eprintln!("{panic} beside {:?}", witness.get_ref());
            std::process::abort()
        };
        let settings = Settings {
            workers,
            spares: 1,
            blocked_after: FAR,
            report_blocked: false,
            on_panic: PanicPolicy::Call(Arc::new(abort)),
            seed: 1,
            start_thread,
        };
        let driver = driver::Driver::new(workers, 0, clock).expect("a model's driver");
        Self(Shared::create(settings, driver), Arc::default())
    }

    /// Starts the workers.
    pub fn start(&self) {
        let start = |index| worker::start_thread(&self.0, index).expect("a thread of the model's");
        (0..self.0.settings.workers).for_each(start);
    }

    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.0.spawn(Incoming::new(future), unnamed())
    }

    /// Spawns a task that only worker 0 runs.
    pub fn spawn_pinned<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        // SAFETY: the future may be touched by any thread.
        unsafe { self.0.spawn_pinned(0, Incoming::new(future), unnamed()) }
    }

    /// The monitor does what slow workers do not get to.
    pub fn stand_in(&self) {
        worker::monitor::stand_in(&self.0);
    }

    /// Puts a spare worker to work.
    pub fn start_spare(&self) {
        worker::monitor::start_spare(&self.0);
    }

    /// Ends the workers and every task.
    pub fn shut_down(&self) {
        self.0.close();
        let stuck = self.0.finish(real_now() + 2 * FAR);
        assert!(stuck.is_empty(), "{stuck:?}");
    }

    /// Tasks that have not ended.
    pub fn alive(&self) -> usize {
        self.0.alive()
    }

    /// Makes this thread worker 0, but for the task-wakes of its own: they go to the injector.
    pub fn worker(&self) -> Worker {
        Worker(worker::Worker::new(self.0.clone(), 0).expect("it is played once"))
    }

    /// The monitor sees worker 0 in one poll for `age`.
    pub fn watch(&self, age: Duration) {
        worker::monitor::watch(&self.0, &self.0.remotes[0], age);
    }

    /// Workers that count as running.
    pub fn active(&self) -> usize {
        self.0.active.load(SeqCst)
    }

    /// True when worker 0 counts as slow or stuck.
    pub fn is_slow(&self) -> bool {
        self.0.remotes[0].pace.is_slow()
    }

    /// What the monitor does when it has seen nothing for long: it sleeps until a worker wakes.
    pub fn sleep_as_monitor(&self) {
        if self.0.is_quiet() {
            self.0.monitor.sleep(|| self.0.is_quiet());
        }
    }

    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        block_on::block_on(&self.0, &self.1, future)
    }
}

/// A worker.
pub struct Worker(worker::Worker);

impl Worker {
    /// Runs tasks until `stop` says so.
    pub fn run(&self, stop: impl FnMut() -> bool) {
        self.0.run(stop);
    }

    /// The worker's poll is over.
    pub fn catch_up(&self) {
        self.0.catch_up();
    }

    pub fn retire(self) {
        self.0.retire();
    }
}

/// A driver.
pub struct Driver(driver::Driver);

impl Driver {
    pub fn new() -> Self {
        Self(driver::Driver::new(1, 0, Clock::new(false)).expect("a model's driver"))
    }

    /// Sleeps in a turn, unless another thread has it.
    pub fn sleep(&self) -> bool {
        let turning = self.0.try_turn();
        turning.map(|turning| turning.run(Turn::Sleep, None)).is_some()
    }

    /// Looks for events, unless another thread has the turn.
    pub fn look(&self) -> bool {
        self.0.look(None) == Look::Done
    }

    pub fn wake(&self) {
        self.0.wake();
    }

    pub fn expire_due(&self, now: u64) {
        self.0.expire_due(now);
    }

    /// Timers that wait.
    pub fn timers(&self) -> usize {
        self.0.timers()
    }

    /// The time now.
    pub fn now(&self) -> u64 {
        self.0.clock().now()
    }
}

impl Default for Driver {
    fn default() -> Self {
        Self::new()
    }
}

/// A timer. Wait and leave as `Sleep` does.
pub struct Timer(Pin<Box<Entry>>);

impl Timer {
    pub fn new() -> Self {
        Self(Box::pin(Entry::new()))
    }

    /// Waits in the wheel of `driver`; true if the time has come meanwhile.
    pub fn wait(&self, driver: &Driver, deadline: u64, waker: &Waker) -> bool {
        // SAFETY: models call `leave` before the timer or the driver goes.
        let entered = unsafe { self.0.as_ref().enter(driver.0.wheel(0), deadline, waker) };
        if entered == Entered::Earliest {
            driver.0.timer_lowered(deadline);
        }
        entered == Entered::Fired
    }

    pub fn leave(&self, driver: &Driver) {
        self.0.as_ref().leave(driver.0.wheel(0));
    }

    pub fn has_fired(&self) -> bool {
        self.0.has_fired()
    }
}

impl Default for Timer {
    fn default() -> Self {
        Self::new()
    }
}

/// A place to sleep.
#[derive(Default)]
pub struct Parker(park::Parker);

impl Parker {
    pub fn park(&self, driver: &Driver) {
        self.0.park(&driver.0, None);
    }

    pub fn park_on_condvar(&self) {
        self.0.park_on_condvar();
    }

    pub fn park_timeout(&self, limit: Duration) -> bool {
        self.0.park_timeout(limit)
    }

    pub fn unpark(&self, driver: &Driver) {
        self.0.unpark(|| driver.wake());
    }
}

/// A watched file descriptor.
pub struct Source(driver::io::source::Source);

impl Source {
    pub fn new() -> Self {
        Self(driver::io::source::Source::new())
    }

    /// An event: wakes those who waited for it.
    pub fn dispatch(&self, ready: Ready) {
        let mut batch = Batch::new();
        let mut wakes = self.0.dispatch(ready);
        assert!(self.0.gather(&mut wakes, &mut batch), "a model has few waiters");
        batch.wake();
    }

    pub fn poll_ready(&self, direction: Direction, cx: &Context<'_>) -> Poll<ReadyEvent> {
        self.0.poll_ready(direction, cx).map(|event| event.expect("not shut down"))
    }

    pub async fn wait_ready(&self, interest: Interest) -> ReadyEvent {
        self.0.wait_ready(interest).await.expect("not shut down")
    }

    pub fn ready(&self, interest: Interest) -> Option<ReadyEvent> {
        self.0.ready(interest).expect("not shut down")
    }

    pub fn clear(&self, event: ReadyEvent) {
        self.0.clear(event);
    }
}

impl Default for Source {
    fn default() -> Self {
        Self::new()
    }
}
