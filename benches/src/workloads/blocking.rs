//! The pool for blocking calls.

use std::time::{Duration, Instant};

use super::Workload;
use crate::peers::Peer;

const IN_FLIGHT: usize = 1_000;

/// A task hands 1,000 closures that do nothing to the pool, then joins all of them; each runtime's pool grows
/// to the size it thinks best.
pub struct Blocking;

/// The same with two threads in every pool: what the hand-off costs, whatever the policy for more threads.
pub struct BlockingOnTwo;

impl<P: Peer> Workload<P> for Blocking {
    const OPERATIONS: u64 = IN_FLIGHT as u64;
    const REPETITIONS: u64 = 15;

    fn run(runtime: &P, repetitions: u64) -> Duration {
        runtime.run_inside(jobs::<P>(repetitions))
    }
}

impl<P: Peer> Workload<P> for BlockingOnTwo {
    const OPERATIONS: u64 = IN_FLIGHT as u64;
    const REPETITIONS: u64 = 50;
    const BLOCKING_THREADS: Option<usize> = Some(2);

    fn run(runtime: &P, repetitions: u64) -> Duration {
        runtime.run_inside(jobs::<P>(repetitions))
    }
}

async fn jobs<P: Peer>(repetitions: u64) -> Duration {
    let mut jobs = Vec::with_capacity(IN_FLIGHT);
    let start = Instant::now();
    for _ in 0..repetitions {
        jobs.extend((0..IN_FLIGHT).map(|_| P::spawn_blocking(|| ())));
        for job in jobs.drain(..) {
            job.await;
        }
    }
    start.elapsed()
}
