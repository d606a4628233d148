//! `#[raddle::main]` and `#[raddle::test]` as their users write them.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::{SOON, child, panic_of};
use raddle::runtime::Handle;
use raddle::time::{Duration, Elapsed, Instant, sleep, timeout};
use std::process::{ExitCode, Termination};

fn width() -> usize {
    Handle::current().metrics().workers()
}

/// True on a thread of a runtime's own.
fn on_a_worker() -> bool {
    std::thread::current().name().is_some_and(|name| name.contains("worker"))
}

#[raddle::test]
async fn a_test_has_two_workers() {
    assert_eq!(width(), 2);
    assert!(raddle::spawn(async { on_a_worker() }).await.unwrap());
}

#[raddle::test(worker_threads = 3)]
async fn a_test_has_the_workers_it_asks_for() {
    assert_eq!(width(), 3);
}

#[raddle::test(flavor = "current_thread")]
async fn a_test_may_have_its_thread_for_itself() {
    let here = std::thread::current().id();
    let there = raddle::spawn(async { std::thread::current().id() }).await.unwrap();
    assert_eq!(here, there);
}

#[raddle::test(start_paused = true, worker_threads = 4)]
async fn a_test_on_the_paused_clock_takes_no_time() -> Result<(), Elapsed> {
    assert_eq!(width(), 4);
    let (real, began) = (std::time::Instant::now(), Instant::now());
    timeout(Duration::from_secs(7200), sleep(Duration::from_secs(3600))).await?;
    assert_eq!(began.elapsed(), Duration::from_secs(3600));
    assert!(real.elapsed() < SOON);
    Ok(())
}

#[raddle::test(start_paused = true, flavor = "current_thread")]
async fn a_test_on_the_paused_clock_and_one_thread_takes_no_time() -> Result<(), Box<dyn std::error::Error>> {
    let began = std::time::Instant::now();
    let sleepers: Vec<_> = (0..100).map(|n| raddle::spawn(sleep(Duration::from_secs(n * 100)))).collect();
    for sleeper in sleepers {
        sleeper.await?;
    }
    assert!(began.elapsed() < SOON);
    Ok(())
}

#[raddle::test]
#[should_panic(expected = "on purpose")]
async fn a_test_may_be_expected_to_panic() {
    raddle::yield_now().await;
    panic!("on purpose");
}

#[raddle::test]
#[allow(clippy::needless_return, reason = "that is what is tested")]
async fn a_test_may_return_early_and_use_the_question_mark() -> std::io::Result<()> {
    let task = raddle::spawn(async { Ok::<_, std::io::Error>(5) });
    if task.await?? == 5 {
        return Ok(());
    }
    Err(std::io::Error::other("not reached"))
}

#[raddle::main]
async fn plain() -> u32 {
    assert!(raddle::spawn(async { on_a_worker() }).await.unwrap());
    7
}

#[raddle::main(worker_threads = 5)]
async fn with_five() -> Result<usize, String> {
    Ok(width())
}

#[raddle::main(flavor = "current_thread", start_paused = true)]
async fn alone_on_the_paused_clock() -> Duration {
    let began = Instant::now();
    raddle::spawn(sleep(Duration::from_secs(3600))).await.unwrap();
    began.elapsed()
}

#[raddle::main(flavor = "multi_thread")]
async fn with_exit_code() -> ExitCode {
    ExitCode::from(3)
}

#[raddle::main]
async fn that_fails() -> Result<(), String> {
    Err("what went wrong".into())
}

mod elsewhere {
    //! The crate under another name.
    pub(super) mod tools {
        pub(crate) use ::raddle as comb;
    }

    #[raddle::main(crate = "crate::elsewhere::tools::comb", worker_threads = 2)]
    pub(super) async fn renamed() -> usize {
        super::width()
    }
}

#[test]
fn main_is_an_ordinary_function_that_runs_its_body_on_a_runtime() {
    assert_eq!(plain(), 7);
    assert_eq!(with_five(), Ok(5));
    assert_eq!(alone_on_the_paused_clock(), Duration::from_secs(3600));
    assert_eq!(elsewhere::renamed(), 2);
    assert_eq!(format!("{:?}", with_exit_code().report()), format!("{:?}", ExitCode::from(3)));
    assert_eq!(that_fails(), Err("what went wrong".into()));
    assert!(Handle::try_current().is_none());
}

#[test]
fn main_inside_async_code_is_refused() {
    let text = raddle::run(async { panic_of(plain) });
    assert!(text.contains("inside async code"), "{text}");
}

#[raddle::test]
async fn the_test_of_a_bad_environment() {
    assert!(child::role().is_some() || width() == 2, "not asked for");
}

#[test]
fn a_test_whose_runtime_cannot_be_made_fails_with_the_reason() {
    let output = child::run("the_test_of_a_bad_environment", "child", &[("RADDLE_WORKER_THREADS", "none")]);
    let text = child::text(&output.stderr) + &child::text(&output.stdout);
    assert!(!output.status.success());
    for part in ["cannot make a runtime for this test", "RADDLE_WORKER_THREADS", "none"] {
        assert!(text.contains(part), "{text}");
    }
}
