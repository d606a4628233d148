//! S3: many at once.

use crate::scenario::Scenario;
use crate::stage::{Guard, nap, run, secs};
use raddle::event_loop::EventLoop;
use raddle::task::JoinError;
use raddle::time::timeout;
use raddle::{
    ReturnWhen, as_completed, gather, gather_results, shield, spawn, task_group, try_gather, wait, yield_now,
};
use std::future::pending;

pub(crate) const ALL: &[Scenario] = &[
    Scenario::new(
        "S3.1",
        "wait for naps of 1 to 5 s, at most for 3 s",
        s3_1,
        3.1,
        &[
            (3.1, "done: 1, 2, 3; running: 2"),
            (3.1, "then: its event loop was closed, its event loop was closed"),
        ],
    ),
    Scenario::new(
        "S3.2",
        "wait until the first is done; until the first fails",
        s3_2,
        3.0,
        &[(1.0, "done: 1; pending: 2"), (3.0, "done: 1, on purpose: 2 is no good; pending: 1")],
    ),
    Scenario::new("S3.3", "gather naps of 5, 4, 3, 2, 1 s", s3_3, 5.0, &[(5.0, "[5, 4, 3, 2, 1]")]),
    Scenario::new(
        "S3.4",
        "gather where one fails: the first error; exceptions returned",
        s3_4,
        5.0,
        &[(2.0, "Err(\"2 is no good\")"), (5.0, "1, on purpose: 2 is no good, 3")],
    ),
    Scenario::new(
        "S3.5",
        "as_completed over naps of 1 to 5 s, with a time-out of 3.5 s",
        s3_5,
        3.5,
        &[(1.0, "1"), (2.0, "2"), (3.0, "3"), (3.5, "the time-out")],
    ),
    Scenario::new(
        "S3.6",
        "wait_for with a time-out",
        s3_6,
        1.0,
        &[(1.0, "the nap: dropped"), (1.0, "timed out: true")],
    ),
    Scenario::new(
        "S3.7",
        "shield: the outer is cancelled, the inner goes on",
        s3_7,
        3.0,
        &[(1.0, "the outer was cancelled: true"), (2.0, "the inner is done")],
    ),
    Scenario::new(
        "S3.8",
        "a task group in which a child fails",
        s3_8,
        1.0,
        &[
            (1.0, "a sibling: dropped"),
            (1.0, "hasty: no such host"),
            (1.0, "messy: on purpose: panics when dropped"),
        ],
    ),
    Scenario::new(
        "S3.9",
        "gather 100,000 tasks",
        s3_9,
        0.0,
        &[(0.0, "100000 results in argument order: true")],
    )
    .works_for(5.0),
];

fn s3_1() {
    let pending = run(async {
        let event_loop = EventLoop::current();
        let naps = (1..=5).map(|n| event_loop.create_task(nap(n)));
        // A little longer, so that it is certain that the third is among them.
        let waited = wait(naps, ReturnWhen::AllCompleted, Some(secs(3.1))).await;
        let running = waited.pending.iter().filter(|nap| !nap.is_finished()).count();
        say!("done: {}; running: {running}", texts(gather(waited.done).await));
        waited.pending
    });
    say!("then: {}", texts(run(gather(pending))));
}

fn s3_2() {
    async fn nap_or_fail(n: u32) -> u32 {
        let n = nap(n).await;
        if n == 2 { panic!("on purpose: {n} is no good") } else { n }
    }
    run(async {
        let naps = [3, 1, 2].map(|n| spawn(nap(n)));
        let first = wait(naps, ReturnWhen::FirstCompleted, None).await;
        say!("done: {}; pending: {}", texts(gather(first.done).await), first.pending.len());
        let naps = [3, 1, 2].map(|n| spawn(nap_or_fail(n)));
        let first = wait(naps, ReturnWhen::FirstException, None).await;
        say!("done: {}; pending: {}", texts(gather(first.done).await), first.pending.len());
    });
}

fn s3_3() {
    let results = run(gather([5, 4, 3, 2, 1].map(nap)));
    say!("{results:?}");
}

fn s3_4() {
    async fn good_or_error(n: u32) -> Result<u32, String> {
        let n = nap(n).await;
        if n == 2 { Err(format!("{n} is no good")) } else { Ok(n) }
    }
    async fn good_or_panic(n: u32) -> u32 {
        good_or_error(n).await.unwrap_or_else(|error| panic!("on purpose: {error}"))
    }
    run(async {
        let first = try_gather([1, 2, 3].map(good_or_error)).await;
        say!("{first:?}");
        say!("{}", texts(gather_results([1, 2, 3].map(good_or_panic)).await));
    });
}

/// Results, or in their place why there are none.
fn texts(results: Vec<Result<u32, JoinError>>) -> String {
    let text = |result: Result<u32, JoinError>| match result {
        Ok(n) => n.to_string(),
        Err(error) => error.panic_message().or(error.reason()).unwrap_or("cancelled").to_owned(),
    };
    results.into_iter().map(text).collect::<Vec<_>>().join(", ")
}

fn s3_5() {
    run(async {
        let mut naps = as_completed([5, 3, 1, 4, 2].map(nap)).timeout(secs(3.5));
        while let Some(next) = naps.next().await {
            match next {
                Ok(n) => say!("{}", n.unwrap()),
                Err(_elapsed) => say!("the time-out"),
            }
        }
    });
}

fn s3_6() {
    run(async {
        let outcome = timeout(secs(1), async {
            let _guard = Guard("the nap");
            nap(5).await
        });
        say!("timed out: {}", outcome.await.is_err());
    });
}

fn s3_7() {
    run(async {
        let outer = spawn(async {
            shield(async {
                nap(2).await;
                say!("the inner is done");
            })
            .await
        });
        nap(1).await;
        outer.cancel();
        say!("the outer was cancelled: {}", outer.await.unwrap_err().is_cancelled());
        nap(2).await;
    });
}

fn s3_8() {
    struct Messy;
    impl Drop for Messy {
        fn drop(&mut self) {
            panic!("on purpose: panics when dropped");
        }
    }
    async fn holds<T: Send>(_held: T) -> Result<(), &'static str> {
        pending().await
    }
    run(async {
        let group = task_group(async |group| {
            group.spawn(holds(Guard("a sibling")));
            group.spawn_named("messy", holds(Messy));
            group.spawn_named("hasty", async {
                nap(1).await;
                Err::<(), _>("no such host")
            });
            Ok(())
        });
        for error in group.await.unwrap_err().into_errors() {
            match error {
                raddle::ChildError::Failed { task, error } => say!("{}: {error}", task.name().unwrap()),
                raddle::ChildError::Panicked(error) => {
                    say!("{}: {}", error.task_name().unwrap(), error.panic_message().unwrap());
                }
                other => say!("{other:?}"),
            }
        }
    });
}

fn s3_9() {
    let results = run(gather((0..100_000).map(|n| async move {
        yield_now().await;
        n
    })));
    say!("{} results in argument order: {}", results.len(), results.into_iter().eq(0..100_000));
}
