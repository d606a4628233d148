//! Two tasks that take turns: each wakes the other and waits to be woken.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::peers::sync::{Notifies, Oneshots};
use crate::workloads::Workload;

const TURNS: u64 = 5_000;

/// Two tasks notify one another, to and fro. An operation is one round trip: two notifications.
pub struct NotifyPingPong;

impl<P: Notifies> Workload<P> for NotifyPingPong {
    const OPERATIONS: u64 = TURNS;
    const REPETITIONS: u64 = 30;

    fn run(runtime: &P, repetitions: u64) -> Duration {
        runtime.run_inside(notify_and_wait::<P>(repetitions * TURNS))
    }
}

async fn notify_and_wait<P: Notifies>(turns: u64) -> Duration {
    let ping = Arc::new(P::notify());
    let pong = Arc::new(P::notify());
    let (pinged, answer) = (ping.clone(), pong.clone());
    let start = Instant::now();
    let other = P::spawn(async move {
        for _ in 0..turns {
            P::notified(&pinged).await;
            P::notify_one(&answer);
        }
    });
    for _ in 0..turns {
        P::notify_one(&ping);
        P::notified(&pong).await;
    }
    other.await;
    start.elapsed()
}

/// Two tasks hand one another the sender of a new oneshot channel, each time over the channel before. An operation
/// is one channel: made, sent over, awaited.
pub struct OneshotRelay;

impl<P: Oneshots> Workload<P> for OneshotRelay {
    const OPERATIONS: u64 = 2 * TURNS;
    const REPETITIONS: u64 = 20;

    fn run(runtime: &P, repetitions: u64) -> Duration {
        runtime.run_inside(relay::<P>(repetitions * TURNS))
    }
}

async fn relay<P: Oneshots>(turns: u64) -> Duration {
    let start = Instant::now();
    let (mut baton, mut hand) = P::oneshot();
    let other = P::spawn(async move {
        while let Some(baton) = P::take_baton(hand).await {
            let next;
            (next, hand) = P::oneshot();
            P::pass_baton(baton, Some(next));
        }
    });
    for _ in 0..turns {
        let (next, hand) = P::oneshot();
        P::pass_baton(baton, Some(next));
        baton = P::take_baton(hand).await.expect("the other task passes on");
    }
    P::pass_baton(baton, None);
    other.await;
    start.elapsed()
}
