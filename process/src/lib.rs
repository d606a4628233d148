//! Processes and signals.
//!
//! Here so far: [`signal`], the signals sent to this process. Subprocesses, the process pool and the supervisor come
//! next.

/// The signals sent to this process, as something to await.
///
/// They live in the runtime, for an event loop has handlers for them; this is where programs look for them.
pub mod signal {
    pub use raddle_runtime::signal::{Signal, SignalKind, ctrl_c, signal};
}
