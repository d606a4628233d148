//! Where a scenario plays: a runtime of its own, the clock it plays on, and what it said and when.

use raddle::event_loop::EventLoop;
use raddle::runtime::{Builder, Runtime, ShutdownReport};
use raddle::time::{Duration, Instant, sleep};
use std::future::Future;
use std::sync::{Mutex, PoisonError};

/// Says a line on the stage, as `print` would in asyncio.
macro_rules! say {
    ($($text:tt)*) => { $crate::stage::note(format!($($text)*)) };
}

/// The clock that a scenario plays on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Clock {
    /// The runtime's paused clock: it jumps to the next timer when all tasks wait.
    Virtual,
    /// The real one; a second of the scenario takes `scale` seconds.
    Real { scale: f64 },
}

impl Clock {
    pub(crate) fn scale(self) -> f64 {
        match self {
            Self::Virtual => 1.0,
            Self::Real { scale } => scale,
        }
    }
}

/// A line that was said. Times are in seconds of the scenario.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) at: f64,
    pub(crate) text: String,
}

/// What a scenario did.
#[derive(Debug, Default)]
pub(crate) struct Played {
    pub(crate) lines: Vec<Line>,
    /// Until it returned, in seconds of the scenario.
    pub(crate) elapsed: f64,
    /// On the wall's clock, the runtime's start and end included.
    pub(crate) wall: std::time::Duration,
    /// What it panicked with, or what its runtime left behind.
    pub(crate) failure: Option<String>,
}

struct Stage {
    began: Instant,
    scale: f64,
    lines: Vec<Line>,
}

impl Stage {
    fn now(&self) -> f64 {
        self.began.elapsed().as_secs_f64() / self.scale
    }
}

/// One scenario plays at a time, and says its lines from any thread.
static STAGE: Mutex<Option<Stage>> = Mutex::new(None);

fn with_stage<T>(f: impl FnOnce(&mut Option<Stage>) -> T) -> T {
    f(&mut STAGE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// What [`say!`] does.
pub(crate) fn note(text: String) {
    with_stage(|stage| {
        if let Some(stage) = stage {
            stage.lines.push(Line { at: stage.now(), text });
        }
    });
}

/// So many seconds of the scenario.
pub(crate) fn secs(seconds: impl Into<f64>) -> Duration {
    let scale = with_stage(|stage| stage.as_ref().map_or(1.0, |stage| stage.scale));
    Duration::from_secs_f64(seconds.into() * scale)
}

/// Sleeps for `n` seconds and returns `n`.
pub(crate) async fn nap(n: u32) -> u32 {
    sleep(secs(n)).await;
    n
}

/// `asyncio.run`, on the scenario's clock.
#[track_caller]
pub(crate) fn run<F: Future>(future: F) -> F::Output {
    let event_loop = EventLoop::new();
    let output = event_loop.run_until_complete(future);
    event_loop.close();
    output
}

/// Says that something has been dropped, when it is.
#[derive(Debug)]
pub(crate) struct Guard(pub(crate) &'static str);

impl Drop for Guard {
    fn drop(&mut self) {
        say!("{}: dropped", self.0);
    }
}

/// Plays a scenario on a runtime of its own, to the end of that runtime.
pub(crate) fn play(clock: Clock, scenario: fn()) -> Played {
    let wall = std::time::Instant::now();
    let mut played = match Builder::new().start_paused(clock == Clock::Virtual).build() {
        Ok(runtime) => play_on(runtime, clock.scale(), scenario),
        Err(error) => Played { failure: Some(error.to_string()), ..Played::default() },
    };
    played.wall = wall.elapsed();
    played
}

fn play_on(runtime: Runtime, scale: f64, scenario: fn()) -> Played {
    // As a blocking call of the runtime: paused time stands still while it runs, and goes on while it waits.
    let call = move || {
        with_stage(|stage| *stage = Some(Stage { began: Instant::now(), scale, lines: Vec::new() }));
        scenario();
        with_stage(|stage| stage.as_ref().map_or(0.0, Stage::now))
    };
    let outcome = runtime.block_on(runtime.spawn_blocking(call));
    let report = runtime.shutdown(std::time::Duration::from_secs(10));
    let lines = with_stage(Option::take).map(|stage| stage.lines).unwrap_or_default();
    match outcome {
        Ok(elapsed) => Played { lines, elapsed, failure: left_behind(&report), ..Played::default() },
        Err(error) => Played { lines, failure: Some(error.to_string()), ..Played::default() },
    }
}

fn left_behind(report: &ShutdownReport) -> Option<String> {
    (!report.is_clean()).then(|| format!("its runtime left something behind: {report}"))
}
