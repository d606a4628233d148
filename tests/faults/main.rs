//! Faults that runtimes like this one have had, one test or more for each, named after its row:
//! f04 f06-f11 f13 f15-f22 f27-f29 f40-f44.
//!
//! Not here, and why:
//!
//! - f01 f02 f03 (stale readiness, one tick for both directions, an event that nobody waits for): `net/tests`, and a
//!   loom model of the readiness word; f30 (a registration leaks) and f36 (EMFILE): `net/tests`.
//! - f05 (a wake of a task that is notified already must release): an ordering that the machines at hand do not show; a
//!   loom model.
//! - f12 (a stuck task holds the driver): `tests/stuck.rs`, which has its process to itself; f14 (an idle busy loop):
//!   `tests/idle.rs`; f29 once more, by the byte: `tests/scale.rs`.
//! - f19, stdin and files: there are none yet; what the runtime owes them (it waits for a blocking call) is here.
//! - f23-f27 (locks and channels): `sync/tests`, and loom models of each primitive. f31-f35, f37-f39 (processes,
//!   signals, TLS, HTTP): with their
//!   crates; `tests/fork.rs` has what f34 asks of a runtime.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

#[path = "../common/mod.rs"]
mod common;

mod blocking;
mod clock;
mod ending;
mod fairness;
mod hostile;
mod settings;
mod sync_watch;
mod tasks;
mod timers;
mod wakes;
