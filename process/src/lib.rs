//! Processes and signals.
//!
//! Here so far: [`signal`], the signals sent to this process. Subprocesses, the process pool and the supervisor come
//! next.

pub mod signal;
