//! Outside a runtime, inside the wrong one, and in and out of one.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::{HANGS, SOON, child, current_thread, multi_thread, on_both, panic_of, within, workers};
use raddle::net::poll_fd::AsyncFd;
use raddle::net::{TcpListener, TcpStream};
use raddle::runtime::{Handle, PanicPolicy, Runtime};
use raddle::time::{Duration, Instant, interval, sleep, sleep_until, timeout};
use raddle::{spawn, spawn_blocking, spawn_pinned};
use std::future::{pending, ready};
use std::sync::{Arc, Weak};

/// Runs a future on an executor that is not Raddle's.
fn elsewhere<T>(future: impl Future<Output = T>) -> T {
    futures_lite::future::block_on(future)
}

#[test]
fn whatever_needs_a_runtime_panics_outside_one_and_says_what_to_do() {
    let texts = [
        panic_of(|| spawn(async {})),
        panic_of(|| spawn_blocking(|| ())),
        panic_of(|| spawn_pinned(|| ready(()))),
        panic_of(|| raddle::task::Builder::new().name("x").spawn(async {})),
        panic_of(|| raddle::task::all()),
        panic_of(|| sleep(Duration::ZERO)),
        panic_of(|| sleep_until(Instant::now())),
        panic_of(|| timeout(Duration::ZERO, ready(()))),
        panic_of(|| interval(Duration::from_secs(1))),
        panic_of(|| raddle::time::pause()),
        panic_of(|| elsewhere(raddle::time::advance(Duration::ZERO))),
        panic_of(|| Handle::current()),
        panic_of(|| elsewhere(TcpListener::bind("127.0.0.1:0"))),
        panic_of(|| elsewhere(TcpStream::connect("127.0.0.1:1"))),
        panic_of(|| AsyncFd::new(std::io::stdin())),
    ];
    for text in texts {
        assert!(text.contains("there is no raddle runtime on this thread"), "{text}");
        assert!(text.contains("raddle::run") && text.contains("enter()"), "{text}");
        assert!(!text.contains('\n'), "one line: {text}");
    }
}

/// Who waits for what it holds is not to wait for ever.
#[test]
fn a_future_that_cannot_be_spawned_is_dropped() {
    let held = Arc::new(());
    let [one, two, three, four] = [(); 4].map(|()| held.clone());
    panic_of(|| spawn(async move { drop(one) }));
    panic_of(|| raddle::task::Builder::new().spawn(async move { drop(two) }));
    panic_of(|| spawn_blocking(|| drop(three)));
    panic_of(|| spawn_pinned(|| async { drop(four) }));
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn the_panic_points_at_the_caller() {
    let place = Arc::new(std::sync::Mutex::new(None));
    let seen = place.clone();
    let mine = std::thread::current().id();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == mine {
            *seen.lock().unwrap() = info.location().map(|at| (at.file().to_owned(), at.line()));
        } else {
            before(info);
        }
    }));
    let line = line!() + 1;
    panic_of(|| spawn(async {}));
    let (file, at) = place.lock().unwrap().take().unwrap();
    let _ = std::panic::take_hook();
    assert_eq!((file.as_str(), at), (file!(), line));
}

#[test]
fn what_needs_no_runtime_works_outside_one() {
    assert!(Handle::try_current().is_none());
    assert!(raddle::task::try_current().is_none());
    assert!(panic_of(|| raddle::task::current()).contains("try_current"));
    let began = Instant::now();
    assert!(began.elapsed() < SOON);
    elsewhere(raddle::yield_now());
    elsewhere(raddle::consume_budget());
    assert!(elsewhere(raddle::net::lookup_host("127.0.0.1:1")).is_ok());
    assert_eq!(raddle::block_in_place(|| 5), 5);
}

#[test]
fn a_runtime_is_current_where_its_code_runs_and_nowhere_else() {
    on_both(|runtime| {
        assert!(Handle::try_current().is_none());
        runtime.block_on(async {
            assert!(Handle::try_current().is_some());
            spawn(async { assert!(Handle::try_current().is_some()) }).await.unwrap();
            spawn_blocking(|| assert!(Handle::try_current().is_some())).await.unwrap();
            let thread = std::thread::spawn(|| assert!(Handle::try_current().is_none()));
            thread.join().unwrap();
        });
        assert!(Handle::try_current().is_none());
    });
}

#[test]
fn entering_makes_a_runtime_current_until_the_guard_goes() {
    on_both(|runtime| {
        let guard = runtime.enter();
        let task = spawn(async { 3 });
        drop(guard);
        assert!(Handle::try_current().is_none());
        assert_eq!(runtime.block_on(task).unwrap(), 3);
        // What was made inside works outside, on any executor, if someone runs the timers.
        let timer = {
            let _guard = runtime.handle().enter();
            sleep(Duration::ZERO)
        };
        elsewhere(timer);
    });
}

#[test]
fn the_runtime_entered_last_is_the_current_one() {
    within(HANGS, || {
        let (one, three) = (workers(1), workers(3));
        let width = || Handle::current().metrics().workers();
        let outer = one.enter();
        assert_eq!(width(), 1);
        {
            let _inner = three.enter();
            assert_eq!(width(), 3);
            one.block_on(async {
                assert_eq!(width(), 1);
                let _here = three.enter();
                assert_eq!(width(), 3);
                assert_eq!(spawn(async move { width() }).await.unwrap(), 3);
            });
            assert_eq!(width(), 3);
        }
        assert_eq!(width(), 1);
        drop(outer);
    });
}

#[test]
fn timers_and_tasks_of_one_runtime_may_be_awaited_on_another() {
    within(HANGS, || {
        let (one, other) = (workers(1), current_thread());
        let (timer, task) = {
            let _guard = one.enter();
            (sleep(Duration::from_millis(2)), spawn(async { 4 }))
        };
        other.block_on(async {
            timer.await;
            assert_eq!(task.await.unwrap(), 4);
        });
    });
}

/// How many workers a runtime has that is watched, and no other here.
const WATCHED: usize = 3;

/// A runtime, and a reference that is dead once it has been freed.
fn watched() -> (Runtime, Weak<()>) {
    let part = Arc::new(());
    let watch = Arc::downgrade(&part);
    let hook = move |_: &raddle::runtime::TaskPanic<'_>| {
        let _part = &part;
    };
    (multi_thread(WATCHED).on_panic(PanicPolicy::Call(Arc::new(hook))).build().unwrap(), watch)
}

/// Nothing that is freed may be current: asking would read freed memory.
#[track_caller]
fn assert_nothing_dangles(watch: &Weak<()>) {
    let freed = watch.upgrade().is_none();
    let is_current = Handle::try_current().is_some_and(|handle| {
        // It is not dropped, for it may have no count to give back.
        std::mem::ManuallyDrop::new(handle).metrics().workers() == WATCHED
    });
    assert!(!(freed && is_current), "a runtime that has been freed is the current one");
}

/// Runs `test` in a child: where freed memory is used, anything may happen.
#[track_caller]
fn in_child(name: &str, test: impl FnOnce()) {
    if child::role().is_some() {
        return test();
    }
    let output = child::run(name, "child", &[]);
    assert!(output.status.success(), "{}: {}", output.status, child::text(&output.stderr));
}

#[test]
fn a_guard_that_is_forgotten_leaves_nothing_dangling() {
    in_child("a_guard_that_is_forgotten_leaves_nothing_dangling", || {
        let (runtime, watch) = watched();
        std::mem::forget(runtime.enter());
        drop(runtime);
        assert_nothing_dangles(&watch);
    });
}

#[test]
fn guards_dropped_in_the_wrong_order_leave_nothing_dangling() {
    in_child("guards_dropped_in_the_wrong_order_leave_nothing_dangling", || {
        let ((first, watch), second) = (watched(), workers(1));
        let one = first.enter();
        let two = second.enter();
        // Refused with a panic, or put right: either will do.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(one)));
        drop(first);
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(two)));
        assert_nothing_dangles(&watch);
    });
}

/// A future that is not `Send` may hold a guard while it waits: whoever runs next on its thread is not in that runtime.
#[test]
fn a_guard_held_by_a_pinned_task_while_it_waits_leaves_nothing_dangling() {
    in_child("a_guard_held_by_a_pinned_task_while_it_waits_leaves_nothing_dangling", || {
        let (runtime, watch) = watched();
        let outer = current_thread();
        let (handle, watching) = (runtime.handle().clone(), watch.clone());
        outer.block_on(async move {
            let task = spawn_pinned(move || async move {
                let guard = handle.enter();
                pending::<()>().await;
                drop(guard);
            });
            raddle::time::sleep(Duration::from_millis(2)).await;
            let elsewhere = Handle::current().metrics().workers();
            task.cancel();
            drop(task.await);
            drop(runtime);
            println!("beside the guard: a runtime of {elsewhere}");
            assert_nothing_dangles(&watching);
        });
        assert_nothing_dangles(&watch);
    });
}
