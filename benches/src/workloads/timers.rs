//! Timers: the many that are cancelled before they are due, and the many that fire.

use std::time::{Duration, Instant};

use super::Workload;
use crate::peers::Peer;

const TASKS: usize = 100;
const TIMEOUTS: usize = 100;
const LIMIT: Duration = Duration::from_secs(30);
const SLEEPS: usize = 100_000;
const LONGEST: Duration = Duration::from_millis(50);

/// 100 tasks, each 100 times over: a time-out of 30 s around a future that is pending once.
pub struct CancelledTimeouts;

impl<P: Peer> Workload<P> for CancelledTimeouts {
    const OPERATIONS: u64 = (TASKS * TIMEOUTS) as u64;
    const REPETITIONS: u64 = 15;

    fn run(runtime: &P, repetitions: u64) -> Duration {
        runtime.run_inside(timeouts::<P>(repetitions))
    }
}

async fn timeouts<P: Peer>(repetitions: u64) -> Duration {
    let mut tasks = Vec::with_capacity(TASKS);
    let start = Instant::now();
    for _ in 0..repetitions {
        tasks.extend((0..TASKS).map(|_| P::spawn(time_out_often::<P>())));
        for task in tasks.drain(..) {
            task.await;
        }
    }
    start.elapsed()
}

async fn time_out_often<P: Peer>() {
    for _ in 0..TIMEOUTS {
        P::timeout(LIMIT, P::yield_now()).await.expect("30 s are enough to yield once");
    }
}

/// 100,000 tasks each sleep once for up to 50 ms, evenly spread, and are joined. The last one is due after
/// 50 ms, so that 500 ns per sleep is the floor.
pub struct Sleeps;

impl<P: Peer> Workload<P> for Sleeps {
    const OPERATIONS: u64 = SLEEPS as u64;
    const REPETITIONS: u64 = 1;

    fn run(runtime: &P, repetitions: u64) -> Duration {
        runtime.run_inside(sleeps::<P>(repetitions))
    }
}

async fn sleeps<P: Peer>(repetitions: u64) -> Duration {
    let mut tasks = Vec::with_capacity(SLEEPS);
    let mut random = 1;
    let start = Instant::now();
    for _ in 0..repetitions {
        tasks.extend((0..SLEEPS).map(|_| P::spawn(P::sleep(random_below(LONGEST, &mut random)))));
        for task in tasks.drain(..) {
            task.await;
        }
    }
    start.elapsed()
}

/// What [`Sleeps`] takes per sleep where a runtime costs nothing: the longest sleep.
pub fn sleeps_floor() -> f64 {
    LONGEST.as_nanos() as f64 / SLEEPS as f64
}

/// Evenly spread durations, the same ones for every peer.
fn random_below(limit: Duration, state: &mut u64) -> Duration {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    let fraction = (*state >> 40) as f64 / (1_u64 << 24) as f64;
    limit.mul_f64(fraction)
}
