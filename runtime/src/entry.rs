//! The front door: `run`, and what `#[main]` and `#[test]` call.

use crate::event_loop;
use crate::runtime::Builder;
use std::future::Future;

/// Runs a future on a runtime of its own, sized by the environment, and returns its output. At the end every task that
/// is left is cancelled and dropped. (`asyncio.run`)
///
/// A `RADDLE_*` variable with a bad value ends the process with a one-line message and exit code 2.
///
/// ```
/// assert_eq!(raddle_runtime::run(async { 6 * 7 }), 42);
/// ```
///
/// # Panics
/// Inside async code; and with `future`.
#[track_caller]
pub fn run<F: Future>(future: F) -> F::Output {
    private::main(Builder::new(), future)
}

/// What the macros expand to.
pub mod private {
    use super::{Builder, Future, event_loop};

    pub use crate::compose::Part;

    /// `#[raddle::main]`.
    #[track_caller]
    pub fn main<F: Future>(builder: Builder, future: F) -> F::Output {
        match builder.build() {
            Ok(runtime) => runtime.block_on(event_loop::main(future)),
            Err(error) => {
                crate::report::warn(format_args!("{error}"));
                std::process::exit(2);
            }
        }
    }

    /// `#[raddle::test]`.
    ///
    /// # Panics
    /// When the runtime cannot be made; and with `future`.
    #[track_caller]
    pub fn test<F: Future>(builder: Builder, future: F) -> F::Output {
        match builder.build() {
            Ok(runtime) => runtime.block_on(event_loop::main(future)),
            Err(error) => panic!("cannot make a runtime for this test: {error}"),
        }
    }
}
