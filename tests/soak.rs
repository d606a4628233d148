//! A soak: tasks that do random things to each other on runtimes with random settings, from several threads, and a
//! checker that knows what must have become of each: every task ended exactly once, every output and every panic
//! reached someone.
//!
//! It runs for three seconds, or as many as `RADDLE_SOAK_SECONDS` says (sixty before a release, in debug and in
//! release). What goes wrong is printed with the seed of its round; `RADDLE_SOAK_SEED` begins with that round again.
//! Threads are not part of the seed, so the same round may need a few tries.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::guard::Drops;
use common::{multi_thread, polling, within, workers, yields};
use raddle::runtime::{Handle, PanicPolicy, Runtime};
use raddle::task::{JoinError, JoinHandle};
use raddle::time::{Duration, sleep, timeout};
use raddle::{block_in_place, consume_budget, spawn, spawn_blocking, spawn_pinned, task_local};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Instant;

/// A round that takes longer than this hangs.
const ROUND_MAX: Duration = Duration::from_secs(30);

/// A small generator (splitmix64): a seed is all of its state.
#[derive(Clone)]
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn micros(&mut self, n: u64) -> Duration {
        Duration::from_micros(self.below(n))
    }
}

/// What the checker knows of a round.
#[derive(Clone, Default)]
struct Books {
    /// One guard in each future and call.
    futures: Drops,
    /// One guard in each output.
    outputs: Drops,
    counts: Arc<Counts>,
    /// Tasks that wait to be woken by any other.
    parked: Arc<Mutex<Vec<Waker>>>,
}

#[derive(Default)]
struct Counts {
    panicked: AtomicUsize,
    panics_joined: AtomicUsize,
    panics_reported: AtomicUsize,
    finished: AtomicUsize,
    cancelled: AtomicUsize,
}

/// The output of a task: the number it was given.
struct Output {
    number: u64,
    _guard: common::guard::Guard,
}

type Step<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

task_local! {
    static LANE: u64;
    inherit static FAMILY: u64;
}

/// What may have been done to a task before it was joined.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    /// Nothing: it ends by itself.
    Free,
    /// Someone asked it to end.
    Asked,
    /// The runtime may shut down under it.
    Doomed,
}

impl Books {
    /// The body of a task: a few steps, then its number.
    async fn body(self, number: u64, seed: u64, depth: u32) -> Output {
        let _guard = self.futures.guard();
        let mut rng = Rng(seed);
        for _ in 0..rng.below(6) {
            self.step(&mut rng, depth).await;
        }
        if rng.below(20) == 0 {
            self.counts.panicked.fetch_add(1, SeqCst);
            // Without the message.
            std::panic::resume_unwind(Box::new("soak"));
        }
        Output { number, _guard: self.outputs.guard() }
    }

    fn step<'a>(&'a self, rng: &'a mut Rng, depth: u32) -> Step<'a> {
        let choice = rng.below(if depth == 0 { 9 } else { 18 });
        Box::pin(async move {
            match choice {
                0 => yields(rng.below(4) as usize).await,
                1 => sleep(rng.micros(1_500)).await,
                2 => _ = timeout(rng.micros(400), sleep(rng.micros(400))).await,
                3 => _ = timeout(rng.micros(2_000), self.park()).await,
                4 | 5 => self.wake(rng),
                6 => {
                    let micros = if rng.below(20) == 0 { 15_000 } else { 300 };
                    std::thread::sleep(rng.micros(micros));
                }
                7 => self.blocking(rng).await,
                8 => (0..rng.below(300)).for_each(|_| std::hint::spin_loop()),
                9 => self.in_place(rng),
                10 => self.pinned(rng).await,
                11 => self.scoped(rng, depth).await,
                12 => {
                    for _ in 0..rng.below(300) {
                        consume_budget().await;
                    }
                }
                _ => self.family(rng, depth).await,
            }
        })
    }

    /// Waits until someone wakes a task that waits so.
    async fn park(&self) {
        let mut waited = false;
        polling(move |cx| {
            if std::mem::replace(&mut waited, true) {
                return Poll::Ready(());
            }
            self.parked.lock().unwrap().push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn wake(&self, rng: &mut Rng) {
        let taken = {
            let mut parked = self.parked.lock().unwrap();
            let from = parked.len().saturating_sub(rng.below(4) as usize);
            parked.split_off(from)
        };
        taken.iter().for_each(Waker::wake_by_ref);
        if rng.below(2) == 0 {
            taken.into_iter().for_each(Waker::wake);
        }
    }

    async fn blocking(&self, rng: &mut Rng) {
        let (number, wait, guard, outputs) =
            (rng.next(), rng.micros(300), self.futures.guard(), self.outputs.clone());
        let call = spawn_blocking(move || {
            let _guard = guard;
            std::thread::sleep(wait);
            Output { number, _guard: outputs.guard() }
        });
        match rng.below(4) {
            0 => call.detach(),
            1 => {
                call.cancel();
                self.join(call, number, Fate::Asked).await;
            }
            _ => self.join(call, number, Fate::Doomed).await,
        }
    }

    fn in_place(&self, rng: &mut Rng) {
        let wait = rng.micros(500);
        let nested = rng.below(2) == 0 && can_block();
        block_in_place(|| {
            if nested {
                let inner = timeout(wait, self.park());
                // Looked at once: a sleep that is awaited when its runtime ends would panic.
                Handle::current().block_on(async { _ = common::poll_once(inner).await });
            } else {
                std::thread::sleep(wait);
            }
        });
    }

    async fn pinned(&self, rng: &mut Rng) {
        if !can_block() {
            // Several threads take turns with a current-thread runtime's tasks: a pinned future cannot follow.
            return;
        }
        let (number, turns, guard, outputs) =
            (rng.next(), rng.below(5), self.futures.guard(), self.outputs.clone());
        let task = spawn_pinned(move || async move {
            let guard = std::rc::Rc::new(guard);
            yields(turns as usize).await;
            drop(guard);
            Output { number, _guard: outputs.guard() }
        });
        if rng.below(3) == 0 { task.detach() } else { self.join(task, number, Fate::Doomed).await }
    }

    async fn scoped(&self, rng: &mut Rng, depth: u32) {
        let (lane, seed) = (rng.next(), rng.next());
        let inner = LANE.scope(lane, async move {
            let mut rng = Rng(seed);
            self.step(&mut rng, depth - 1).await;
            assert_eq!(LANE.get(), lane);
            let child = spawn(async { (LANE.try_with(|_| ()), FAMILY.get()) });
            if let Ok((lane, family)) = child.await {
                assert_eq!((lane, family), (None, seed));
            }
        });
        FAMILY.scope(seed, inner).await;
    }

    /// Spawns a few children and does something to each.
    async fn family(&self, rng: &mut Rng, depth: u32) {
        let mut children = Vec::new();
        for _ in 0..rng.below(5) {
            let number = rng.next();
            let child = spawn(self.clone().body(number, rng.next(), depth - 1));
            match rng.below(8) {
                0 => child.detach(),
                1 => {
                    child.cancel();
                    children.push((child, number, Fate::Asked));
                }
                2 => {
                    let cancel = child.abort_handle();
                    let grace = rng.micros(300);
                    spawn_blocking(move || cancel.cancel_within(grace)).detach();
                    children.push((child, number, Fate::Asked));
                }
                3 => {
                    let cancel = child.abort_handle();
                    spawn(async move { cancel.cancel_with("soak") }).detach();
                    children.push((child, number, Fate::Asked));
                }
                _ => children.push((child, number, Fate::Doomed)),
            }
        }
        for (child, number, fate) in children {
            self.join(child, number, fate).await;
        }
    }

    async fn join(&self, task: JoinHandle<Output>, number: u64, fate: Fate) {
        let result = task.await;
        self.judge(result, number, fate);
    }

    fn judge(&self, result: Result<Output, JoinError>, number: u64, fate: Fate) {
        match result {
            Ok(output) => {
                assert_eq!(output.number, number, "the output of another task");
                self.counts.finished.fetch_add(1, SeqCst);
            }
            Err(error) if error.is_panic() => {
                assert_eq!(error.panic_message(), Some("soak"), "{error}");
                self.counts.panics_joined.fetch_add(1, SeqCst);
            }
            Err(error) => {
                assert!(error.is_cancelled() && fate != Fate::Free, "{error}");
                self.counts.cancelled.fetch_add(1, SeqCst);
            }
        }
    }

    /// Everything has ended: the books must balance.
    fn balance(&self) {
        let count = |counter: &AtomicUsize| counter.load(SeqCst);
        let counts = &self.counts;
        // The pool's threads drop the last of a call after its end is known.
        common::eventually("every future is dropped", || self.futures.made() == self.futures.dropped());
        common::eventually("every output is dropped", || self.outputs.made() == self.outputs.dropped());
        let told = count(&counts.panics_joined) + count(&counts.panics_reported);
        assert_eq!(count(&counts.panicked), told, "panics that somebody was told of");
        assert!(count(&counts.finished) <= self.outputs.made());
    }
}

/// On a current-thread runtime nobody takes over, so `block_in_place` does not let `block_on` nest.
fn can_block() -> bool {
    std::thread::current().name().is_some_and(|name| name.contains("worker"))
}

/// A runtime as the seed says.
fn runtime(rng: &mut Rng, books: &Books) -> Runtime {
    let counts = books.counts.clone();
    let hook = move |panic: &raddle::runtime::TaskPanic<'_>| {
        assert_eq!(panic.message(), Some("soak"));
        counts.panics_reported.fetch_add(1, SeqCst);
    };
    let builder = match rng.below(4) {
        0 => multi_thread(1).current_thread(),
        n => multi_thread(n as usize),
    };
    let builder = builder.max_blocking_threads(1 + rng.below(6) as usize).seed(rng.next());
    let builder = builder.thread_keep_alive(rng.micros(20_000)).blocked_after(Duration::from_millis(10));
    builder.on_panic(PanicPolicy::Call(Arc::new(hook))).build().expect("a runtime")
}

/// Spawns from outside, on a thread of its own, for a while; joins what it spawned, unless the runtime ends before.
fn outsider(handle: &Handle, books: &Books, mut rng: Rng, ends: bool) {
    let fate = if ends { Fate::Doomed } else { Fate::Free };
    for _ in 0..rng.below(30) {
        let mut tasks = Vec::new();
        for _ in 0..rng.below(20) {
            let number = rng.next();
            let task = handle.spawn(books.clone().body(number, rng.next(), 3));
            match rng.below(10) {
                0 => task.detach(),
                1 => {
                    task.cancel_with("from outside");
                    tasks.push((task, number, Fate::Asked));
                }
                _ => tasks.push((task, number, fate)),
            }
        }
        books.wake(&mut rng);
        for (task, number, fate) in tasks {
            // Half of them through the runtime, half without.
            let result = if rng.below(2) == 0 { handle.block_on(task) } else { foreign(handle, task) };
            books.judge(result, number, fate);
        }
    }
}

/// Joins on an executor that is not the runtime's; a current-thread runtime needs someone in `block_on` all the same.
fn foreign<T: Send + 'static>(handle: &Handle, task: JoinHandle<T>) -> Result<T, JoinError> {
    if handle.metrics().active_workers() == 1 {
        handle.block_on(task)
    } else {
        futures_lite::future::block_on(task)
    }
}

fn round(seed: u64) -> Books {
    let (mut rng, books) = (Rng(seed), Books::default());
    let runtime = runtime(&mut rng, &books);
    let ends = rng.below(2) == 0;
    let until_end = rng.micros(100_000);
    let outsiders: Vec<_> = (0..1 + rng.below(4))
        .map(|_| {
            let (handle, books, rng) = (runtime.handle().clone(), books.clone(), Rng(rng.next()));
            std::thread::spawn(move || outsider(&handle, &books, rng, ends))
        })
        .collect();
    if ends {
        std::thread::sleep(until_end);
    } else {
        outsiders.iter().for_each(|thread| {
            while !thread.is_finished() {
                std::thread::yield_now()
            }
        });
    }
    let handle = runtime.handle().clone();
    let report = runtime.shutdown(ROUND_MAX / 2);
    assert!(report.is_clean(), "{report}");
    for thread in outsiders {
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    }
    books.parked.lock().unwrap().clear();
    common::eventually("no task is alive", || handle.metrics().alive_tasks() == 0);
    books.balance();
    books
}

fn setting(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name}={value:?}: a whole number is wanted")))
}

#[test]
fn random_tasks_end_exactly_once() {
    let limit = Duration::from_secs(setting("RADDLE_SOAK_SECONDS").unwrap_or(3));
    let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    let mut seeds = Rng(now().as_nanos() as u64);
    let mut seed = setting("RADDLE_SOAK_SEED").unwrap_or_else(|| seeds.next());
    let (began, mut rounds, mut sums) = (Instant::now(), 0, [0; 5]);
    let mut longest = (Duration::ZERO, 0);
    while began.elapsed() < limit {
        let round_began = Instant::now();
        let books =
            std::panic::catch_unwind(|| within(ROUND_MAX, move || round(seed))).unwrap_or_else(|panic| {
                eprintln!("the soak failed in a round with RADDLE_SOAK_SEED={seed}");
                std::panic::resume_unwind(panic)
            });
        let counts = &books.counts;
        let joined = [&counts.finished, &counts.cancelled, &counts.panics_joined, &counts.panics_reported];
        sums[0] += books.futures.made();
        sums.iter_mut().skip(1).zip(joined).for_each(|(sum, count)| *sum += count.load(SeqCst));
        rounds += 1;
        longest = longest.max((round_began.elapsed(), seed));
        seed = seeds.next();
    }
    let [tasks, finished, cancelled, joined, reported] = sums;
    println!(
        "{rounds} rounds in {:?}: {tasks} tasks and calls began; joined: {finished} finished,",
        began.elapsed()
    );
    println!("{cancelled} cancelled, {joined} panicked; {reported} panics that nobody joined were reported");
    println!("the longest round took {:?} (RADDLE_SOAK_SEED={})", longest.0, longest.1);
    assert!(rounds > 0 && workers(1).shutdown(ROUND_MAX).is_clean());
}
