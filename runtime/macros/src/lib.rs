//! `#[raddle::main]` and `#[raddle::test]`: an `async fn` as the program, or as a test, on a runtime of its own.
//!
//! Use them through the `raddle` crate, which re-exports both. What they write is small: a function of the same name
//! that builds a runtime from the options and runs the async function on it to its end.

mod expand;
mod options;

use proc_macro::TokenStream;

/// Runs an `async fn main` on a runtime.
///
/// ```text
/// #[raddle::main]
/// async fn main() -> std::io::Result<()> {
///     let listener = raddle::net::TcpListener::bind("127.0.0.1:8080").await?;
///     ...
/// }
/// ```
///
/// The function takes no arguments and returns what a plain `main` may return: `()`, a `Result`, an
/// `ExitCode`, `!`. When it returns, the runtime is shut down. A runtime that cannot be built (a bad `RADDLE_*`
/// variable, no more threads) is one line on standard error and exit code 2.
///
/// # Options
///
/// | option | meaning | default |
/// |---|---|---|
/// | `flavor = "multi_thread"` | one worker for each core | yes |
/// | `flavor = "current_thread"` | everything runs on the thread that calls `main` | |
/// | `worker_threads = 4` | the number of workers; not with `current_thread` | from the environment |
/// | `start_paused = true` | the clock stands still until nothing else can run | `false` |
/// | `crate = "a::path"` | where the `raddle` crate is, if it was renamed or re-exported | `"::raddle"` |
///
/// ```text
/// #[raddle::main(flavor = "current_thread")]
/// async fn main() { ... }
///
/// #[raddle::main(worker_threads = 4, crate = "my_crate::raddle")]
/// async fn main() { ... }
/// ```
///
/// # What it writes
///
/// ```text
/// fn main() -> Ret {
///     async fn main() -> Ret { ... }
///     ::raddle::__private::main(::raddle::runtime::Builder::new().worker_threads(4), main())
/// }
/// ```
#[proc_macro_attribute]
pub fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(expand::Kind::Main, options.into(), item.into()).into()
}

/// Makes an `async fn` a test that runs on a runtime of its own.
///
/// ```text
/// #[raddle::test]
/// async fn adds() {
///     let sum = raddle::spawn(async { 1 + 1 }).await.unwrap();
///     assert_eq!(sum, 2);
/// }
///
/// #[raddle::test(start_paused = true, worker_threads = 4)]
/// async fn sleeps_for_an_hour_in_no_time() -> Result<(), raddle::time::Elapsed> { ... }
/// ```
///
/// The function takes no arguments and returns what a plain `#[test]` may return. `#[should_panic]` and other
/// attributes stay on it. A runtime that cannot be built fails the test with the reason.
///
/// # Options
///
/// Those of `#[raddle::main]`, with one other default: a test has two workers, whatever the machine and the
/// environment, unless `worker_threads` or `flavor = "current_thread"` is given.
#[proc_macro_attribute]
pub fn test(options: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(expand::Kind::Test, options.into(), item.into()).into()
}
