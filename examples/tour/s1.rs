//! S1: coroutines and the loop.

use crate::interrupt::raise;
use crate::scenario::Scenario;
use crate::stage::{Guard, nap, run, secs};
use raddle::coroutine::{Coroutine, Step};
use raddle::event_loop::EventLoop;
use raddle::process::signal::SignalKind;
use raddle::time::sleep;
use raddle::{gather, spawn};
use std::future::pending;
use std::thread;

pub(crate) const ALL: &[Scenario] = &[
    Scenario::new(
        "S1.1",
        "run a coroutine that returns nothing, and one that returns a value",
        s1_1,
        0.0,
        &[(0.0, "a coroutine that returns nothing"), (0.0, "a coroutine that returned 42")],
    ),
    Scenario::new(
        "S1.2",
        "sleep for 2 s; other tasks go on",
        s1_2,
        2.0,
        &[(0.5, "another task"), (1.0, "another task"), (1.5, "another task"), (2.0, "slept")],
    ),
    Scenario::new(
        "S1.3",
        "two generators, driven by hand in turn, without a runtime",
        s1_3,
        0.0,
        &[(0.0, "a: 1"), (0.0, "b: 1"), (0.0, "a: 2"), (0.0, "b: 2"), (0.0, "a: 3"), (0.0, "b: 3")],
    ),
    Scenario::new(
        "S1.4",
        "a producer sends to a consumer, which answers, and closes it",
        s1_4,
        0.0,
        &[
            (0.0, "consumer got 1"),
            (0.0, "producer got 200 OK"),
            (0.0, "consumer got 2"),
            (0.0, "producer got 200 OK"),
            (0.0, "consumer got 3"),
            (0.0, "producer got 200 OK"),
            (0.0, "consumer got 4"),
            (0.0, "producer got 200 OK"),
            (0.0, "consumer got 5"),
            (0.0, "producer got 200 OK"),
            (0.0, "consumer: dropped"),
        ],
    ),
    Scenario::new(
        "S1.5",
        "two coroutines that print, sleep for 1 s, print",
        s1_5,
        1.0,
        &[(0.0, "one: hello"), (0.0, "two: hello"), (1.0, "one: again"), (1.0, "two: again")],
    )
    .any_order(),
    Scenario::new(
        "S1.6",
        "callbacks that block for 6 s and 3 s, on one loop in the background",
        s1_6,
        9.0,
        &[(6.0, "the callback of 6 s ends"), (9.0, "the callback of 3 s ends")],
    )
    .on_threads(),
    Scenario::new(
        "S1.7",
        "coroutines that sleep for 6 s and 3 s, on one loop in the background",
        s1_7,
        6.0,
        &[(3.0, "the coroutine of 3 s ends"), (6.0, "the coroutine of 6 s ends"), (6.0, "results: 6, 3")],
    ),
    Scenario::new(
        "S1.8",
        "SIGINT and SIGTERM stop a loop that runs for ever",
        s1_8,
        0.0,
        &[
            (0.0, "SIGINT"),
            (0.0, "a task that waits for ever: dropped"),
            (0.0, "closed"),
            (0.0, "SIGTERM"),
            (0.0, "a task that waits for ever: dropped"),
            (0.0, "closed"),
        ],
    )
    .on_threads(),
];

fn s1_1() {
    run(async { say!("a coroutine that returns nothing") });
    let value = run(async { 6 * 7 });
    say!("a coroutine that returned {value}");
}

fn s1_2() {
    run(async {
        let other = spawn(async {
            for _ in 0..3 {
                sleep(secs(0.5)).await;
                say!("another task");
            }
        });
        sleep(secs(2)).await;
        say!("slept");
        other.await.unwrap();
    });
}

fn s1_3() {
    let steps = |name| {
        Coroutine::new(move |co| async move {
            for step in 1..=3 {
                say!("{name}: {step}");
                co.yield_(()).await;
            }
        })
    };
    let (mut a, mut b) = (steps("a"), steps("b"));
    while a.next().is_some() && b.next().is_some() {}
}

fn s1_4() {
    let mut consumer: Coroutine<u32, &str, ()> = Coroutine::new(|co| async move {
        let _guard = Guard("consumer");
        let mut answer = "";
        loop {
            let n = co.yield_(answer).await;
            say!("consumer got {n}");
            answer = "200 OK";
        }
    });
    consumer.start();
    for n in 1..=5 {
        let Step::Yielded(answer) = consumer.send(n) else { break };
        say!("producer got {answer}");
    }
    consumer.close();
}

fn s1_5() {
    async fn hello(name: &str) {
        say!("{name}: hello");
        sleep(secs(1)).await;
        say!("{name}: again");
    }
    run(gather([hello("one"), hello("two")]));
}

/// A loop that runs for ever on a thread of its own.
fn in_background() -> (EventLoop, thread::JoinHandle<()>) {
    let event_loop = EventLoop::new();
    let background = event_loop.clone();
    (event_loop, thread::spawn(move || background.run_forever()))
}

fn s1_6() {
    let (event_loop, background) = in_background();
    for n in [6, 3] {
        event_loop.call_soon_threadsafe(move || {
            thread::sleep(secs(n));
            say!("the callback of {n} s ends");
        });
    }
    event_loop.stop();
    background.join().unwrap();
    event_loop.close();
}

fn s1_7() {
    let (event_loop, background) = in_background();
    let [six, three] = [6, 3].map(|n| {
        event_loop.run_coroutine_threadsafe(async move {
            nap(n).await;
            say!("the coroutine of {n} s ends");
            n
        })
    });
    say!("results: {}, {}", six.result(None).unwrap(), three.result(None).unwrap());
    event_loop.stop();
    background.join().unwrap();
    event_loop.close();
}

fn s1_8() {
    for (name, kind) in [("SIGINT", SignalKind::interrupt()), ("SIGTERM", SignalKind::terminate())] {
        let event_loop = EventLoop::new();
        let guard = Guard("a task that waits for ever");
        let waits = async move {
            let _guard = guard;
            pending::<()>().await
        };
        event_loop.create_task(waits).detach();
        let stopped = event_loop.clone();
        let handler = move || {
            say!("{name}");
            stopped.stop();
        };
        event_loop.add_signal_handler(kind, handler).unwrap();
        event_loop.call_soon(move || raise(kind));
        event_loop.run_forever();
        event_loop.close();
        say!("closed");
    }
}
