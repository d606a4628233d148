//! The end of a runtime: what it does, what it reports, how long it takes, and what works afterwards.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::gate::Gate;
use common::guard::{Drops, OnDrop};
use common::{
    FOR_EVER, HANGS, SOON, child, flavours, multi_thread, panic_of, poll_once, within, workers, yields,
};
use raddle::runtime::{Builder, Runtime};
use raddle::time::{Duration, sleep, timeout};
use raddle::{spawn, spawn_blocking};
use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::Instant;

/// Runs `test` with the builder of each flavour; fails if it hangs.
fn of_each(test: impl Fn(Builder) + Copy + Send + 'static) {
    for (flavour, builder) in flavours() {
        println!("{flavour}");
        within(HANGS, move || test(builder));
    }
}

#[test]
fn the_report_counts_the_tasks_that_had_not_ended() {
    of_each(|builder| {
        let runtime = builder.build().unwrap();
        let drops = Drops::new();
        let finished = runtime.spawn(async {});
        runtime.block_on(finished).unwrap();
        for _ in 0..100 {
            let guard = drops.guard();
            runtime.spawn(async move { drop((pending::<()>().await, guard)) }).detach();
        }
        runtime.block_on(yields(200));
        // These have not been polled, or only just.
        for _ in 0..50 {
            let guard = drops.guard();
            runtime.spawn(async move { drop((sleep(FOR_EVER).await, guard)) }).detach();
        }
        let report = runtime.shutdown(SOON);
        assert!(report.is_clean(), "{report}");
        assert_eq!((report.tasks_dropped, report.tasks_left), (150, 0));
        assert_eq!((report.tasks_stuck.len(), report.blocking_abandoned), (0, 0));
        assert!(report.elapsed < SOON);
        assert_eq!((drops.made(), drops.dropped()), (150, 150));
        assert!(report.to_string().starts_with("150 tasks dropped"), "{report}");
    });
}

#[test]
fn a_runtime_that_did_nothing_ends_at_once() {
    of_each(|builder| {
        for _ in 0..20 {
            let report = builder.clone().build().unwrap().shutdown(FOR_EVER);
            assert!(report.is_clean() && report.tasks_dropped == 0, "{report}");
            drop(builder.clone().build().unwrap());
        }
    });
}

#[test]
fn the_time_limit_is_kept_while_a_task_is_stuck() {
    within(HANGS, || {
        let runtime = workers(2);
        let (stuck, release, drops) = (Gate::new(), Gate::new(), Drops::new());
        let (here, until) = (stuck.clone(), release.clone());
        {
            let _entered = runtime.enter();
            let task = raddle::task::Builder::new().name("the stuck one");
            task.spawn(async move {
                here.open();
                until.block();
            })
            .detach();
        }
        stuck.block();
        for _ in 0..20 {
            let guard = drops.guard();
            runtime.spawn(async move { drop((pending::<()>().await, guard)) }).detach();
        }
        let began = Instant::now();
        let report = runtime.shutdown(Duration::from_millis(100));
        assert!((Duration::from_millis(100)..Duration::from_secs(2)).contains(&began.elapsed()), "{report}");
        assert_eq!((report.tasks_dropped, report.tasks_left), (20, 1), "{report}");
        assert!(report.tasks_stuck.len() == 1 && report.tasks_stuck[0].contains("the stuck one"), "{report}");
        assert!(!report.is_clean() && report.to_string().contains("the stuck one"));
        assert_eq!(drops.dropped(), 20, "the others are dropped all the same");
        release.open();
    });
}

#[test]
fn a_stuck_poll_that_ends_after_shutdown_ends_its_task() {
    within(HANGS, || {
        for goes_on in [false, true] {
            let runtime = workers(1);
            let (stuck, release, drops) = (Gate::new(), Gate::new(), Drops::new());
            let (here, until, guard) = (stuck.clone(), release.clone(), drops.guard());
            let handle = runtime.handle().clone();
            let task = runtime.spawn(async move {
                let _guard = guard;
                here.open();
                until.block();
                handle.spawn(pending::<()>()).detach();
                if goes_on {
                    pending::<()>().await;
                }
            });
            stuck.block();
            assert!(!runtime.shutdown(Duration::from_millis(20)).is_clean());
            release.open();
            let result = futures_lite::future::block_on(task);
            assert_eq!(result.is_err_and(|error| error.is_cancelled()), goes_on);
            common::eventually("the future is dropped", || drops.dropped() == 1);
        }
    });
}

#[test]
fn polls_and_blocking_calls_under_way_may_finish() {
    of_each(|builder| {
        let threads = builder.clone().build().unwrap().metrics().workers();
        let runtime = builder.build().unwrap();
        let (started, finished) = (Gate::new(), Arc::new(AtomicUsize::new(0)));
        let (here, count) = (started.clone(), finished.clone());
        let call = runtime.spawn_blocking(move || {
            here.open();
            std::thread::sleep(Duration::from_millis(30));
            count.fetch_add(1, SeqCst)
        });
        started.block();
        if threads > 1 {
            let (polled, count) = (Gate::new(), finished.clone());
            let here = polled.clone();
            let poll = runtime.spawn(async move {
                here.open();
                std::thread::sleep(Duration::from_millis(30));
                count.fetch_add(1, SeqCst);
            });
            polled.block();
            assert!(runtime.shutdown(SOON).is_clean());
            futures_lite::future::block_on(poll).unwrap();
            assert_eq!(finished.load(SeqCst), 2);
        } else {
            assert!(runtime.shutdown(SOON).is_clean());
            assert_eq!(finished.load(SeqCst), 1);
        }
        futures_lite::future::block_on(call).unwrap();
    });
}

#[test]
fn blocking_calls_that_go_on_or_wait_are_counted_and_cancelled() {
    of_each(|builder| {
        let runtime = builder.max_blocking_threads(2).build().unwrap();
        let release = Gate::new();
        let running: Vec<_> = (0..2)
            .map(|_| {
                let (started, until) = (Gate::new(), release.clone());
                let here = started.clone();
                let call = runtime.spawn_blocking(move || {
                    here.open();
                    until.block();
                    7
                });
                started.block();
                call
            })
            .collect();
        let drops = Drops::new();
        let waiting = drops.guard();
        let waiting = runtime.spawn_blocking(move || drop(waiting));
        let report = runtime.shutdown(Duration::from_millis(50));
        assert_eq!(report.blocking_abandoned, 2, "{report}");
        assert_eq!(drops.dropped(), 1, "the one that waited is dropped");
        assert!(futures_lite::future::block_on(waiting).unwrap_err().is_cancelled());
        release.open();
        // They go on, and their output is there.
        for call in running {
            assert_eq!(futures_lite::future::block_on(call).unwrap(), 7);
        }
    });
}

#[test]
fn tasks_spawned_by_destructors_are_cancelled_and_dropped() {
    of_each(|builder| {
        let runtime = builder.build().unwrap();
        let (handle, drops) = (runtime.handle().clone(), Drops::new());
        for _ in 0..50 {
            let (handle, guard, inner) = (handle.clone(), drops.guard(), drops.clone());
            let last_words = OnDrop::new(move || {
                drop(guard);
                let (again, guard, inner) = (handle.clone(), inner.guard(), inner);
                let next = OnDrop::new(move || {
                    drop(guard);
                    drop(again.spawn_blocking(move || drop(inner)));
                    let _entered = again.enter();
                    drop(raddle::spawn_pinned(pending::<()>));
                });
                let child = handle.spawn(async move { drop((pending::<()>().await, next)) });
                child.cancel_with("by the destructor that spawned it");
            });
            runtime.spawn(async move { drop((pending::<()>().await, last_words)) }).detach();
        }
        runtime.block_on(yields(100));
        let report = runtime.shutdown(SOON);
        assert!(report.is_clean(), "{report}");
        assert_eq!((drops.made(), drops.dropped()), (100, 100));
        assert_eq!(handle.metrics().alive_tasks(), 0);
    });
}

#[test]
fn destructors_that_wake_and_cancel_the_others_do_no_harm() {
    of_each(|builder| {
        let runtime = builder.build().unwrap();
        let handles: Arc<Mutex<Vec<raddle::task::CancelHandle>>> = Arc::default();
        let gates: Arc<[Gate; 20]> = Arc::default();
        for number in 0..20 {
            let (others, doors, wait) = (handles.clone(), gates.clone(), gates[number].wait());
            let last_words = OnDrop::new(move || {
                doors[(number + 1) % 20].open();
                others.lock().unwrap().iter().for_each(|other| other.cancel());
            });
            let task = runtime.spawn(async move { drop((wait.await, last_words)) });
            handles.lock().unwrap().push(task.abort_handle());
        }
        runtime.block_on(yields(50));
        let report = runtime.shutdown(SOON);
        assert!(report.is_clean(), "{report}");
    });
}

#[test]
fn whoever_joins_during_shutdown_is_told() {
    of_each(|builder| {
        let runtime = builder.build().unwrap();
        let task = runtime.spawn(pending::<()>());
        let joined = Gate::new();
        let here = joined.clone();
        let joiner = std::thread::spawn(move || {
            let mut task = task;
            futures_lite::future::block_on(async {
                assert!(poll_once(&mut task).await.is_none());
                here.open();
                task.await
            })
        });
        joined.block();
        drop(runtime);
        assert!(joiner.join().unwrap().unwrap_err().is_cancelled());
    });
}

#[test]
fn what_is_asked_of_a_runtime_that_has_ended() {
    of_each(|builder| {
        let runtime = builder.build().unwrap();
        let handle = runtime.handle().clone();
        drop(runtime);
        let drops = Drops::new();
        let guard = drops.guard();
        let late = handle.spawn(async move { drop(guard) });
        assert_eq!(drops.dropped(), 1, "at once");
        assert!(handle.block_on(late).unwrap_err().is_cancelled());
        let call = handle.spawn_blocking(|| ());
        assert!(handle.block_on(call).unwrap_err().is_cancelled());
        assert_eq!(
            handle.block_on(async {
                yields(3).await;
                7
            }),
            7
        );
        let inner = async { (spawn(async {}).await, spawn_blocking(|| ()).await) };
        let (task, call) = handle.block_on(inner);
        assert!(task.unwrap_err().is_cancelled() && call.unwrap_err().is_cancelled());
        assert!(panic_of(|| handle.block_on(sleep_for(FOR_EVER))).contains("shut down"));
        handle.block_on(sleep_for(Duration::ZERO));
        assert_eq!(handle.block_on(async { timeout(FOR_EVER, async { 1 }).await }), Ok(1));
        let error = handle.block_on(async { raddle::net::TcpListener::bind("127.0.0.1:0").await });
        assert!(error.unwrap_err().to_string().contains("shut down"));
        assert_eq!(handle.metrics().alive_tasks(), 0);
        assert!(handle.tasks().is_empty());
    });
}

async fn sleep_for(duration: Duration) {
    sleep(duration).await;
}

#[test]
fn wakers_and_cancel_handles_may_be_used_after_the_end() {
    of_each(|builder| {
        let runtime = builder.build().unwrap();
        let gate = Gate::new();
        let task = runtime.spawn(gate.wait());
        let cancel = task.abort_handle();
        common::eventually("it waits", || {
            runtime.block_on(yields(5));
            gate.waits() == 1
        });
        let wakers = gate.take_wakers();
        drop(runtime);
        let copies = wakers.clone();
        wakers.iter().for_each(Waker::wake_by_ref);
        copies.into_iter().for_each(Waker::wake);
        cancel.cancel_with("too late");
        cancel.cancel_within(FOR_EVER);
        assert!(cancel.is_finished());
        std::thread::spawn(move || drop((wakers, cancel))).join().unwrap();
        assert!(futures_lite::future::block_on(task).unwrap_err().is_cancelled());
    });
}

#[test]
fn shutdown_races_spawns_wakes_and_cancellations_from_other_threads() {
    for round in 0..60 {
        within(HANGS, move || {
            let builder = if round % 3 == 0 { multi_thread(1).current_thread() } else { multi_thread(2) };
            let runtime = builder.build().unwrap();
            let (drops, gate) = (Drops::new(), Gate::new());
            let start = Arc::new(std::sync::Barrier::new(4));
            let threads: Vec<_> = (0..3)
                .map(|kind| {
                    let (handle, start) = (runtime.handle().clone(), start.clone());
                    let (drops, gate) = (drops.clone(), gate.clone());
                    std::thread::spawn(move || {
                        start.wait();
                        racer(kind, &handle, &drops, &gate);
                    })
                })
                .collect();
            start.wait();
            let report = runtime.shutdown(SOON);
            assert!(report.is_clean(), "{report}");
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            assert_eq!(drops.made(), drops.dropped());
        });
    }
}

fn racer(kind: usize, handle: &raddle::runtime::Handle, drops: &Drops, gate: &Gate) {
    for turn in 0..100 {
        let (guard, wait) = (drops.guard(), gate.wait());
        let task = handle.spawn(async move { drop((wait.await, guard)) });
        match kind {
            0 => task.cancel(),
            1 if turn % 10 == 0 => gate.open(),
            1 => drop(handle.spawn_blocking(move || drop(task))),
            _ => {
                let _entered = handle.enter();
                let guard = drops.guard();
                drop(raddle::spawn_pinned(move || async move { drop((yields(3).await, guard)) }));
            }
        }
    }
}

#[test]
fn the_hooks_run_once_on_each_thread() {
    of_each(|builder| {
        let (started, stopped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (up, down) = (started.clone(), stopped.clone());
        let builder = builder.on_thread_start(move || _ = up.fetch_add(1, SeqCst));
        let runtime = builder.on_thread_stop(move || _ = down.fetch_add(1, SeqCst)).build().unwrap();
        runtime.block_on(runtime.spawn_blocking(|| ())).unwrap();
        assert!(runtime.shutdown(SOON).is_clean());
        common::eventually("all threads stop", || stopped.load(SeqCst) == started.load(SeqCst));
        assert!([1, 3].contains(&started.load(SeqCst)));
    });
}

#[test]
fn dropping_a_runtime_that_must_leave_something_says_so() {
    if child::role().is_some() {
        let runtime = multi_thread(1).shutdown_timeout(Duration::from_millis(20)).build().unwrap();
        let stuck = Gate::new();
        let here = stuck.clone();
        let _entered = runtime.enter();
        let task = raddle::task::Builder::new().name("stuck for good");
        task.spawn(async move {
            here.open();
            Gate::new().block();
        })
        .detach();
        stuck.block();
        drop(_entered);
        return drop(runtime);
    }
    let name = "dropping_a_runtime_that_must_leave_something_says_so";
    let output = child::run(name, "child", &[]);
    let text = child::text(&output.stderr);
    assert!(output.status.success(), "{text}");
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("raddle: ")).collect();
    assert!(lines.len() == 1 && lines[0].contains("stuck for good"), "{text}");
}

#[test]
fn run_ends_every_task_before_it_returns() {
    within(HANGS, || {
        let drops = Drops::new();
        let guard = drops.guard();
        let output = raddle::run(async move {
            spawn(async move { drop((pending::<()>().await, guard)) }).detach();
            yields(5).await;
            String::from("the output")
        });
        assert_eq!((output.as_str(), drops.dropped()), ("the output", 1));
    });
}

#[test]
fn a_panic_in_the_root_ends_the_runtime_of_run_and_leaves_that_of_block_on() {
    of_each(|builder| {
        let runtime: Runtime = builder.build().unwrap();
        for _ in 0..10 {
            assert_eq!(panic_of(|| runtime.block_on(async { panic!("on purpose") })), "on purpose");
            let task = runtime.spawn(yields(3));
            runtime.block_on(task).unwrap();
        }
        let drops = Drops::new();
        let guard = drops.guard();
        let text = panic_of(|| {
            raddle::run(async move {
                spawn(async move { drop((pending::<()>().await, guard)) }).detach();
                yields(3).await;
                panic!("in run")
            })
        });
        assert_eq!((text.as_str(), drops.dropped()), ("in run", 1));
    });
}
