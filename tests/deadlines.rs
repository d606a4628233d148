//! Time-outs inside one another: which one it was, and what surrounds the code that runs.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::guard::{Drops, OnDrop};
use common::{FOR_EVER, on_paused, played, yields};
use raddle::spawn;
use raddle::time::{Duration, Elapsed, Instant, deadline, sleep, timeout, timeout_at};
use std::future::pending;
use std::sync::{Arc, Mutex};

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn s3_6_on_time_out_the_inner_future_is_dropped_before_the_error_comes() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let (drops, began) = (Drops::new(), Instant::now());
            let guard = drops.guard();
            let mut limited = std::pin::pin!(timeout(secs(1), async move {
                let _guard = guard;
                pending::<()>().await
            }));
            let elapsed = limited.as_mut().await.unwrap_err();
            assert_eq!(drops.dropped(), 1, "while the time-out itself still lives");
            assert_eq!(elapsed.deadline(), began + secs(1));
            assert_eq!(Instant::now(), began + secs(1));
        });
    });
}

#[test]
fn s3_6_on_time_out_a_task_that_is_awaited_can_be_cancelled() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let mut task = spawn(sleep(FOR_EVER));
            timeout(secs(1), &mut task).await.unwrap_err();
            assert!(!task.is_finished(), "a task that is awaited by reference goes on");
            task.cancel_with("too slow");
            assert_eq!(task.await.unwrap_err().reason(), Some("too slow"));
        });
    });
}

/// A time-out in a time-out, of so many seconds; the nearer one must be told, by the one whose time is over.
async fn nested(outer: u64, inner: u64) {
    let (began, nearer) = (Instant::now(), outer.min(inner));
    let both = timeout(secs(outer), async { timeout(secs(inner), pending::<()>()).await.unwrap_err() });
    let (told, elapsed) = match both.await {
        Ok(elapsed) => (inner, elapsed),
        Err(elapsed) => (outer, elapsed),
    };
    assert_eq!((told, elapsed.deadline()), (nearer, began + secs(nearer)));
    assert_eq!(Instant::now(), began + secs(nearer));
}

#[test]
fn of_two_time_outs_the_one_that_is_over_is_the_one_that_is_told() {
    played(async || {
        nested(5, 3).await;
        nested(3, 5).await;
        spawn(nested(5, 3)).await.unwrap();
        spawn(nested(3, 5)).await.unwrap();
    });
}

#[test]
fn of_two_equal_deadlines_the_inner_one_is_told_and_the_outer_one_goes_on_to_limit() {
    on_paused(|runtime| {
        runtime.block_on(async {
            for _ in 0..20 {
                let at = Instant::now() + secs(2);
                let nested = timeout_at(at, async {
                    let inner = timeout_at(at, pending::<()>()).await;
                    inner.unwrap_err()
                });
                assert_eq!(nested.await.unwrap().deadline(), at);
                // What goes on after the inner one is limited by the outer one.
                let at = Instant::now() + secs(2);
                let nested = timeout_at(at, async {
                    timeout_at(at, pending::<()>()).await.unwrap_err();
                    pending::<()>().await
                });
                assert_eq!(nested.await.unwrap_err().deadline(), at);
            }
        });
    });
}

#[test]
fn an_error_that_is_passed_on_can_be_told_from_the_own_one() {
    async fn inner(seconds: u64) -> Result<(), Elapsed> {
        timeout(secs(seconds), pending::<()>()).await
    }
    on_paused(|runtime| {
        runtime.block_on(async {
            let own = Instant::now() + secs(4);
            let elapsed = timeout_at(own, inner(1)).await.and_then(|inner| inner).unwrap_err();
            assert_ne!(elapsed.deadline(), own);
            let own = Instant::now() + secs(4);
            let elapsed = timeout_at(own, inner(9)).await.and_then(|inner| inner).unwrap_err();
            assert_eq!(elapsed.deadline(), own);
        });
    });
}

/// The deadline here, before and after other tasks have run.
async fn seen() -> Option<Instant> {
    let before = deadline();
    yields(2).await;
    assert_eq!(deadline(), before);
    before
}

async fn look_around() {
    let began = Instant::now();
    assert_eq!(seen().await, None);
    let inside = timeout(secs(5), async {
        let own = seen().await;
        let farther = timeout(secs(9), seen()).await.unwrap();
        let nearer = timeout(secs(1), seen()).await.unwrap();
        let spawned = spawn(seen()).await.unwrap();
        [own, farther, nearer, spawned, seen().await]
    });
    let five = Some(began + secs(5));
    assert_eq!(inside.await.unwrap(), [five, five, Some(began + secs(1)), None, five]);
    assert_eq!(seen().await, None);
}

#[test]
fn the_nearest_deadline_is_known_inside() {
    played(async || {
        look_around().await;
        spawn(look_around()).await.unwrap();
    });
}

#[test]
fn a_panic_inside_does_not_leave_its_deadline_behind() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let task = spawn(timeout(secs(1), async { panic!("inside") }));
            assert!(task.await.unwrap_err().is_panic());
            let seen = Arc::new(Mutex::new(None));
            let place = seen.clone();
            // Neither while it is dropped for its end.
            let limited = timeout(secs(1), async move {
                let _last = OnDrop::new(move || *place.lock().unwrap() = Some(deadline()));
                pending::<()>().await
            });
            limited.await.unwrap_err();
            assert_eq!(*seen.lock().unwrap(), Some(None));
            assert_eq!(spawn(async { deadline() }).await.unwrap(), None);
        });
    });
}
