//! Generator coroutines: the price of a step.

use std::hint::black_box;
use std::time::{Duration, Instant};

use raddle::coroutine::{Coroutine, Step, Yielder};

/// Sends in one repetition.
pub const SENDS: u64 = 1_000;
/// Repetitions in one round of the table.
pub const REPETITIONS: u64 = 2_000;

/// A coroutine is sent 1,000 numbers and yields the sum after each: an operation is one send, the yield that it
/// answers, and the next yield. No runtime is involved.
pub fn sends(repetitions: u64) -> Duration {
    let mut adder = adder();
    adder.start();
    let start = Instant::now();
    for _ in 0..repetitions {
        for n in 0..SENDS {
            send(&mut adder, n);
        }
    }
    start.elapsed()
}

/// Nanoseconds per send.
pub fn send_ns() -> f64 {
    sends(REPETITIONS).as_nanos() as f64 / (REPETITIONS * SENDS) as f64
}

fn adder() -> Coroutine<u64, u64, ()> {
    Coroutine::new(|co: Yielder<u64, u64>| async move {
        let mut sum: u64 = 0;
        loop {
            sum = sum.wrapping_add(co.yield_(sum).await);
        }
    })
}

fn send(adder: &mut Coroutine<u64, u64, ()>, n: u64) {
    let Step::Yielded(sum) = adder.send(black_box(n)) else { unreachable!("it adds for ever") };
    black_box(sum);
}

/// So many coroutines that yield once are made, run to the end and dropped.
pub fn lives(count: u64) -> Duration {
    let start = Instant::now();
    for n in 0..count {
        let once = Coroutine::new(|co| async move {
            co.yield_(black_box(n)).await;
        });
        black_box(once.sum::<u64>());
    }
    start.elapsed()
}

/// One at a time of the items that come through so many levels of delegation.
pub fn delegated(depth: u32, items: u64) -> Duration {
    let mut outermost = nested(depth);
    outermost.start();
    let start = Instant::now();
    for n in 0..items {
        send(&mut outermost, n);
    }
    start.elapsed()
}

fn nested(depth: u32) -> Coroutine<u64, u64, ()> {
    if depth == 0 {
        return adder();
    }
    Coroutine::new(move |co: Yielder<u64, u64>| async move { co.yield_from(nested(depth - 1)).await })
}
