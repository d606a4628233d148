//! The life of a task: f28 f42 f44.

use crate::common::child;
use crate::common::gate::Gate;
use crate::common::guard::{Bomb, Drops};
use crate::common::{HANGS, on_both, on_both_built, within, workers, yields};
use raddle::runtime::{Builder, PanicPolicy, Runtime};
use raddle::spawn;
use std::future::pending;
use std::sync::{Arc, Mutex};

#[test]
fn f28_cancelling_from_other_threads_races_completion() {
    on_both(|runtime| {
        let (futures, outputs) = (Drops::new(), Drops::new());
        let (mut finished, mut cancelled) = (0, 0);
        for round in 0..1_000 {
            let (future, output) = (futures.guard(), outputs.clone());
            let task = runtime.spawn(async move {
                let _future = future;
                yields(round % 4).await;
                output.guard()
            });
            let cancel = [task.abort_handle(), task.abort_handle()];
            let threads = if round % 10 == 0 {
                cancel.map(|cancel| std::thread::spawn(move || cancel.cancel())).into()
            } else {
                runtime.spawn(async move { cancel.iter().for_each(|cancel| cancel.cancel()) }).detach();
                Vec::new()
            };
            match runtime.block_on(task) {
                Ok(_) => finished += 1,
                Err(error) => cancelled += usize::from(error.is_cancelled()),
            }
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        }
        println!("{finished} finished, {cancelled} cancelled");
        assert_eq!(finished + cancelled, 1_000);
        assert_eq!((futures.made(), futures.dropped()), (1_000, 1_000));
        assert_eq!((outputs.made(), outputs.dropped()), (finished, finished));
    });
}

/// What reached the hook for panics that nobody joins.
type Reports = Arc<Mutex<Vec<String>>>;

fn reporting(builder: Builder) -> (Builder, Reports) {
    let reports = Reports::default();
    let to = reports.clone();
    let hook = move |panic: &raddle::runtime::TaskPanic<'_>| to.lock().unwrap().push(panic.to_string());
    (builder.on_panic(PanicPolicy::Call(Arc::new(hook))), reports)
}

/// Runs `test` on both flavours, then waits until there is a report of every panic whose text is given.
fn reported(texts: &'static [&'static str], test: impl Fn(&Runtime) + Copy + Send + 'static) {
    for (_, builder) in crate::common::flavours() {
        within(HANGS, move || {
            let (builder, reports) = reporting(builder);
            let runtime = builder.build().unwrap();
            test(&runtime);
            runtime.block_on(still_works());
            drop(runtime);
            let reports = reports.lock().unwrap();
            let found = |text: &&str| reports.iter().any(|report| report.contains(text));
            assert!(texts.iter().all(found), "{reports:?}");
            assert_eq!(reports.len(), texts.len(), "{reports:?}");
        });
    }
}

/// Every worker is there, and takes tasks.
async fn still_works() {
    let tasks: Vec<_> = (0..50).map(|_| spawn(yields(5))).collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[test]
fn f28_an_output_whose_destructor_panics_is_reported_and_harms_nobody() {
    reported(&["detached output", "late output"], |runtime| {
        runtime.spawn(async { Bomb("detached output") }).detach();
        let done = runtime.spawn(async { Bomb("late output") });
        runtime.block_on(async {
            while !done.is_finished() {
                raddle::yield_now().await;
            }
        });
        drop(done);
    });
}

#[test]
fn f28_a_future_whose_destructor_panics_is_the_joiners_error() {
    on_both(|runtime| {
        let bomb = Bomb("while it was cancelled");
        let task = runtime.spawn(async move { drop((pending::<()>().await, bomb)) });
        runtime.block_on(yields(20));
        task.cancel();
        let error = runtime.block_on(task).unwrap_err();
        assert_eq!(error.panic_message(), Some("while it was cancelled"));
        let unpolled = Bomb("never polled");
        let task = runtime.spawn(async move { drop((pending::<()>().await, unpolled)) });
        task.cancel();
        assert_eq!(runtime.block_on(task).unwrap_err().panic_message(), Some("never polled"));
        runtime.block_on(still_works());
    });
}

#[test]
fn f28_destructors_that_panic_at_shutdown_are_reported_and_do_not_stop_it() {
    on_both_built(
        |builder| reporting(builder).0,
        |runtime| {
            for _ in 0..10 {
                let bomb = Bomb("at shutdown");
                runtime.spawn(async move { drop((pending::<()>().await, bomb)) }).detach();
            }
            runtime.block_on(yields(20));
        },
    );
}

/// A panic payload that panics when it is dropped. In a child: what is at stake is the process.
#[test]
fn f28_a_panic_payload_whose_destructor_panics_harms_nobody() {
    if child::role().is_some() {
        return reported(&["not a string"], |runtime| {
            let payload = || std::panic::panic_any(Bomb("the payload"));
            runtime.spawn(async move { payload() }).detach();
            runtime.block_on(still_works());
        });
    }
    let name = "tasks::f28_a_panic_payload_whose_destructor_panics_harms_nobody";
    let output = child::run(name, "child", &[]);
    assert!(output.status.success(), "{}", child::text(&output.stderr));
}

#[test]
fn f28_a_hook_that_panics_harms_nobody() {
    on_both_built(
        |builder| builder.on_panic(PanicPolicy::Call(Arc::new(|_| panic!("the hook itself")))),
        |runtime| {
            runtime.spawn(async { panic!("something for the hook") }).detach();
            runtime.block_on(still_works());
        },
    );
}

/// A debug build moves a value at each call; here is how often the stack may hold it at once.
const COPIES_MAX: usize = 16;

#[test]
fn f42_a_large_future_needs_few_copies_of_itself_on_the_stack_to_be_spawned() {
    const LARGE: usize = 256 * 1024;
    if child::role().is_some() {
        let spawner = || {
            let runtime = workers(1);
            let bytes = [7_u8; LARGE];
            let task = runtime.spawn(async move {
                raddle::yield_now().await;
                bytes.iter().map(|&byte| usize::from(byte)).sum::<usize>()
            });
            assert_eq!(runtime.block_on(task).unwrap(), 7 * LARGE);
        };
        // Overflowing a stack ends the process: hence the child.
        let thread = std::thread::Builder::new().stack_size(COPIES_MAX * LARGE);
        return thread.spawn(spawner).unwrap().join().unwrap();
    }
    let name = "tasks::f42_a_large_future_needs_few_copies_of_itself_on_the_stack_to_be_spawned";
    let output = child::run(name, "spawner", &[]);
    assert!(output.status.success(), "{}", child::text(&output.stderr));
}

#[test]
fn f42_large_futures_run_on_workers_and_as_roots() {
    on_both(|runtime| {
        let large = || async {
            let bytes = [1_u8; 64 * 1024];
            raddle::yield_now().await;
            bytes.iter().map(|&byte| usize::from(byte)).sum::<usize>()
        };
        let nested = async move { (large().await, spawn(large()).await.unwrap()) };
        assert_eq!(runtime.block_on(runtime.spawn(nested)).unwrap(), (64 * 1024, 64 * 1024));
        assert_eq!(runtime.block_on(large()), 64 * 1024);
        let pinned = runtime.block_on(async move { raddle::spawn_pinned(large).await });
        assert_eq!(pinned.unwrap(), 64 * 1024);
    });
}

#[test]
fn f44_a_panic_that_nobody_joins_reaches_the_hook_in_every_way_a_handle_can_go() {
    let texts = &["detached at once", "dropped later", "polled once", "a blocking call", "a pinned task"];
    reported(texts, |runtime| {
        let gate = Gate::new();
        let when = |text: &'static str| {
            let wait = gate.wait();
            async move {
                wait.await;
                panic!("{text}")
            }
        };
        runtime.spawn(when("detached at once")).detach();
        let later = runtime.spawn(when("dropped later"));
        let mut polled = runtime.spawn(when("polled once"));
        let _entered = runtime.enter();
        raddle::task::Builder::new().name("caller").spawn_blocking(|| panic!("a blocking call")).detach();
        raddle::spawn_pinned(|| async { panic!("a pinned task") }).detach();
        runtime.block_on(async {
            assert!(crate::common::poll_once(&mut polled).await.is_none());
            gate.open();
            while !later.is_finished() {
                raddle::yield_now().await;
            }
            drop((later, polled));
            // The pinned one has its turn, too.
            raddle::time::sleep(std::time::Duration::from_millis(20)).await;
        });
    });
}

#[test]
fn f44_a_panic_that_nobody_joins_is_a_line_with_name_and_spawn_site() {
    if let Some(policy) = child::role() {
        let policy = if policy == "abort" { PanicPolicy::Abort } else { PanicPolicy::Report };
        let runtime = Builder::new().worker_threads(1).on_panic(policy).build().unwrap();
        let _entered = runtime.enter();
        raddle::task::Builder::new().name("the culprit").spawn(async { panic!("its message") }).detach();
        return runtime.block_on(async { still_works().await });
    }
    let name = "tasks::f44_a_panic_that_nobody_joins_is_a_line_with_name_and_spawn_site";
    for (role, succeeds) in [("report", true), ("abort", false)] {
        let output = child::run(name, role, &[]);
        let text = child::text(&output.stderr);
        let line =
            text.lines().find(|line| line.starts_with("raddle: detached")).expect("a line of the runtime's");
        for part in ["the culprit", "its message", "tasks.rs:"] {
            assert!(line.contains(part), "{line}");
        }
        assert_eq!(output.status.success(), succeeds, "{text}");
    }
}

#[test]
fn f44_a_panic_that_is_joined_is_not_reported() {
    reported(&[], |runtime| {
        let joined = runtime.spawn(async { panic!("seen") });
        assert!(runtime.block_on(joined).unwrap_err().is_panic());
    });
}
