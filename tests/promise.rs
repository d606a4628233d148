//! Promises: set once, awaited by many, with callbacks on the loop's lane.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::guard::Drops;
use common::{HANGS, multi_thread, on_both, on_both_built, poll_once, within, workers};
use raddle::event_loop::{EventLoop, ExceptionContext, InvalidState, Promise, PromiseError};
use raddle::runtime::Runtime;
use raddle::time::Duration;
use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex};

const SECOND: Duration = Duration::from_secs(1);

fn new_on(runtime: &Runtime) -> EventLoop {
    let _entered = runtime.enter();
    EventLoop::new()
}

/// What callbacks noted, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn of(&self, what: &'static str) -> impl FnOnce(&Promise<u32>) + Send + use<> {
        let log = self.0.clone();
        move |promise| log.lock().unwrap().push(format!("{what} {:?}", promise.result().ok()))
    }

    #[track_caller]
    fn check(&self, expected: &[&str]) {
        assert_eq!(*self.0.lock().unwrap(), expected);
    }
}

#[test]
fn s2_5_several_coroutines_await_a_promise_that_a_timer_sets() {
    within(HANGS, || {
        let runtime = multi_thread(2).start_paused(true).build().unwrap();
        let event_loop = new_on(&runtime);
        event_loop.run_until_complete(async {
            let promise = event_loop.create_future::<String>();
            let waiters: Vec<_> = (0..5)
                .map(|_| {
                    let (promise, event_loop) = (promise.clone(), event_loop.clone());
                    event_loop.clone().create_task(async move { (promise.await.unwrap(), event_loop.time()) })
                })
                .collect();
            let setter = promise.clone();
            event_loop.call_later(3 * SECOND, move || setter.set_result("value".into()).unwrap());
            assert!(!promise.done());
            assert!(matches!(promise.result(), Err(PromiseError::NotDone)));
            for waiter in waiters {
                assert_eq!(waiter.await.unwrap(), ("value".to_owned(), 3 * SECOND));
            }
            assert_eq!(promise.result().unwrap(), "value", "again and again");
            assert_eq!(promise.await.unwrap(), "value");
        });
    });
}

#[test]
fn s2_6_done_callbacks_run_once_also_when_added_late() {
    on_both(|runtime| {
        let (event_loop, log) = (new_on(runtime), Log::default());
        let promise = event_loop.create_future::<u32>();
        promise.add_done_callback(log.of("first"));
        let removed = promise.add_done_callback(log.of("removed"));
        promise.add_done_callback(log.of("second"));
        assert_eq!(promise.remove_done_callback(removed), 1);
        assert_eq!(promise.remove_done_callback(removed), 0);
        promise.set_result(7).unwrap();
        log.check(&[]);
        event_loop.run_until_complete(async {});
        let late = promise.add_done_callback(log.of("late"));
        assert_eq!(promise.remove_done_callback(late), 0, "it has been given its turn");
        event_loop.run_until_complete(async {});
        event_loop.run_until_complete(async {});
        log.check(&["first Some(7)", "second Some(7)", "late Some(7)"]);
    });
}

#[test]
fn s2_6_a_second_result_is_an_error() {
    on_both(|runtime| {
        let event_loop = new_on(runtime);
        let drops = Drops::new();
        let promise = event_loop.create_future::<Arc<common::guard::Guard>>();
        promise.set_result(Arc::new(drops.guard())).unwrap();
        assert_eq!(promise.set_result(Arc::new(drops.guard())), Err(InvalidState));
        assert_eq!(drops.dropped(), 1, "the second value is gone");
        assert_eq!(promise.set_error("late"), Err(InvalidState));
        assert!(!promise.cancel());
        assert!(InvalidState.to_string().contains("done already"));
        assert!(promise.done() && !promise.cancelled());
        drop(promise);
        assert_eq!(drops.dropped(), 2);
    });
}

#[test]
fn a_cancelled_promise_says_so_to_all() {
    on_both(|runtime| {
        let (event_loop, log) = (new_on(runtime), Log::default());
        let promise = event_loop.create_future::<u32>();
        promise.add_done_callback(log.of("cancelled"));
        let canceller = promise.clone();
        event_loop.call_soon(move || assert!(canceller.cancel()));
        let error = event_loop.run_until_complete(promise.clone()).unwrap_err();
        assert!(error.is_cancelled() && promise.cancelled() && promise.done());
        assert!(matches!(promise.exception(), Err(PromiseError::Cancelled)));
        assert_eq!(promise.set_result(1), Err(InvalidState));
        event_loop.run_until_complete(async {});
        log.check(&["cancelled None"]);
    });
}

#[test]
fn an_error_reaches_everyone_as_it_is() {
    on_both(|runtime| {
        let event_loop = new_on(runtime);
        let promise = event_loop.create_future::<u32>();
        assert!(matches!(promise.exception(), Err(PromiseError::NotDone)));
        promise.set_error(io::Error::new(io::ErrorKind::NotFound, "no such thing")).unwrap();
        for _ in 0..2 {
            let error = event_loop.run_until_complete(promise.clone()).unwrap_err();
            assert_eq!(error.to_string(), "no such thing");
            let PromiseError::Failed(inner) = error else { panic!("{error:?}") };
            assert_eq!(inner.downcast_ref::<io::Error>().unwrap().kind(), io::ErrorKind::NotFound);
        }
        assert!(promise.exception().unwrap().is_some());
        // One that is shared, and one that is only a text.
        let shared: Arc<dyn Error + Send + Sync> = Arc::new(io::Error::other("shared"));
        let other = event_loop.create_future::<u32>();
        other.set_error(shared).unwrap();
        assert_eq!(other.result().unwrap_err().to_string(), "shared");
        let text = event_loop.create_future::<u32>();
        text.set_error("only a text").unwrap();
        assert_eq!(text.result().unwrap_err().to_string(), "only a text");
        let value = event_loop.create_future::<u32>();
        value.set_result(1).unwrap();
        assert!(value.exception().unwrap().is_none());
    });
}

#[test]
fn an_error_that_nobody_looked_at_is_reported() {
    on_both(|runtime| {
        let event_loop = new_on(runtime);
        let reports = Arc::new(Mutex::new(Vec::new()));
        let add = reports.clone();
        let note = move |context: &ExceptionContext| {
            assert!(context.error().is_some());
            add.lock().unwrap().push(context.to_string());
        };
        event_loop.set_exception_handler(note);
        for look in [false, true] {
            let promise = event_loop.create_future::<u32>();
            promise.set_error("lost").unwrap();
            let other = promise.clone();
            drop(promise);
            if look {
                assert!(other.result().is_err());
            }
        }
        assert_eq!(*reports.lock().unwrap(), ["a Promise failed, and nobody looked at its error: lost"]);
    });
}

#[test]
fn a_waiter_that_goes_leaves_nothing_behind() {
    on_both(|runtime| {
        let event_loop = new_on(runtime);
        let promise = event_loop.create_future::<u32>();
        let drops = Drops::new();
        runtime.block_on(async {
            let mut given_up = Box::pin(promise.clone());
            assert!(poll_once(&mut given_up).await.is_none());
            drop(given_up);
            assert!(poll_once(promise.clone()).await.is_none());
        });
        let guard = drops.guard();
        promise.add_done_callback(move |_| drop(guard));
        drop(promise);
        assert_eq!(drops.dropped(), 1, "a promise that is never set keeps nothing");
    });
}

#[test]
fn a_promise_is_set_and_awaited_from_any_thread() {
    within(HANGS, || {
        let runtime = workers(2);
        let event_loop = new_on(&runtime);
        for round in 0..2_000 {
            let promise = event_loop.create_future::<u32>();
            let [first, second] = [promise.clone(), promise.clone()];
            let setters = [first, second]
                .map(|promise| runtime.spawn(async move { u32::from(promise.set_result(round).is_ok()) }));
            let waiter = runtime.spawn(promise);
            let set = setters.map(|setter| runtime.block_on(setter).unwrap());
            assert_eq!(set[0] + set[1], 1);
            assert_eq!(runtime.block_on(waiter).unwrap().unwrap(), round);
        }
    });
}

#[test]
fn callbacks_of_a_promise_run_on_the_lane_of_its_loop() {
    on_both_built(
        |builder| builder.start_paused(true),
        |runtime| {
            let event_loop = new_on(runtime);
            event_loop.set_debug(true);
            event_loop.set_slow_callback_duration(Duration::MAX);
            let promise = event_loop.create_future::<u32>();
            let (send, receive) = std::sync::mpsc::channel();
            promise.add_done_callback(move |_| send.send(EventLoop::current().get_debug()).unwrap());
            event_loop.run_until_complete(async {
                let setter = promise.clone();
                raddle::spawn(async move { setter.set_result(1).unwrap() }).await.unwrap();
            });
            event_loop.run_until_complete(async {});
            assert!(receive.try_recv().unwrap());
        },
    );
}
