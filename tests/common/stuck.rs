//! Polls that do not end, for tests on the real clock that run one at a time.

use super::HANGS;
use super::gate::Gate;
use raddle::runtime::Runtime;
use raddle::time::sleep;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub(crate) const MS: Duration = Duration::from_millis(1);
/// How long a stuck poll lasts, if it is not let go before.
pub(crate) const STUCK: Duration = Duration::from_secs(2);

/// Measuring beside another test would measure that one.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps the calling thread busy until `release` is open, or two seconds are over.
pub(crate) fn be_stuck(release: &Gate, spinning: bool) {
    let began = Instant::now();
    while !release.is_open() && began.elapsed() < STUCK {
        if spinning { std::hint::spin_loop() } else { std::thread::sleep(MS) }
    }
}

/// Tasks in polls that do not end until `release` is open; they have begun when this returns.
pub(crate) fn stick(runtime: &Runtime, tasks: usize, release: &Gate) {
    for _ in 0..tasks {
        let (stuck, until) = (Gate::new(), release.clone());
        let here = stuck.clone();
        runtime
            .spawn(async move {
                here.open();
                be_stuck(&until, false);
            })
            .detach();
        stuck.block();
    }
}

/// How long a sleep of 10 ms takes that is spawned now from outside.
pub(crate) fn sleep_of_10_ms(runtime: &Runtime) -> Duration {
    let began = Instant::now();
    let (done, send) = std::sync::mpsc::channel();
    runtime
        .spawn(async move {
            sleep(10 * MS).await;
            let _ = done.send(began.elapsed());
        })
        .detach();
    send.recv_timeout(HANGS).expect("the sleep never fires")
}
