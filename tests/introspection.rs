//! Who spawned whom, what each task waits for and since when, and the tree of tasks.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::gate::Gate;
use common::{HANGS, on_both, within, workers, yields};
use raddle::runtime::Builder as RuntimeBuilder;
use raddle::sync;
use raddle::task::{self, Builder, JoinHandle, Link, TaskInfo, TaskTree};
use raddle::time::{self, Duration, sleep, timeout};
use std::future::{Future, pending};
use std::sync::Arc;

/// Lets every task come to its wait.
async fn settle() {
    yields(20).await;
}

/// What the task named `name` is said to wait for.
fn wait_of(name: &str) -> task::WaitInfo {
    let all = task::all();
    let info =
        all.iter().find(|info| info.name() == Some(name)).unwrap_or_else(|| panic!("{name} is not listed"));
    *info.waits_for().unwrap_or_else(|| panic!("{name} waits for nothing"))
}

fn start<F>(name: &str, future: F) -> JoinHandle<()>
where
    F: Future + Send + 'static,
{
    Builder::new().name(name).spawn(async {
        future.await;
    })
}

/// Runs the body in a task on paused time and one thread, so that the listed tasks wait when it looks.
fn still<F: Future<Output = ()> + Send + 'static>(body: impl FnOnce() -> F + Send + 'static) {
    within(HANGS, move || {
        let runtime = RuntimeBuilder::new().current_thread().start_paused(true).build().unwrap();
        let task = runtime.spawn(body());
        runtime.block_on(task).unwrap();
    });
}

#[test]
fn a_task_knows_who_spawned_it() {
    on_both(|runtime| {
        let outside = runtime.spawn(async { task::current().parent() });
        assert_eq!(runtime.block_on(outside).unwrap(), None);
        let parent = runtime.spawn(async {
            let child = raddle::spawn(async { task::current().parent() });
            let call = raddle::spawn_blocking(|| task::current().parent());
            let pinned = raddle::spawn_pinned(|| async { task::current().parent() });
            let me = Some(task::current().id());
            assert_eq!([child.await.unwrap(), call.await.unwrap(), pinned.await.unwrap()], [me, me, me]);
        });
        runtime.block_on(parent).unwrap();
    });
}

#[test]
fn each_wait_is_named() {
    still(|| async {
        let event = Arc::new(sync::Event::new());
        let lock = Arc::new(sync::Mutex::new(()));
        let places = Arc::new(sync::Semaphore::new(0));
        let queue = Arc::new(sync::Queue::<u8>::new(0));
        let (_sender, mut receiver) = sync::mpsc::channel::<u8>(1);
        let (_one, oneshot) = sync::oneshot::channel::<u8>();
        let held = lock.clone().lock_owned().await;
        let mut tasks = vec![start("sleep", sleep(Duration::from_secs(50)))];
        let named = event.clone();
        tasks.push(start("event", async move { named.wait().await }));
        tasks.push(start("lock", async move { drop(lock.lock().await) }));
        tasks.push(start("semaphore", async move { places.acquire().await.map(drop) }));
        tasks.push(start("queue get", async move { queue.get().await }));
        tasks.push(start("channel recv", async move { receiver.recv().await }));
        tasks.push(start("oneshot", oneshot));
        tasks.push(start("cancelled()", task::cancelled()));
        tasks.push(start(
            "task group",
            raddle::task_group(async |group: &raddle::Group<()>| {
                group.spawn(pending::<Result<(), ()>>());
                Ok(())
            }),
        ));
        let (mut watched, _receiver) = sync::oneshot::channel::<u8>();
        tasks.push(start("channel closed", async move { watched.closed().await }));
        tasks.push(start("several tasks", raddle::gather([pending::<()>()])));
        tasks.push(start("a future not of raddle", pending::<()>()));
        settle().await;
        for task in &tasks {
            let name = task.name().unwrap();
            assert_eq!(wait_of(name).what(), name);
        }
        // The limit is not what is waited for.
        let limited = start("limited", async move { timeout(Duration::from_secs(9), event.wait()).await });
        settle().await;
        assert_eq!(wait_of("limited").what(), "event");
        drop((held, limited));
        tasks.iter().for_each(JoinHandle::cancel);
    });
}

#[test]
fn a_descriptor_is_named() {
    on_both(|runtime| {
        runtime.block_on(async {
            let listener = raddle::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let task = start("accept", async move { listener.accept().await.map(drop) });
            let named = || {
                let all = task::all();
                let wait = all.iter().find_map(TaskInfo::waits_for);
                wait.is_some_and(|wait| wait.fd().is_some() && wait.to_string().contains(" of fd "))
            };
            while !named() {
                yields(1).await;
            }
            task.cancel();
        });
    });
}

#[test]
fn a_wait_has_its_time_and_its_task() {
    still(|| async {
        let worker = start("worker", sleep(Duration::from_secs(1000)));
        let id = worker.id();
        let boss = start("boss", worker);
        settle().await;
        assert_eq!(wait_of("boss").waited(), Duration::ZERO);
        time::advance(Duration::from_secs(30)).await;
        let (boss_waits, worker_waits) = (wait_of("boss"), wait_of("worker"));
        for wait in [boss_waits, worker_waits] {
            let waited = wait.waited().as_secs_f64();
            assert!((29.8..30.2).contains(&waited), "{waited}");
        }
        assert_eq!((boss_waits.what(), boss_waits.on()), ("join", Some(id)));
        assert!(boss_waits.to_string().starts_with(&format!("join of task {id} for 30.")), "{boss_waits}");
        // Polled again: it waits anew.
        sleep(Duration::from_secs(2000)).await;
        assert!(boss.is_finished());
    });
}

/// The time of a wait is a coarse one, but not that from before the worker's last rest.
#[test]
fn a_wait_that_begins_after_a_rest_begins_then() {
    async fn wait_after_a_rest() -> Duration {
        let (begun, begins) = (Gate::new(), Gate::new());
        let (open, wait) = (begun.clone(), begins.wait());
        let task = start("rested", async move {
            sleep(Duration::from_millis(300)).await;
            open.open();
            wait.await;
        });
        begun.wait().await;
        let waits = || task::all().iter().any(|info| info.waits_for().is_some());
        while !waits() {
            yields(1).await;
        }
        let waited = wait_of("rested").waited();
        begins.open();
        task.await.unwrap();
        waited
    }
    within(HANGS, || {
        let runtime = workers(1);
        // Again, where a busy machine has come between its beginning and our look.
        let is_short = |waited: Duration| waited < Duration::from_millis(150);
        assert!((0..10).any(|_| is_short(runtime.block_on(wait_after_a_rest()))));
    });
}

#[test]
fn who_runs_or_is_about_to_waits_for_nothing() {
    still(|| async {
        let me = task::current();
        assert!(me.is_running() && me.waits_for().is_none());
        let gate = Gate::new();
        let woken = start("woken", gate.wait());
        settle().await;
        assert_eq!(wait_of("woken").what(), "a future not of raddle");
        gate.open();
        let all = task::all();
        assert!(all.iter().all(|info| info.waits_for().is_none()), "{all:?}");
        assert!(all.iter().any(|info| info.id() == me.id() && info.is_running()));
        woken.await.unwrap();
    });
}

/// Names and links in the order of the tree, with their depths.
fn shape(tree: &TaskTree) -> Vec<(usize, String, Link)> {
    let name = |info: &TaskInfo| info.name().unwrap_or("?").to_string();
    tree.iter().map(|node| (node.depth(), name(node.task()), node.link())).collect()
}

#[test]
fn the_tree_has_awaited_tasks_below_who_awaits_them() {
    still(|| async {
        let leaf = start("leaf", sleep(Duration::from_secs(1000)));
        let middle = start("middle", leaf);
        let top = start("top", async {
            let background = start("background", pending::<()>());
            middle.await.unwrap();
            background.cancel();
        });
        settle().await;
        time::advance(Duration::from_secs(5)).await;
        let tree = task::tree();
        let me = (0, String::from("?"), Link::Root);
        let own = |depth, name: &str, link| (depth, String::from(name), link);
        let expected = [
            me,
            own(1, "top", Link::Spawned),
            own(2, "middle", Link::Awaited),
            own(3, "leaf", Link::Awaited),
            own(2, "background", Link::Spawned),
        ];
        assert_eq!(shape(&tree), expected);
        let root = tree.roots().next().unwrap();
        let below: Vec<_> =
            root.children().next().unwrap().children().map(|node| node.task().name()).collect();
        assert_eq!(below, [Some("middle"), Some("background")]);
        assert_eq!(tree.roots().count(), 1);
        let text = tree.to_string();
        let lines: Vec<&str> = text.lines().collect();
        for (line, start, end) in [
            (0, "└── task ", ": runs"),
            (1, "    └── 'top' (id ", ".0 s"),
            (2, "        ├── 'middle' (id ", ".0 s"),
            (3, "        │   └── 'leaf' (id ", ": sleep for 5.0 s"),
            (4, "        └── 'background' (id ", ": a future not of raddle for 5.0 s"),
        ] {
            assert!(lines[line].starts_with(start) && lines[line].ends_with(end), "{text}");
            assert!(lines[line].contains("tests/introspection.rs:"), "{text}");
        }
        assert!(lines[1].contains(": join of task "), "{text}");
        top.cancel();
    });
}

#[test]
fn tasks_that_wait_for_each_other_are_a_circle() {
    still(|| async {
        let swap = || sync::oneshot::channel::<JoinHandle<()>>();
        let ((to_first, first_gets), (to_second, second_gets)) = (swap(), swap());
        let first = start("first", async { first_gets.await.unwrap().await });
        let second = start("second", async { second_gets.await.unwrap().await });
        let stop = first.abort_handle();
        assert!(to_first.send(second).is_ok() && to_second.send(first).is_ok());
        settle().await;
        let tree = task::tree();
        let own = |depth, name: &str, link| (depth, String::from(name), link);
        assert_eq!(shape(&tree)[1..], [own(0, "first", Link::Circle), own(1, "second", Link::Awaited)]);
        assert!(tree.to_string().contains("they wait for each other"), "{tree}");
        stop.cancel();
    });
}

/// A child that awaits its parent is no circle: it stands above it.
#[test]
fn a_child_that_awaits_its_parent_stands_above_it() {
    still(|| async {
        let (give, given) = sync::oneshot::channel::<JoinHandle<()>>();
        let parent = start("parent", async {
            start("child", async { given.await.unwrap().await }).detach();
            pending::<()>().await;
        });
        let stop = parent.abort_handle();
        assert!(give.send(parent).is_ok());
        settle().await;
        let own = |depth, name: &str, link| (depth, String::from(name), link);
        let shape = shape(&task::tree());
        assert_eq!(shape[1..], [own(0, "child", Link::Root), own(1, "parent", Link::Awaited)]);
        stop.cancel();
    });
}

#[test]
fn a_long_chain_is_listed_in_good_time() {
    const TASKS: usize = 20_000;
    still(|| async {
        let mut chain = start("end", pending::<()>());
        let stop = chain.abort_handle();
        for _ in 1..TASKS {
            chain = raddle::spawn(async { chain.await.unwrap_or(()) });
        }
        settle().await;
        let tree = task::tree();
        assert_eq!(tree.iter().map(|node| node.depth()).max(), Some(TASKS));
        let text = tree.to_string();
        assert_eq!(text.lines().count(), TASKS + 1);
        assert!(text.lines().all(|line| line.len() < 400));
        stop.cancel();
        chain.await.unwrap();
    });
}

#[test]
fn the_tree_may_be_taken_while_tasks_come_and_go() {
    async fn parent(n: usize) {
        let child = raddle::spawn(yields(n % 5));
        yields(n % 3).await;
        child.await.unwrap();
    }
    within(HANGS, || {
        let runtime = workers(2);
        let stop = Gate::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.is_open() {
                    let tree = runtime.handle().task_tree();
                    assert_eq!(tree.to_string().lines().count(), tree.iter().count());
                }
            });
            for _ in 0..200 {
                let parents: Vec<_> = (0..20).map(|n| runtime.spawn(parent(n))).collect();
                parents.into_iter().for_each(|task| runtime.block_on(task).unwrap());
            }
            stop.open();
        });
    });
}
