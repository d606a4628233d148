//! Ends: f18 f29.

use crate::common::gate::Gate;
use crate::common::guard::{Drops, Guard, OnDrop};
use crate::common::{FOR_EVER, HANGS, SOON, flavours, on_both, within, workers, yields};
use raddle::net::TcpListener;
use raddle::runtime::{Builder, PanicPolicy, Runtime};
use raddle::task::JoinHandle;
use raddle::{block_in_place, spawn};
use std::future::pending;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

/// A runtime of each flavour that is moved to `test`; it must come back soon, though the runtime's own limit is longer.
fn moved(test: impl Fn(Runtime) + Copy + Send + 'static) {
    for (flavour, builder) in flavours() {
        println!("{flavour}");
        within(HANGS, move || {
            let began = Instant::now();
            test(builder.shutdown_timeout(FOR_EVER).build().unwrap());
            assert!(began.elapsed() < SOON);
        });
    }
}

#[test]
fn f18_a_runtime_may_be_dropped_inside_one_of_its_own_tasks() {
    moved(|runtime| {
        let (handle, drops) = (runtime.handle().clone(), Drops::new());
        let guard = drops.guard();
        handle.spawn(async move { drop((pending::<()>().await, guard)) }).detach();
        handle.block_on(async move {
            yields(5).await;
            spawn(async move { drop(runtime) }).await.unwrap();
        });
        crate::common::eventually("the other task is dropped", || drops.dropped() == 1);
    });
}

#[test]
fn f18_a_runtime_may_be_dropped_inside_its_own_block_on() {
    moved(|runtime| {
        let (handle, drops) = (runtime.handle().clone(), Drops::new());
        let guard = drops.guard();
        handle.spawn(async move { drop((pending::<()>().await, guard)) }).detach();
        handle.block_on(async move {
            yields(5).await;
            drop(runtime);
            assert!(spawn(async {}).await.unwrap_err().is_cancelled());
        });
        assert_eq!(drops.dropped(), 1);
    });
}

#[test]
fn f18_a_runtime_may_be_dropped_inside_one_of_its_blocking_calls() {
    moved(|runtime| {
        let handle = runtime.handle().clone();
        let job = handle.spawn_blocking(move || drop(runtime));
        handle.block_on(job).unwrap();
    });
}

#[test]
fn f18_a_runtime_may_be_dropped_by_a_task_that_blocks_in_place() {
    within(HANGS, || {
        let runtime = workers(2);
        let handle = runtime.handle().clone();
        let began = Instant::now();
        let task = handle.spawn(async move { block_in_place(|| drop(runtime)) });
        handle.block_on(task).unwrap();
        assert!(began.elapsed() < SOON, "it waited for itself, {:?}", began.elapsed());
    });
}

#[test]
fn f18_a_runtime_may_be_dropped_by_a_task_of_another_and_by_the_end_of_another() {
    moved(|inner| {
        for outer in [workers(1), Builder::new().current_thread().build().unwrap()] {
            let second = workers(1);
            let gate = Gate::new();
            let waits = gate.wait();
            second.spawn(waits).detach();
            outer.spawn(async move { drop((pending::<()>().await, second)) }).detach();
            outer.block_on(yields(5));
            drop(outer);
            gate.open();
        }
        workers(1).block_on(async { spawn(async move { drop(inner) }).await }).unwrap();
    });
}

#[test]
fn f18_handles_held_by_the_tasks_they_belong_to_are_dropped_in_any_order() {
    on_both(|runtime| {
        type Shelf = Arc<Mutex<Vec<JoinHandle<Box<u64>>>>>;
        let shelf: Shelf = Arc::default();
        let drops = Drops::new();
        for number in 0..100 {
            let (mine, guard) = (shelf.clone(), drops.guard());
            let task = runtime.spawn(async move {
                let _guard = guard;
                if number % 3 == 0 {
                    return Box::new(number);
                }
                // Holds others while it waits, and joins one of them.
                let other = mine.lock().unwrap().pop();
                match other {
                    Some(other) => other.await.unwrap_or_default(),
                    None => pending().await,
                }
            });
            shelf.lock().unwrap().push(task);
        }
        runtime.block_on(yields(50));
        let left = shelf.clone();
        let keeper = OnDrop::new(move || left.lock().unwrap().clear());
        runtime.spawn(async move { drop((pending::<()>().await, keeper)) }).detach();
        let waiting = Gate::new();
        let last = runtime.spawn(waiting.wait());
        runtime.block_on(yields(5));
        // The joiner of a task that shutdown ends hears of it.
        let handle = runtime.handle().clone();
        runtime.spawn(async move { drop((last.await, handle)) }).detach();
    });
}

#[test]
fn f18_sockets_and_timers_in_tasks_outlive_nothing_they_need() {
    for (_, builder) in flavours() {
        within(HANGS, move || {
            let runtime = builder.build().unwrap();
            let (listener, sleep) = runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
                spawn(async move { drop(other.accept().await) }).detach();
                spawn(async { raddle::time::sleep(FOR_EVER).await }).detach();
                yields(5).await;
                (listener, raddle::time::sleep(FOR_EVER))
            });
            let mut sleep = Box::pin(sleep);
            runtime.block_on(crate::common::poll_once(&mut sleep));
            assert!(runtime.shutdown(SOON).is_clean());
            let error = futures_lite::future::block_on(listener.accept()).unwrap_err();
            assert!(error.to_string().contains("has shut down"), "{error}");
            drop((listener, sleep));
        });
    }
}

/// A runtime, and a reference that is dead once the very last part of it has been freed.
fn watched(builder: Builder) -> (Runtime, Weak<()>) {
    let part = Arc::new(());
    let watch = Arc::downgrade(&part);
    let hook = move |_: &raddle::runtime::TaskPanic<'_>| {
        let _part = &part;
    };
    (builder.on_panic(PanicPolicy::Call(Arc::new(hook))).build().unwrap(), watch)
}

#[test]
fn f29_a_runtime_is_freed_with_the_last_that_holds_it() {
    for (_, builder) in flavours() {
        within(HANGS, move || {
            let (runtime, watch) = watched(builder);
            let gate = Gate::new();
            let waiting = runtime.spawn(gate.wait());
            let done = runtime.spawn(async { 1 });
            let cancel = waiting.abort_handle();
            runtime.block_on(async {
                yields(20).await;
                spawn(yields(20)).await.unwrap();
                raddle::spawn_blocking(|| ()).await.unwrap();
                raddle::spawn_pinned(|| yields(3)).await.unwrap();
            });
            let (handle, wakers) = (runtime.handle().clone(), gate.take_wakers());
            assert_eq!(wakers.len(), 1);
            drop(runtime);
            assert!(watch.upgrade().is_some(), "still held");
            wakers[0].wake_by_ref();
            drop((wakers, waiting, done, cancel));
            assert!(watch.upgrade().is_some(), "still held by a handle");
            drop(handle);
            // The pool's thread ends by itself.
            crate::common::eventually("the runtime is freed", || watch.upgrade().is_none());
        });
    }
}

#[test]
fn f29_future_and_output_are_dropped_exactly_once() {
    for (_, builder) in flavours() {
        within(HANGS, move || {
            let (runtime, watch) = watched(builder);
            let (futures, outputs) = (Drops::new(), Drops::new());
            let task = |fate| runtime.spawn(fated(fate, futures.guard(), outputs.clone()));
            let tasks: Vec<_> = (0..300).map(task).collect();
            runtime.block_on(async { each_in_its_own_way(tasks).await });
            drop(runtime);
            assert_eq!((futures.made(), futures.dropped()), (300, 300));
            assert_eq!(outputs.made(), outputs.dropped());
            crate::common::eventually("no task keeps its runtime", || watch.upgrade().is_none());
        });
    }
}

/// Waits for ever, panics, or has an output, after a few polls.
async fn fated(fate: usize, _future: Guard, output: Drops) -> Guard {
    yields(fate % 5).await;
    match fate % 3 {
        0 => pending().await,
        1 => panic!("one of the fates"),
        _ => output.guard(),
    }
}

/// Joins, cancels, detaches or forgets each of the tasks, some before and some after they have ended.
async fn each_in_its_own_way<T: Send>(tasks: Vec<JoinHandle<T>>) {
    for (number, task) in tasks.into_iter().enumerate() {
        match number % 7 {
            0 => drop(task),
            1 => {
                task.cancel();
                drop(task.await);
            }
            2 => {
                yields(8).await;
                task.detach();
            }
            3 => drop(raddle::time::timeout(Duration::from_micros(50), task).await),
            4 => task.cancel_with("enough"),
            5 => {
                let cancel = task.abort_handle();
                drop(task);
                cancel.cancel();
            }
            _ => {
                let mut task = task;
                drop(crate::common::poll_once(&mut task).await);
            }
        }
    }
}
