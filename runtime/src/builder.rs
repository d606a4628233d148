//! How a runtime is made: defaults, then the environment, then what the program says.

use crate::block_on::Roots;
use crate::blocking::{Limits, Pool};
use crate::config::{BLOCKING_MAX, Env, WORKERS_MAX, default_workers};
use crate::driver::Driver;
use crate::driver::clock::Clock;
use crate::fork;
use crate::handle::{Handle, Inner};
use crate::prim::lock::Mutex;
use crate::prim::thread::{self, Spec};
use crate::runtime::Runtime;
use crate::task;
use crate::unwind;
use crate::wait::watch;
use crate::worker::panics::PanicPolicy;
use crate::worker::{self, Settings, Shared, StartThread, ThreadBody, monitor};
use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

type Hook = Arc<dyn Fn() + Send + Sync>;

const DEFAULT_BLOCKING: usize = 512;
const DEFAULT_KEEP_ALIVE: Duration = Duration::from_secs(10);
const DEFAULT_BLOCKED_AFTER: Duration = Duration::from_millis(100);
const DEFAULT_SHUTDOWN: Duration = Duration::from_secs(10);
/// Workers that may stand in for stuck ones, besides the regular ones.
const SPARES: usize = 64;

/// Makes a [`Runtime`]. What is not said here comes from `RADDLE_*` variables, else from defaults.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// let runtime = raddle_runtime::runtime::Builder::new().worker_threads(2).thread_name("web").build()?;
/// assert_eq!(runtime.block_on(async { 6 * 7 }), 42);
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
#[must_use = "a builder does nothing until build()"]
pub struct Builder {
    worker_threads: Option<usize>,
    max_blocking_threads: Option<usize>,
    keep_alive: Option<Duration>,
    blocked_after: Option<Duration>,
    shutdown_timeout: Option<Duration>,
    current_thread: bool,
    thread_name: Option<String>,
    stack_bytes: Option<usize>,
    start_paused: bool,
    seed: Option<u64>,
    debug: Option<bool>,
    on_start: Option<Hook>,
    on_stop: Option<Hook>,
    on_panic: PanicPolicy,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("worker_threads", &self.worker_threads)
            .field("current_thread", &self.current_thread)
            .field("start_paused", &self.start_paused)
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// A builder with nothing said.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many workers run tasks, 1 to 4096 (`RADDLE_WORKER_THREADS`). By default as many as this process can run at
    /// once: the least of cores, affinity and cgroup quota.
    pub fn worker_threads(mut self, n: usize) -> Self {
        self.worker_threads = Some(n);
        self
    }

    /// How many threads the blocking pool may have, 1 to 65536 (`RADDLE_MAX_BLOCKING_THREADS`). 512 by default.
    pub fn max_blocking_threads(mut self, n: usize) -> Self {
        self.max_blocking_threads = Some(n);
        self
    }

    /// How long a thread of the blocking pool stays without work (`RADDLE_THREAD_KEEP_ALIVE_MS`). 10 s by default.
    pub fn thread_keep_alive(mut self, duration: Duration) -> Self {
        self.keep_alive = Some(duration);
        self
    }

    /// No worker threads: tasks run on the thread that calls `block_on`, while it does.
    pub fn current_thread(mut self) -> Self {
        self.current_thread = true;
        self
    }

    /// The name of the runtime's threads, which get a number or purpose behind it. "raddle" by default.
    pub fn thread_name(mut self, name: impl Into<String>) -> Self {
        self.thread_name = Some(name.into());
        self
    }

    /// The stack size of the runtime's threads, in bytes. The platform's default by default.
    pub fn thread_stack_size(mut self, bytes: usize) -> Self {
        self.stack_bytes = Some(bytes);
        self
    }

    /// Starts with the clock paused: time stands still while anything runs, and jumps to the next timer when nothing
    /// does. For tests; see [`time::pause`](crate::time::pause).
    pub fn start_paused(mut self, paused: bool) -> Self {
        self.start_paused = paused;
        self
    }

    /// The seed of the scheduler's random choices (`RADDLE_SEED`): on the current-thread flavour the same program makes
    /// the same choices.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Runs `f` on each thread of the runtime before its first task.
    pub fn on_thread_start(mut self, f: impl Fn() + Send + Sync + 'static) -> Self {
        self.on_start = Some(Arc::new(f));
        self
    }

    /// Runs `f` on each thread of the runtime before it ends.
    pub fn on_thread_stop(mut self, f: impl Fn() + Send + Sync + 'static) -> Self {
        self.on_stop = Some(Arc::new(f));
        self
    }

    /// A single poll as long as this counts as blocked (`RADDLE_BLOCKED_AFTER_MS`), at least 10 ms: it is counted, and
    /// another worker is started if none is free. 100 ms by default.
    pub fn blocked_after(mut self, duration: Duration) -> Self {
        self.blocked_after = Some(duration);
        self
    }

    /// Names on stderr each poll that blocks its worker, each `select!` branch that is dropped half-way (once), and,
    /// for the rest of the process, each future that was handed a lock, a permit or an item and is not polled for a
    /// second (`RADDLE_DEBUG`). Off by default.
    pub fn debug(mut self, on: bool) -> Self {
        self.debug = Some(on);
        self
    }

    /// What to do when a task panics and nobody joins it. [`PanicPolicy::Report`] by default.
    pub fn on_panic(mut self, policy: PanicPolicy) -> Self {
        self.on_panic = policy;
        self
    }

    /// How long dropping the runtime waits for polls and blocking calls that are under way. 10 s by default.
    pub fn shutdown_timeout(mut self, duration: Duration) -> Self {
        self.shutdown_timeout = Some(duration);
        self
    }

    /// Makes the runtime and starts its threads.
    ///
    /// # Errors
    /// When a setting or a `RADDLE_*` variable is out of range: the error names it, its value, and what is allowed.
    /// When the system has no more threads or file descriptors.
    pub fn build(self) -> io::Result<Runtime> {
        let env = Env::read()?;
        self.check_name()?;
        fork::watch();
        if self.is_debug(&env) {
            watch::switch_on(task::NAMES);
        }
        let limits = self.limits(&env)?;
        let threads = Arc::new(Threads::of(&self));
        let settings = self.settings(&env, &threads)?;
        let driver = Driver::new(settings.workers, settings.spares, Clock::new(self.start_paused))?;
        let scheduler = Shared::create(settings, driver);
        let start_blocking = {
            let threads = threads.clone();
            Arc::new(move |body: ThreadBody| threads.start("blocking", body).map(drop))
        };
        let pool = Arc::new(Pool::new(limits, scheduler.clone(), start_blocking));
        let handle = Handle::new(Arc::new(Inner {
            scheduler,
            pool,
            roots: Roots::default(),
            attached: Mutex::default(),
        }));
        let _ = threads.handle.set(handle.downgrade());
        let runtime = Runtime::of(handle, self.shutdown_timeout.unwrap_or(DEFAULT_SHUTDOWN));
        // From here on an error drops the runtime, which ends the threads that were started.
        self.start_threads(&runtime, &threads)?;
        Ok(runtime)
    }

    fn check_name(&self) -> io::Result<()> {
        let name = self.thread_name.as_deref().unwrap_or_default();
        if !name.contains('\0') {
            return Ok(());
        }
        let text = format!("thread_name({name:?}) is not allowed: a thread's name cannot contain a NUL byte");
        Err(io::Error::new(io::ErrorKind::InvalidInput, text))
    }

    fn limits(&self, env: &Env) -> io::Result<Limits> {
        let threads = self.max_blocking_threads.or(env.max_blocking_threads).unwrap_or(DEFAULT_BLOCKING);
        check("max_blocking_threads", threads, BLOCKING_MAX)?;
        let keep_alive = self.keep_alive.or(env.thread_keep_alive).unwrap_or(DEFAULT_KEEP_ALIVE);
        Ok(Limits { threads, keep_alive })
    }

    fn settings(&self, env: &Env, threads: &Arc<Threads>) -> io::Result<Settings> {
        let workers = self.worker_threads.or(env.worker_threads).unwrap_or_else(default_workers);
        check("worker_threads", workers, WORKERS_MAX)?;
        let blocked_after = self.blocked_after.or(env.blocked_after).unwrap_or(DEFAULT_BLOCKED_AFTER);
        if blocked_after < Duration::from_millis(10) {
            let text = format!("blocked_after({blocked_after:?}) is not allowed: it must be at least 10 ms");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let threads = threads.clone();
        let start: StartThread = Box::new(move |index, body| threads.start(&format!("worker-{index}"), body));
        Ok(Settings {
            workers: if self.current_thread { 1 } else { workers },
            spares: if self.current_thread { 0 } else { SPARES },
            blocked_after,
            report_blocked: self.is_debug(env),
            on_panic: self.on_panic.clone(),
            seed: self.seed.or(env.seed).unwrap_or_else(random_seed),
            start_thread: (!self.current_thread).then_some(start),
        })
    }

    fn is_debug(&self, env: &Env) -> bool {
        self.debug.or(env.debug).unwrap_or(false)
    }

    fn start_threads(&self, runtime: &Runtime, threads: &Threads) -> io::Result<()> {
        if self.current_thread {
            return Ok(());
        }
        let scheduler = &runtime.handle().inner().scheduler;
        (0..scheduler.settings.workers).try_for_each(|index| worker::start_thread(scheduler, index))?;
        let watched = scheduler.clone();
        let spec = threads.spec("monitor");
        let monitor = thread::spawn(&spec, move || monitor::thread_main(&watched))?;
        scheduler.threads.lock().push(monitor);
        Ok(())
    }
}

fn check(name: &str, value: usize, max: usize) -> io::Result<()> {
    if (1..=max).contains(&value) {
        return Ok(());
    }
    let text = format!("{name}({value}) is not allowed: it must be from 1 to {max}");
    Err(io::Error::new(io::ErrorKind::InvalidInput, text))
}

/// Calls a hook of the user's; a panic in it must not cost the runtime a thread.
fn call_hook(name: &str, hook: Option<&Hook>) {
    if let Some(hook) = hook
        && !unwind::contain(|| hook())
    {
        crate::report::warn(format_args!("the {name} function panicked; the thread goes on"));
    }
}

/// A seed that differs from run to run.
fn random_seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish()
}

/// How the runtime's threads are started: named, with the runtime current, between the user's hooks.
struct Threads {
    name: String,
    stack_bytes: Option<usize>,
    on_start: Option<Hook>,
    on_stop: Option<Hook>,
    /// Weak: the runtime has the scheduler, which has this.
    handle: OnceLock<Weak<Inner>>,
}

impl Threads {
    fn of(builder: &Builder) -> Self {
        Self {
            name: builder.thread_name.clone().unwrap_or_else(|| "raddle".to_owned()),
            stack_bytes: builder.stack_bytes,
            on_start: builder.on_start.clone(),
            on_stop: builder.on_stop.clone(),
            handle: OnceLock::new(),
        }
    }

    fn spec(&self, purpose: &str) -> Spec {
        Spec { name: format!("{}-{purpose}", self.name), stack_bytes: self.stack_bytes }
    }

    /// Starts a thread. Its body is given what to call when it is done, before it tells anyone so.
    fn start(&self, purpose: &str, body: ThreadBody) -> io::Result<thread::JoinHandle<()>> {
        let inner = self.handle.get().and_then(Weak::upgrade);
        let (on_start, on_stop) = (self.on_start.clone(), self.on_stop.clone());
        thread::spawn(&self.spec(purpose), move || {
            let handle = inner.map(Handle::new);
            let _entered = handle.as_ref().map(Handle::enter);
            call_hook("on_thread_start", on_start.as_ref());
            body(&|| call_hook("on_thread_stop", on_stop.as_ref()));
        })
    }
}
