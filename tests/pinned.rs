//! Tasks whose futures are not `Send`: made, polled and dropped on one thread.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::gate::Gate;
use common::guard::OnDrop;
use common::{HANGS, SOON, current_thread, flavours, on_both, poll_once, within, workers, yields};
use raddle::time::{Duration, sleep};
use raddle::{spawn, spawn_pinned, yield_now};
use std::cell::RefCell;
use std::future::pending;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread::{ThreadId, current};

#[test]
fn a_pinned_future_need_not_be_send_and_gives_its_output() {
    on_both(|runtime| {
        let sum = runtime.block_on(async {
            let task = spawn_pinned(|| {
                let shared = Rc::new(RefCell::new(1));
                async move {
                    let other = shared.clone();
                    yield_now().await;
                    *other.borrow_mut() += 1;
                    sleep(Duration::from_millis(1)).await;
                    *shared.borrow()
                }
            });
            task.await.unwrap()
        });
        assert_eq!(sum, 2);
    });
}

/// The threads on which a pinned future was made, polled, and dropped.
type Visits = Arc<Mutex<Vec<ThreadId>>>;

/// Where everything should have happened: one thread.
#[track_caller]
fn assert_one_thread(visits: &Visits) {
    let mut visits = visits.lock().unwrap().clone();
    visits.dedup();
    assert_eq!(visits.len(), 1, "it moved between threads");
}

/// A pinned future that notes where it is, in `polls` polls, and then waits.
fn witness(
    visits: Visits,
    polls: usize,
) -> impl FnOnce() -> std::pin::Pin<Box<dyn Future<Output = ()>>> + Send {
    let note = |visits: &Visits| visits.lock().unwrap().push(current().id());
    move || {
        note(&visits);
        let not_send = Rc::new(visits.clone());
        let last = OnDrop::new(move || note(&visits));
        Box::pin(async move {
            let _last = last;
            for turn in 0..polls {
                note(&not_send);
                if turn % 5 == 0 { sleep(Duration::from_micros(100)).await } else { yield_now().await }
            }
            note(&not_send);
        })
    }
}

#[test]
fn a_pinned_task_stays_on_one_thread() {
    within(HANGS, || {
        for runtime in [workers(1), workers(4)] {
            let all: Vec<Visits> = (0..40).map(|_| Visits::default()).collect();
            let _entered = runtime.enter();
            // Half of them are spawned by tasks.
            let by_task = |visits: &Visits| {
                let make = witness(visits.clone(), 50);
                spawn(async move { spawn_pinned(make).await.unwrap() })
            };
            let from_outside = |visits: &Visits| spawn_pinned(witness(visits.clone(), 50));
            let (half, other_half) = all.split_at(20);
            let tasks = half.iter().map(by_task).chain(other_half.iter().map(from_outside));
            let tasks: Vec<_> = tasks.collect();
            let noise: Vec<_> = (0..20).map(|_| spawn(yields(200))).collect();
            tasks.into_iter().chain(noise).for_each(|task| runtime.block_on(task).unwrap());
            all.iter().for_each(assert_one_thread);
        }
    });
}

#[test]
fn pinned_tasks_spawned_from_outside_are_spread_over_the_workers() {
    within(HANGS, || {
        let runtime = workers(4);
        let _entered = runtime.enter();
        let tasks: Vec<_> = (0..8).map(|_| spawn_pinned(|| async { current().id() })).collect();
        let mut threads = std::collections::HashMap::new();
        for task in tasks {
            *threads.entry(runtime.block_on(task).unwrap()).or_insert(0) += 1;
        }
        assert_eq!(threads.into_values().collect::<Vec<_>>(), [2, 2, 2, 2]);
    });
}

#[test]
fn a_pinned_task_is_cancelled_on_its_own_thread() {
    within(HANGS, || {
        let runtime = workers(3);
        let _entered = runtime.enter();
        for polled in [false, true] {
            let visits = Visits::default();
            let (notes, ready) = (visits.clone(), Gate::new());
            let here = ready.clone();
            let task = spawn_pinned(move || {
                let make = witness(notes, 3);
                async move {
                    make().await;
                    here.open();
                    pending::<()>().await;
                }
            });
            if polled {
                runtime.block_on(ready.wait());
            }
            let cancel = task.abort_handle();
            std::thread::spawn(move || cancel.cancel_with("from afar")).join().unwrap();
            assert_eq!(runtime.block_on(task).unwrap_err().reason(), Some("from afar"));
            if polled {
                assert_one_thread(&visits);
            }
        }
    });
}

#[test]
fn pinned_tasks_are_dropped_on_their_own_threads_at_shutdown() {
    within(HANGS, || {
        let runtime = workers(3);
        let all: Vec<Visits> = (0..30).map(|_| Visits::default()).collect();
        let entered = runtime.enter();
        for visits in &all {
            let (make, ready) = (witness(visits.clone(), 2), Gate::new());
            let here = ready.clone();
            spawn_pinned(move || {
                let inner = make();
                async move {
                    let mut inner = inner;
                    let _ = poll_once(&mut inner).await;
                    here.open();
                    pending::<()>().await;
                }
            })
            .detach();
            runtime.block_on(ready.wait());
        }
        drop(entered);
        let report = runtime.shutdown(SOON);
        assert!(report.is_clean(), "{report}");
        assert_eq!(report.tasks_dropped, 30);
        for visits in &all {
            assert!(visits.lock().unwrap().len() >= 3, "made, polled and dropped");
            assert_one_thread(visits);
        }
    });
}

#[test]
fn wakes_from_everywhere_reach_pinned_tasks() {
    on_both(|runtime| {
        runtime.block_on(async {
            for _ in 0..100 {
                let (from_task, from_thread) = (Gate::new(), Gate::new());
                let waits = (from_task.clone(), from_thread.clone());
                let task = spawn_pinned(move || async move {
                    let not_send = Rc::new(waits);
                    not_send.0.wait().await;
                    not_send.1.wait().await;
                });
                spawn(async move { from_task.open() }).detach();
                let thread = std::thread::spawn(move || from_thread.open());
                task.await.unwrap();
                thread.join().unwrap();
            }
        });
    });
}

#[test]
fn pinned_tasks_do_not_starve_others_nor_the_other_way_round() {
    within(HANGS, || {
        for runtime in [workers(1), current_thread()] {
            let stop = Gate::new();
            let (first, second) = (stop.clone(), stop.clone());
            let _entered = runtime.enter();
            let pinned = spawn_pinned(move || async move {
                while !first.is_open() {
                    yield_now().await;
                }
            });
            let free = spawn(async move {
                while !second.is_open() {
                    yield_now().await;
                }
            });
            runtime.block_on(async {
                spawn_pinned(|| yields(100)).await.unwrap();
                spawn(yields(100)).await.unwrap();
                sleep(Duration::from_millis(2)).await;
                stop.open();
                pinned.await.unwrap();
                free.await.unwrap();
            });
        }
    });
}

#[test]
fn a_closure_or_pinned_future_that_panics_is_the_joiners_error() {
    on_both(|runtime| {
        runtime.block_on(async {
            let make = spawn_pinned(|| -> std::future::Ready<()> { panic!("the closure") });
            assert_eq!(make.await.unwrap_err().panic_message(), Some("the closure"));
            let body = spawn_pinned(|| async {
                yield_now().await;
                panic!("the future")
            });
            assert_eq!(body.await.unwrap_err().panic_message(), Some("the future"));
        });
    });
}

#[test]
fn a_pinned_task_queued_when_block_on_returns_runs_in_the_next() {
    within(HANGS, || {
        let runtime = current_thread();
        let mut task = None;
        runtime.block_on(async { task = Some(spawn_pinned(|| async { 7 })) });
        assert_eq!(runtime.block_on(task.unwrap()).unwrap(), 7);
        let mut task = None;
        runtime.block_on(async {
            task = Some(spawn_pinned(|| async {
                yields(10).await;
                8
            }));
            yields(3).await;
        });
        assert_eq!(runtime.block_on(task.unwrap()).unwrap(), 8);
    });
}

#[test]
fn a_pinned_task_queued_when_block_on_returns_does_not_stop_shutdown() {
    within(HANGS, || {
        let runtime = current_thread();
        runtime.block_on(async {
            yields(3).await;
            spawn_pinned(pending::<()>).detach();
        });
        let report = runtime.shutdown(SOON);
        assert!(report.is_clean(), "{report}");
    });
}

/// The future is not `Send`: whoever calls `block_on`, it stays on the thread that made it.
#[test]
fn a_pinned_task_of_a_current_thread_runtime_does_not_follow_block_on_to_another_thread() {
    within(HANGS, || {
        let runtime = Arc::new(current_thread());
        let visits = Visits::default();
        let (make, gate) = (witness(visits.clone(), 1_000), Gate::new());
        let wait = gate.wait();
        let mut task = None;
        runtime.block_on(async {
            task = Some(spawn_pinned(move || {
                let inner = make();
                async move {
                    wait.await;
                    inner.await;
                }
            }));
            yields(20).await;
        });
        gate.open();
        let other = runtime.clone();
        let elsewhere = std::thread::spawn(move || other.block_on(yields(20)));
        elsewhere.join().unwrap();
        assert_one_thread(&visits);
        runtime.block_on(yields(20));
        task.unwrap().cancel();
        runtime.block_on(yields(20));
        assert_one_thread(&visits);
    });
}

#[test]
fn a_pinned_task_of_a_current_thread_runtime_is_not_dropped_on_another_thread() {
    within(HANGS, || {
        let runtime = current_thread();
        let visits = Visits::default();
        let make = witness(visits.clone(), 1_000);
        runtime.block_on(async {
            spawn_pinned(make).detach();
            yields(20).await;
        });
        // Left behind and said so, perhaps, but not touched.
        let report = std::thread::spawn(move || runtime.shutdown(Duration::from_millis(50))).join().unwrap();
        println!("{report}");
        assert_one_thread(&visits);
    });
}

#[test]
fn spawning_pinned_on_a_runtime_that_has_ended_gives_a_cancelled_task() {
    for (_, builder) in flavours() {
        within(HANGS, move || {
            let runtime = builder.build().unwrap();
            let handle = runtime.handle().clone();
            drop(runtime);
            let _entered = handle.enter();
            let task = spawn_pinned(|| async { 1 });
            assert!(futures_lite::future::block_on(task).unwrap_err().is_cancelled());
        });
    }
}
