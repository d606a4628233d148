//! Races and shields.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::gate::Gate;
use common::guard::Drops;
use common::{FOR_EVER, on_both, on_paused, yields};
use raddle::time::{Duration, Instant, sleep, timeout};
use raddle::{race, shield, spawn};
use std::future::pending;

#[test]
fn a_race_is_won_by_the_first_and_the_others_have_ended() {
    on_paused(|runtime| {
        let drops = Drops::new();
        runtime.block_on(async {
            let began = Instant::now();
            let runners = [5, 2, 9].map(|seconds| {
                let guard = drops.guard();
                async move {
                    let _guard = guard;
                    sleep(Duration::from_secs(seconds)).await;
                    seconds
                }
            });
            assert_eq!(race(runners).await, 2);
            assert_eq!(Instant::now() - began, Duration::from_secs(2));
            assert_eq!(drops.dropped(), 3);
            assert_eq!(raddle::runtime::Handle::current().metrics().alive_tasks(), 0);
        });
    });
}

#[test]
fn a_race_ends_with_the_panic_of_the_first_and_needs_one_runner() {
    on_both(|runtime| {
        let text = common::panic_of(|| {
            runtime.block_on(race([async { if true { panic!("stumbled") } else { 1 } }]))
        });
        assert_eq!(text, "stumbled");
        let text = common::panic_of(|| runtime.block_on(race(Vec::<std::future::Ready<()>>::new())));
        assert!(text.contains("no futures"), "{text}");
    });
}

#[test]
fn a_race_dropped_half_way_leaves_nobody_running() {
    on_both(|runtime| {
        let drops = Drops::new();
        let guards = [drops.guard(), drops.guard()];
        let task = runtime.spawn(async move {
            let runners = guards.map(|guard| async move {
                let _guard = guard;
                pending::<()>().await
            });
            let mut race = Box::pin(race(runners));
            assert!(common::poll_once(&mut race).await.is_none());
            yields(5).await;
        });
        runtime.block_on(task).unwrap();
        assert_eq!(drops.dropped(), 2);
        assert_eq!(runtime.metrics().alive_tasks(), 0);
    });
}

#[test]
fn s3_7_a_shielded_future_goes_on_when_the_outer_is_cancelled() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let done = Gate::new();
            let here = done.clone();
            let outer = spawn(async move {
                let inner = async move {
                    sleep(Duration::from_secs(5)).await;
                    here.open();
                };
                shield(inner).await.unwrap();
            });
            sleep(Duration::from_secs(1)).await;
            outer.cancel();
            assert!(outer.await.unwrap_err().is_cancelled());
            let began = Instant::now();
            done.wait().await;
            assert_eq!(Instant::now() - began, Duration::from_secs(4));
            assert_eq!(shield(async { 3 }).await.unwrap(), 3);
            let limited = timeout(Duration::from_secs(1), shield(sleep(FOR_EVER))).await;
            assert!(limited.is_err());
            assert_eq!(
                raddle::runtime::Handle::current().metrics().alive_tasks(),
                1,
                "the inner one goes on, as the docs say"
            );
        });
    });
}
