//! What the tests of this folder share: a guard against hangs, both flavours, a gate, drop counters, child processes.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

pub(crate) mod child;
pub(crate) mod gate;
pub(crate) mod guard;
pub(crate) mod oops;
pub(crate) mod stuck;

use raddle::runtime::{Builder, Runtime};
use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::task::Poll;
use std::time::{Duration, Instant};

/// A test that takes longer hangs.
pub(crate) const HANGS: Duration = Duration::from_secs(10);
/// A hair on the real clock: what a loaded machine may add to something that should be at once.
pub(crate) const SOON: Duration = Duration::from_secs(5);
/// So long that it is over only if something is wrong.
pub(crate) const FOR_EVER: Duration = Duration::from_secs(3600);

/// Runs `f` on a thread of its own and returns what it returns; fails if it does not come back.
#[track_caller]
pub(crate) fn within<T: Send + 'static>(limit: Duration, f: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, wait) = channel();
    let name = std::thread::current().name().unwrap_or("test").to_owned();
    let body = move || {
        let result = f();
        let _ = done.send(());
        result
    };
    let thread = std::thread::Builder::new().name(name).spawn(body).expect("a thread");
    match wait.recv_timeout(limit) {
        Ok(()) | Err(RecvTimeoutError::Disconnected) => {}
        Err(RecvTimeoutError::Timeout) => panic!("hangs: not done after {limit:?}"),
    }
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// A builder of each flavour: two workers, and the calling thread alone.
pub(crate) fn flavours() -> [(&'static str, Builder); 2] {
    [("multi-thread", multi_thread(2)), ("current-thread", Builder::new().current_thread())]
}

/// A builder with `workers` workers.
pub(crate) fn multi_thread(workers: usize) -> Builder {
    Builder::new().worker_threads(workers)
}

/// A runtime with `workers` workers.
pub(crate) fn workers(workers: usize) -> Runtime {
    multi_thread(workers).build().expect("a runtime")
}

/// A runtime on the calling thread.
pub(crate) fn current_thread() -> Runtime {
    Builder::new().current_thread().build().expect("a runtime")
}

/// Runs `test` on a runtime of each flavour; fails if it hangs. The runtime is shut down at the end, cleanly.
#[track_caller]
pub(crate) fn on_both(test: impl Fn(&Runtime) + Copy + Send + 'static) {
    on_both_built(|builder| builder, test);
}

/// As [`on_both`], with a change to the builders.
#[track_caller]
pub(crate) fn on_both_built(
    change: impl Fn(Builder) -> Builder,
    test: impl Fn(&Runtime) + Copy + Send + 'static,
) {
    for (flavour, builder) in flavours() {
        let builder = change(builder);
        println!("{flavour}");
        within(HANGS, move || {
            let runtime = builder.build().expect("a runtime");
            test(&runtime);
            let report = runtime.shutdown(SOON);
            assert!(report.is_clean(), "{report}");
        });
    }
}

/// Runs `test` on a runtime of each flavour whose clock is stopped.
#[track_caller]
pub(crate) fn on_paused(test: impl Fn(&Runtime) + Copy + Send + 'static) {
    on_both_built(|builder| builder.start_paused(true), test);
}

/// Runs what `play` makes as the root future on a runtime of each flavour whose clock is stopped.
#[track_caller]
pub(crate) fn played<F: Future>(play: impl Fn() -> F + Copy + Send + 'static) {
    on_paused(move |runtime| drop(runtime.block_on(play())));
}

/// Waits until `condition` holds; the condition must become true by what other threads do.
#[track_caller]
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < HANGS, "not after {HANGS:?}: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Polls `future` once.
pub(crate) async fn poll_once<F: Future>(future: F) -> Option<F::Output> {
    futures_lite::future::poll_once(future).await
}

/// Gives way `times` times.
pub(crate) async fn yields(times: usize) {
    for _ in 0..times {
        raddle::yield_now().await;
    }
}

/// Runs `first` and `second` in one task, `first` polled first; the output of whichever is done.
pub(crate) async fn either<T>(first: impl Future<Output = T>, second: impl Future<Output = T>) -> T {
    futures_lite::future::or(first, second).await
}

/// A future that calls `f` at each poll.
pub(crate) fn polling<T>(f: impl FnMut(&mut std::task::Context<'_>) -> Poll<T>) -> impl Future<Output = T> {
    std::future::poll_fn(f)
}

/// The message of a caught panic.
pub(crate) fn panic_text(payload: Box<dyn std::any::Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast::<&'static str>().map_or_else(|_| "?".into(), |text| (*text).into()),
    }
}

/// Runs `f` and returns the message it panics with.
#[track_caller]
pub(crate) fn panic_of<T>(f: impl FnOnce() -> T) -> String {
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)) {
        Ok(_) => panic!("there was no panic"),
        Err(payload) => panic_text(payload),
    }
}
