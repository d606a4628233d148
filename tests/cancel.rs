//! Cancelling tasks: reasons, races, the grace period.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::gate::Gate;
use common::guard::{Drops, OnDrop};
use common::{FOR_EVER, HANGS, on_both, on_paused, panic_text, within, workers, yields};
use raddle::runtime::Runtime;
use raddle::task::{JoinHandle, cancelled};
use raddle::time::{Duration, Instant, sleep};
use raddle::{spawn, spawn_blocking};
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

/// A task that waits for ever, has been polled, and counts its end.
fn waiting(runtime: &Runtime, drops: &Drops) -> JoinHandle<()> {
    let (guard, polled) = (drops.guard(), Gate::new());
    let here = polled.clone();
    let task = runtime.spawn(async move {
        let _guard = guard;
        here.open();
        pending().await
    });
    runtime.block_on(polled.wait());
    task
}

#[test]
fn a_cancelled_task_is_dropped_and_its_joiner_hears_why() {
    on_both(|runtime| {
        let drops = Drops::new();
        let task = waiting(runtime, &drops);
        task.cancel();
        let error = runtime.block_on(task).unwrap_err();
        assert!(error.is_cancelled() && !error.is_panic());
        assert_eq!((error.reason(), error.panic_message()), (None, None));
        assert_eq!(drops.dropped(), 1);
        let task = waiting(runtime, &drops);
        task.cancel_with(format!("reason {}", 1));
        let error = runtime.block_on(task).unwrap_err();
        assert_eq!(error.reason(), Some("reason 1"));
        assert!(error.to_string().contains("reason 1"), "{error}");
        assert_eq!(drops.dropped(), 2);
    });
}

#[test]
fn the_first_request_counts() {
    on_both(|runtime| {
        runtime.block_on(async {
            let task = spawn(pending::<()>());
            let other = task.abort_handle();
            task.cancel_with("first");
            other.cancel_with("second");
            other.clone().cancel();
            let error = task.await.unwrap_err();
            assert_eq!(error.reason(), Some("first"));
            assert_eq!(error.cancelled_at().unwrap().line(), line!() - 5);
            assert!(other.is_finished());
            other.cancel_with("late");
            // Also when it has no reason: that of another must not be taken for its own.
            let task = spawn(pending::<()>());
            task.cancel();
            task.cancel_with("second");
            assert_eq!(task.await.unwrap_err().reason(), None);
        });
    });
}

#[test]
fn a_cancellation_says_from_where_and_from_whom_it_came() {
    on_both(|runtime| {
        let outside = runtime.spawn(pending::<()>());
        outside.cancel();
        let at = line!() - 1;
        let error = runtime.block_on(outside).unwrap_err();
        assert_eq!(error.cancelled_at().unwrap().line(), at);
        assert!(error.cancelled_by().is_none(), "no task: this thread");
        assert!(error.to_string().contains(&format!("was cancelled at tests/cancel.rs:{at}:")), "{error}");
        let _entered = runtime.enter();
        let task = spawn(pending::<()>());
        let cancel = task.abort_handle();
        let boss =
            raddle::task::Builder::new().name("boss").spawn(async move { cancel.cancel_with("enough") });
        let (id, at) = (boss.id(), line!() - 1);
        let error = runtime.block_on(task).unwrap_err();
        runtime.block_on(boss).unwrap();
        let by = error.cancelled_by().unwrap();
        assert_eq!((by.id(), by.name(), error.cancelled_at().unwrap().line()), (id, Some("boss"), at));
        let text = error.to_string();
        assert!(text.contains(&format!("by task 'boss' (id {id}): enough")), "{text}");
    });
}

#[test]
fn a_grace_period_that_is_over_says_where_it_was_given() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let task = spawn(pending::<()>());
            task.cancel_within(Duration::from_secs(1));
            let at = line!() - 1;
            sleep(Duration::from_secs(5)).await;
            let error = task.await.unwrap_err();
            assert_eq!((error.cancelled_at().unwrap().line(), error.reason()), (at, None));
            assert!(error.cancelled_by().is_none(), "not by the task that waited for the time to be over");
        });
    });
}

#[test]
fn a_task_that_ends_with_its_runtime_says_so() {
    for (_, builder) in common::flavours() {
        let runtime = builder.build().unwrap();
        let task = waiting(&runtime, &Drops::new());
        let handle = runtime.handle().clone();
        drop(runtime);
        let error = futures_lite::future::block_on(task).unwrap_err();
        assert_eq!(error.reason(), Some("the runtime shut down"));
        assert!(error.cancelled_at().is_none() && error.cancelled_by().is_none());
        let late = futures_lite::future::block_on(handle.spawn(async {})).unwrap_err();
        assert_eq!(late.reason(), Some("the runtime shut down"));
    }
}

#[test]
fn a_panic_has_no_origin_of_a_cancellation() {
    on_both(|runtime| {
        let task = runtime.spawn(async {
            cancelled().await;
            panic!("no");
        });
        task.cancel_within(FOR_EVER);
        let error = runtime.block_on(task).unwrap_err();
        assert!(error.is_panic() && error.reason().is_none());
        assert!(error.cancelled_at().is_none() && error.cancelled_by().is_none());
    });
}

/// The end of a task and the end of the wait for it meet in every order.
#[test]
fn f28_a_grace_period_races_with_the_end_and_leaves_nothing_behind() {
    on_both(|runtime| {
        for round in 0..500 {
            let task = runtime.spawn(yields(round % 7));
            let cancel = task.abort_handle();
            let thread = std::thread::spawn(move || cancel.cancel_within(Duration::MAX));
            runtime.block_on(yields(round % 5));
            runtime.block_on(task).unwrap();
            thread.join().unwrap();
        }
        let metrics = runtime.metrics();
        common::eventually("nobody waits for the ends of tasks that have ended", || {
            runtime.block_on(yields(5));
            metrics.alive_tasks() == 0
        });
    });
}

#[test]
fn a_finished_task_is_left_as_it_is() {
    on_both(|runtime| {
        let task = runtime.spawn(async { 5 });
        while !task.is_finished() {
            runtime.block_on(yields(5));
        }
        task.cancel_with("too late");
        task.cancel_within(FOR_EVER);
        assert_eq!(runtime.block_on(task).unwrap(), 5);
        assert_eq!(runtime.metrics().alive_tasks(), 0);
    });
}

#[test]
fn a_task_cancelled_before_its_first_poll_never_runs() {
    on_both(|runtime| {
        let (drops, ran) = (Drops::new(), Arc::new(AtomicBool::new(false)));
        runtime.block_on(async {
            // Cancelled by the task that spawned it, in the same poll: nobody else has it yet, unless it was stolen.
            let (guard, mark) = (drops.guard(), ran.clone());
            let parent = spawn(async move {
                let child = spawn(async move {
                    let _guard = guard;
                    mark.store(true, SeqCst);
                    pending::<()>().await;
                });
                child.cancel();
                assert!(child.await.unwrap_err().is_cancelled());
            });
            parent.await.unwrap();
        });
        assert!(!ran.load(SeqCst));
        assert_eq!(drops.dropped(), 1);
    });
}

#[test]
fn a_task_may_be_cancelled_from_any_thread() {
    on_both(|runtime| {
        for _ in 0..100 {
            let task = waiting(runtime, &Drops::new());
            let cancel = task.abort_handle();
            let thread = std::thread::spawn(move || cancel.cancel_with("from a thread"));
            assert_eq!(runtime.block_on(task).unwrap_err().reason(), Some("from a thread"));
            thread.join().unwrap();
        }
    });
}

#[test]
fn a_task_that_cancels_itself_ends_at_its_next_suspension() {
    on_both(|runtime| {
        let steps = Arc::new(Mutex::new(Vec::new()));
        let log = steps.clone();
        let place: Arc<Mutex<Option<raddle::task::CancelHandle>>> = Arc::default();
        let (mine, ready) = (place.clone(), Gate::new());
        let wait = ready.wait();
        let task = runtime.spawn(async move {
            wait.await;
            mine.lock().unwrap().take().unwrap().cancel_with("myself");
            log.lock().unwrap().push("goes on");
            raddle::yield_now().await;
            log.lock().unwrap().push("must not come here");
        });
        *place.lock().unwrap() = Some(task.abort_handle());
        ready.open();
        assert_eq!(runtime.block_on(task).unwrap_err().reason(), Some("myself"));
        assert_eq!(*steps.lock().unwrap(), ["goes on"]);
    });
}

#[test]
fn a_task_that_completes_in_the_poll_it_is_cancelled_in_completes() {
    on_both(|runtime| {
        runtime.block_on(async {
            let gate = Gate::new();
            let wait = gate.wait();
            let task = spawn(async move {
                wait.await;
                7
            });
            yields(3).await;
            let cancel = task.abort_handle();
            let inner = spawn(async move {
                cancel.cancel();
                gate.open();
            });
            inner.await.unwrap();
            // The request was made before the wake: no further poll.
            assert!(task.await.unwrap_err().is_cancelled());
            let own = Arc::new(Mutex::new(None::<raddle::task::CancelHandle>));
            let (place, ready) = (own.clone(), Gate::new());
            let wait = ready.wait();
            let task = spawn(async move {
                wait.await;
                place.lock().unwrap().take().unwrap().cancel();
                8
            });
            *own.lock().unwrap() = Some(task.abort_handle());
            ready.open();
            assert_eq!(task.await.unwrap(), 8);
        });
    });
}

#[test]
fn destructors_of_a_cancelled_task_run_as_part_of_it() {
    on_both(|runtime| {
        let (seen, ready) = (Arc::new(Mutex::new(None)), Gate::new());
        let (place, here) = (seen.clone(), ready.clone());
        let _entered = runtime.enter();
        let task = raddle::task::Builder::new().name("dying").spawn(async move {
            let _last_words = OnDrop::new(move || {
                let name = raddle::task::try_current().and_then(|info| info.name().map(String::from));
                spawn(async {}).detach();
                *place.lock().unwrap() = name;
            });
            here.open();
            pending::<()>().await;
        });
        runtime.block_on(ready.wait());
        task.cancel();
        runtime.block_on(task).unwrap_err();
        assert_eq!(seen.lock().unwrap().as_deref(), Some("dying"));
    });
}

#[test]
fn a_joiner_in_a_cancelled_task_lets_go_of_its_child() {
    on_both(|runtime| {
        let drops = Drops::new();
        let child = waiting(runtime, &drops);
        let cancel = child.abort_handle();
        let parent = runtime.spawn(async move { child.await.unwrap() });
        runtime.block_on(yields(5));
        parent.cancel();
        runtime.block_on(parent).unwrap_err();
        assert!(!cancel.is_finished(), "a child is detached, not cancelled");
        cancel.cancel();
        common::eventually("the child ends", || {
            runtime.block_on(yields(5));
            drops.dropped() == 1
        });
    });
}

#[test]
fn a_task_that_is_asked_to_end_has_the_grace_period_to_clean_up() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let task = spawn(async {
                assert_eq!(cancelled().await, None);
                sleep(Duration::from_secs(3)).await;
                "cleaned up"
            });
            yields(5).await;
            let began = Instant::now();
            task.cancel_within(Duration::from_secs(10));
            assert_eq!(task.await.unwrap(), "cleaned up");
            assert_eq!(Instant::now() - began, Duration::from_secs(3));
        });
    });
}

#[test]
fn a_task_that_does_not_listen_is_cancelled_when_the_grace_period_is_over() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let task = spawn(sleep(FOR_EVER));
            let began = Instant::now();
            task.cancel_within(Duration::from_secs(10));
            task.abort_handle().cancel_within(Duration::from_secs(20));
            assert!(task.await.unwrap_err().is_cancelled());
            assert_eq!(Instant::now() - began, Duration::from_secs(10));
        });
    });
}

#[test]
fn a_request_made_before_the_first_poll_or_the_question_is_not_lost() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let task = spawn(async { cancelled().await });
            task.cancel_within(FOR_EVER);
            assert_eq!(task.await.unwrap(), None);
            let gate = Gate::new();
            let wait = gate.wait();
            let task = spawn(async move {
                wait.await;
                // Asked twice, by two futures, and a third that is dropped.
                drop(common::poll_once(cancelled()).await);
                (cancelled().await, cancelled().await)
            });
            yields(5).await;
            task.cancel_within(FOR_EVER);
            gate.open();
            assert_eq!(task.await.unwrap(), (None, None));
        });
    });
}

#[test]
fn every_listener_of_a_task_hears_the_request() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let task = spawn(async {
                let three = async { (cancelled().await, cancelled().await) };
                futures_lite::future::zip(three, futures_lite::future::zip(cancelled(), cancelled())).await
            });
            yields(5).await;
            task.cancel_within(FOR_EVER);
            task.await.unwrap();
        });
    });
}

#[test]
fn a_grace_period_leaves_nothing_behind_once_the_task_has_ended() {
    on_both(|runtime| {
        runtime.block_on(async {
            let task = spawn(async { cancelled().await });
            yields(5).await;
            task.cancel_within(FOR_EVER);
            task.await.unwrap();
        });
        let metrics = runtime.metrics();
        common::eventually("neither a task nor a timer", || {
            runtime.block_on(yields(5));
            metrics.alive_tasks() == 0 && metrics.timers() == 0
        });
    });
}

#[test]
fn a_grace_period_for_ever_may_be_given() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let task = spawn(pending::<()>());
            task.cancel_within(Duration::MAX);
            sleep(FOR_EVER).await;
            assert!(!task.is_finished());
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
        });
    });
}

#[test]
fn a_blocking_call_may_ask_whether_it_was_asked() {
    on_both(|runtime| {
        let started = Gate::new();
        let here = started.clone();
        let call = runtime.spawn_blocking(move || {
            here.open();
            futures_lite::future::block_on(cancelled())
        });
        started.block();
        call.cancel_with("please");
        // It runs, so it ends by itself, and gives its output.
        assert_eq!(runtime.block_on(call).unwrap().as_deref(), Some("please"));
    });
}

#[test]
fn outside_a_task_nobody_can_be_asked() {
    on_both(|runtime| {
        let text = common::panic_of(|| runtime.block_on(cancelled()));
        assert!(text.contains("outside a task"), "{text}");
        let text = common::panic_of(|| futures_lite::future::block_on(cancelled()));
        assert!(text.contains("outside a task"), "{text}");
    });
}

#[test]
fn tasks_cancel_one_another_in_a_ring() {
    within(HANGS, || {
        let runtime = workers(2);
        for _ in 0..50 {
            let handles: Arc<Mutex<Vec<raddle::task::CancelHandle>>> = Arc::default();
            let start = Gate::new();
            let tasks: Vec<_> = (0..20)
                .map(|number| {
                    let (ring, wait) = (handles.clone(), start.wait());
                    runtime.spawn(async move {
                        wait.await;
                        let next = ring.lock().unwrap()[(number + 1) % 20].clone();
                        next.cancel();
                        pending::<()>().await;
                    })
                })
                .collect();
            handles.lock().unwrap().extend(tasks.iter().map(JoinHandle::abort_handle));
            start.open();
            for task in &tasks {
                task.cancel();
            }
            for task in tasks {
                assert!(runtime.block_on(task).unwrap_err().is_cancelled());
            }
        }
    });
}

#[test]
fn a_panic_while_cleaning_up_comes_to_the_joiner() {
    on_both(|runtime| {
        let task = runtime.spawn(async {
            cancelled().await;
            panic!("while cleaning up");
        });
        runtime.block_on(yields(5));
        task.cancel_within(FOR_EVER);
        let error = runtime.block_on(task).unwrap_err();
        assert_eq!(panic_text(error.into_panic()), "while cleaning up");
        // A blocking call as a child of a cancelled task goes on.
        let (done, release) = (Gate::new(), Gate::new());
        let (open, until) = (done.clone(), release.clone());
        let parent = runtime.spawn(async move {
            let call = spawn_blocking(move || until.block());
            open.open();
            call.await.unwrap();
        });
        runtime.block_on(done.wait());
        parent.cancel();
        assert!(runtime.block_on(parent).unwrap_err().is_cancelled());
        release.open();
    });
}
