//! The attributes as the compiler sees them, against a stand-in for the runtime: what they write compiles, passes the
//! options on, and works with every return type and attribute that a plain `main` or `#[test]` takes.

use raddle_macros::{main, test};
use std::cell::RefCell;
use std::io;
use std::process::{ExitCode, Termination};

/// As much of `raddle` as the attributes name.
mod raddle {
    use super::STARTED;
    use runtime::Builder;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    pub(crate) mod runtime {
        #[derive(Debug, Default, PartialEq)]
        pub(crate) struct Builder {
            pub(crate) current: bool,
            pub(crate) workers: Option<usize>,
            pub(crate) paused: bool,
        }

        impl Builder {
            pub(crate) fn new() -> Self {
                Self::default()
            }

            pub(crate) fn current_thread(self) -> Self {
                Self { current: true, ..self }
            }

            pub(crate) fn worker_threads(self, n: usize) -> Self {
                Self { workers: Some(n), ..self }
            }

            pub(crate) fn start_paused(self, paused: bool) -> Self {
                Self { paused, ..self }
            }
        }
    }

    pub(crate) mod __private {
        pub(crate) use super::{run as main, run as test};
    }

    /// Runs a future that never waits.
    pub(crate) fn run<F: Future>(builder: Builder, future: F) -> F::Output {
        STARTED.set(Some(builder));
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("the body waits"),
        }
    }
}

thread_local! {
    /// The builder that the last run of this thread got.
    static STARTED: RefCell<Option<raddle::runtime::Builder>> = const { RefCell::new(None) };
}

fn started() -> raddle::runtime::Builder {
    STARTED.take().expect("nothing was run")
}

#[main(crate = "raddle")]
async fn returns_nothing() {}

#[main(crate = "crate::raddle", flavor = "current_thread", start_paused = true)]
async fn returns_a_result() -> io::Result<u8> {
    let n: u8 = "7".parse().map_err(io::Error::other)?;
    Ok(n)
}

#[main(crate = "raddle", worker_threads = 3)]
pub(crate) async fn returns_an_exit_code() -> ExitCode {
    ExitCode::from(3)
}

#[main(crate = "raddle")]
async fn returns_some_termination() -> impl Termination {
    Ok::<(), io::Error>(())
}

#[main(crate = "raddle")]
async fn never_returns() -> ! {
    panic!("on its way out")
}

#[core::prelude::v1::test]
fn main_passes_options_and_output() {
    returns_nothing();
    assert_eq!(started(), raddle::runtime::Builder::new());
    assert_eq!(returns_a_result().unwrap(), 7);
    assert_eq!(started(), raddle::runtime::Builder { current: true, workers: None, paused: true });
    assert_eq!(returns_an_exit_code(), ExitCode::from(3));
    assert_eq!(started().workers, Some(3));
    assert_eq!(returns_some_termination().report(), ExitCode::SUCCESS);
}

#[core::prelude::v1::test]
#[should_panic(expected = "on its way out")]
fn a_main_may_never_return() {
    never_returns();
}

#[test(crate = "raddle")]
async fn a_test_has_two_workers() {
    assert_eq!(started(), raddle::runtime::Builder { current: false, workers: Some(2), paused: false });
}

#[test(crate = "raddle", start_paused = true, worker_threads = 4)]
async fn a_test_takes_options() -> Result<(), std::num::ParseIntError> {
    let workers: usize = "4".parse()?;
    assert_eq!(started(), raddle::runtime::Builder { current: false, workers: Some(workers), paused: true });
    Ok(())
}

#[test(crate = "raddle")]
#[should_panic(expected = "as it should")]
async fn a_test_should_panic() {
    panic!("as it should");
}

#[should_panic]
#[test(crate = "raddle")]
async fn attributes_may_stand_first() {
    panic!("as it should");
}

#[test(crate = "raddle")]
#[cfg(any())]
async fn a_test_that_is_compiled_out() {
    this_does_not_exist();
}
