//! Starting tasks: joined, detached, from inside and from outside, and each by the one before.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::{Countdown, Workload};
use crate::peers::Peer;

const BATCH: usize = 1_000;

/// A task spawns 1,000 empty tasks, then joins all of them in the same order; again and again.
pub struct SpawnJoinInside;

impl<P: Peer> Workload<P> for SpawnJoinInside {
    const OPERATIONS: u64 = BATCH as u64;
    const REPETITIONS: u64 = 200;

    fn run(runtime: &P, repetitions: u64) -> Duration {
        runtime.run_inside(spawn_and_join::<P>(repetitions))
    }
}

/// The same from the thread that called `block_on`, which is no worker.
pub struct SpawnJoinOutside;

impl<P: Peer> Workload<P> for SpawnJoinOutside {
    const OPERATIONS: u64 = BATCH as u64;
    const REPETITIONS: u64 = 200;

    fn run(runtime: &P, repetitions: u64) -> Duration {
        runtime.block_on(spawn_and_join::<P>(repetitions))
    }
}

async fn spawn_and_join<P: Peer>(repetitions: u64) -> Duration {
    let mut tasks = Vec::with_capacity(BATCH);
    let start = Instant::now();
    for _ in 0..repetitions {
        tasks.extend((0..BATCH).map(|_| P::spawn(async {})));
        for task in tasks.drain(..) {
            task.await;
        }
    }
    start.elapsed()
}

/// A task spawns 1,000 tasks that nobody joins; each takes one off a counter, the last one signals the spawner.
pub struct SpawnDetachedInside;

impl<P: Peer> Workload<P> for SpawnDetachedInside {
    const OPERATIONS: u64 = BATCH as u64;
    const REPETITIONS: u64 = 200;

    fn run(runtime: &P, repetitions: u64) -> Duration {
        runtime.run_inside(spawn_detached::<P>(repetitions))
    }
}

async fn spawn_detached<P: Peer>(repetitions: u64) -> Duration {
    let countdown = Countdown::leak();
    let start = Instant::now();
    for _ in 0..repetitions {
        let done = countdown.start(BATCH);
        for _ in 0..BATCH {
            P::spawn_detached(async { countdown.finish() });
        }
        done.await.expect("the last task signals");
    }
    start.elapsed()
}

/// A task spawns a task, which spawns a task, 1,000 deep; the last one signals.
pub struct Chained;

impl<P: Peer> Workload<P> for Chained {
    const OPERATIONS: u64 = BATCH as u64;
    const REPETITIONS: u64 = 200;

    fn run(runtime: &P, repetitions: u64) -> Duration {
        runtime.run_inside(chains::<P>(repetitions))
    }
}

async fn chains<P: Peer>(repetitions: u64) -> Duration {
    let start = Instant::now();
    for _ in 0..repetitions {
        let (sender, receiver) = oneshot::channel();
        link::<P>(BATCH, sender);
        receiver.await.expect("the last link signals");
    }
    start.elapsed()
}

fn link<P: Peer>(left: usize, done: oneshot::Sender<()>) {
    P::spawn_detached(async move {
        match left {
            1 => done.send(()).expect("the signal is awaited"),
            _ => link::<P>(left - 1, done),
        }
    });
}
