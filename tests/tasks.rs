//! Tasks: joining, detaching, panics, names and listings, giving way. Cancelling is in `cancel.rs`.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::gate::Gate;
use common::guard::{Bomb, Drops};
use common::{HANGS, current_thread, on_both, panic_of, panic_text, poll_once, within, workers, yields};
use raddle::task::{self, Builder};
use raddle::{consume_budget, spawn, spawn_blocking, yield_now};
use std::future::pending;
use std::sync::{Arc, Mutex};

#[test]
fn a_task_gives_its_output_to_whoever_joins() {
    on_both(|runtime| {
        let sum = runtime.block_on(async {
            let parent = spawn(async {
                let children: Vec<_> = (0..1_000_u64).map(|n| spawn(async move { n })).collect();
                let mut sum = 0;
                for child in children {
                    sum += child.await.unwrap();
                }
                sum
            });
            parent.await.unwrap()
        });
        assert_eq!(sum, 999 * 500);
        let outside = runtime.spawn(async { String::from("from outside") });
        assert_eq!(runtime.block_on(outside).unwrap(), "from outside");
    });
}

#[test]
fn a_task_may_be_joined_before_and_after_it_ends_and_on_another_runtime() {
    on_both(|runtime| {
        let gate = Gate::new();
        let (early, late) = (runtime.spawn(gate.wait()), runtime.spawn(async { 5 }));
        while !late.is_finished() {
            runtime.block_on(yields(5));
        }
        assert_eq!(workers(1).block_on(late).unwrap(), 5);
        assert!(!early.is_finished());
        gate.open();
        let joiner = runtime.spawn(async move { early.await.unwrap() });
        runtime.block_on(joiner).unwrap();
    });
}

#[test]
fn a_join_that_is_dropped_loses_nothing() {
    on_both(|runtime| {
        runtime.block_on(async {
            let gate = Gate::new();
            let wait = gate.wait();
            let mut task = spawn(async move {
                wait.await;
                7
            });
            for _ in 0..3 {
                assert!(poll_once(&mut task).await.is_none());
                // From another task, hence with another waker.
                let passed_on = spawn(async move {
                    assert!(poll_once(&mut task).await.is_none());
                    (task,)
                });
                task = passed_on.await.unwrap().0;
            }
            gate.open();
            assert_eq!(task.await.unwrap(), 7);
        });
    });
}

#[test]
fn a_join_handle_that_has_given_its_output_panics_when_polled_again() {
    on_both(|runtime| {
        let mut task = runtime.spawn(async { 1 });
        assert_eq!(runtime.block_on(&mut task).unwrap(), 1);
        assert!(task.is_finished());
        let text = panic_of(|| runtime.block_on(&mut task));
        assert!(text.contains("polled again"), "{text}");
    });
}

#[test]
fn a_detached_task_goes_on() {
    on_both(|runtime| {
        let (first, second) = (Gate::new(), Gate::new());
        let (wait, open) = (first.wait(), second.clone());
        runtime
            .spawn(async move {
                wait.await;
                open.open();
            })
            .detach();
        runtime.block_on(async {
            first.open();
            second.wait().await;
        });
    });
}

#[test]
fn a_panic_tells_message_name_and_spawn_site() {
    on_both(|runtime| {
        let _entered = runtime.enter();
        let line = line!() + 1;
        let task = Builder::new().name("the culprit").spawn(async { panic!("number {}", 7) });
        let error = runtime.block_on(task).unwrap_err();
        assert!(error.is_panic() && !error.is_cancelled());
        assert_eq!(error.panic_message(), Some("number 7"));
        assert_eq!((error.reason(), error.task_name()), (None, Some("the culprit")));
        assert_eq!((error.spawned_at().file(), error.spawned_at().line()), (file!(), line));
        let text = error.to_string();
        for part in ["the culprit", "number 7", "tests/tasks.rs:"] {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(panic_text(error.into_panic()), "number 7");
    });
}

#[test]
fn panics_of_every_kind_come_to_the_joiner() {
    on_both(|runtime| {
        runtime.block_on(async {
            let strange = spawn(async { std::panic::panic_any(7_u8) }).await.unwrap_err();
            assert_eq!(strange.panic_message(), None);
            assert!(strange.to_string().contains("not a string"), "{strange}");
            assert_eq!(*strange.into_panic().downcast::<u8>().unwrap(), 7);
            let blocking = spawn_blocking(|| panic!("in a call")).await.unwrap_err();
            assert_eq!(blocking.panic_message(), Some("in a call"));
            let later = spawn(async {
                yields(2).await;
                panic!("in a later poll")
            });
            assert_eq!(later.await.unwrap_err().panic_message(), Some("in a later poll"));
            let bomb = Bomb("when its future was dropped");
            let done = spawn(async move {
                yields(1).await;
                let _ = &bomb;
            });
            assert_eq!(done.await.unwrap_err().panic_message(), Some("when its future was dropped"));
        });
    });
}

#[test]
fn an_error_is_an_error_and_turns_into_an_io_error() {
    on_both(|runtime| {
        let task = runtime.spawn(pending::<()>());
        task.cancel_with("no reason");
        let error = runtime.block_on(task).unwrap_err();
        let text = error.to_string();
        let error: std::io::Error = error.into();
        assert_eq!(error.to_string(), text);
        let cancelled = runtime.spawn(pending::<()>());
        cancelled.cancel();
        let error = runtime.block_on(cancelled).unwrap_err();
        assert!(panic_of(|| error.into_panic()).contains("is_panic"));
    });
}

#[test]
fn a_name_is_seen_from_inside_and_outside() {
    on_both(|runtime| {
        let _entered = runtime.enter();
        let gate = Gate::new();
        let wait = gate.wait();
        let task = Builder::new().name("visible").spawn(async move {
            let before = task::current();
            wait.await;
            (before, task::current())
        });
        assert_eq!(task.name(), Some("visible"));
        let (id, site) = (task.id(), task.spawned_at());
        gate.open();
        let (before, after) = runtime.block_on(task).unwrap();
        for info in [before, after] {
            assert_eq!((info.id(), info.name()), (id, Some("visible")));
            assert_eq!(info.spawned_at(), site);
            assert!(info.is_running());
            assert!(info.to_string().contains("visible"));
        }
        let nameless = runtime.spawn(async { task::current() });
        assert_eq!(nameless.name(), None);
        assert_eq!(runtime.block_on(nameless).unwrap().name(), None);
        let call = Builder::new().name("a call").spawn_blocking(|| task::current().name().map(String::from));
        assert_eq!(runtime.block_on(call).unwrap().as_deref(), Some("a call"));
    });
}

#[test]
fn all_lists_the_tasks_that_live() {
    on_both(|runtime| {
        let gate = Gate::new();
        let _entered = runtime.enter();
        let build = |name: &str| Builder::new().name(name).spawn(gate.wait());
        let tasks: Vec<_> = ["a", "b", "c"].into_iter().map(build).collect();
        let (listed, me) = runtime.block_on(async {
            yields(5).await;
            let lister = Builder::new().name("lister").spawn(async { (task::all(), task::current()) });
            lister.await.unwrap()
        });
        let mut names: Vec<_> = listed.iter().filter_map(|info| info.name()).collect();
        names.sort_unstable();
        assert_eq!(names, ["a", "b", "c", "lister"]);
        let mine = listed.iter().find(|info| info.id() == me.id()).unwrap();
        assert!(mine.is_running());
        gate.open();
        tasks.into_iter().for_each(|task| runtime.block_on(task).unwrap());
        common::eventually("nobody is left", || {
            runtime.block_on(yields(5));
            runtime.handle().tasks().is_empty()
        });
    });
}

#[test]
fn all_may_be_listed_while_tasks_come_and_go() {
    within(HANGS, || {
        let runtime = workers(2);
        let stop = Gate::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut seen = std::collections::HashSet::new();
                while !stop.is_open() {
                    let ids: Vec<_> = runtime.handle().tasks().iter().map(|info| info.id()).collect();
                    let unique: std::collections::HashSet<_> = ids.iter().collect();
                    assert_eq!(unique.len(), ids.len(), "a task is listed twice");
                    seen.extend(ids);
                }
                println!("{} seen", seen.len());
            });
            for _ in 0..300 {
                let tasks: Vec<_> = (0..50).map(|n| runtime.spawn(yields(n % 5))).collect();
                tasks.into_iter().for_each(|task| runtime.block_on(task).unwrap());
            }
            stop.open();
        });
        assert_eq!(runtime.metrics().alive_tasks(), 0);
        assert_eq!(runtime.metrics().spawned(), 300 * 50);
    });
}

#[test]
fn ids_are_unique_across_runtimes_and_threads() {
    let ids = Arc::new(Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let runtime = workers(2);
                let tasks: Vec<_> =
                    (0..2_000).map(|_| runtime.spawn(async { task::current().id() })).collect();
                for task in tasks {
                    let id = task.id();
                    assert_eq!(runtime.block_on(task).unwrap(), id);
                    ids.lock().unwrap().push(id);
                }
            });
        }
    });
    let mut ids = std::mem::take(&mut *ids.lock().unwrap());
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 6_000);
}

#[test]
fn yielding_lets_every_other_task_go_first() {
    within(HANGS, || {
        for runtime in [workers(1), current_thread()] {
            async fn logger(name: usize, log: Arc<Mutex<Vec<usize>>>) {
                for _ in 0..20 {
                    log.lock().unwrap().push(name);
                    yield_now().await;
                }
            }
            async fn all(log: Arc<Mutex<Vec<usize>>>) {
                let tasks = [0, 1, 2, 3].map(|name| spawn(logger(name, log.clone())));
                for task in tasks {
                    task.await.unwrap();
                }
            }
            let log = Arc::new(Mutex::new(Vec::new()));
            let parent = runtime.spawn(all(log.clone()));
            runtime.block_on(parent).unwrap();
            let log = log.lock().unwrap();
            for turn in log.chunks(4).skip(1) {
                let mut turn = turn.to_vec();
                turn.sort_unstable();
                assert_eq!(turn, [0, 1, 2, 3], "{log:?}");
            }
        }
    });
}

#[test]
fn a_yield_polled_through_a_foreign_waker_wakes_it() {
    on_both(|runtime| {
        let both = async { futures_lite::future::zip(yields(3), yields(5)).await };
        runtime.block_on(async { spawn(both).await.unwrap() });
        futures_lite::future::block_on(yields(3));
    });
}

#[test]
fn the_budget_makes_a_ready_loop_give_way_now_and_then() {
    within(HANGS, || {
        for runtime in [workers(1), current_thread()] {
            async fn turns_until(stop: Gate) -> usize {
                let mut turns = 0;
                while !stop.is_open() {
                    turns += 1;
                    yield_now().await;
                }
                turns
            }
            let parent = runtime.spawn(async {
                let stop = Gate::new();
                let counter = spawn(turns_until(stop.clone()));
                for _ in 0..10_000 {
                    consume_budget().await;
                }
                stop.open();
                counter.await.unwrap()
            });
            let turns = runtime.block_on(parent).unwrap();
            assert!((50..=200).contains(&turns), "10000 operations gave way {turns} times");
        }
    });
}

#[test]
fn every_future_is_dropped_before_its_output_is_seen() {
    on_both(|runtime| {
        let drops = Drops::new();
        runtime.block_on(async {
            for turn in 1..=200 {
                let guard = drops.guard();
                spawn(async move {
                    let _guard = guard;
                    yields(turn % 3).await;
                })
                .await
                .unwrap();
                assert_eq!(drops.dropped(), turn);
            }
        });
    });
}

#[test]
fn metrics_count_tasks() {
    on_both(|runtime| {
        let gate = Gate::new();
        let tasks: Vec<_> = (0..10).map(|_| runtime.spawn(gate.wait())).collect();
        common::eventually("all wait", || {
            runtime.block_on(yields(5));
            gate.waits() == 10
        });
        let metrics = runtime.metrics();
        assert_eq!((metrics.alive_tasks(), metrics.spawned()), (10, 10));
        gate.open();
        tasks.into_iter().for_each(|task| runtime.block_on(task).unwrap());
        common::eventually("none is alive", || metrics.alive_tasks() == 0);
        assert!(metrics.polls() >= 20);
        assert_eq!(metrics.injected(), 20, "spawned and woken from this thread, which is no worker");
    });
}
