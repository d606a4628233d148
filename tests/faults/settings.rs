//! Settings that make no sense: f40. The environment's are in `tests/environment.rs`.

use crate::common::{HANGS, SOON, within};
use raddle::runtime::Builder;
use std::io;
use std::time::Duration;

/// What `build` says; fails if it panics or hangs. A runtime that could be built must work.
fn built(builder: Builder) -> io::Result<()> {
    within(HANGS, move || {
        let runtime = builder.build()?;
        let sum = runtime.block_on(async {
            let task = raddle::spawn(async { 2 });
            task.await.unwrap() + raddle::spawn_blocking(|| 3).await.unwrap()
        });
        assert_eq!(sum, 5);
        assert!(runtime.shutdown(SOON).is_clean());
        Ok(())
    })
}

fn refused(builder: Builder, parts: &[&str]) {
    let error = built(builder).expect_err("refused");
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
    let text = error.to_string();
    assert!(parts.iter().all(|part| text.contains(part)), "{text}");
}

#[test]
fn f40_counts_out_of_range_are_errors_that_say_the_range() {
    for n in [0, 4097, usize::MAX] {
        let value = format!("worker_threads({n})");
        refused(Builder::new().worker_threads(n), &[&value, "from 1 to 4096"]);
    }
    for n in [0, 65_537, usize::MAX] {
        let value = format!("max_blocking_threads({n})");
        refused(Builder::new().max_blocking_threads(n), &[&value, "from 1 to 65536"]);
    }
    for flavour in [Builder::new(), Builder::new().current_thread()] {
        refused(flavour.blocked_after(Duration::ZERO), &["blocked_after", "at least 10 ms"]);
    }
}

#[test]
fn f40_durations_of_nothing_and_of_ever_work() {
    for duration in [Duration::ZERO, Duration::MAX] {
        built(Builder::new().worker_threads(1).thread_keep_alive(duration)).unwrap();
        built(Builder::new().worker_threads(1).shutdown_timeout(duration)).unwrap();
    }
    built(Builder::new().worker_threads(1).blocked_after(Duration::MAX)).unwrap();
    for duration in [Duration::ZERO, Duration::MAX] {
        within(HANGS, move || {
            let runtime = Builder::new().worker_threads(1).build().unwrap();
            runtime.block_on(async { raddle::spawn(async {}).await.unwrap() });
            runtime.shutdown(duration);
        });
    }
}

#[test]
fn f40_a_thread_name_or_stack_that_no_thread_can_have_is_an_error() {
    for flavour in [Builder::new().worker_threads(2), Builder::new().worker_threads(2).current_thread()] {
        let nul = built(flavour.clone().thread_name("with a \0 in it"));
        assert!(nul.expect_err("refused").to_string().contains("thread_name"));
        built(flavour.clone().thread_name("")).unwrap();
        built(flavour.clone().thread_name("a name longer than the fifteen bytes of the system")).unwrap();
        built(flavour.clone().thread_stack_size(1)).unwrap();
    }
    for bytes in [1 << 46, usize::MAX / 2, usize::MAX] {
        let huge = built(Builder::new().worker_threads(2).thread_stack_size(bytes));
        assert!(huge.is_err(), "a stack of {bytes} bytes");
    }
}

#[test]
fn f40_a_start_hook_that_panics_does_not_leave_a_runtime_that_hangs() {
    let flavours = [Builder::new().worker_threads(2), Builder::new().current_thread()];
    for flavour in flavours {
        built(flavour.clone().on_thread_start(|| panic!("a hook that panics"))).unwrap();
        built(flavour.on_thread_stop(|| panic!("a hook that panics"))).unwrap();
    }
}

#[test]
fn f40_the_widest_settings_work() {
    let builder = Builder::new().worker_threads(64).max_blocking_threads(65_536).seed(u64::MAX);
    built(builder.thread_stack_size(64 * 1024)).unwrap();
}
