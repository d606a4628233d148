//! One sender, ten receivers, each of which sees everything.

use std::time::{Duration, Instant};

use crate::peers::Peer;
use crate::peers::sync::{Broadcasts, Watches};
use crate::workloads::{Countdown, Workload};

const RECEIVERS: usize = 10;
/// Messages that are sent before the sender waits for the receivers: a tenth more would have room.
const BURST: u64 = 100;
const CAPACITY: usize = 128;
const CHANGES: u64 = 100;

/// One task sends bursts of 100 messages to ten receivers and waits after each until all have got them, so that
/// none is overwritten. An operation is one message received: ten for each that is sent.
pub struct Broadcast;

impl<P: Broadcasts> Workload<P> for Broadcast {
    const OPERATIONS: u64 = RECEIVERS as u64 * BURST;
    const REPETITIONS: u64 = 300;

    fn run(runtime: &P, repetitions: u64) -> Duration {
        runtime.run_inside(broadcast::<P>(repetitions))
    }
}

async fn broadcast<P: Broadcasts>(repetitions: u64) -> Duration {
    let (sender, receivers) = P::broadcast(CAPACITY, RECEIVERS);
    let countdown = Countdown::leak();
    let start = Instant::now();
    let receivers: Vec<_> =
        receivers.into_iter().map(|receiver| P::spawn(receive::<P>(receiver, countdown))).collect();
    for _ in 0..repetitions {
        let done = countdown.start(RECEIVERS);
        for message in 0..BURST {
            P::send_to_all(&sender, message).await;
        }
        done.await.expect("the last receiver signals");
    }
    drop(sender);
    join::<P>(receivers, repetitions * BURST).await;
    start.elapsed()
}

async fn receive<P: Broadcasts>(mut receiver: P::BroadcastReceiver, countdown: &'static Countdown) -> u64 {
    let mut received = 0;
    while let Some(message) = P::recv_broadcast(&mut receiver).await {
        assert_eq!(message, received % BURST);
        received += 1;
        if received % BURST == 0 {
            countdown.finish();
        }
    }
    received
}

/// One task writes a value and waits until ten others, which wait for it to change, have seen it. An operation is
/// one change seen: ten for each that is written.
pub struct Watch;

impl<P: Watches> Workload<P> for Watch {
    const OPERATIONS: u64 = RECEIVERS as u64 * CHANGES;
    const REPETITIONS: u64 = 100;

    fn run(runtime: &P, repetitions: u64) -> Duration {
        runtime.run_inside(watch::<P>(repetitions * CHANGES))
    }
}

async fn watch<P: Watches>(changes: u64) -> Duration {
    let (sender, receiver) = P::watch();
    let countdown = Countdown::leak();
    let start = Instant::now();
    let receivers: Vec<_> = (0..RECEIVERS).map(|_| P::spawn(see::<P>(receiver.clone(), countdown))).collect();
    for change in 1..=changes {
        let done = countdown.start(RECEIVERS);
        P::write_watched(&sender, change);
        done.await.expect("the last receiver signals");
    }
    drop(sender);
    join::<P>(receivers, changes).await;
    start.elapsed()
}

async fn see<P: Watches>(mut receiver: P::WatchReceiver, countdown: &'static Countdown) -> u64 {
    let mut seen = 0;
    while let Some(value) = P::changed(&mut receiver).await {
        seen += 1;
        assert_eq!(value, seen);
        countdown.finish();
    }
    seen
}

/// Every receiver has seen so many.
async fn join<P: Peer>(receivers: Vec<P::Join<u64>>, expected: u64) {
    for receiver in receivers {
        assert_eq!(receiver.await, expected);
    }
}
