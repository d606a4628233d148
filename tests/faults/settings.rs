//! Settings that make no sense: f40. The environment's are in `tests/environment.rs`.

use crate::common::{HANGS, SOON, child, flavours, within};
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
        // Rounded up to what the system needs, which is not enough for a debug build to run on.
        flavour.clone().current_thread().thread_stack_size(1).build().unwrap();
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
    built(builder.thread_stack_size(256 * 1024)).unwrap();
}

/// What is left when no runtime can be made: an error, and everything that was begun is undone. In a child, for the
/// limit is that of a process.
#[test]
fn a_system_without_descriptors_is_an_error() {
    if child::role().is_some() {
        let before = open_descriptors();
        let mut refused = 0;
        for free in 0..6 {
            for (_, builder) in flavours() {
                let error = with_descriptors(before + free, || builder.build().map(drop));
                let Err(error) = error else { continue };
                assert_eq!(error.raw_os_error(), Some(libc::EMFILE), "{error}");
                assert_eq!(open_descriptors(), before, "some are left open");
                refused += 1;
            }
        }
        assert!(refused >= 4, "it takes more than one descriptor: {refused}");
        return built(Builder::new()).unwrap();
    }
    let output = child::run("settings::a_system_without_descriptors_is_an_error", "child", &[]);
    assert!(output.status.success(), "{}", child::text(&output.stderr));
}

#[test]
fn f29_threads_and_descriptors_are_given_back() {
    if child::role().is_some() {
        built(Builder::new()).unwrap();
        let before = (open_descriptors(), threads());
        for _ in 0..20 {
            for (_, builder) in flavours() {
                built(builder).unwrap();
            }
        }
        crate::common::eventually("all threads end", || threads() <= before.1);
        return assert_eq!(open_descriptors(), before.0);
    }
    let output = child::run("settings::f29_threads_and_descriptors_are_given_back", "child", &[]);
    assert!(output.status.success(), "{}", child::text(&output.stderr));
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("procfs").count() - 1
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("procfs").count()
}

/// Runs `f` while this process may have `count` descriptors open.
fn with_descriptors<T>(count: usize, f: impl FnOnce() -> T) -> T {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is valid for writing.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) }, 0);
    let low = libc::rlimit { rlim_cur: count as libc::rlim_t, ..limit };
    // SAFETY: `low` is valid for reading.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const low) }, 0);
    let result = f();
    // SAFETY: `limit` is valid for reading.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
    result
}
