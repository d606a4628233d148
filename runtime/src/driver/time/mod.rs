//! Timers: entries that live in the futures that wait, linked into one wheel per worker.

mod entry;
mod wheel;

pub(crate) use entry::{Entered, Entry};
pub(crate) use wheel::{Due, Wheel};
