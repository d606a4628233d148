//! Calls that block: f15 f16 f17 f19 f43.

use crate::common::gate::Gate;
use crate::common::guard::Drops;
use crate::common::{
    HANGS, SOON, current_thread, eventually, flavours, multi_thread, on_both, within, workers,
};
use raddle::runtime::{Builder, Handle, Runtime};
use raddle::time::sleep;
use raddle::{block_in_place, spawn, spawn_blocking};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

#[test]
fn f15_a_task_in_the_fast_slot_goes_on_when_its_worker_blocks() {
    for runtime in [workers(1), workers(2)] {
        within(HANGS, move || (0..100).for_each(|_| block_behind_a_push(&runtime)));
    }
}

/// A task wakes one and spawns another, which each lands in the slot of its worker, and blocks until they have run.
fn block_behind_a_push(runtime: &Runtime) {
    let (start, woken, spawned) = (Gate::new(), Gate::new(), Gate::new());
    let (waits, signal) = (start.wait(), woken.clone());
    let waiter = runtime.spawn(async move {
        waits.await;
        signal.open();
    });
    let blocker = runtime.spawn(async move {
        start.open();
        block_in_place(|| woken.block());
        let signal = spawned.clone();
        spawn(async move { signal.open() }).detach();
        block_in_place(|| spawned.block());
    });
    runtime.block_on(async { (waiter.await.unwrap(), blocker.await.unwrap()) });
}

#[test]
fn f16_block_on_inside_block_in_place_nests() {
    fn nested(depth: usize) -> usize {
        block_in_place(|| {
            Handle::current().block_on(async move {
                sleep(Duration::from_micros(100)).await;
                let child = spawn(async move { if depth == 0 { 0 } else { nested(depth - 1) } });
                child.await.unwrap() + 1
            })
        })
    }
    for runtime in [workers(1), workers(2)] {
        within(HANGS, move || {
            for _ in 0..10 {
                assert_eq!(runtime.block_on(async { spawn(async { nested(8) }).await.unwrap() }), 9);
                // And in the root of a block_on, which is no task.
                assert_eq!(runtime.block_on(async { nested(3) }), 4);
            }
        });
    }
}

#[test]
fn f16_a_mutex_held_by_a_task_behind_the_blocked_one_is_released() {
    for runtime in [workers(1), workers(2)] {
        within(HANGS, move || {
            (0..50).for_each(|_| runtime.block_on(runtime.spawn(lock_and_block())).unwrap())
        });
    }
}

/// Waits, blocked, for what a task holds that its own worker has to run.
async fn lock_and_block() {
    let (locked, unlocked) = (Gate::new(), Gate::new());
    let (held, release) = (locked.clone(), unlocked.clone());
    let holder = spawn(async move {
        held.open();
        // Woken by a push of the task below, into the slot of the worker that then blocks.
        raddle::yield_now().await;
        release.open();
    });
    locked.wait().await;
    block_in_place(|| Handle::current().block_on(unlocked.wait()));
    holder.await.unwrap();
}

#[test]
fn f16_many_block_at_once() {
    const AT_ONCE: usize = 50;
    within(HANGS, || {
        let runtime = workers(2);
        for _ in 0..3 {
            let all_here = Arc::new(Barrier::new(AT_ONCE));
            let blocker = |_| {
                let all_here = all_here.clone();
                runtime.spawn(async move { block_in_place(|| all_here.wait()) })
            };
            let tasks: Vec<_> = (0..AT_ONCE).map(blocker).collect();
            tasks.into_iter().for_each(|task| drop(runtime.block_on(task)));
        }
        assert!(runtime.shutdown(SOON).is_clean());
    });
}

#[test]
fn f16_shutdown_does_not_wait_for_ever_for_a_task_that_blocks_in_place() {
    within(HANGS, || {
        let runtime = workers(2);
        let (blocks, release) = (Gate::new(), Gate::new());
        let (here, until) = (blocks.clone(), release.clone());
        let task = runtime.spawn(async move {
            block_in_place(|| {
                here.open();
                until.block();
                // The runtime has shut down: what is asked of it now ends, too.
                let spawned = Handle::current().spawn(async {});
                assert!(Handle::current().block_on(spawned).unwrap_err().is_cancelled());
            });
        });
        blocks.block();
        let report = runtime.shutdown(Duration::from_millis(50));
        assert_eq!((report.tasks_stuck.len(), report.tasks_left), (1, 1), "{report}");
        release.open();
        futures_lite::future::block_on(task).unwrap();
    });
}

#[test]
fn f17_every_job_runs_whatever_the_bound() {
    const SENDERS: usize = 4;
    const JOBS: usize = 500;
    for threads in [1, 3, 512] {
        on_bounded(threads, |handle| {
            let ran = AtomicUsize::new(0);
            let ran: &'static AtomicUsize = Box::leak(Box::new(ran));
            let send = |turn| {
                let job = handle.spawn_blocking(|| ran.fetch_add(1, SeqCst));
                // Sometimes all threads are idle, sometimes none.
                if turn % 7 == 0 { handle.block_on(job).map(drop).unwrap() } else { job.detach() }
            };
            let sender = || (0..JOBS).for_each(send);
            std::thread::scope(|scope| (0..SENDERS).for_each(|_| drop(scope.spawn(sender))));
            eventually("all jobs ran", || ran.load(SeqCst) == SENDERS * JOBS);
        });
    }
}

fn on_bounded(threads: usize, test: impl Fn(&Handle) + Copy + Send + 'static) {
    for (_, builder) in flavours() {
        within(HANGS, move || {
            let runtime = builder.max_blocking_threads(threads).build().unwrap();
            test(runtime.handle());
            assert!(runtime.metrics().blocking_threads() <= threads);
            assert!(runtime.shutdown(SOON).is_clean());
        });
    }
}

#[test]
fn f17_jobs_that_wait_for_one_another_all_get_a_thread() {
    on_bounded(8, |handle| {
        for size in (1..=8).cycle().take(200) {
            let all_here = Arc::new(Barrier::new(size));
            let job = |_| {
                let all_here = all_here.clone();
                handle.spawn_blocking(move || all_here.wait())
            };
            let jobs: Vec<_> = (0..size).map(job).collect();
            jobs.into_iter().for_each(|job| assert!(handle.block_on(job).is_ok()));
        }
    });
}

#[test]
fn f17_a_job_whose_thread_cannot_start_ends_in_an_error() {
    within(HANGS, || {
        // No machine has that much address space for a stack; the flavour has no threads but those of the pool.
        let builder = Builder::new().current_thread().thread_stack_size(1 << 46);
        let runtime = builder.build().unwrap();
        for _ in 0..3 {
            let drops = Drops::new();
            let guard = drops.guard();
            let job = runtime.spawn_blocking(move || drop(guard));
            let error = runtime.block_on(job).unwrap_err();
            assert!(error.is_cancelled(), "{error}");
            assert_eq!(drops.dropped(), 1);
        }
        let metrics = runtime.metrics();
        assert_eq!((metrics.blocking_threads(), metrics.blocking_queued()), (0, 0));
        assert!(runtime.shutdown(SOON).is_clean());
    });
}

#[test]
fn f17_the_pool_shrinks_when_it_is_idle_and_grows_again() {
    within(HANGS, || {
        let runtime = multi_thread(1).thread_keep_alive(Duration::from_millis(20)).build().unwrap();
        for _ in 0..2 {
            let all_here = Arc::new(Barrier::new(8));
            for _ in 0..8 {
                let all_here = all_here.clone();
                runtime.spawn_blocking(move || all_here.wait()).detach();
            }
            eventually("eight threads", || runtime.metrics().blocking_threads() == 8);
            eventually("no threads", || runtime.metrics().blocking_threads() == 0);
        }
    });
}

#[test]
fn f17_extra_threads_expire_although_there_is_some_work() {
    within(HANGS, || {
        let runtime = multi_thread(1).thread_keep_alive(Duration::from_millis(100)).build().unwrap();
        let all_here = Arc::new(Barrier::new(8));
        for _ in 0..8 {
            let all_here = all_here.clone();
            runtime.spawn_blocking(move || all_here.wait()).detach();
        }
        eventually("one or two threads", || {
            runtime.block_on(runtime.spawn_blocking(|| ())).unwrap();
            runtime.metrics().blocking_threads() <= 2
        });
    });
}

#[test]
fn f17_a_job_that_waits_for_a_thread_can_be_cancelled() {
    on_bounded(1, |handle| {
        let (started, release, ran) = (Gate::new(), Gate::new(), Arc::new(AtomicBool::new(false)));
        let (here, until) = (started.clone(), release.clone());
        let first = handle.spawn_blocking(move || {
            here.open();
            until.block();
        });
        started.block();
        let mark = ran.clone();
        let second = handle.spawn_blocking(move || mark.store(true, SeqCst));
        second.cancel_with("not needed");
        first.cancel();
        release.open();
        // One that runs is not disturbed, one that waits never begins.
        handle.block_on(first).unwrap();
        let error = handle.block_on(second).unwrap_err();
        assert_eq!(error.reason(), Some("not needed"));
        assert!(!ran.load(SeqCst));
    });
}

#[test]
fn f19_what_a_blocking_call_writes_is_there_when_the_runtime_has_ended() {
    for (_, builder) in flavours() {
        within(HANGS, move || {
            let written = Arc::new(AtomicBool::new(false));
            let (started, mark) = (Gate::new(), written.clone());
            let here = started.clone();
            let runtime = builder.build().unwrap();
            runtime.block_on(async {
                spawn_blocking(move || {
                    here.open();
                    // Long enough for the runtime to end first, if it did not wait.
                    std::thread::sleep(Duration::from_millis(50));
                    mark.store(true, SeqCst);
                })
                .detach();
                started.wait().await;
            });
            drop(runtime);
            assert!(written.load(SeqCst));
        });
    }
}

#[test]
fn f43_a_blocking_call_that_does_not_end_delays_shutdown_by_the_time_limit_only() {
    on_both_ended(|builder, release| {
        let runtime = builder.max_blocking_threads(1).build().unwrap();
        let (started, until) = (Gate::new(), release.clone());
        let here = started.clone();
        let runs = runtime.spawn_blocking(move || {
            here.open();
            until.block();
        });
        let waits = runtime.spawn_blocking(|| ());
        started.block();
        let began = Instant::now();
        let report = runtime.shutdown(Duration::from_millis(100));
        assert_eq!(report.blocking_abandoned, 1, "{report}");
        assert!((Duration::from_millis(100)..SOON).contains(&began.elapsed()));
        assert!(futures_lite::future::block_on(waits).unwrap_err().is_cancelled());
        assert!(!runs.is_finished());
    });
}

#[test]
fn f43_dropping_a_runtime_waits_for_its_time_limit_only() {
    on_both_ended(|builder, release| {
        let runtime = builder.shutdown_timeout(Duration::from_millis(100)).build().unwrap();
        let (started, until) = (Gate::new(), release.clone());
        let here = started.clone();
        runtime
            .spawn_blocking(move || {
                here.open();
                until.block();
            })
            .detach();
        started.block();
        let began = Instant::now();
        drop(runtime);
        assert!(began.elapsed() < SOON);
    });
}

/// Runs `test` with each flavour's builder and a gate that is opened afterwards.
fn on_both_ended(test: impl Fn(Builder, &Gate) + Copy + Send + 'static) {
    for (_, builder) in flavours() {
        within(HANGS, move || {
            let release = Gate::new();
            test(builder, &release);
            release.open();
        });
    }
}

#[test]
fn f43_idle_threads_of_the_pool_are_no_calls_that_were_abandoned() {
    for _ in 0..20 {
        on_both(|runtime| {
            let jobs: Vec<_> = (0..4).map(|_| runtime.spawn_blocking(|| ())).collect();
            jobs.into_iter().for_each(|job| runtime.block_on(job).unwrap());
        });
        for runtime in [workers(1), current_thread()] {
            let jobs: Vec<_> = (0..4).map(|_| runtime.spawn_blocking(|| ())).collect();
            jobs.into_iter().for_each(|job| runtime.block_on(job).unwrap());
            let report = runtime.shutdown(Duration::ZERO);
            assert_eq!(report.blocking_abandoned, 0, "no call was running: {report}");
        }
    }
}
