//! Callbacks of an event loop. The peers have nothing of the kind: asyncio's own figure stands beside Raddle's.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use raddle::event_loop::EventLoop;

use crate::peers::{Peer, Raddle};

/// Callbacks in one repetition.
pub const CALLBACKS: usize = 1_000;
/// Repetitions in one round of the table.
pub const REPETITIONS: u64 = 200;

/// A coroutine gives its loop 1,000 callbacks that count, and awaits a promise that the last one sets.
///
/// # Panics
/// When the task does.
pub fn call_soon(runtime: &Raddle, repetitions: u64) -> Duration {
    runtime.block_on(async {
        let event_loop = EventLoop::current();
        let own = event_loop.clone();
        let task = event_loop.create_task(async move { batches(&own, repetitions).await });
        task.await.expect("a task of a bench panicked")
    })
}

async fn batches(event_loop: &EventLoop, repetitions: u64) -> Duration {
    let counted = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    for _ in 0..repetitions {
        let done = event_loop.create_future::<()>();
        for _ in 1..CALLBACKS {
            let counted = counted.clone();
            // One at a time, so it need not be a locked addition.
            event_loop
                .call_soon(move || counted.store(counted.load(Ordering::Relaxed) + 1, Ordering::Relaxed));
        }
        let set = done.clone();
        event_loop.call_soon(move || set.set_result(()).expect("it is set once"));
        done.await.expect("it is set");
    }
    let took = start.elapsed();
    assert_eq!(black_box(counted.load(Ordering::Relaxed)), repetitions * (CALLBACKS as u64 - 1));
    took
}

/// A callback that gives the loop the next one, 1,000 deep; the last one sets a promise.
///
/// # Panics
/// When the task does.
pub fn chain(runtime: &Raddle, repetitions: u64) -> Duration {
    runtime.block_on(async {
        let event_loop = EventLoop::current();
        let own = event_loop.clone();
        let links = async move {
            let start = Instant::now();
            for _ in 0..repetitions {
                let done = own.create_future::<()>();
                let (set, next) = (done.clone(), own.clone());
                own.call_soon(move || link(next, CALLBACKS - 1, move || set.set_result(()).expect("once")));
                done.await.expect("it is set");
            }
            start.elapsed()
        };
        event_loop.create_task(links).await.expect("a task of a bench panicked")
    })
}

fn link(event_loop: EventLoop, left: usize, end: impl FnOnce() + Send + 'static) {
    if left == 0 {
        return end();
    }
    let next = event_loop.clone();
    event_loop.call_soon(move || link(next, left - 1, end));
}
