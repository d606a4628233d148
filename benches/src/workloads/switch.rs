//! Going from task to task: yielding, and waking one another.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::{Countdown, Workload};
use crate::peers::Peer;

const YIELDERS: usize = 200;
const YIELDS: usize = 200;
const PAIRS: usize = 1_000;

/// 200 tasks yield 200 times each and are joined; an operation is one yield.
pub struct Yield;

impl<P: Peer> Workload<P> for Yield {
    const OPERATIONS: u64 = (YIELDERS * YIELDS) as u64;
    const REPETITIONS: u64 = 25;

    fn run(runtime: &P, repetitions: u64) -> Duration {
        runtime.run_inside(yielders::<P>(repetitions))
    }
}

async fn yielders<P: Peer>(repetitions: u64) -> Duration {
    let mut tasks = Vec::with_capacity(YIELDERS);
    let start = Instant::now();
    for _ in 0..repetitions {
        tasks.extend((0..YIELDERS).map(|_| P::spawn(yield_many::<P>())));
        for task in tasks.drain(..) {
            task.await;
        }
    }
    start.elapsed()
}

async fn yield_many<P: Peer>() {
    for _ in 0..YIELDS {
        P::yield_now().await;
    }
}

/// A task spawns 1,000 pairs of tasks; one of a pair pings the other over a oneshot channel and is answered
/// over a second one. An operation is one pair: two spawns, two messages. The shape is tokio's own bench, and
/// so is the channel, for every peer: it needs no runtime and is the lightest of its kind.
pub struct PingPong;

impl<P: Peer> Workload<P> for PingPong {
    const OPERATIONS: u64 = PAIRS as u64;
    const REPETITIONS: u64 = 100;

    fn run(runtime: &P, repetitions: u64) -> Duration {
        runtime.run_inside(ping_pongs::<P>(repetitions))
    }
}

async fn ping_pongs<P: Peer>(repetitions: u64) -> Duration {
    let countdown = Countdown::leak();
    let start = Instant::now();
    for _ in 0..repetitions {
        let done = countdown.start(PAIRS);
        for _ in 0..PAIRS {
            P::spawn_detached(ping::<P>(countdown));
        }
        done.await.expect("the last pair signals");
    }
    start.elapsed()
}

async fn ping<P: Peer>(countdown: &'static Countdown) {
    let (ping, pinged) = oneshot::channel::<()>();
    let (pong, ponged) = oneshot::channel::<()>();
    P::spawn_detached(async move {
        pinged.await.expect("the ping comes");
        pong.send(()).expect("the pong is awaited");
    });
    ping.send(()).expect("the ping is awaited");
    ponged.await.expect("the pong comes");
    countdown.finish();
}
