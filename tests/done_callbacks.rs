//! Callbacks for a task's end.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::gate::Gate;
use common::{HANGS, on_both, within, workers, yields};
use raddle::spawn;
use raddle::task::{self, Builder};
use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

#[test]
fn done_callbacks_are_called_once_in_order_with_the_task() {
    on_both(|runtime| {
        let log = Arc::new(Mutex::new(Vec::new()));
        let gate = Gate::new();
        let wait = gate.wait();
        let _entered = runtime.enter();
        let task = Arc::new(Builder::new().name("watched").spawn(wait));
        let add = |what: &'static str| {
            let (log, finished) = (log.clone(), task.abort_handle());
            task.add_done_callback(move |task| {
                assert!(finished.is_finished() && finished.id() == task.id());
                log.lock().unwrap().push((what, task.name().map(String::from)));
            })
        };
        let (first, removed) = (add("first"), add("removed"));
        add("last");
        assert_eq!((task.remove_done_callback(removed), task.remove_done_callback(removed)), (1, 0));
        assert!(log.lock().unwrap().is_empty());
        gate.open();
        common::eventually("both are called", || {
            runtime.block_on(yields(5));
            log.lock().unwrap().len() == 2
        });
        assert_eq!(task.remove_done_callback(first), 0);
        let late = add("at once");
        assert_eq!(task.remove_done_callback(late), 0);
        let names: Vec<_> = log.lock().unwrap().iter().map(|(what, _)| *what).collect();
        assert_eq!(names, ["first", "last", "at once"]);
        assert!(log.lock().unwrap().iter().all(|(_, name)| name.as_deref() == Some("watched")));
    });
}

#[test]
fn done_callbacks_are_called_however_a_task_ends() {
    on_both(|runtime| {
        let calls = Arc::new(AtomicUsize::new(0));
        let watch = |task: &task::JoinHandle<()>| {
            let calls = calls.clone();
            task.add_done_callback(move |_| {
                calls.fetch_add(1, Relaxed);
            });
        };
        let cancelled = runtime.spawn(pending::<()>());
        watch(&cancelled);
        cancelled.cancel();
        let call = runtime.spawn_blocking(|| {});
        watch(&call);
        let detached = runtime.spawn(yields(3));
        watch(&detached);
        detached.detach();
        common::eventually("all are called", || {
            runtime.block_on(yields(5));
            calls.load(Relaxed) == 3
        });
    });
    // At the end of the runtime.
    let calls = Arc::new(AtomicUsize::new(0));
    let runtime = workers(2);
    let (task, counted) = (runtime.spawn(pending::<()>()), calls.clone());
    task.add_done_callback(move |_| {
        counted.fetch_add(1, Relaxed);
    });
    drop(runtime);
    assert_eq!(calls.load(Relaxed), 1);
}

#[test]
fn a_panic_in_a_done_callback_is_reported_and_the_others_are_called() {
    let reports = Arc::new(Mutex::new(Vec::new()));
    let reported = reports.clone();
    let note = move |panic: &raddle::runtime::TaskPanic<'_>| reported.lock().unwrap().push(panic.to_string());
    let policy = raddle::runtime::PanicPolicy::Call(Arc::new(note));
    let runtime = raddle::runtime::Builder::new().worker_threads(1).on_panic(policy).build().unwrap();
    let (gate, called) = (Gate::new(), Gate::new());
    let task = runtime.spawn(gate.wait());
    task.add_done_callback(|_| panic!("the first"));
    let open = called.clone();
    task.add_done_callback(move |_| open.open());
    gate.open();
    runtime.block_on(called.wait());
    task.add_done_callback(|_| panic!("at once"));
    runtime.block_on(task).unwrap();
    let reports = reports.lock().unwrap();
    assert_eq!(reports.len(), 2, "{reports:?}");
    assert!(reports[0].contains("in a done-callback: the first"), "{reports:?}");
    assert!(reports[1].contains("in a done-callback: at once"), "{reports:?}");
}

#[test]
fn a_done_callback_may_spawn_and_comes_before_the_end_of_the_group() {
    async fn in_a_group() {
        let spawned = Arc::new(Mutex::new(None));
        let kept = spawned.clone();
        let group = raddle::task_group(async |group: &raddle::Group<&str>| {
            let child = group.spawn(async {
                yields(3).await;
                Ok(())
            });
            child.add_done_callback(move |_| *kept.lock().unwrap() = Some(spawn(async { 7 })));
            Ok(())
        });
        group.await.unwrap();
        let spawned = spawned.lock().unwrap().take().unwrap();
        assert_eq!(spawned.await.unwrap(), 7);
    }
    on_both(|runtime| runtime.block_on(in_a_group()));
}

#[test]
fn callbacks_added_while_tasks_end_are_called_exactly_once() {
    within(HANGS, || {
        let runtime = workers(2);
        let calls = Arc::new(AtomicUsize::new(0));
        let (mut added, mut removed) = (0, 0);
        for turn in 0..20_000_usize {
            let task = runtime.spawn(yields(turn % 3));
            for _ in 0..turn % 4 {
                let calls = calls.clone();
                let id = task.add_done_callback(move |_| {
                    calls.fetch_add(1, Relaxed);
                });
                added += 1;
                if turn % 5 == 0 {
                    removed += task.remove_done_callback(id);
                }
            }
        }
        common::eventually("all are called", || calls.load(Relaxed) + removed == added);
        drop(runtime);
        assert_eq!(calls.load(Relaxed) + removed, added);
    });
}
