//! Sleeps, time-outs, intervals, and a clock that tests can stop.

mod clock;
pub(crate) mod deadline;
mod grace;
mod hold;
mod instant;
mod interval;
mod sleep;
mod timeout;

pub use clock::{advance, pause, resume};
pub use deadline::deadline;
pub use hold::{Hold, hold};
pub use instant::Instant;
pub use interval::{Interval, MissedTick, interval, interval_at};
pub use sleep::{Sleep, sleep, sleep_until};
pub use std::time::Duration;
pub use timeout::{Elapsed, Timeout, timeout, timeout_at};
