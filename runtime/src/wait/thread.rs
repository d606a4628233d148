//! How a plain thread waits: for those parts of a program that are not async.

use crate::budget;
use crate::prim::lock::{Condvar, Mutex};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// Wakes the thread that waits.
#[derive(Debug, Default)]
struct Signal {
    is_set: Mutex<bool>,
    changed: Condvar,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        *self.is_set.lock() = true;
        self.changed.notify_one();
    }
}

/// Polls `future` to its end on this thread, which sleeps meanwhile. `what` names the method in the panic.
///
/// # Panics
/// In async code, where it would keep other tasks from running.
#[track_caller]
pub fn block_on<F: Future>(what: &str, future: F) -> F::Output {
    assert!(
        !budget::is_limited(),
        "{what} was called inside async code, where it would block the tasks that share this thread: use the async \
         method and .await, or call it from spawn_blocking or block_in_place"
    );
    let signal = Arc::new(Signal::default());
    let waker = Waker::from(signal.clone());
    let (mut cx, mut future) = (Context::from_waker(&waker), pin!(future));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        let mut is_set = signal.is_set.lock();
        while !std::mem::take(&mut *is_set) {
            is_set = signal.changed.wait(is_set);
        }
    }
}
