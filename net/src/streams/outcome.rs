//! What a handler of [`start_server`](super::start_server) may return.

use std::fmt::Display;

/// The output of a connection's handler: nothing, or a `Result`, whose error is reported on stderr.
pub trait Outcome {
    /// What there is to report.
    fn failure(self) -> Option<String>;
}

impl Outcome for () {
    fn failure(self) -> Option<String> {
        None
    }
}

impl<E: Display> Outcome for Result<(), E> {
    fn failure(self) -> Option<String> {
        self.err().map(|error| error.to_string())
    }
}
