//! Task groups: every child is joined, every error comes back.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::gate::Gate;
use common::guard::{Drops, OnDrop};
use common::oops::{Oops, waits};
use common::{FOR_EVER, on_both, on_paused, panic_text, played, yields};
use raddle::task::cancelled;
use raddle::time::{Duration, Instant, deadline, sleep, timeout};
use raddle::{ChildError, Group, GroupError, spawn, task_group, yield_now};
use std::error::Error;
use std::future::pending;
use std::sync::{Arc, Mutex};

/// Notes `seconds` in the log when they are over.
async fn logs(log: Arc<Mutex<Vec<u64>>>, seconds: u64) -> Result<(), Oops> {
    sleep(Duration::from_secs(seconds)).await;
    log.lock().unwrap().push(seconds);
    Ok(())
}

#[test]
fn a_group_returns_what_its_body_returns_when_all_children_have_ended() {
    played(async || {
        let began = Instant::now();
        let done = Arc::new(Mutex::new(Vec::new()));
        let total = task_group(async |group| {
            for seconds in [3, 1, 2] {
                group.spawn(logs(done.clone(), seconds));
            }
            let five = group.spawn(async { Ok(5) });
            assert!(group.len() >= 3 && !group.is_empty());
            Ok(five.await.unwrap() + 1)
        });
        assert_eq!(total.await.unwrap(), 6);
        assert_eq!(*done.lock().unwrap(), [1, 2, 3]);
        assert_eq!(Instant::now() - began, Duration::from_secs(3));
        assert_eq!(raddle::runtime::Handle::current().metrics().alive_tasks(), 0);
    });
}

#[test]
fn an_empty_group_returns_at_once() {
    on_both(|runtime| {
        let value = runtime.block_on(task_group(async |group: &Group<Oops>| {
            assert!(group.is_empty());
            Ok(7)
        }));
        assert_eq!(value.unwrap(), 7);
        let error = runtime.block_on(task_group(async |_| Err::<(), _>(Oops("body")))).unwrap_err();
        assert!(matches!(error.errors(), [ChildError::Body(Oops("body"))]), "{error:?}");
    });
}

#[test]
fn s3_8_a_failure_cancels_the_siblings_and_all_errors_come_back_together() {
    on_both(|runtime| {
        let drops = Drops::new();
        let (started, go) = (Gate::new(), Gate::new());
        let (one, two) = (go.wait(), go.wait());
        let here = started.clone();
        let group = task_group(async |group| {
            let sibling = waits(group, &drops);
            group.spawn_named("first", async move {
                one.await;
                Err::<(), _>(Oops("first error"))
            });
            group.spawn_named("second", async move {
                let _last = OnDrop::new(move || drop(two));
                here.open();
                pending::<()>().await;
                Ok(())
            });
            let panics = OnDrop::new(|| panic!("third error"));
            group.spawn_named("third", async move {
                let _panics = panics;
                pending::<Result<(), Oops>>().await
            });
            started.wait().await;
            go.open();
            // The body is cancelled too: it would wait for ever.
            let _ = sibling.await;
            pending::<Result<(), _>>().await
        });
        let error = runtime.block_on(group).unwrap_err();
        assert_eq!(drops.dropped(), 1);
        assert_eq!(error.errors().len(), 2, "{error}");
        let ChildError::Failed { task, error: first } = &error.errors()[0] else { panic!("{error:?}") };
        assert_eq!((task.name(), first), (Some("first"), &Oops("first error")));
        assert!(task.spawned_at().file().ends_with("groups.rs"));
        let text = error.to_string();
        for part in
            ["2 errors", "task 'first'", "first error", "task 'third'", "panicked: third error", "groups.rs"]
        {
            assert!(text.contains(part), "{part} in {text}");
        }
        let source = error.source().and_then(|source| source.downcast_ref::<Oops>());
        assert_eq!(source, Some(&Oops("first error")));
        let errors = error.into_errors();
        assert!(errors[1].is_panic() && errors[1].error().is_none());
        assert_eq!(runtime.metrics().alive_tasks(), 0);
    });
}

#[test]
fn siblings_hear_who_failed_and_the_failed_ones_handle_says_where_its_error_is() {
    on_both(|runtime| {
        let reasons = Arc::new(Mutex::new(Vec::new()));
        let handles = reasons.clone();
        let error = runtime.block_on(task_group(async |group| {
            let sibling = group.spawn(pending::<Result<(), Oops>>());
            let go = Gate::new();
            let wait = go.wait();
            let failing = group.spawn_named("failing", async move {
                wait.await;
                Err::<(), _>(Oops("no"))
            });
            handles.lock().unwrap().extend([sibling, failing]);
            go.open();
            Ok(())
        }));
        error.unwrap_err();
        let handles = std::mem::take(&mut *reasons.lock().unwrap());
        let mut errors = Vec::new();
        for handle in handles {
            assert!(handle.is_finished(), "joined before the group returned");
            errors.push(runtime.block_on(handle).unwrap_err());
        }
        let sibling = errors[0].reason().unwrap();
        assert!(sibling.contains("task 'failing'") && sibling.contains("failed"), "{sibling}");
        assert_eq!(errors[0].cancelled_by().unwrap().name(), Some("failing"));
        assert!(errors[0].cancelled_at().unwrap().file().ends_with("groups.rs"));
        assert_eq!(errors[1].reason(), Some("it failed, and the task group has its error"));
    });
}

#[test]
fn a_failing_body_cancels_the_children() {
    on_both(|runtime| {
        let drops = Drops::new();
        let error = runtime.block_on(task_group(async |group| {
            waits(group, &drops);
            yields(3).await;
            Err::<(), _>(Oops("the body"))
        }));
        let error: GroupError<Oops> = error.unwrap_err();
        assert!(matches!(error.errors(), [ChildError::Body(Oops("the body"))]), "{error}");
        assert!(error.to_string().contains("the group's body failed: the body"));
        assert_eq!(drops.dropped(), 1);
    });
}

#[test]
fn a_panic_in_the_body_is_resumed_when_the_children_have_ended() {
    on_both(|runtime| {
        let drops = Drops::new();
        let guard = drops.guard();
        let task = runtime.spawn(async move {
            task_group(async |group: &Group<Oops>| -> Result<(), Oops> {
                group.spawn(async move {
                    let _guard = guard;
                    pending::<Result<(), _>>().await
                });
                yields(3).await;
                panic!("in the body")
            })
            .await
        });
        let error = runtime.block_on(task).unwrap_err();
        assert_eq!(panic_text(error.into_panic()), "in the body");
        assert_eq!(drops.dropped(), 1);
        assert_eq!(runtime.metrics().alive_tasks(), 0);
    });
}

#[test]
fn a_body_that_panics_for_a_failed_childs_sake_does_not_hide_the_failure() {
    on_both(|runtime| {
        let error = runtime.block_on(task_group(async |group: &Group<Oops>| -> Result<(), _> {
            let (waits, fails) = (group.spawn(pending::<Result<(), _>>()), Gate::new());
            let wait = fails.wait();
            group.spawn(async move {
                wait.await;
                Err::<(), _>(Oops("the cause"))
            });
            // One poll, in which the child fails and the other one is cancelled, on another core or not.
            fails.open();
            let began = Instant::now();
            while !waits.is_finished() && began.elapsed() < Duration::from_millis(20) {
                std::thread::yield_now();
            }
            let text = if waits.is_finished() { "its child was cancelled" } else { return pending().await };
            panic!("{text}")
        }));
        let errors = error.unwrap_err().into_errors();
        assert_eq!(errors[0].error(), Some(&Oops("the cause")));
        match &errors[1..] {
            [ChildError::BodyPanicked(text)] => assert_eq!(&**text, "its child was cancelled"),
            rest => assert!(rest.is_empty(), "{rest:?}"),
        }
    });
}

#[test]
fn a_panic_in_a_child_is_an_error_of_the_group() {
    on_both(|runtime| {
        let error = runtime.block_on(task_group(async |group: &Group<Oops>| {
            group.spawn_named("bad", async { if true { panic!("ouch {}", 1) } else { Ok(()) } });
            pending::<Result<(), _>>().await
        }));
        let error = error.unwrap_err();
        let [ChildError::Panicked(panic)] = error.errors() else { panic!("{error:?}") };
        assert_eq!((panic.task_name(), panic.panic_message()), (Some("bad"), Some("ouch 1")));
        assert!(error.source().unwrap().to_string().contains("ouch 1"));
    });
}

#[test]
fn a_child_that_is_cancelled_by_its_own_handle_is_no_failure() {
    on_both(|runtime| {
        let value = runtime.block_on(task_group(async |group| {
            let child = waits(group, &Drops::new());
            child.cancel_with("enough");
            assert_eq!(child.await.unwrap_err().reason(), Some("enough"));
            let other = group.spawn(async { Ok::<_, Oops>(2) });
            Ok(other.await.unwrap())
        }));
        assert_eq!(value.unwrap(), 2);
    });
}

#[test]
fn a_group_that_is_cancelled_lets_nobody_in_and_its_body_go_on() {
    on_both(|runtime| {
        let late = Arc::new(Mutex::new(None));
        let place = late.clone();
        let value = runtime.block_on(task_group(async |group: &Group<Oops>| {
            let drops = Drops::new();
            let child = waits(group, &drops);
            group.cancel_with("shop is closed");
            assert_eq!(child.await.unwrap_err().reason(), Some("shop is closed"));
            let refused = waits(group, &drops);
            assert!(refused.is_finished());
            assert_eq!(drops.dropped(), 2, "its future is dropped");
            assert_eq!(refused.await.unwrap_err().reason(), Some("shop is closed"));
            *place.lock().unwrap() = Some(group.clone());
            Ok(3)
        }));
        assert_eq!(value.unwrap(), 3);
        let open = Arc::new(Mutex::new(None));
        let place = open.clone();
        runtime
            .block_on(task_group(async |group: &Group<Oops>| {
                *place.lock().unwrap() = Some(group.clone());
                Ok(())
            }))
            .unwrap();
        let group = open.lock().unwrap().take().unwrap();
        let _entered = runtime.enter();
        let error = runtime.block_on(waits(&group, &Drops::new())).unwrap_err();
        assert_eq!(error.reason(), Some("the task group is over"));
    });
}

#[test]
fn a_child_may_spawn_siblings() {
    on_both(|runtime| {
        fn tree(group: Group<Oops>, leaves: Arc<Mutex<u32>>, depth: u32) {
            let siblings = group.clone();
            group.spawn(async move {
                yield_now().await;
                match depth {
                    0 => *leaves.lock().unwrap() += 1,
                    _ => (0..2).for_each(|_| tree(siblings.clone(), leaves.clone(), depth - 1)),
                }
                Ok(())
            });
        }
        let leaves = Arc::new(Mutex::new(0));
        let count = leaves.clone();
        runtime
            .block_on(task_group(async move |group| {
                tree(group.clone(), count, 8);
                Ok(())
            }))
            .unwrap();
        assert_eq!(*leaves.lock().unwrap(), 256);
        assert_eq!(runtime.metrics().alive_tasks(), 0);
    });
}

#[test]
fn groups_nest_and_an_inner_failure_reaches_the_outer_as_its_error() {
    on_both(|runtime| {
        let drops = Drops::new();
        let guard = drops.guard();
        let error = runtime.block_on(task_group(async |outer: &Group<GroupError<Oops>>| {
            outer.spawn(async move {
                let _guard = guard;
                pending::<Result<(), _>>().await
            });
            outer.spawn(task_group(async |inner| {
                inner.spawn(async { Err::<(), _>(Oops("deep")) });
                pending::<Result<(), _>>().await
            }));
            pending::<Result<(), _>>().await
        }));
        let error = error.unwrap_err();
        let inner = error.errors()[0].error().unwrap();
        assert_eq!(inner.errors()[0].error(), Some(&Oops("deep")));
        assert!(error.to_string().contains("deep"));
        assert_eq!(drops.dropped(), 1);
    });
}

#[test]
fn children_that_clean_up_are_waited_for() {
    on_paused(|runtime| {
        let saved = Arc::new(Mutex::new(false));
        let place = saved.clone();
        runtime.block_on(async {
            let outcome = task_group(async |group: &Group<Oops>| {
                let child = group.spawn(async move {
                    cancelled().await;
                    sleep(Duration::from_secs(3)).await;
                    *place.lock().unwrap() = true;
                    Ok(())
                });
                yields(5).await;
                child.cancel_within(FOR_EVER);
                Ok(())
            });
            outcome.await.unwrap();
        });
        assert!(*saved.lock().unwrap());
    });
}

#[test]
fn children_inherit_the_deadline_around_their_group() {
    played(async || {
        let limit = Duration::from_secs(10);
        let ends = Instant::now() + limit;
        let group = task_group(async |group: &Group<Oops>| {
            // A time-out inside the group is no limit for its children.
            let inner = async {
                let child = group.spawn(async { Ok(deadline()) });
                child.await.unwrap()
            };
            let child = timeout(Duration::from_secs(1), inner).await.unwrap();
            let detached = spawn(async { deadline() });
            Ok((child, detached.await.unwrap(), deadline()))
        });
        let (child, detached, body) = timeout(limit, group).await.unwrap().unwrap();
        assert_eq!((child, detached, body), (Some(ends), None, Some(ends)));
        assert_eq!(deadline(), None);
    });
}

/// Adds `number` to the sum, some of the time in two polls.
async fn adds(sum: Arc<Mutex<u64>>, number: u64) -> Result<(), Oops> {
    if number.is_multiple_of(3) {
        yield_now().await;
    }
    *sum.lock().unwrap() += number;
    Ok(())
}

#[test]
fn many_children_come_and_go() {
    on_both(|runtime| {
        let sum = Arc::new(Mutex::new(0));
        let group = task_group(async |group: &Group<Oops>| {
            (0..20_000).for_each(|number| group.spawn(adds(sum.clone(), number)).detach());
            Ok(())
        });
        runtime.block_on(group).unwrap();
        assert_eq!(*sum.lock().unwrap(), 20_000 * 19_999 / 2);
        assert_eq!(runtime.metrics().alive_tasks(), 0);
    });
}
