//! Event loops beside one another and beside tasks; which one is the current one; failures and reports.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::gate::Gate;
use common::guard::Drops;
use common::{HANGS, SOON, child, multi_thread, on_both, panic_of, within, workers};
use raddle::event_loop::{EventLoop, ExceptionContext, ThreadFutureError};
use raddle::runtime::Runtime;
use raddle::time::{Duration, sleep};
use std::sync::{Arc, Mutex, mpsc};

raddle::task_local! {
    inherit static TENANT: &'static str;
}

fn new_on(runtime: &Runtime) -> EventLoop {
    let _entered = runtime.enter();
    EventLoop::new()
}

/// Runs the loop on a thread of its own, until it is stopped.
fn run_forever(event_loop: &EventLoop) -> std::thread::JoinHandle<()> {
    let event_loop = event_loop.clone();
    std::thread::spawn(move || event_loop.run_forever())
}

#[test]
fn a_blocked_lane_holds_neither_another_lane_nor_a_task() {
    within(HANGS, || {
        // With one worker, a spare one has to come.
        for count in [1, 2] {
            let runtime = workers(count);
            let (blocked, other) = (new_on(&runtime), new_on(&runtime));
            let threads = [&blocked, &other].map(run_forever);
            let (gate, entered) = (Gate::new(), Gate::new());
            let wait = (gate.clone(), entered.clone());
            let late = runtime.handle().clone();
            let (send, receive) = mpsc::channel();
            blocked.call_soon(move || {
                // In the queue of the very worker that is blocked.
                late.spawn(async move { send.send(()).unwrap() }).detach();
                wait.1.open();
                wait.0.block();
            });
            entered.block();
            receive.recv_timeout(HANGS).unwrap();
            other.call_soon(move || gate.open());
            blocked.stop();
            other.stop();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
            assert!(runtime.shutdown(SOON).is_clean());
        }
    });
}

#[test]
fn each_threads_callbacks_stay_in_order_one_at_a_time() {
    within(HANGS, || {
        const EACH: usize = 5_000;
        let runtime = workers(2);
        let event_loop = new_on(&runtime);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let thread = run_forever(&event_loop);
        let give = |giver: usize, number: usize| {
            let seen = seen.clone();
            let note = move || seen.try_lock().expect("one at a time").push((giver, number));
            event_loop.call_soon_threadsafe(note);
        };
        let give = &give;
        std::thread::scope(|scope| {
            (0..3).for_each(|giver| {
                drop(scope.spawn(move || (0..EACH).for_each(|number| give(giver, number))))
            });
        });
        event_loop.stop();
        thread.join().unwrap();
        let seen = seen.lock().unwrap();
        for giver in 0..3 {
            let numbers = seen.iter().filter(|(from, _)| *from == giver).map(|(_, number)| *number);
            assert!(numbers.eq(0..EACH));
        }
    });
}

#[test]
fn current_is_the_loop_one_runs_for() {
    within(HANGS, || {
        let runtime = workers(2);
        let event_loop = new_on(&runtime);
        event_loop.set_debug(true);
        let is_ours = || EventLoop::current().get_debug();
        let (send, receive) = mpsc::channel();
        event_loop.run_until_complete(async {
            assert!(is_ours());
            event_loop.call_soon(move || send.send(is_ours()).unwrap());
            assert!(EventLoop::current().create_task(async move { is_ours() }).await.unwrap());
            assert!(!raddle::spawn(async move { is_ours() }).await.unwrap(), "the runtime's own");
        });
        assert!(receive.recv().unwrap());
        runtime.block_on(async {
            let own = EventLoop::current();
            assert!(own.is_running() && !own.get_debug());
            own.set_debug(true);
            let same = raddle::spawn(async { EventLoop::current().get_debug() }).await.unwrap();
            assert!(same, "a runtime has one loop of its own");
            for text in [panic_of(|| own.stop()), panic_of(|| own.close()), panic_of(|| own.run_forever())] {
                assert!(text.starts_with("EventLoop::"), "{text}");
            }
        });
    });
}

#[test]
fn outside_a_runtime_a_thread_has_a_loop() {
    within(HANGS, || {
        let event_loop = EventLoop::current();
        event_loop.set_debug(true);
        assert!(!event_loop.is_running());
        assert_eq!(event_loop.run_until_complete(async { raddle::spawn(async { 7 }).await.unwrap() }), 7);
        assert!(EventLoop::current().get_debug(), "the same");
        assert!(std::thread::spawn(|| !EventLoop::current().get_debug()).join().unwrap());
        event_loop.close();
        assert!(!EventLoop::current().is_closed(), "a new one");
    });
}

#[test]
fn a_callback_that_panics_is_reported_and_the_lane_goes_on() {
    on_both(|runtime| {
        let event_loop = new_on(runtime);
        let reports = Arc::new(Mutex::new(Vec::new()));
        let add = reports.clone();
        event_loop.set_exception_handler(move |context: &ExceptionContext| {
            let line = context.location().map(|at| at.file().to_owned());
            add.lock().unwrap().push((context.panic_message().map(str::to_owned), line));
            if add.lock().unwrap().len() == 2 {
                panic!("the handler itself");
            }
        });
        let drops = Drops::new();
        for text in ["one", "two", "three"] {
            let guard = drops.guard();
            event_loop.call_soon(move || {
                let _guard = guard;
                panic!("{text}");
            });
        }
        let (send, receive) = mpsc::channel();
        event_loop.call_soon(move || send.send(()).unwrap());
        event_loop.run_until_complete(async {});
        receive.try_recv().unwrap();
        assert_eq!(drops.dropped(), 3);
        let here = Some(file!().to_owned());
        let expected = ["one", "two", "three"].map(|text| (Some(text.to_owned()), here.clone()));
        assert_eq!(*reports.lock().unwrap(), expected);
        event_loop.call_exception_handler(&ExceptionContext::new("by hand"));
        assert_eq!(reports.lock().unwrap().len(), 4);
    });
}

#[test]
fn callbacks_see_the_inherited_locals_of_whoever_gave_them() {
    on_both(|runtime| {
        let event_loop = new_on(runtime);
        let (send, receive) = mpsc::channel();
        let again = send.clone();
        event_loop.run_until_complete(TENANT.scope("acme", async {
            EventLoop::current().call_soon(move || send.send(TENANT.try_with(|name| *name)).unwrap());
        }));
        event_loop.call_soon(move || again.send(TENANT.try_with(|name| *name)).unwrap());
        event_loop.run_until_complete(async {});
        assert_eq!(receive.try_iter().collect::<Vec<_>>(), [Some("acme"), None]);
    });
}

#[test]
fn cancelled_timers_do_not_pile_up() {
    within(HANGS, || {
        let runtime = multi_thread(1).start_paused(true).build().unwrap();
        let (event_loop, drops) = (new_on(&runtime), Drops::new());
        for _ in 0..10_000 {
            let guard = drops.guard();
            event_loop.call_later(Duration::from_secs(3600), move || drop(guard)).cancel();
        }
        assert_eq!(drops.dropped(), 10_000);
        let (send, receive) = mpsc::channel();
        event_loop.call_later(Duration::from_secs(1), move || send.send(()).unwrap());
        event_loop.run_until_complete(async { sleep(Duration::from_secs(2)).await });
        receive.try_recv().unwrap();
    });
}

#[test]
fn a_thread_waits_for_a_coroutine_with_a_limit() {
    within(HANGS, || {
        let runtime = workers(2);
        let event_loop = new_on(&runtime);
        let gate = Gate::new();
        let wait = gate.clone();
        let future = event_loop.run_coroutine_threadsafe(async move {
            wait.wait().await;
            7
        });
        let early = future.result(Some(Duration::from_millis(1)));
        assert!(matches!(early, Err(ThreadFutureError::TimedOut)));
        assert!(!future.done());
        gate.open();
        assert_eq!(future.result(Some(HANGS)).unwrap(), 7);
        assert!(future.done() && matches!(future.result(None), Err(ThreadFutureError::Taken)));
        assert!(!future.cancel());
        let stuck = event_loop.run_coroutine_threadsafe(std::future::pending::<()>());
        let text = runtime.block_on(async { panic_of(|| stuck.result(None).is_ok()) });
        assert!(text.contains("ThreadFuture::result was called inside async code"), "{text}");
        assert!(stuck.cancel());
        assert!(matches!(stuck.result(None), Err(ThreadFutureError::Join(error)) if error.is_cancelled()));
        let awaited = event_loop.run_coroutine_threadsafe(async { 8 });
        assert_eq!(runtime.block_on(awaited).unwrap(), 8);
        event_loop.close();
    });
}

#[test]
fn debug_mode_reports_slow_callbacks_and_what_close_drops() {
    if child::role().is_some() {
        let runtime = workers(1);
        let event_loop = new_on(&runtime);
        event_loop.set_debug(true);
        event_loop.set_slow_callback_duration(Duration::ZERO);
        event_loop.call_soon(|| ());
        event_loop.run_until_complete(async {});
        event_loop.call_soon(|| ());
        event_loop.close();
        return;
    }
    let output = child::run("debug_mode_reports_slow_callbacks_and_what_close_drops", "debug", &[]);
    let text = child::text(&output.stderr);
    assert!(output.status.success(), "{text}");
    assert!(text.contains(file!()) && text.contains(" took 0.0"), "{text}");
    assert!(text.contains("closed with 1 callbacks queued"), "{text}");
}
