//! Messages for one receiver each: channels of one consumer, and queues of several.

use std::time::{Duration, Instant};

use crate::peers::sync::{Mpsc, Queues};
use crate::workloads::Workload;

const MESSAGES: u64 = 10_000;
const PRODUCERS: u64 = 4;
const CONSUMERS: u64 = 3;
const CAPACITY: usize = 100;

/// Four tasks send 2,500 messages each over a channel that holds 100; a fifth receives them.
pub struct MpscBounded;

/// One task sends 10,000 messages over a channel that holds one; another receives them.
pub struct MpscHandOff;

/// Four tasks send 2,500 messages each over a channel without a bound; a fifth receives them.
pub struct MpscUnbounded;

impl<P: Mpsc> Workload<P> for MpscBounded {
    const OPERATIONS: u64 = MESSAGES;
    const REPETITIONS: u64 = 60;

    fn run(runtime: &P, repetitions: u64) -> Duration {
        runtime.run_inside(bounded::<P>(repetitions, PRODUCERS, CAPACITY))
    }
}

impl<P: Mpsc> Workload<P> for MpscHandOff {
    const OPERATIONS: u64 = MESSAGES;
    const REPETITIONS: u64 = 20;

    fn run(runtime: &P, repetitions: u64) -> Duration {
        runtime.run_inside(bounded::<P>(repetitions, 1, 1))
    }
}

impl<P: Mpsc> Workload<P> for MpscUnbounded {
    const OPERATIONS: u64 = MESSAGES;
    const REPETITIONS: u64 = 60;

    fn run(runtime: &P, repetitions: u64) -> Duration {
        runtime.run_inside(unbounded::<P>(repetitions))
    }
}

async fn bounded<P: Mpsc>(repetitions: u64, producers: u64, capacity: usize) -> Duration {
    let start = Instant::now();
    for _ in 0..repetitions {
        let (sender, mut receiver) = P::bounded(capacity);
        for _ in 0..producers {
            let sender = sender.clone();
            P::spawn_detached(async move {
                for message in 0..MESSAGES / producers {
                    P::send(&sender, message).await;
                }
            });
        }
        drop(sender);
        let mut tally = Tally::default();
        while let Some(message) = P::recv(&mut receiver).await {
            tally.add(message);
        }
        tally.check(producers);
    }
    start.elapsed()
}

async fn unbounded<P: Mpsc>(repetitions: u64) -> Duration {
    let start = Instant::now();
    for _ in 0..repetitions {
        let (sender, mut receiver) = P::unbounded();
        for _ in 0..PRODUCERS {
            let sender = sender.clone();
            P::spawn_detached(async move {
                for message in 0..MESSAGES / PRODUCERS {
                    P::send_unbounded(&sender, message);
                }
            });
        }
        drop(sender);
        let mut tally = Tally::default();
        while let Some(message) = P::recv_unbounded(&mut receiver).await {
            tally.add(message);
        }
        tally.check(PRODUCERS);
    }
    start.elapsed()
}

/// One task puts 10,000 items into a queue for 100; three take them and say when they are done.
pub struct QueueOfThree;

impl<P: Queues> Workload<P> for QueueOfThree {
    const OPERATIONS: u64 = MESSAGES;
    const REPETITIONS: u64 = 30;

    fn run(runtime: &P, repetitions: u64) -> Duration {
        runtime.run_inside(consume::<P>(repetitions))
    }
}

async fn consume<P: Queues>(repetitions: u64) -> Duration {
    let start = Instant::now();
    for _ in 0..repetitions {
        let queue = P::queue(CAPACITY);
        let consumers: Vec<_> = (0..CONSUMERS).map(|_| P::spawn(process_all::<P>(queue.clone()))).collect();
        for item in 0..MESSAGES {
            P::put(&queue, item).await;
        }
        P::finish(&queue).await;
        let mut tally = Tally::default();
        for consumer in consumers {
            tally.merge(&consumer.await);
        }
        tally.check(1);
    }
    start.elapsed()
}

async fn process_all<P: Queues>(queue: P::Queue) -> Tally {
    let mut tally = Tally::default();
    while let Some(item) = P::process(&queue).await {
        tally.add(item);
    }
    tally
}

/// What came through.
#[derive(Default)]
struct Tally {
    count: u64,
    sum: u64,
}

impl Tally {
    fn add(&mut self, message: u64) {
        self.count += 1;
        self.sum += message;
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
    }

    /// Each producer has counted up from zero, and nothing was lost.
    fn check(&self, producers: u64) {
        let each = MESSAGES / producers;
        assert_eq!((self.count, self.sum), (MESSAGES, producers * (each * (each - 1) / 2)));
    }
}
