//! S2: callbacks, futures, tasks.

use crate::scenario::Scenario;
use crate::stage::{Guard, nap, run, secs};
use raddle::event_loop::EventLoop;
use raddle::task::{Builder, cancelled};
use raddle::time::sleep;
use raddle::{gather, select, spawn, spawn_blocking};
use std::future::pending;
use std::thread;

pub(crate) const ALL: &[Scenario] = &[
    Scenario::new(
        "S2.1",
        "call_soon, twice, from a coroutine that then ends",
        s2_1,
        0.0,
        &[(0.0, "the coroutine ends"), (0.0, "first"), (0.0, "second")],
    ),
    Scenario::new(
        "S2.2",
        "call_later beside a callback that blocks; other loops and tasks go on",
        s2_2,
        4.0,
        &[
            (2.0, "a task, after 2 s"),
            (2.5, "another loop, after 2.5 s"),
            (3.0, "the callback that blocks ends"),
            (3.0, "the callback that was due at 1 s"),
        ],
    )
    .on_threads(),
    Scenario::new(
        "S2.3",
        "call_at, on the loop's own clock",
        s2_3,
        5.0,
        &[(4.0, "four seconds later"), (5.0, "the coroutine ends")],
    ),
    Scenario::new(
        "S2.4",
        "a callback that is cancelled before it is due",
        s2_4,
        2.0,
        &[(0.5, "cancelled: true"), (2.0, "it has not run")],
    ),
    Scenario::new(
        "S2.5",
        "a future that call_later completes, awaited by three coroutines",
        s2_5,
        3.0,
        &[(3.0, "one has the value"), (3.0, "three has the value"), (3.0, "two has the value")],
    )
    .any_order(),
    Scenario::new(
        "S2.6",
        "done-callbacks of a future and of a task; a result set twice",
        s2_6,
        1.0,
        &[
            (0.0, "a second result: Err(InvalidState)"),
            (0.0, "called back with 7"),
            (0.0, "added late, called back with 7"),
            (1.0, "the task's callback"),
            (1.0, "the task's result: 1"),
        ],
    ),
    Scenario::new(
        "S2.7",
        "await a task's result; its panic",
        s2_7,
        0.0,
        &[
            (0.0, "the result: 42"),
            (0.0, "task 'culprit', spawned in s2.rs, panicked: on purpose: the disk is full"),
        ],
    ),
    Scenario::new(
        "S2.8",
        "cancel a task that sleeps for 5 s after 3 s; one that cleans up",
        s2_8,
        6.5,
        &[
            (3.0, "the sleeper: dropped"),
            (3.0, "the sleeper was cancelled: too slow"),
            (6.0, "cleaning up"),
            (6.5, "cleaned up"),
        ],
    ),
    Scenario::new(
        "S2.9",
        "a loop that is closed while tasks are pending",
        s2_9,
        1.0,
        &[
            (1.0, "the coroutine ends"),
            (1.0, "one: dropped"),
            (1.0, "two: dropped"),
            (1.0, "three: dropped"),
            (1.0, "run has returned"),
        ],
    ),
];

fn s2_1() {
    run(async {
        let event_loop = EventLoop::current();
        event_loop.call_soon(|| say!("first"));
        event_loop.call_soon(|| say!("second"));
        say!("the coroutine ends");
    });
}

fn s2_2() {
    run(async {
        let event_loop = EventLoop::current();
        event_loop.call_later(secs(1), || say!("the callback that was due at 1 s"));
        event_loop.call_soon(|| {
            thread::sleep(secs(3));
            say!("the callback that blocks ends");
        });
        let task = spawn(async {
            nap(2).await;
            say!("a task, after 2 s");
        });
        let elsewhere = spawn_blocking(|| {
            run(sleep(secs(2.5)));
            say!("another loop, after 2.5 s");
        });
        nap(4).await;
        task.await.unwrap();
        elsewhere.await.unwrap();
    });
}

fn s2_3() {
    run(async {
        let event_loop = EventLoop::current();
        event_loop.call_at(event_loop.time() + secs(4), || say!("four seconds later"));
        nap(5).await;
        say!("the coroutine ends");
    });
}

fn s2_4() {
    run(async {
        let handle = EventLoop::current().call_later(secs(1), || say!("it has run"));
        sleep(secs(0.5)).await;
        handle.cancel();
        say!("cancelled: {}", handle.cancelled());
        sleep(secs(1.5)).await;
        say!("it has not run");
    });
}

fn s2_5() {
    run(async {
        let event_loop = EventLoop::current();
        let future = event_loop.create_future();
        let waiters = ["one", "two", "three"].map(|name| {
            let future = future.clone();
            async move { say!("{name} has {}", future.await.unwrap()) }
        });
        event_loop.call_later(secs(3), move || future.set_result("the value").unwrap());
        gather(waiters).await;
    });
}

fn s2_6() {
    run(async {
        let future = EventLoop::current().create_future();
        future.add_done_callback(|done| say!("called back with {}", done.result().unwrap()));
        future.set_result(7).unwrap();
        say!("a second result: {:?}", future.set_result(8));
        future.clone().await.unwrap();
        future.add_done_callback(|done| say!("added late, called back with {}", done.result().unwrap()));
        let (task, called) = (spawn(nap(1)), EventLoop::current().create_future());
        let caller = called.clone();
        task.add_done_callback(move |_| {
            say!("the task's callback");
            caller.set_result(()).unwrap();
        });
        called.await.unwrap();
        say!("the task's result: {}", task.await.unwrap());
    });
}

fn s2_7() {
    run(async {
        say!("the result: {}", spawn(async { 6 * 7 }).await.unwrap());
        let culprit = Builder::new().name("culprit").spawn(async { panic!("on purpose: the disk is full") });
        let error = culprit.await.map(|()| "nothing").unwrap_err();
        let (name, message) = (error.task_name().unwrap(), error.panic_message().unwrap());
        let file = error.spawned_at().file().rsplit('/').next().unwrap();
        say!("task '{name}', spawned in {file}, panicked: {message}");
    });
}

fn s2_8() {
    run(async {
        let sleeper = spawn(async {
            let _guard = Guard("the sleeper");
            nap(5).await
        });
        nap(3).await;
        sleeper.cancel_with("too slow");
        let error = sleeper.await.unwrap_err();
        say!("the sleeper was cancelled: {}", error.reason().unwrap());

        let tidy = spawn(async {
            select! {
                _ = nap(5) => "slept",
                _ = cancelled() => {
                    say!("cleaning up");
                    sleep(secs(0.5)).await;
                    "cleaned up"
                }
            }
        });
        nap(3).await;
        tidy.cancel_within(secs(1));
        say!("{}", tidy.await.unwrap());
    });
}

fn s2_9() {
    run(async {
        for name in ["one", "two", "three"] {
            let guard = Guard(name);
            let waits = async move {
                let _guard = guard;
                pending::<()>().await
            };
            EventLoop::current().create_task(waits).detach();
        }
        nap(1).await;
        say!("the coroutine ends");
    });
    say!("run has returned");
}
