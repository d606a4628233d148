//! Event loops: what runs when, and what becomes of what does not run.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::gate::Gate;
use common::guard::Drops;
use common::{
    HANGS, SOON, eventually, multi_thread, on_both, on_both_built, panic_of, within, workers, yields,
};
use raddle::event_loop::EventLoop;
use raddle::runtime::{Handle, Runtime};
use raddle::task::JoinHandle;
use raddle::time::{Duration, sleep};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};

const SECOND: Duration = Duration::from_secs(1);

/// What happened, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    /// A callback that notes `what` and the loop's time in seconds.
    fn at(&self, event_loop: &EventLoop, what: &'static str) -> impl FnOnce() + Send + use<> {
        let (log, event_loop) = (self.clone(), event_loop.clone());
        move || log.add(format!("{what} {}", event_loop.time().as_secs_f64().round()))
    }

    /// A callback that notes `what`.
    fn note(&self, what: &'static str) -> impl FnOnce() + Send + use<> {
        let log = self.clone();
        move || log.add(what)
    }

    #[track_caller]
    fn check(&self, expected: &[&str]) {
        assert_eq!(*self.0.lock().unwrap(), expected);
    }
}

fn on_paused(test: impl Fn(&Runtime) + Copy + Send + 'static) {
    on_both_built(|builder| builder.start_paused(true), test);
}

/// Blocks the calling thread for so long on the runtime's clock.
fn block(duration: Duration) {
    raddle::block_in_place(|| Handle::current().block_on(sleep(duration)));
}

/// A runtime of two workers whose clock is paused.
fn paused() -> Runtime {
    multi_thread(2).start_paused(true).build().unwrap()
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
fn s1_6_blocking_callbacks_of_one_loop_run_one_after_the_other() {
    within(HANGS, || {
        let runtime = paused();
        let (event_loop, log) = (new_on(&runtime), Log::default());
        for (duration, what) in [(6 * SECOND, "six"), (3 * SECOND, "three")] {
            let note = log.at(&event_loop, what);
            event_loop.call_soon_threadsafe(move || {
                block(duration);
                note();
            });
        }
        let thread = run_forever(&event_loop);
        event_loop.stop();
        thread.join().unwrap();
        log.check(&["six 6", "three 9"]);
    });
}

#[test]
fn s1_7_coroutines_given_from_outside_run_side_by_side() {
    within(HANGS, || {
        let runtime = paused();
        let event_loop = new_on(&runtime);
        let thread = run_forever(&event_loop);
        // Both in one poll, in which paused time stands still.
        let [six, three] = runtime.block_on(async {
            [6, 3].map(|n| {
                let event_loop = event_loop.clone();
                event_loop.clone().run_coroutine_threadsafe(async move {
                    sleep(n * SECOND).await;
                    event_loop.time()
                })
            })
        });
        assert_eq!(three.result(None).unwrap(), 3 * SECOND);
        assert_eq!(six.result(Some(60 * SECOND)).unwrap(), 6 * SECOND);
        event_loop.stop();
        thread.join().unwrap();
    });
}

#[test]
fn s2_1_callbacks_run_after_the_coroutines_current_step() {
    on_both(|runtime| {
        let (event_loop, log) = (new_on(runtime), Log::default());
        let main = log.clone();
        event_loop.call_soon(log.note("queued before"));
        event_loop.run_until_complete(async move {
            let current = EventLoop::current();
            current.call_soon(main.note("first"));
            current.call_soon(main.note("second"));
            main.add("end of the step");
        });
        log.check(&["queued before", "end of the step", "first", "second"]);
    });
}

#[test]
fn callbacks_wait_for_the_step_though_a_core_is_free() {
    within(HANGS, || {
        let runtime = workers(2);
        let (event_loop, log) = (new_on(&runtime), Log::default());
        let step = {
            let (log, runtime) = (log.clone(), runtime.handle().clone());
            move || {
                EventLoop::current().call_soon(log.note("callback"));
                EventLoop::current().call_later(Duration::ZERO, log.note("timer"));
                // Another worker is free: it runs this task.
                let (send, receive) = mpsc::channel();
                runtime.spawn(async move { send.send(()).unwrap() }).detach();
                receive.recv().unwrap();
                log.add("end of the step");
            }
        };
        let in_task = step.clone();
        event_loop.run_until_complete(async { step() });
        event_loop.run_until_complete(async {
            EventLoop::current().create_task(async move { in_task() }).await.unwrap();
        });
        let once = ["end of the step", "callback", "timer"];
        log.check(&[once, once].concat());
    });
}

#[test]
fn s2_1_in_a_runtimes_own_loop() {
    within(HANGS, || {
        let log = Log::default();
        let main = log.clone();
        raddle::run(async move {
            let own = EventLoop::current();
            assert!(own.is_running());
            own.call_soon(main.note("first"));
            own.call_soon(main.note("second"));
            main.add("end");
        });
        log.check(&["end", "first", "second"]);
    });
}

/// Waits for a timer of the loop.
async fn timer_of(event_loop: &EventLoop, delay: Duration) {
    let done = event_loop.create_future::<()>();
    let set = done.clone();
    event_loop.call_later(delay, move || set.set_result(()).unwrap());
    done.await.unwrap();
}

#[test]
fn s2_2_a_timer_waits_for_a_callback_that_blocks_and_nobody_else_does() {
    within(HANGS, || {
        let runtime = multi_thread(3).start_paused(true).build().unwrap();
        let (event_loop, other, log) = (new_on(&runtime), new_on(&runtime), Log::default());
        let log_task = log.clone();
        event_loop.run_until_complete(async {
            event_loop.call_later(SECOND, log.at(&event_loop, "timer"));
            let note = log.at(&event_loop, "blocking");
            event_loop.call_soon(move || {
                block(3 * SECOND);
                note();
            });
            let note = log_task.at(&event_loop, "task");
            let task: JoinHandle<()> = event_loop.create_task(async move {
                sleep(2 * SECOND).await;
                note();
            });
            let elsewhere = {
                let (other, note) = (other.clone(), log.at(&event_loop, "other loop"));
                raddle::spawn_blocking(move || {
                    other.run_until_complete(timer_of(&other, 2 * SECOND + SECOND / 2));
                    note();
                })
            };
            task.await.unwrap();
            elsewhere.await.unwrap();
            sleep(SECOND).await;
        });
        log.check(&["task 2", "other loop 3", "blocking 3", "timer 3"]);
    });
}

#[test]
fn s2_3_a_callback_at_a_time_of_the_loops_clock() {
    on_paused(|runtime| {
        let (event_loop, log) = (new_on(runtime), Log::default());
        let began = event_loop.time();
        let timer = event_loop.call_at(began + 4 * SECOND, log.at(&event_loop, "four"));
        event_loop.call_at(began, log.at(&event_loop, "now"));
        event_loop.call_at(Duration::ZERO, log.at(&event_loop, "past"));
        event_loop.call_later(Duration::MAX, log.at(&event_loop, "never"));
        assert_eq!(timer.when(), began + 4 * SECOND);
        event_loop.call_soon(log.note("queued"));
        event_loop.run_until_complete(sleep_in_loop(5 * SECOND));
        log.check(&["queued", "now 0", "past 0", "four 4"]);
        assert!(!timer.cancelled());
        event_loop.close();
    });
}

async fn sleep_in_loop(duration: Duration) {
    sleep(duration).await;
}

#[test]
fn timers_run_in_the_order_of_their_times_then_of_their_making() {
    within(HANGS, || {
        let runtime = paused();
        let (event_loop, log) = (new_on(&runtime), Log::default());
        for (after, what) in [(3, "3"), (1, "1a"), (2, "2"), (1, "1b"), (1, "1c")] {
            event_loop.call_later(after * SECOND, log.note(what));
        }
        // All are due at once.
        event_loop.call_soon(|| block(10 * SECOND));
        event_loop.run_until_complete(sleep_in_loop(11 * SECOND));
        log.check(&["1a", "1b", "1c", "2", "3"]);
    });
}

#[test]
fn s2_4_a_cancelled_handle_never_runs_and_its_closure_goes_at_once() {
    on_paused(|runtime| {
        let (event_loop, drops, log) = (new_on(runtime), Drops::new(), Log::default());
        let closure = || {
            let (guard, log) = (drops.guard(), log.clone());
            move || {
                log.add("ran");
                drop(guard);
            }
        };
        let (soon, later) = (event_loop.call_soon(closure()), event_loop.call_later(SECOND, closure()));
        assert!(!soon.cancelled() && !later.cancelled());
        soon.cancel();
        later.cancel();
        later.cancel();
        assert!(soon.cancelled() && later.cancelled());
        assert_eq!(drops.dropped(), 2, "now, and not when its time comes");
        let ran = event_loop.call_soon(closure());
        event_loop.run_until_complete(sleep_in_loop(2 * SECOND));
        ran.cancel();
        assert!(!ran.cancelled(), "it has run");
        log.check(&["ran"]);
        assert_eq!(drops.dropped(), 3);
    });
}

#[test]
fn s2_9_a_loop_that_closes_ends_its_tasks_in_order() {
    on_both(|runtime| {
        let (event_loop, log) = (new_on(runtime), Log::default());
        let tasks: Vec<JoinHandle<()>> = ["one", "two", "three"]
            .map(|name| {
                let end = common::guard::OnDrop::new(log.note(name));
                event_loop.create_task(async move {
                    let _end = end;
                    std::future::pending::<()>().await;
                })
            })
            .into();
        let finished = event_loop.create_task(async {});
        event_loop.run_until_complete(yields(10));
        runtime.block_on(finished).unwrap();
        event_loop.close();
        log.check(&["one", "two", "three"]);
        for task in tasks {
            let error = runtime.block_on(task).unwrap_err();
            assert_eq!(error.reason(), Some("its event loop was closed"));
        }
        assert!(event_loop.is_closed());
    });
}

#[test]
fn stop_lets_the_turn_end_and_the_loop_may_run_again() {
    on_both(|runtime| {
        let (event_loop, log) = (new_on(runtime), Log::default());
        let first = {
            let (event_loop, log) = (event_loop.clone(), log.clone());
            move || {
                event_loop.call_soon(log.note("next turn"));
                event_loop.stop();
                event_loop.stop();
                assert!(event_loop.is_running());
                log.add("stops");
            }
        };
        event_loop.call_soon(first);
        event_loop.call_soon(log.note("same turn"));
        event_loop.run_forever();
        assert!(!event_loop.is_running());
        log.check(&["stops", "same turn"]);
        // Said before the run: one turn.
        event_loop.call_soon(log.note("beside it"));
        event_loop.stop();
        event_loop.run_forever();
        log.check(&["stops", "same turn", "next turn", "beside it"]);
        event_loop.stop();
        event_loop.run_forever();
        assert_eq!(event_loop.run_until_complete(async { 7 }), 7);
    });
}

#[test]
fn stop_from_elsewhere_comes_behind_what_is_queued() {
    within(HANGS, || {
        let runtime = workers(2);
        let (event_loop, gate, log) = (new_on(&runtime), Gate::new(), Log::default());
        let thread = run_forever(&event_loop);
        let wait = gate.clone();
        event_loop.call_soon(move || wait.block());
        event_loop.call_soon(log.note("queued"));
        eventually("it runs", || event_loop.is_running());
        event_loop.stop();
        event_loop.stop();
        event_loop.call_soon(log.note("too late, unless its turn is the same"));
        gate.open();
        thread.join().unwrap();
        assert_eq!(log.0.lock().unwrap()[0], "queued");
        // The second stop was for that run.
        event_loop.run_until_complete(sleep_in_loop(Duration::from_millis(1)));
    });
}

#[test]
fn a_stopped_loop_says_so_to_run_until_complete() {
    on_both(|runtime| {
        let event_loop = new_on(runtime);
        let stopped = event_loop.clone();
        event_loop.call_soon(move || stopped.stop());
        let text = panic_of(|| event_loop.run_until_complete(std::future::pending::<()>()));
        assert!(text.contains("stopped before its future was done"), "{text}");
        assert!(!event_loop.is_running());
        event_loop.run_until_complete(async {});
    });
}

#[test]
fn a_future_that_panics_stops_the_loop_first() {
    on_both(|runtime| {
        let (event_loop, log) = (new_on(runtime), Log::default());
        let main = log.clone();
        let text = panic_of(|| {
            event_loop.run_until_complete(async move {
                EventLoop::current().call_soon(main.note("still runs"));
                panic!("of the future");
            })
        });
        assert_eq!(text, "of the future");
        log.check(&["still runs"]);
        event_loop.run_until_complete(async {});
    });
}

#[test]
fn a_running_loop_is_neither_run_nor_closed() {
    within(HANGS, || {
        let runtime = workers(2);
        let (event_loop, other) = (new_on(&runtime), new_on(&runtime));
        let text = event_loop
            .run_until_complete(async { panic_of(|| EventLoop::current().run_until_complete(async {})) });
        assert!(text.contains("run_until_complete: this event loop is already running"), "{text}");
        let text = event_loop.run_until_complete(async { panic_of(|| other.run_forever()) });
        assert!(text.contains("run_forever was called inside async code"), "{text}");
        let text = event_loop.run_until_complete(async { panic_of(|| EventLoop::current().close()) });
        assert!(text.contains("this event loop is running; stop it first"), "{text}");
        other.run_until_complete(async {});
        event_loop.run_until_complete(async {});
    });
}

#[test]
fn a_closed_loop_takes_nothing_and_drops_what_is_queued() {
    on_both(|runtime| {
        let (event_loop, drops) = (new_on(runtime), Drops::new());
        let handles: Vec<_> = (0..3)
            .map(|_| {
                let guard = drops.guard();
                event_loop.call_soon(move || drop(guard))
            })
            .collect();
        let guard = drops.guard();
        let timer = event_loop.call_later(SECOND, move || drop(guard));
        event_loop.close();
        event_loop.close();
        assert_eq!(drops.dropped(), 4);
        assert!(timer.cancelled() && handles.iter().all(|handle| handle.cancelled()));
        let closed = |text: String| assert!(text.contains("this event loop is closed"), "{text}");
        closed(panic_of(|| event_loop.call_soon(|| ())));
        closed(panic_of(|| event_loop.call_soon_threadsafe(|| ())));
        closed(panic_of(|| event_loop.call_later(SECOND, || ())));
        closed(panic_of(|| event_loop.create_task(async {}).detach()));
        closed(panic_of(|| drop(event_loop.run_coroutine_threadsafe(async {}))));
        closed(panic_of(|| event_loop.run_until_complete(async {})));
        closed(panic_of(|| event_loop.run_forever()));
        closed(panic_of(|| event_loop.add_reader(0, || ())));
        let promise = event_loop.create_future::<u32>();
        let guard = drops.guard();
        promise.add_done_callback(move |_| drop(guard));
        promise.set_result(1).unwrap();
        assert_eq!(drops.dropped(), 5, "its callback is dropped");
        assert!(!event_loop.remove_reader(0));
    });
}

#[test]
fn the_end_of_the_runtime_ends_its_loops() {
    within(HANGS, || {
        let runtime = workers(2);
        let (event_loop, drops) = (new_on(&runtime), Drops::new());
        let thread = run_forever(&event_loop);
        eventually("it runs", || event_loop.is_running());
        let guard = drops.guard();
        event_loop.call_later(60 * SECOND, move || drop(guard));
        assert!(runtime.shutdown(SOON).is_clean());
        thread.join().unwrap();
        assert_eq!(drops.dropped(), 1);
        assert!(event_loop.is_closed());
        let guard = drops.guard();
        let late = event_loop.call_soon(move || drop(guard));
        assert!(late.cancelled(), "no panic: destructors may do this while a runtime ends");
        assert_eq!(drops.dropped(), 2);
        let text = panic_of(|| event_loop.run_forever());
        assert!(text.contains("has shut down"), "{text}");
    });
}

#[test]
fn run_until_complete_hears_of_the_end_of_the_runtime() {
    within(HANGS, || {
        let runtime = workers(2);
        let event_loop = new_on(&runtime);
        let running = event_loop.clone();
        let thread =
            std::thread::spawn(move || panic_of(|| running.run_until_complete(std::future::pending::<()>())));
        eventually("it runs", || event_loop.is_running());
        drop(runtime);
        let text = thread.join().unwrap();
        assert!(text.contains("shut down before its future was done"), "{text}");
    });
}

#[test]
fn an_endless_chain_of_callbacks_gives_way() {
    on_both(|runtime| {
        fn again(event_loop: EventLoop, stops: Arc<AtomicBool>) {
            if !stops.load(SeqCst) {
                let next = event_loop.clone();
                event_loop.call_soon(move || again(next, stops));
            }
        }
        let (event_loop, stops) = (new_on(runtime), Arc::new(AtomicBool::new(false)));
        again(event_loop.clone(), stops.clone());
        event_loop.run_until_complete(async {
            raddle::spawn(yields(100)).await.unwrap();
            sleep(Duration::from_millis(1)).await;
            stops.store(true, SeqCst);
        });
    });
}
