//! What tasks wait on each other with: locks, notifications, channels, queues. Each runtime brings its own.

use std::time::{Duration, Instant};

use crate::peers::Peer;

pub mod channels;
pub mod fan_out;
pub mod locks;
pub mod memory;
pub mod switch;

/// Starts so many tasks and joins them, again and again.
async fn crowds<P, F>(repetitions: u64, tasks: usize, task: impl Fn() -> F + Send) -> Duration
where
    P: Peer,
    F: Future<Output = ()> + Send + 'static,
{
    let mut crowd = Vec::with_capacity(tasks);
    let start = Instant::now();
    for _ in 0..repetitions {
        crowd.extend((0..tasks).map(|_| P::spawn(task())));
        for task in crowd.drain(..) {
            task.await;
        }
    }
    start.elapsed()
}
