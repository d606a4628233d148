//! The runtime's clock, for tests: stop it, move it, let it go on.

use super::Duration;
use crate::context;
use crate::driver::clock::nanos;
use crate::spawn::yield_now;

/// Stops the current runtime's clock. While it is stopped, time jumps to the next timer whenever every task waits and
/// no blocking call runs; so a test of hours of sleeping takes no time. What a plain thread does between two calls of
/// `block_on` does not keep time from jumping to timers that are left; what runs in `spawn_blocking` does.
///
/// # Panics
/// Outside a runtime; when the clock is stopped already.
#[track_caller]
pub fn pause() {
    context::with(|inner| {
        assert!(inner.clock().pause(), "time::pause(): the clock is paused already");
        // Whoever sleeps until a real time must think again.
        inner.scheduler.driver.wake();
    });
}

/// Lets a stopped clock run on from where it stands.
///
/// # Panics
/// Outside a runtime; when the clock is not stopped.
#[track_caller]
pub fn resume() {
    context::with(|inner| {
        assert!(inner.clock().resume(), "time::resume(): the clock is not paused");
        inner.scheduler.driver.wake();
    });
}

/// Moves a stopped clock ahead by `duration`, wakes the timers that are due, and lets their tasks go first once.
///
/// # Cancel safety
/// The clock moves at the first poll.
///
/// # Panics
/// Outside a runtime; when the clock is not stopped.
pub async fn advance(duration: Duration) {
    context::with(|inner| {
        let clock = inner.clock();
        let to = clock.now().saturating_add(nanos(duration));
        assert!(clock.advance_to(to), "time::advance(): the clock is not paused; call time::pause() first");
        inner.scheduler.driver.expire_due(clock.now());
    });
    yield_now().await;
}
