//! A million tasks in one process: spawned, woken, shut down; and what each costs in memory.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::{child, multi_thread, within, workers};
use raddle::runtime::Runtime;
use raddle::time::Duration;
use std::alloc::{GlobalAlloc, Layout, System};
use std::future::pending;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

const TASKS: usize = 1_000_000;
const PATIENCE: Duration = Duration::from_secs(120);

/// Counts the bytes that are allocated: all, and those in small blocks.
struct Counting;

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);
static IN_SMALL_BLOCKS: AtomicUsize = AtomicUsize::new(0);
/// A table or queue is larger than this, a task is not.
const SMALL_MAX: usize = 512;

// SAFETY: hands everything on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.fetch_add(layout.size(), Relaxed);
        if layout.size() <= SMALL_MAX {
            IN_SMALL_BLOCKS.fetch_add(layout.size(), Relaxed);
        }
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(layout.size(), Relaxed);
        if layout.size() <= SMALL_MAX {
            IN_SMALL_BLOCKS.fetch_sub(layout.size(), Relaxed);
        }
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A million of anything, once at a time.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes of memory that this process has in use.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("procfs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    line.split_whitespace().nth(1).expect("a number").parse::<usize>().expect("kB") * 1024
}

/// Where the tasks leave their wakers: a place for each, allocated and touched before.
struct Places {
    wakers: Vec<Mutex<Option<Waker>>>,
    parked: AtomicUsize,
    woken: AtomicUsize,
}

impl Places {
    fn new(tasks: usize) -> Arc<Self> {
        let wakers = (0..tasks).map(|_| Mutex::new(None)).collect();
        Arc::new(Self { wakers, parked: AtomicUsize::new(0), woken: AtomicUsize::new(0) })
    }
}

/// Waits at its place until it is woken.
struct Parked {
    places: Arc<Places>,
    number: usize,
    is_parked: bool,
}

impl Future for Parked {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_parked {
            self.places.woken.fetch_add(1, Relaxed);
            return Poll::Ready(());
        }
        *self.places.wakers[self.number].lock().unwrap() = Some(cx.waker().clone());
        self.is_parked = true;
        self.places.parked.fetch_add(1, Relaxed);
        Poll::Pending
    }
}

/// Spawns the tasks from inside and waits until all of them wait.
fn park_all(runtime: &Runtime, places: &Arc<Places>) {
    let (inside, tasks) = (places.clone(), places.wakers.len());
    let spawner = runtime.spawn(async move {
        for number in 0..tasks {
            raddle::spawn(Parked { places: inside.clone(), number, is_parked: false }).detach();
            if number % 100 == 0 {
                // So that the queues do not grow to a million, too.
                raddle::yield_now().await;
            }
        }
    });
    runtime.block_on(async {
        spawner.await.unwrap();
        while places.parked.load(Relaxed) < tasks {
            raddle::time::sleep(Duration::from_millis(1)).await;
        }
    });
}

fn timed<T>(what: &str, f: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let result = f();
    println!("{what}: {:?}", began.elapsed());
    result
}

/// In a child, whose memory nobody has used before.
#[test]
fn a_million_tasks_park_and_are_woken() {
    let _alone = alone();
    if child::role().is_some() {
        return park_and_wake();
    }
    let mut command = child::command("a_million_tasks_park_and_are_woken", "child");
    command.stdout(Stdio::inherit());
    let output = child::output(command, PATIENCE);
    assert!(output.status.success(), "{}", child::text(&output.stderr));
}

/// What a task has in the set of live tasks, whose table is large, and up to half empty.
const LIVE_SLOT: f64 = 8.0;
/// What a parked task may take besides its future.
const OVERHEAD_MAX: f64 = 96.0;

fn park_and_wake() {
    let runtime = workers(2);
    let places = Places::new(TASKS);
    let counts = || [ALLOCATED.load(Relaxed), IN_SMALL_BLOCKS.load(Relaxed), resident()];
    let before = counts();
    timed("spawn and park 1,000,000 tasks", || park_all(&runtime, &places));
    let after = counts();
    let [all, small, rss] = std::array::from_fn(|i| after[i].abs_diff(before[i]) as f64 / TASKS as f64);
    let future = size_of::<Parked>() as f64;
    println!(
        "a parked task whose future has {future} bytes: {small:.1} bytes and a slot in the set of live tasks;"
    );
    println!("with all tables and queues {all:.1} bytes allocated, {rss:.1} bytes resident");
    assert_eq!(runtime.metrics().alive_tasks(), TASKS);
    timed("wake them all", || {
        places.wakers.iter().for_each(|place| place.lock().unwrap().take().unwrap().wake());
        common::eventually("they end", || places.woken.load(Relaxed) == TASKS);
    });
    common::eventually("none is left", || runtime.metrics().alive_tasks() == 0);
    assert!(runtime.shutdown(PATIENCE).is_clean());
    let overhead = small + LIVE_SLOT - future;
    assert!(overhead <= OVERHEAD_MAX + 0.5, "{overhead:.1} bytes a task over its future");
}

#[test]
fn a_million_tasks_are_shut_down() {
    let _alone = alone();
    within(PATIENCE, || {
        let runtime = workers(2);
        let places = Places::new(TASKS);
        park_all(&runtime, &places);
        let report = timed("shut 1,000,000 parked tasks down", || runtime.shutdown(PATIENCE));
        assert!(report.is_clean(), "{report}");
        assert_eq!(report.tasks_dropped, TASKS);
        // The wakers are all that is left of them.
        assert_eq!(Arc::strong_count(&places), 1);
    });
}

#[test]
fn a_million_tasks_are_shut_down_on_one_thread() {
    let _alone = alone();
    within(PATIENCE, || {
        let runtime = multi_thread(1).current_thread().build().unwrap();
        timed("spawn 1,000,000 tasks from outside", || {
            (0..TASKS).for_each(|_| runtime.spawn(pending::<()>()).detach());
        });
        let report = timed("shut 1,000,000 tasks down that never ran", || runtime.shutdown(PATIENCE));
        assert!(report.is_clean(), "{report}");
        assert_eq!(report.tasks_dropped, TASKS);
    });
}

/// Tasks and calls that end in every way there is, and some that do not.
async fn lives() {
    async fn life(number: u64) -> bool {
        raddle::time::timeout(Duration::from_micros(number % 50), pending::<()>()).await.is_ok()
    }
    for number in 0..2_000 {
        let task = raddle::task::Builder::new().name("a name").spawn(life(number));
        match number % 4 {
            0 => drop(task.await),
            1 => task.cancel_with(String::from("a reason")),
            2 => task.detach(),
            _ => drop(raddle::spawn_blocking(|| vec![0; 100]).await),
        }
    }
    (0..2_000).for_each(|_| raddle::spawn(pending::<()>()).detach());
}

/// f29, by the byte: what a runtime and its tasks allocated is freed, however they ended.
#[test]
fn f29_nothing_is_leaked() {
    let _alone = alone();
    within(PATIENCE, || {
        let round = |_| {
            for builder in [multi_thread(2), multi_thread(1).current_thread()] {
                let runtime = builder.build().unwrap();
                runtime.block_on(lives());
                assert!(runtime.shutdown(PATIENCE).is_clean());
            }
            // The threads of the pool take their last bytes with them a little later.
            std::thread::sleep(Duration::from_millis(20));
            ALLOCATED.load(Relaxed)
        };
        let after: Vec<usize> = (0..6).map(round).collect();
        println!("allocated after each round: {after:?}");
        let least = after[1..].iter().min().unwrap();
        assert!(after[5] < least + 20_000, "it grows: {after:?}");
    });
}
