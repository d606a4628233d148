//! `block_on`: where it may be called, by how many at once, and who runs the tasks of a current-thread runtime.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::gate::Gate;
use common::guard::Drops;
use common::{HANGS, SOON, current_thread, flavours, on_both, panic_of, within, workers, yields};
use raddle::runtime::{Handle, Runtime};
use raddle::time::{Duration, sleep};
use raddle::{spawn, spawn_blocking, yield_now};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

#[test]
fn block_on_inside_async_code_panics_and_says_what_to_do() {
    for (_, builder) in flavours() {
        within(HANGS, move || {
            let runtime = builder.build().unwrap();
            let (other, third) = (workers(1), current_thread());
            refuse_to_nest(&runtime, runtime.handle());
            refuse_to_nest(&runtime, other.handle());
            refuse_to_nest(&runtime, third.handle());
            let in_run = runtime.block_on(async { panic_of(|| raddle::run(async {})) });
            assert!(in_run.contains("inside async code"), "{in_run}");
            // It still works, in all the places where it may be called.
            assert_eq!(runtime.block_on(async { 5 }), 5);
            let handle = runtime.handle().clone();
            let nested = async { spawn(async { 6 }).await.unwrap() };
            let call = runtime.spawn_blocking(move || handle.block_on(nested));
            assert_eq!(runtime.block_on(call).unwrap(), 6);
        });
    }
}

/// In a task and in a root of `outer`, `block_on` of `inner` is refused.
fn refuse_to_nest(outer: &Runtime, inner: &Handle) {
    let handle = inner.clone();
    let in_task = outer.spawn(async move { panic_of(|| handle.block_on(async {})) });
    let in_root = outer.block_on(async { panic_of(|| inner.block_on(async {})) });
    for text in [outer.block_on(in_task).unwrap(), in_root] {
        assert!(text.contains("block_on was called inside async code"), "{text}");
        assert!(text.contains(".await") && text.contains("block_in_place"), "{text}");
    }
}

#[test]
fn block_on_may_be_called_by_many_threads_at_once() {
    async fn sum(number: u64, turn: u64) -> u64 {
        let child = spawn(async move { number });
        sleep(Duration::from_micros(turn * 20)).await;
        child.await.unwrap() + spawn_blocking(|| 1).await.unwrap()
    }
    on_both(|runtime| {
        let caller = |number| {
            for turn in 0..20 {
                assert_eq!(runtime.block_on(sum(number, turn)), number + 1);
            }
        };
        std::thread::scope(|scope| (0..6).for_each(|number| drop(scope.spawn(move || caller(number)))));
    });
}

#[test]
fn current_thread_tasks_run_on_the_thread_in_block_on_only() {
    within(HANGS, || {
        let runtime = current_thread();
        let ran = Gate::new();
        let mark = ran.clone();
        let task = runtime.spawn(async move {
            mark.open();
            std::thread::current().id()
        });
        assert!(!ran.is_open(), "nobody runs it yet");
        assert_eq!(runtime.block_on(task).unwrap(), std::thread::current().id());
    });
}

#[test]
fn a_root_that_yields_lets_the_tasks_of_its_thread_go_first() {
    within(HANGS, || {
        let runtime = current_thread();
        let ran = Arc::new(AtomicUsize::new(0));
        for _ in 0..10 {
            let ran = ran.clone();
            runtime.spawn(async move { ran.fetch_add(1, SeqCst) }).detach();
        }
        runtime.block_on(yield_now());
        assert_eq!(ran.load(SeqCst), 10);
    });
}

/// Another thread runs the tasks of a current-thread runtime when it is shut down.
#[test]
fn shutdown_waits_for_the_thread_that_runs_the_tasks() {
    within(HANGS, || {
        for _ in 0..20 {
            let runtime = current_thread();
            let (drops, polling) = (Drops::new(), Gate::new());
            for _ in 0..10 {
                let guard = drops.guard();
                runtime.spawn(async move { drop((pending::<()>().await, guard)) }).detach();
            }
            let here = polling.clone();
            let long = runtime.spawn(async move {
                yields(20).await;
                here.open();
                std::thread::sleep(Duration::from_millis(20));
                pending::<()>().await;
            });
            let handle = runtime.handle().clone();
            let thread = std::thread::spawn(move || handle.block_on(long).unwrap_err().is_cancelled());
            polling.block();
            let report = runtime.shutdown(SOON);
            assert!(report.is_clean(), "{report}");
            assert_eq!((report.tasks_dropped, drops.dropped()), (11, 10), "{report}");
            assert!(thread.join().unwrap());
        }
    });
}

/// The root panics in the very turn in which its thread was woken to look for work: whoever pushes later relies on it.
#[test]
fn a_root_that_panics_while_its_thread_searches_leaves_the_runtime_awake() {
    for _ in 0..30 {
        within(SOON, || {
            let runtime = current_thread();
            let (bad, good) = (Gate::new(), Gate::new());
            let (parked, opener) = (runtime.handle().clone(), bad.clone());
            let thread = std::thread::spawn(move || {
                until_parked(&opener);
                parked.spawn(async {}).detach();
                opener.open();
            });
            let root = async {
                bad.wait().await;
                panic!("on purpose")
            };
            assert_eq!(panic_of(|| runtime.block_on(root)), "on purpose");
            thread.join().unwrap();
            let (parked, opener) = (runtime.handle().clone(), good.clone());
            let thread = std::thread::spawn(move || {
                until_parked(&opener);
                parked.spawn(async move { opener.open() }).detach();
            });
            runtime.block_on(good.wait());
            thread.join().unwrap();
        });
    }
}

/// Waits until a thread that waits for `gate` in `block_on` sleeps, as far as anyone can tell.
fn until_parked(gate: &Gate) {
    common::eventually("the thread looks at its gate", || gate.waits() > 0);
    std::thread::sleep(Duration::from_millis(1));
}
