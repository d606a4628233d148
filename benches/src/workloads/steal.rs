//! Work that one task hands out and all cores should share.

use std::hint::black_box;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::Workload;
use crate::peers::{Peer, WORKERS};

const TASKS: usize = 256;
const REPETITIONS: usize = 8;
const TASK_TIME: Duration = Duration::from_micros(40);

/// One task spawns 256 tasks of about 40 us of computing each, and joins them.
pub struct Steal;

impl<P: Peer> Workload<P> for Steal {
    const OPERATIONS: u64 = TASKS as u64;
    const REPETITIONS: u64 = REPETITIONS as u64;

    fn run(runtime: &P, repetitions: u64) -> Duration {
        let steps = steps_per_task();
        runtime.run_inside(share_out::<P>(repetitions, steps))
    }
}

async fn share_out<P: Peer>(repetitions: u64, steps: u64) -> Duration {
    let mut tasks = Vec::with_capacity(TASKS);
    let start = Instant::now();
    for _ in 0..repetitions {
        tasks.extend((0..TASKS).map(|_| P::spawn(async move { compute(steps) })));
        for task in tasks.drain(..) {
            task.await;
        }
    }
    start.elapsed()
}

/// The least that [`Steal`] can take per task: the computing alone, one task after another, over the workers.
pub fn floor() -> f64 {
    let steps = steps_per_task();
    let start = Instant::now();
    for _ in 0..REPETITIONS * TASKS {
        compute(steps);
    }
    let serial_ns = start.elapsed().as_nanos() as f64;
    serial_ns / (REPETITIONS * TASKS) as f64 / WORKERS as f64
}

/// Arithmetic whose every step needs the one before.
fn compute(steps: u64) -> u64 {
    let mut x = black_box(0x9E37_79B9_7F4A_7C15_u64);
    for _ in 0..steps {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    black_box(x)
}

/// The steps that take [`TASK_TIME`] on this machine, found once: the best of several tries.
fn steps_per_task() -> u64 {
    static STEPS: OnceLock<u64> = OnceLock::new();
    *STEPS.get_or_init(|| {
        let trial = 1_000_000;
        let tries = (0..9).map(|_| {
            let start = Instant::now();
            compute(trial);
            start.elapsed()
        });
        let best = tries.min().expect("there are tries");
        (trial as f64 * TASK_TIME.as_secs_f64() / best.as_secs_f64()) as u64
    })
}
