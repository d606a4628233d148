//! Several tasks as one: gather, wait, as_completed; the scenarios S3.1 to S3.5 and S3.9.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::guard::Drops;
use common::{FOR_EVER, on_both, on_both_built, panic_of, poll_once, yields};
use raddle::runtime::{Handle, Runtime};
use raddle::task::JoinError;
use raddle::time::{Duration, Instant, sleep};
use raddle::{ReturnWhen, as_completed, gather, gather_results, spawn, try_gather, wait};
use std::future::{pending, ready};

const SECOND: Duration = Duration::from_secs(1);

fn on_paused(test: impl Fn(&Runtime) + Copy + Send + 'static) {
    on_both_built(|builder| builder.start_paused(true), test);
}

/// Sleeps `n` seconds and returns `n`.
async fn nap(n: u64) -> u64 {
    sleep(SECOND * n as u32).await;
    n
}

/// Sleeps `n` seconds and fails with `n`.
async fn bad_nap(n: u64) -> Result<u64, u64> {
    Err(nap(n).await)
}

async fn good_nap(n: u64) -> Result<u64, u64> {
    Ok(nap(n).await)
}

async fn panics_after(n: u64) -> u64 {
    nap(n).await;
    panic!("after {n} s")
}

fn values(results: Vec<Result<u64, JoinError>>) -> Vec<u64> {
    results.into_iter().map(|result| result.unwrap()).collect()
}

/// No task but the current one is left, once those that were cancelled have been dropped.
async fn nobody_is_left() {
    let metrics = Handle::current().metrics();
    while metrics.alive_tasks() > 0 {
        raddle::yield_now().await;
    }
}

#[test]
fn s3_1_wait_with_a_time_out_leaves_the_rest_running() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let began = Instant::now();
            let tasks = (1..=5).map(|n| spawn(nap(n)));
            let waited = wait(tasks, ReturnWhen::AllCompleted, Some(SECOND * 3 + SECOND / 10)).await;
            assert_eq!(began.elapsed(), SECOND * 3 + SECOND / 10);
            assert_eq!(values(gather_results(waited.done).await.into_iter().flatten().collect()), [1, 2, 3]);
            assert_eq!(waited.pending.len(), 2);
            // They go on.
            assert_eq!(
                gather(waited.pending).await.into_iter().map(Result::unwrap).collect::<Vec<_>>(),
                [4, 5]
            );
            assert_eq!(began.elapsed(), SECOND * 5);
        });
    });
}

#[test]
fn s3_2_wait_returns_at_the_first() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let began = Instant::now();
            let waited = wait([3, 1, 2].map(|n| spawn(nap(n))), ReturnWhen::FirstCompleted, None).await;
            assert_eq!((began.elapsed(), waited.done.len(), waited.pending.len()), (SECOND, 1, 2));
            let tasks = [spawn(nap(1)), spawn(panics_after(2)), spawn(nap(9))];
            let waited = wait(tasks, ReturnWhen::FirstException, None).await;
            assert_eq!((began.elapsed(), waited.done.len(), waited.pending.len()), (SECOND * 3, 2, 1));
            let no_panic = wait([spawn(nap(1)), spawn(nap(2))], ReturnWhen::FirstException, None).await;
            assert_eq!((began.elapsed(), no_panic.done.len()), (SECOND * 5, 2));
            for task in waited.pending {
                task.cancel();
            }
        });
    });
}

#[test]
fn wait_for_nothing_and_for_what_has_ended_is_over_at_once() {
    on_paused(|runtime| {
        runtime.block_on(async {
            for when in [ReturnWhen::AllCompleted, ReturnWhen::FirstCompleted, ReturnWhen::FirstException] {
                let none = wait(Vec::<raddle::task::JoinHandle<()>>::new(), when, None).await;
                assert!(none.done.is_empty() && none.pending.is_empty());
                let ended = [spawn(ready(1)), spawn(ready(2))];
                while !ended.iter().all(|task| task.is_finished()) {
                    raddle::yield_now().await;
                }
                assert_eq!(wait(ended, when, None).await.done.len(), 2);
            }
        });
    });
}

#[test]
fn s3_3_gather_returns_in_argument_order() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let began = Instant::now();
            assert_eq!(gather([5, 4, 3, 2, 1].map(nap)).await, [5, 4, 3, 2, 1]);
            assert_eq!(began.elapsed(), SECOND * 5);
            assert_eq!(gather(Vec::<std::future::Ready<u8>>::new()).await, []);
            let (a, b, c) = raddle::gather!(nap(2), async { "text" }, good_nap(1));
            assert_eq!((a, b, c, began.elapsed()), (2, "text", Ok(1), SECOND * 7));
            let (one,) = raddle::gather!(nap(1),);
            assert_eq!(one, 1);
        });
    });
}

#[test]
fn s3_4_the_first_error_comes_at_once_and_the_rest_is_cancelled() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let began = Instant::now();
            let naps = (0..100)
                .map(|n| async move { if n == 70 { bad_nap(2).await } else { good_nap(10 + n).await } });
            assert_eq!(try_gather(naps).await, Err(2));
            assert_eq!(began.elapsed(), SECOND * 2);
            nobody_is_left().await;
            assert_eq!(try_gather([1, 2].map(good_nap)).await, Ok(vec![1, 2]));
            // The first to fail, not the first among the arguments.
            assert_eq!(try_gather([3, 1, 2].map(bad_nap)).await, Err(1));
            nobody_is_left().await;
        });
    });
}

#[test]
fn s3_4_return_exceptions_has_each_in_its_place() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let naps: Vec<_> =
                (0..40u64).map(|n| async move { if n == 33 { panics_after(1).await } else { n } }).collect();
            let results = gather_results(naps).await;
            assert_eq!(results.len(), 40);
            for (n, result) in results.into_iter().enumerate() {
                match result {
                    Ok(value) => assert_eq!(value, n as u64),
                    Err(error) => assert_eq!((n, error.panic_message()), (33, Some("after 1 s"))),
                }
            }
        });
    });
}

#[test]
fn a_panic_is_resumed_at_once() {
    on_paused(|runtime| {
        let one_panics = |n: u64| async move { if n == 7 { panics_after(1).await } else { nap(1000).await } };
        let gathered = || runtime.block_on(async { gather((0..40).map(one_panics)).await });
        assert_eq!(panic_of(gathered), "after 1 s");
        let of_two = || runtime.block_on(async { raddle::gather!(pending::<()>(), panics_after(1)) });
        assert_eq!(panic_of(of_two), "after 1 s");
        runtime.block_on(nobody_is_left());
    });
}

#[test]
fn s3_5_as_completed_yields_in_order_of_completion_until_the_time_is_over() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let mut naps = as_completed([5, 3, 1, 4, 2].map(nap)).timeout(SECOND * 7 / 2);
            let mut seen = Vec::new();
            while let Some(next) = naps.next().await {
                match next {
                    Ok(result) => seen.push(result.unwrap()),
                    Err(_) => seen.push(0),
                }
            }
            assert_eq!(seen, [1, 2, 3, 0]);
            assert!(naps.is_empty());
            nobody_is_left().await;
        });
    });
}

#[test]
fn as_completed_is_a_stream_that_knows_its_length() {
    use futures_lite::{Stream, StreamExt};
    on_both(|runtime| {
        runtime.block_on(async {
            let mut tasks = as_completed((0..100u64).map(|n| async move {
                yields(n as usize % 7).await;
                if n == 50 { panic!("fifty") } else { n }
            }));
            let (mut sum, mut panics) = (0, 0);
            while let Some(result) = StreamExt::next(&mut tasks).await {
                match result {
                    Ok(n) => sum += n,
                    Err(error) => panics += usize::from(error.is_panic()),
                }
                assert_eq!(tasks.size_hint(), (tasks.len(), Some(tasks.len())));
            }
            assert_eq!((sum, panics, tasks.len()), (4950 - 50, 1, 0));
        });
    });
}

#[test]
fn what_is_dropped_half_way_leaves_no_task() {
    on_both(|runtime| {
        let drops = Drops::new();
        runtime.block_on(async {
            let sleeper = |_| {
                let counted = drops.guard();
                async move {
                    let _counted = counted;
                    sleep(FOR_EVER).await;
                    Ok::<_, ()>(())
                }
            };
            assert!(poll_once(gather((0..50).map(sleeper))).await.is_none());
            assert!(poll_once(gather_results((0..50).map(sleeper))).await.is_none());
            assert!(poll_once(try_gather((0..50).map(sleeper))).await.is_none());
            assert!(poll_once(as_completed((0..50).map(sleeper)).next()).await.is_none());
            drop(gather((0..50).map(sleeper)));
            nobody_is_left().await;
        });
        assert_eq!((drops.made(), drops.dropped()), (250, 250));
    });
}

#[test]
fn handles_that_wait_gave_back_can_be_awaited_and_waited_for_again() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let mut pending: Vec<_> = (1..=200).map(|n| spawn(nap(n % 10))).collect();
            let mut rounds = 0;
            while !pending.is_empty() {
                let waited = wait(pending, ReturnWhen::FirstCompleted, None).await;
                assert!(!waited.done.is_empty());
                pending = waited.pending;
                rounds += 1;
            }
            assert!(rounds <= 200);
        });
    });
}

#[test]
fn s3_9_a_hundred_thousand_tasks_gathered() {
    on_both(|runtime| {
        let sum = runtime.block_on(async {
            let squares = gather((0..100_000u64).map(|n| async move { n * n })).await;
            assert!(squares.iter().enumerate().all(|(n, square)| *square == (n * n) as u64));
            squares.into_iter().sum::<u64>()
        });
        assert_eq!(sum, 333_328_333_350_000);
    });
}

#[test]
fn a_task_that_somebody_cancels_is_an_error_in_its_place() {
    on_both(|runtime| {
        runtime.block_on(async {
            let one = spawn(pending::<()>());
            one.cancel_with("by hand");
            let results = gather_results([one]).await;
            let inner = results.into_iter().next().unwrap().unwrap();
            assert_eq!(inner.unwrap_err().reason(), Some("by hand"));
        });
    });
}
