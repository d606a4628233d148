//! Task groups that are left before their end: nothing goes on unasked, and the task that left waits.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::gate::Gate;
use common::guard::{Drops, OnDrop};
use common::oops::{Oops, waits};
use common::{on_both, on_paused, yields};
use raddle::runtime::PanicPolicy;
use raddle::task::JoinHandle;
use raddle::time::{Duration, timeout};
use raddle::{Group, GroupError, task_group};
use std::future::pending;
use std::sync::{Arc, Mutex};

#[test]
fn a_cancelled_parent_ends_after_its_children_and_passes_its_reason_on() {
    on_both(|runtime| {
        for depth in 1..4 {
            let (drops, reason, started) = (Drops::new(), Arc::new(Mutex::new(None)), Gate::new());
            let parent = runtime.spawn(nested(depth, drops.clone(), reason.clone(), started.clone()));
            runtime.block_on(started.wait());
            parent.cancel_with("that is all");
            let error = runtime.block_on(parent).unwrap_err();
            // Each level is a task, and waits for those below.
            assert_eq!(drops.dropped(), depth, "children have ended");
            assert_eq!(error.reason(), Some("that is all"));
            let child: JoinHandle<()> = reason.lock().unwrap().take().unwrap();
            assert!(child.is_finished());
            let error = runtime.block_on(child).unwrap_err();
            assert_eq!(error.reason(), Some("that is all"));
            assert_eq!(error.cancelled_at().unwrap().line(), line!() - 9);
            assert_eq!(runtime.metrics().alive_tasks(), 0);
        }
    });
}

type Place = Arc<Mutex<Option<JoinHandle<()>>>>;

/// `depth` tasks, each the only child of the one before.
fn nested(
    depth: usize,
    drops: Drops,
    last: Place,
    started: Gate,
) -> std::pin::Pin<Box<dyn Future<Output = Result<(), Oops>> + Send>> {
    Box::pin(async move {
        let outcome = task_group(async |group| {
            let (guard, started) = (drops.guard(), started.clone());
            if depth > 1 {
                let inner = nested(depth - 1, drops.clone(), last.clone(), started);
                group.spawn(async move {
                    let _guard = guard;
                    inner.await
                });
                return pending().await;
            }
            let child = group.spawn(async move {
                let _guard = guard;
                started.open();
                pending().await
            });
            *last.lock().unwrap() = Some(child);
            pending().await
        });
        outcome.await.map_err(|_| Oops("inner"))
    })
}

#[test]
fn a_parent_waits_for_a_child_that_is_in_a_long_poll() {
    common::within(common::HANGS, || {
        let runtime = common::workers(2);
        let (started, release) = (Gate::new(), Gate::new());
        let (here, until) = (started.clone(), release.clone());
        let parent = runtime.spawn(task_group(async move |group: &Group<Oops>| {
            group.spawn(async move {
                here.open();
                until.block();
                Ok(())
            });
            pending::<Result<(), _>>().await
        }));
        started.block();
        parent.cancel();
        for _ in 0..100 {
            runtime.block_on(yields(5));
            assert!(!parent.is_finished(), "its child is still in a poll");
        }
        release.open();
        assert!(runtime.block_on(parent).unwrap_err().is_cancelled());
        assert_eq!(runtime.metrics().alive_tasks(), 0);
    });
}

#[test]
fn a_group_dropped_by_a_time_out_is_cancelled_at_once_and_awaited_by_the_task() {
    on_paused(|runtime| {
        let (drops, place) = (Drops::new(), Place::default());
        let (guard, handle) = (drops.guard(), place.clone());
        let task = runtime.spawn(async move {
            let group = task_group(async |group: &Group<Oops>| {
                let child = group.spawn(async move {
                    let _guard = guard;
                    pending().await
                });
                *handle.lock().unwrap() = Some(child);
                pending::<Result<(), _>>().await
            });
            timeout(Duration::from_secs(1), group).await.unwrap_err();
            5
        });
        assert_eq!(runtime.block_on(task).unwrap(), 5);
        assert_eq!(drops.dropped(), 1);
        let child = place.lock().unwrap().take().unwrap();
        assert!(child.is_finished());
        let error = runtime.block_on(child).unwrap_err();
        assert_eq!(error.reason(), Some("the time limit around the task group was reached"));
    });
}

#[test]
fn a_group_dropped_half_way_says_so_to_its_children() {
    on_both(|runtime| {
        let place = Place::default();
        let handle = place.clone();
        let task = runtime.spawn(async move {
            let group = task_group(async |group: &Group<Oops>| {
                *handle.lock().unwrap() = Some(group.spawn(pending()));
                pending::<Result<(), _>>().await
            });
            assert!(common::poll_once(group).await.is_none());
        });
        runtime.block_on(task).unwrap();
        let child = place.lock().unwrap().take().unwrap();
        assert!(child.is_finished(), "the task has waited for it");
        let error = runtime.block_on(child).unwrap_err();
        assert_eq!(error.reason(), Some("the task group was dropped before its end"));
    });
}

/// A group whose only child panics when it is dropped.
async fn bad_last_words(started: Gate) -> Result<(), GroupError<Oops>> {
    task_group(async |group| {
        group.spawn(async move {
            let _bad = OnDrop::new(|| panic!("last words"));
            started.open();
            pending::<Result<(), Oops>>().await
        });
        pending().await
    })
    .await
}

/// A group with a child that has panicked, and one that is in a long poll, so that the group does not return.
async fn taken_in(started: Gate, release: Gate) -> Result<(), GroupError<Oops>> {
    task_group(async |group| {
        let wait = started.wait();
        group.spawn(async move {
            raddle::block_in_place(|| {
                started.open();
                release.block();
            });
            Ok::<_, Oops>(())
        });
        group.spawn(async move {
            wait.await;
            if true { panic!("taken in") } else { Ok(()) }
        });
        pending().await
    })
    .await
}

#[test]
fn f44_a_panic_that_the_group_cannot_return_is_reported() {
    common::within(common::HANGS, || {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let reports = seen.clone();
        let policy = PanicPolicy::Call(Arc::new(move |panic| {
            reports.lock().unwrap().push(panic.message().unwrap_or("?").to_owned());
        }));
        let runtime = common::multi_thread(2).on_panic(policy).build().unwrap();
        let started = Gate::new();
        let parent = runtime.spawn(bad_last_words(started.clone()));
        runtime.block_on(started.wait());
        parent.cancel();
        runtime.block_on(parent).unwrap_err();
        assert_eq!(std::mem::take(&mut *seen.lock().unwrap()), ["last words"]);
        let (started, release) = (Gate::new(), Gate::new());
        let parent = runtime.spawn(taken_in(started.clone(), release.clone()));
        started.block();
        // The one that panics has ended, and its panic is the group's.
        common::eventually("two tasks are left", || runtime.metrics().alive_tasks() == 2);
        assert!(seen.lock().unwrap().is_empty());
        parent.cancel();
        common::eventually("reported, as the group is dropped", || *seen.lock().unwrap() == ["taken in"]);
        assert!(!parent.is_finished());
        release.open();
        assert!(runtime.block_on(parent).unwrap_err().is_cancelled());
    });
}

#[test]
fn f44_panics_of_children_are_reported_when_the_body_panics_or_they_come_too_late() {
    common::within(common::HANGS, || {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let reports = seen.clone();
        let policy = PanicPolicy::Call(Arc::new(move |panic| {
            reports.lock().unwrap().push(panic.message().unwrap_or("?").to_owned());
        }));
        let runtime = common::multi_thread(2).on_panic(policy).build().unwrap();
        let task = runtime.spawn(task_group(async |group: &Group<Oops>| -> Result<(), _> {
            let bad = OnDrop::new(|| panic!("in a child"));
            group.spawn(async move {
                let _bad = bad;
                pending::<Result<(), _>>().await
            });
            yields(3).await;
            panic!("in the body")
        }));
        let error = runtime.block_on(task).unwrap_err();
        assert_eq!(error.panic_message(), Some("in the body"));
        assert_eq!(std::mem::take(&mut *seen.lock().unwrap()), ["in a child"]);
        let late = runtime.block_on(task_group(async |group: &Group<Oops>| Ok(group.clone()))).unwrap();
        let (_entered, bad) = (runtime.enter(), OnDrop::new(|| panic!("too late")));
        late.spawn(async move {
            let _bad = bad;
            Ok(())
        });
        assert_eq!(*seen.lock().unwrap(), ["too late"]);
    });
}

/// A group with a child that waits for ever and is counted.
async fn waits_for_ever(drops: Drops, started: Gate) {
    let group = task_group(async |group: &Group<Oops>| {
        waits(group, &drops);
        waits(group, &drops);
        started.open();
        pending::<Result<(), _>>().await
    });
    group.await.unwrap();
}

#[test]
fn f18_a_runtime_that_ends_takes_its_groups_with_it() {
    for (_, builder) in common::flavours() {
        common::within(common::HANGS, || {
            let runtime = builder.build().unwrap();
            let (drops, started) = (Drops::new(), [Gate::new(), Gate::new()]);
            let [one, two] = started.clone();
            runtime.spawn(waits_for_ever(drops.clone(), one)).detach();
            let (pinned, _entered) = (drops.clone(), runtime.enter());
            raddle::spawn_pinned(move || waits_for_ever(pinned, two)).detach();
            for started in started {
                runtime.block_on(started.wait());
            }
            drop(_entered);
            assert_eq!(runtime.metrics().alive_tasks(), 6);
            let report = runtime.shutdown(common::SOON);
            assert!(report.is_clean() && report.tasks_dropped == 6, "{report}");
            assert_eq!(drops.dropped(), 4);
        });
    }
}
