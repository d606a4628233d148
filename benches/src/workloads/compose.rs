//! Many tasks as one: gathered, waited for, taken as they complete. Their futures are ready at once.

use std::time::{Duration, Instant};

use raddle::{ReturnWhen, as_completed, gather, wait};

use super::Workload;
use crate::peers::{Peer, Raddle, Tokio};

/// Tasks that are gathered at a time.
const GATHERED: usize = 100_000;

/// A task gathers 100,000 futures.
pub struct Gather;

impl Workload<Raddle> for Gather {
    const OPERATIONS: u64 = GATHERED as u64;
    const REPETITIONS: u64 = 3;

    fn run(runtime: &Raddle, repetitions: u64) -> Duration {
        runtime.run_inside(async move {
            let start = Instant::now();
            for _ in 0..repetitions {
                let sum: usize = gather((0..GATHERED).map(|n| async move { n })).await.into_iter().sum();
                assert_eq!(sum, GATHERED * (GATHERED - 1) / 2);
            }
            start.elapsed()
        })
    }
}

/// The floor of `gather`: a task spawns as many, and joins them one by one.
pub struct Joined;

impl Workload<Raddle> for Joined {
    const OPERATIONS: u64 = GATHERED as u64;
    const REPETITIONS: u64 = 3;

    fn run(runtime: &Raddle, repetitions: u64) -> Duration {
        runtime.run_inside(async move {
            let start = Instant::now();
            for _ in 0..repetitions {
                let tasks: Vec<_> = (0..GATHERED).map(|n| Raddle::spawn(async move { n })).collect();
                let mut sum = 0;
                for task in tasks {
                    sum += task.await;
                }
                assert_eq!(sum, GATHERED * (GATHERED - 1) / 2);
            }
            start.elapsed()
        })
    }
}

/// A task takes the results of `N` tasks as they end.
pub struct AsCompleted<const N: usize>;

impl<const N: usize> Workload<Raddle> for AsCompleted<N> {
    const OPERATIONS: u64 = N as u64;
    const REPETITIONS: u64 = 300_000 / N as u64;

    fn run(runtime: &Raddle, repetitions: u64) -> Duration {
        runtime.run_inside(async move {
            let start = Instant::now();
            for _ in 0..repetitions {
                let (mut tasks, mut sum) = (as_completed((0..N).map(|n| async move { n })), 0);
                while let Some(result) = tasks.next().await {
                    sum += result.expect("it returns");
                }
                assert_eq!(sum, N * (N - 1) / 2);
            }
            start.elapsed()
        })
    }
}

/// tokio has a set of tasks for that.
impl<const N: usize> Workload<Tokio> for AsCompleted<N> {
    const OPERATIONS: u64 = N as u64;
    const REPETITIONS: u64 = 300_000 / N as u64;

    fn run(runtime: &Tokio, repetitions: u64) -> Duration {
        runtime.run_inside(async move {
            let start = Instant::now();
            for _ in 0..repetitions {
                let (mut tasks, mut sum) = (tokio::task::JoinSet::new(), 0);
                (0..N).for_each(|n| drop(tasks.spawn(async move { n })));
                while let Some(result) = tasks.join_next().await {
                    sum += result.expect("it returns");
                }
                assert_eq!(sum, N * (N - 1) / 2);
            }
            start.elapsed()
        })
    }
}

/// A task spawns `N` tasks and waits for all of them.
pub struct Wait<const N: usize>;

impl<const N: usize> Workload<Raddle> for Wait<N> {
    const OPERATIONS: u64 = N as u64;
    const REPETITIONS: u64 = 300_000 / N as u64;

    fn run(runtime: &Raddle, repetitions: u64) -> Duration {
        runtime.run_inside(async move {
            let start = Instant::now();
            for _ in 0..repetitions {
                let tasks = (0..N).map(|n| raddle::spawn(async move { n }));
                let waited = wait(tasks, ReturnWhen::AllCompleted, None).await;
                assert_eq!((waited.done.len(), waited.pending.len()), (N, 0));
            }
            start.elapsed()
        })
    }
}
