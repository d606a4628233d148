//! What is measured: each workload is written once, for any peer that has what it takes.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::peers::{Peer, Raddle, Smol, Tokio};

pub mod blocking;
pub mod call_soon;
pub mod compose;
pub mod connect;
pub mod coroutine;
pub mod echo;
pub mod parked;
pub mod promise;
pub mod spawn;
pub mod steal;
pub mod streams;
pub mod switch;
pub mod sync;
pub mod timers;
pub mod tls;
pub mod udp;

/// Something to measure. A repetition is the smallest amount that makes sense; it is timed from within, so
/// that setting up sockets and crossing over from the outside thread are not part of it.
pub trait Workload<P: Peer> {
    /// Operations in one repetition.
    const OPERATIONS: u64;
    /// Repetitions in one round of the table, which take about 50 ms, never over 100 ms.
    const REPETITIONS: u64;
    /// The most threads for blocking calls; `None` leaves it to the runtime.
    const BLOCKING_THREADS: Option<usize> = None;

    /// Does it so many times over, and says how long that took.
    fn run(runtime: &P, repetitions: u64) -> Duration;
}

/// What every runtime under test can do.
pub trait Common: Workload<Raddle> + Workload<Tokio> + Workload<Smol> {}

impl<W: Workload<Raddle> + Workload<Tokio> + Workload<Smol>> Common for W {}

/// Counts detached tasks down; the last one to finish sends the signal.
///
/// Leaked rather than shared through an `Arc`: two more contended atomics per task would cost more than the
/// task itself and hide the difference that is to be measured.
struct Countdown {
    left: AtomicUsize,
    done: Mutex<Option<oneshot::Sender<()>>>,
}

impl Countdown {
    fn leak() -> &'static Self {
        Box::leak(Box::new(Self { left: AtomicUsize::new(0), done: Mutex::new(None) }))
    }

    /// Starts over; the receiver resolves when so many tasks have finished.
    fn start(&self, tasks: usize) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        *self.done.lock().expect("nobody panics with the lock") = Some(sender);
        self.left.store(tasks, Ordering::Release);
        receiver
    }

    fn finish(&self) {
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            let done = self.done.lock().expect("nobody panics with the lock").take();
            done.expect("one task is the last").send(()).expect("the signal is awaited");
        }
    }
}
