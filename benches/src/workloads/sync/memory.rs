//! What the primitives take of memory.

use std::hint::black_box;

use crate::counting;
use crate::peers::sync::{Locks, Mpsc, Oneshots};

const SAMPLES: usize = 1_000;
const CAPACITY: usize = 1_000;

/// Bytes of a mutex, less the counter inside.
pub fn bytes_per_mutex<P: Locks>() -> f64 {
    (size_of::<P::Mutex>() - size_of::<u64>()) as f64
}

/// Allocations of a oneshot channel that is made, sent over, and awaited.
///
/// # Panics
/// Panics where something else comes out than was sent.
pub fn allocations_per_oneshot<P: Oneshots>() -> f64 {
    // The thread gets its parker.
    futures_lite::future::block_on(async {});
    counting::start();
    for _ in 0..SAMPLES {
        let (baton, hand) = P::oneshot();
        P::pass_baton(baton, None);
        let next = futures_lite::future::block_on(P::take_baton(hand));
        assert!(next.is_none());
    }
    let allocations = counting::allocations();
    counting::stop();
    allocations as f64 / SAMPLES as f64
}

/// Bytes in use for a channel with room for 1,000 messages that nobody has sent over yet.
pub fn bytes_per_idle_channel<P: Mpsc>() -> f64 {
    let mut channels = Vec::with_capacity(SAMPLES);
    counting::start();
    channels.extend((0..SAMPLES).map(|_| P::bounded(CAPACITY)));
    let bytes = counting::bytes();
    counting::stop();
    drop(black_box(channels));
    bytes as f64 / SAMPLES as f64
}
