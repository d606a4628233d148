//! Task-locals: what a task carries with it from thread to thread, and what its children see.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::gate::Gate;
use common::guard::{Bomb, Drops, Guard, OnDrop};
use common::{SOON, child, on_both, panic_of, poll_once, workers, yields};
use raddle::{spawn, spawn_blocking, spawn_pinned, task_local, yield_now};
use std::cell::Cell;
use std::future::pending;
use std::sync::{Arc, Mutex};

task_local! {
    static NUMBER: u64;
    static COUNTER: Cell<u64>;
    inherit static TENANT: String;
    /// Attributes and visibility stay.
    pub(crate) inherit static GUARDED: Guarded;
}

/// Something with a destructor.
pub(crate) struct Guarded(#[allow(dead_code, reason = "held for its drop")] Guard);

#[test]
fn a_value_is_there_inside_its_scope_only() {
    on_both(|runtime| {
        runtime.block_on(async {
            assert_eq!(NUMBER.try_with(|n| *n), None);
            let inside = NUMBER.scope(7, async {
                yield_now().await;
                (NUMBER.get(), NUMBER.with(|n| n + 1))
            });
            assert_eq!(inside.await, (7, 8));
            assert_eq!(NUMBER.try_with(|n| *n), None);
        });
    });
}

#[test]
fn a_scope_inside_a_scope_hides_the_outer_value_and_gives_it_back() {
    on_both(|runtime| {
        runtime.block_on(NUMBER.scope(1, async {
            let inner = NUMBER.scope(2, async {
                yield_now().await;
                NUMBER.scope(3, async { assert_eq!(NUMBER.get(), 3) }).await;
                NUMBER.get()
            });
            let mut inner = Box::pin(inner);
            assert!(poll_once(&mut inner).await.is_none());
            assert_eq!(NUMBER.get(), 1, "between two polls of the inner scope");
            assert_eq!(inner.await, 2);
            assert_eq!(NUMBER.get(), 1);
            TENANT
                .scope("outer".into(), async {
                    TENANT.scope("inner".into(), async { assert_eq!(TENANT.get(), "inner") }).await;
                    assert_eq!(TENANT.get(), "outer");
                })
                .await;
        }));
    });
}

#[test]
fn outside_and_after_the_scope_the_message_names_the_local() {
    on_both(|runtime| {
        for text in [
            panic_of(|| NUMBER.get()),
            panic_of(|| runtime.block_on(async { NUMBER.with(|n| *n) })),
            panic_of(|| {
                runtime.block_on(async {
                    NUMBER.scope(1, yields(1)).await;
                    NUMBER.get()
                })
            }),
            panic_of(|| {
                runtime.block_on(NUMBER.scope(1, async { spawn(async { NUMBER.get() }).await.unwrap() }))
            }),
        ] {
            assert!(text.contains("NUMBER"), "{text}");
            assert!(text.contains("scope") || text.contains("panicked"), "{text}");
        }
    });
}

#[test]
fn tasks_keep_their_values_apart_wherever_they_run() {
    on_both(|runtime| {
        async fn count(from: u64) {
            for step in 0..100 {
                let before = COUNTER.with(|counter| counter.replace(counter.get() + 1));
                assert_eq!(before, from + step);
                yield_now().await;
            }
        }
        let task = |number: u64| {
            let from = number * 1_000;
            runtime.spawn(COUNTER.scope(Cell::new(from), count(from)))
        };
        let tasks: Vec<_> = (0..50).map(task).collect();
        tasks.into_iter().for_each(|task| runtime.block_on(task).unwrap());
    });
}

#[test]
fn an_inherited_value_is_seen_by_every_kind_of_child_and_grandchild() {
    on_both(|runtime| {
        let children = TENANT.scope("acme".into(), async {
            let task =
                spawn(async { spawn(async { (TENANT.get(), NUMBER.try_with(|n| *n)) }).await.unwrap() });
            let call = spawn_blocking(|| TENANT.get());
            let pinned = spawn_pinned(|| async {
                yield_now().await;
                TENANT.get()
            });
            let named = raddle::task::Builder::new().name("named").spawn(async { TENANT.get() });
            (task.await.unwrap(), call.await.unwrap(), pinned.await.unwrap(), named.await.unwrap())
        });
        let (task, call, pinned, named) = runtime.block_on(NUMBER.scope(1, children));
        assert_eq!(task, ("acme".into(), None), "the other kind stays with its task");
        assert_eq!([call, pinned, named], ["acme", "acme", "acme"]);
        assert_eq!(TENANT.try_with(String::clone), None);
    });
}

#[test]
fn a_child_keeps_what_it_inherited_after_the_scope_has_ended() {
    on_both(|runtime| {
        runtime.block_on(async {
            async fn child(wait: impl Future<Output = ()>) -> (String, String) {
                wait.await;
                let own = TENANT.scope("own".into(), async { TENANT.get() }).await;
                (own, TENANT.get())
            }
            let gate = Gate::new();
            let wait = gate.wait();
            let parent = TENANT.scope("first".into(), async move { (spawn(child(wait)),) });
            let child = parent.await.0;
            TENANT.scope("second".into(), async { yields(2).await }).await;
            gate.open();
            assert_eq!(child.await.unwrap(), ("own".into(), "first".into()));
            assert_eq!(TENANT.try_with(String::clone), None);
        });
    });
}

#[test]
fn an_inherited_value_is_dropped_with_the_last_task_that_has_it() {
    on_both(|runtime| {
        let (drops, gate) = (Drops::new(), Gate::new());
        let value = Guarded(drops.guard());
        let wait = gate.wait();
        let mut child = None;
        runtime.block_on(GUARDED.scope(value, async {
            spawn(async { spawn(yields(3)).await.unwrap() }).await.unwrap();
            child = Some(spawn(wait));
        }));
        assert_eq!(drops.dropped(), 0);
        gate.open();
        runtime.block_on(child.unwrap()).unwrap();
        common::eventually("the value is dropped", || drops.dropped() == 1);
    });
}

#[test]
fn destructors_inside_the_scope_see_the_value() {
    on_both(|runtime| {
        let seen: Arc<Mutex<Vec<(u64, String)>>> = Arc::default();
        let witness = || {
            let seen = seen.clone();
            OnDrop::new(move || seen.lock().unwrap().push((NUMBER.get(), TENANT.get())))
        };
        let scoped = |number, body| NUMBER.scope(number, TENANT.scope(format!("t{number}"), body));
        let (first, second, third) = (witness(), witness(), witness());
        let done = scoped(1, Box::pin(async move { drop(first) }) as BoxFuture);
        let never_polled = scoped(2, Box::pin(async move { drop(second) }));
        let cancelled = scoped(3, Box::pin(async move { drop((pending::<()>().await, third)) }));
        runtime.block_on(async {
            done.await;
            drop(never_polled);
            let task = spawn(cancelled);
            yields(10).await;
            task.cancel();
            assert!(task.await.unwrap_err().is_cancelled());
        });
        let expected = [1, 2, 3].map(|number| (number, format!("t{number}")));
        assert_eq!(*seen.lock().unwrap(), expected);
    });
}

type BoxFuture = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

#[test]
fn a_scope_that_panics_gives_the_outer_value_back() {
    on_both(|runtime| {
        let outer = NUMBER.scope(1, async {
            let inner = NUMBER.scope(2, async {
                yield_now().await;
                panic!("inside")
            });
            let caught = std::panic::AssertUnwindSafe(inner);
            let error = spawn(caught.0).await.unwrap_err();
            assert_eq!(error.panic_message(), Some("inside"));
            NUMBER.get()
        });
        assert_eq!(runtime.block_on(outer), 1);
        let text = panic_of(|| runtime.block_on(NUMBER.scope(5, async { panic!("in the root") })));
        assert_eq!(text, "in the root");
        assert_eq!(NUMBER.try_with(|n| *n), None);
        let text = panic_of(|| runtime.block_on(TENANT.scope("x".into(), async { panic!("in the root") })));
        assert_eq!(text, "in the root");
        assert_eq!(TENANT.try_with(String::clone), None);
    });
}

#[test]
fn a_scope_works_on_any_executor() {
    let seen = futures_lite::future::block_on(NUMBER.scope(
        4,
        TENANT.scope("t".into(), async {
            futures_lite::future::yield_now().await;
            (NUMBER.get(), TENANT.get())
        }),
    ));
    assert_eq!(seen, (4, "t".into()));
}

/// A scope that is entered while the value of an outer one is borrowed cannot hide it: a clear panic, not the end of
/// the process. In a child, for that is what the end of a process takes.
#[test]
fn a_scope_entered_while_the_value_is_borrowed_is_a_panic_that_can_be_caught() {
    if child::role().is_some() {
        let text = panic_of(|| {
            futures_lite::future::block_on(NUMBER.scope(1, async {
                NUMBER.with(|_| futures_lite::future::block_on(NUMBER.scope(2, async { NUMBER.get() })))
            }))
        });
        assert!(text.contains("NUMBER"), "{text}");
        return;
    }
    let name = "a_scope_entered_while_the_value_is_borrowed_is_a_panic_that_can_be_caught";
    let output = child::run(name, "child", &[]);
    assert!(output.status.success(), "{}", child::text(&output.stderr));
}

task_local! {
    inherit static BOMB: Bomb;
}

/// In a child: what is at stake is the process.
#[test]
fn a_value_whose_destructor_panics_does_not_take_a_worker_with_it() {
    if child::role().is_some() {
        let runtime = workers(2);
        for _ in 0..4 {
            let gate = Gate::new();
            let wait = gate.wait();
            // The scope ends first, and nobody joins, so that the value goes with the task, on a worker.
            runtime.block_on(BOMB.scope(Bomb("of a value"), async { spawn(wait).detach() }));
            gate.open();
        }
        runtime.block_on(async {
            let tasks: Vec<_> = (0..100).map(|_| spawn(yields(5))).collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
        assert!(runtime.shutdown(SOON).is_clean(), "a worker is gone");
        return;
    }
    let name = "a_value_whose_destructor_panics_does_not_take_a_worker_with_it";
    let output = child::run(name, "child", &[]);
    assert!(output.status.success(), "{}", child::text(&output.stderr));
}
