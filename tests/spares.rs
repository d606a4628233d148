//! Workers whose polls do not end are counted, and made up for by spare ones. On the real clock, one test at a time, in
//! a process of their own.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::gate::Gate;
use common::stuck::{MS, STUCK, alone, sleep_of_10_ms, stick};
use common::{HANGS, SOON, multi_thread, within, yields};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

#[test]
fn stuck_polls_are_counted_once_each() {
    let _alone = alone();
    within(HANGS, || {
        let runtime = multi_thread(2).blocked_after(20 * MS).build().unwrap();
        for round in 1..=3 {
            let release = Gate::new();
            stick(&runtime, 2, &release);
            common::eventually("both are counted", || runtime.metrics().blocked_polls() == 2 * round);
            // And not again.
            std::thread::sleep(30 * MS);
            assert_eq!(runtime.metrics().blocked_polls(), 2 * round);
            release.open();
            runtime.block_on(runtime.spawn(yields(10))).unwrap();
        }
        let short = runtime.spawn(async { std::thread::sleep(5 * MS) });
        runtime.block_on(short).unwrap();
        assert_eq!(runtime.metrics().blocked_polls(), 6);
    });
}

#[test]
fn workers_that_get_stuck_again_and_again_are_made_up_for_each_time() {
    let _alone = alone();
    within(2 * HANGS, || {
        let runtime = multi_thread(2).blocked_after(10 * MS).build().unwrap();
        for _ in 0..30 {
            let release = Gate::new();
            stick(&runtime, 5, &release);
            assert!(sleep_of_10_ms(&runtime) < STUCK);
            release.open();
            let tasks: Vec<_> = (0..20).map(|_| runtime.spawn(yields(20))).collect();
            tasks.into_iter().for_each(|task| runtime.block_on(task).unwrap());
        }
        common::eventually("the workers are counted right", || {
            (2..=66).contains(&runtime.metrics().active_workers())
        });
        let report = runtime.shutdown(SOON);
        assert!(report.is_clean(), "{report}");
    });
}

/// More tasks are stuck than there may be workers: the rest waits until one of them is over, and no longer.
#[test]
fn beyond_the_cap_of_spare_workers_the_runtime_comes_back_when_one_poll_ends() {
    let _alone = alone();
    within(2 * HANGS, || {
        let runtime = multi_thread(1).blocked_after(10 * MS).build().unwrap();
        let (release, stuck) = (Gate::new(), Arc::new(AtomicUsize::new(0)));
        for _ in 0..100 {
            let (until, count) = (release.clone(), stuck.clone());
            runtime
                .spawn(async move {
                    count.fetch_add(1, SeqCst);
                    until.block();
                })
                .detach();
        }
        common::eventually("all workers there may be are stuck", || stuck.load(SeqCst) == 65);
        let last = runtime.spawn(async { 5 });
        std::thread::sleep(30 * MS);
        assert!(!last.is_finished() && stuck.load(SeqCst) == 65, "there are more than 64 spare workers");
        release.open();
        assert_eq!(runtime.block_on(last).unwrap(), 5);
        assert!(runtime.shutdown(SOON).is_clean());
    });
}
