//! Mutex, read-write lock and semaphore. Whoever holds one counts and gives it back; nothing is awaited meanwhile.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::crowds;
use crate::peers::sync::Locks;
use crate::workloads::Workload;

const TASKS: usize = 100;
/// Enough that the tasks outlast the moment in which only one worker is awake.
const TURNS: usize = 1_000;
const PERMITS: usize = 10;
/// One turn in so many is a writer's.
const WRITE_EVERY: usize = 10;

/// One task takes and gives back a mutex that nobody else wants.
pub struct MutexUncontended;

impl<P: Locks> Workload<P> for MutexUncontended {
    const OPERATIONS: u64 = (TASKS * TURNS) as u64;
    const REPETITIONS: u64 = 20;

    fn run(runtime: &P, repetitions: u64) -> Duration {
        runtime.run_inside(async move {
            let mutex = P::mutex();
            let turns = repetitions * <Self as Workload<P>>::OPERATIONS;
            let start = Instant::now();
            for _ in 0..turns {
                P::increment(&mutex).await;
            }
            let took = start.elapsed();
            assert_eq!(P::increment(&mutex).await, turns + 1);
            took
        })
    }
}

/// 100 tasks take one mutex 1,000 times each.
pub struct MutexContended;

impl<P: Locks> Workload<P> for MutexContended {
    const OPERATIONS: u64 = (TASKS * TURNS) as u64;
    const REPETITIONS: u64 = 5;

    fn run(runtime: &P, repetitions: u64) -> Duration {
        runtime.run_inside(async move {
            let mutex = Arc::new(P::mutex());
            let took = crowds::<P, _>(repetitions, TASKS, || increment_often::<P>(mutex.clone())).await;
            let turns = repetitions * <Self as Workload<P>>::OPERATIONS;
            assert_eq!(P::increment(&mutex).await, turns + 1);
            took
        })
    }
}

async fn increment_often<P: Locks>(mutex: Arc<P::Mutex>) {
    for _ in 0..TURNS {
        P::increment(&mutex).await;
    }
}

/// 100 tasks take one read-write lock 1,000 times each, nine times to read and once to write.
pub struct ReadsAndWrites;

impl<P: Locks> Workload<P> for ReadsAndWrites {
    const OPERATIONS: u64 = (TASKS * TURNS) as u64;
    const REPETITIONS: u64 = 5;

    fn run(runtime: &P, repetitions: u64) -> Duration {
        runtime.run_inside(async move {
            let lock = Arc::new(P::rwlock());
            let took = crowds::<P, _>(repetitions, TASKS, || read_and_write::<P>(lock.clone())).await;
            let writes = repetitions * (TASKS * TURNS / WRITE_EVERY) as u64;
            assert_eq!(P::read_locked(&lock).await, writes);
            took
        })
    }
}

async fn read_and_write<P: Locks>(lock: Arc<P::RwLock>) {
    for turn in 0..TURNS {
        match turn % WRITE_EVERY {
            0 => P::write_locked(&lock).await,
            _ => black_box(P::read_locked(&lock).await),
        };
    }
}

/// 100 tasks take one of ten permits 1,000 times each.
pub struct SemaphoreContended;

impl<P: Locks> Workload<P> for SemaphoreContended {
    const OPERATIONS: u64 = (TASKS * TURNS) as u64;
    const REPETITIONS: u64 = 5;

    fn run(runtime: &P, repetitions: u64) -> Duration {
        runtime.run_inside(async move {
            let semaphore = Arc::new(P::semaphore(PERMITS));
            crowds::<P, _>(repetitions, TASKS, || permits_often::<P>(semaphore.clone())).await
        })
    }
}

async fn permits_often<P: Locks>(semaphore: Arc<P::Semaphore>) {
    for turn in 0..TURNS {
        P::with_permit(&semaphore, || black_box(turn)).await;
    }
}
