//! The environment: each `RADDLE_*` variable, what a bad value does, and who wins. In child processes, for the
//! environment belongs to a process.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::gate::Gate;
use common::{HANGS, SOON, child, eventually, yields};
use raddle::runtime::{Builder, Runtime};
use raddle::time::Duration;
use std::process::Output;

const NUMBERS: [&str; 5] = [
    "RADDLE_WORKER_THREADS",
    "RADDLE_MAX_BLOCKING_THREADS",
    "RADDLE_THREAD_KEEP_ALIVE_MS",
    "RADDLE_BLOCKED_AFTER_MS",
    "RADDLE_SEED",
];

/// What the child printed behind `marker`.
fn said(output: &Output, marker: &str) -> String {
    let text = child::text(&output.stdout);
    assert!(output.status.success(), "{text}{}", child::text(&output.stderr));
    let line = text.lines().find_map(|line| line.split_once(marker));
    line.map(|(_, rest)| rest.to_owned()).expect("the line of the child")
}

/// The values that cannot be, of each variable, and a part of what the error says is allowed.
fn bad_values() -> Vec<(&'static str, &'static str, &'static str)> {
    let mut bad = Vec::new();
    for name in NUMBERS {
        bad.extend(
            ["abc", "", "-1", "1.5", "0x10", "1 000", "99999999999999999999999"]
                .map(|value| (name, value, "whole number")),
        );
    }
    bad.extend(["0", "4097", "99999999"].map(|value| ("RADDLE_WORKER_THREADS", value, "from 1 to 4096")));
    bad.extend(["0", "65537"].map(|value| ("RADDLE_MAX_BLOCKING_THREADS", value, "from 1 to 65536")));
    bad.push(("RADDLE_THREAD_KEEP_ALIVE_MS", "86400001", "from 0 to 86400000"));
    bad.extend(["0", "9", "86400001"].map(|value| ("RADDLE_BLOCKED_AFTER_MS", value, "from 10 to 86400000")));
    bad.extend(["", "maybe", "2"].map(|value| ("RADDLE_DEBUG", value, "1 or 0")));
    bad
}

#[test]
fn f40_a_bad_value_is_an_error_that_names_variable_value_and_what_is_allowed() {
    let name = "f40_a_bad_value_is_an_error_that_names_variable_value_and_what_is_allowed";
    if child::role().is_some() {
        for (variable, value, _) in bad_values() {
            // SAFETY: this process runs this one test, and reads its environment on this thread only.
            unsafe { std::env::set_var(variable, value) };
            let error = Builder::new().build().expect_err("refused");
            // What is set in the program does not make a typo in the environment go unnoticed.
            assert!(
                Builder::new().worker_threads(1).max_blocking_threads(1).current_thread().build().is_err()
            );
            println!("said: {:?} {error}", error.kind());
            // SAFETY: as above.
            unsafe { std::env::remove_var(variable) };
        }
        return;
    }
    let output = child::run(name, "child", &[]);
    let text = child::text(&output.stdout);
    assert!(output.status.success(), "{text}{}", child::text(&output.stderr));
    let lines: Vec<_> =
        text.lines().filter_map(|line| line.split_once("said: ")).map(|(_, said)| said).collect();
    assert_eq!(lines.len(), bad_values().len());
    for (line, (variable, value, allowed)) in lines.iter().zip(bad_values()) {
        for part in ["InvalidInput", &format!("{variable}={value:?}"), allowed, "unset it"] {
            assert!(line.contains(part), "{line}: without {part}");
        }
    }
}

#[test]
fn a_value_that_is_no_text_is_an_error() {
    if child::role().is_some() {
        let error = Builder::new().build().expect_err("refused");
        return assert!(error.to_string().contains("RADDLE_WORKER_THREADS"), "{error}");
    }
    let mut command = child::command("a_value_that_is_no_text_is_an_error", "child");
    use std::os::unix::ffi::OsStrExt;
    command.env("RADDLE_WORKER_THREADS", std::ffi::OsStr::from_bytes(&[b'4', 0xff]));
    let output = child::output(command, HANGS);
    assert!(output.status.success(), "{}", child::text(&output.stderr));
}

#[raddle::main]
async fn as_main() {
    println!("main ran");
}

#[raddle::main(worker_threads = 2)]
async fn as_main_with_options() {
    println!("main ran");
}

#[test]
fn f40_run_and_main_end_with_one_line_and_exit_code_2() {
    let name = "f40_run_and_main_end_with_one_line_and_exit_code_2";
    match child::role().as_deref() {
        Some("run") => return raddle::run(async { println!("main ran") }),
        Some("main") => return as_main(),
        Some("main with options") => return as_main_with_options(),
        _ => {}
    }
    for role in ["run", "main", "main with options"] {
        for value in ["0", "abc", "99999999", ""] {
            let output = child::run(name, role, &[("RADDLE_WORKER_THREADS", value)]);
            let (text, stdout) = (child::text(&output.stderr), child::text(&output.stdout));
            assert_eq!(output.status.code(), Some(2), "{role}: {text}");
            assert!(!stdout.contains("main ran"), "{role}: it ran all the same");
            let lines: Vec<_> = text.lines().collect();
            assert_eq!(lines.len(), 1, "{role}: {text}");
            for part in ["raddle: ", "RADDLE_WORKER_THREADS", &format!("{value:?}"), "from 1 to 4096"] {
                assert!(lines[0].contains(part), "{}: without {part}", lines[0]);
            }
        }
        let output = child::run(name, role, &[("RADDLE_WORKER_THREADS", "3")]);
        assert!(child::text(&output.stdout).contains("main ran") && output.status.success());
    }
}

#[test]
fn the_number_of_workers_comes_from_the_environment_unless_the_program_says_it() {
    let name = "the_number_of_workers_comes_from_the_environment_unless_the_program_says_it";
    if child::role().is_some() {
        let count = |builder: Builder| builder.build().unwrap().metrics().workers();
        let by_run = raddle::run(async { raddle::runtime::Handle::current().metrics().workers() });
        let counts = [
            count(Builder::new()),
            Runtime::new().unwrap().metrics().workers(),
            by_run,
            count(Builder::new().worker_threads(2)),
            count(Builder::new().current_thread()),
        ];
        return println!("said: {counts:?}");
    }
    let default = std::thread::available_parallelism().unwrap().get();
    for (value, expected) in [(None, default), (Some("1"), 1), (Some("7"), 7), (Some(" 3 "), 3)] {
        let env: Vec<_> = value.map(|value| ("RADDLE_WORKER_THREADS", value)).into_iter().collect();
        let output = child::run(name, "child", &env);
        let counts = format!("{:?}", [expected, expected, expected, 2, 1]);
        assert_eq!(said(&output, "said: "), counts, "{value:?}");
    }
}

/// Makes `jobs` blocking calls that run at once, if they can, and returns how many threads they got.
fn blocking_threads(runtime: &Runtime, jobs: usize) -> usize {
    let (started, release) = (std::sync::mpsc::channel(), Gate::new());
    let calls: Vec<_> = (0..jobs)
        .map(|_| {
            let (here, until) = (started.0.clone(), release.clone());
            runtime.spawn_blocking(move || {
                here.send(()).unwrap();
                until.block();
            })
        })
        .collect();
    let limit = std::time::Duration::from_millis(200);
    let at_once = (0..jobs).take_while(|_| started.1.recv_timeout(limit).is_ok()).count();
    release.open();
    calls.into_iter().for_each(|call| runtime.block_on(call).unwrap());
    at_once
}

#[test]
fn the_size_of_the_pool_and_its_patience_come_from_the_environment() {
    let name = "the_size_of_the_pool_and_its_patience_come_from_the_environment";
    match child::role().as_deref() {
        Some("size") => {
            let one = Builder::new().current_thread().max_blocking_threads(1).build().unwrap();
            let environment = Builder::new().current_thread().build().unwrap();
            return println!("said: {:?}", (blocking_threads(&environment, 4), blocking_threads(&one, 4)));
        }
        Some("patience") => {
            let short = Builder::new().current_thread().build().unwrap();
            let long =
                Builder::new().current_thread().thread_keep_alive(Duration::from_secs(60)).build().unwrap();
            for runtime in [&short, &long] {
                runtime.block_on(runtime.spawn_blocking(|| ())).unwrap();
            }
            eventually("the thread ends", || short.metrics().blocking_threads() == 0);
            return assert_eq!(long.metrics().blocking_threads(), 1);
        }
        _ => {}
    }
    let output = child::run(name, "size", &[("RADDLE_MAX_BLOCKING_THREADS", "2")]);
    assert_eq!(said(&output, "said: "), "(2, 1)");
    let output = child::run(name, "size", &[]);
    assert_eq!(said(&output, "said: "), "(4, 1)");
    let output = child::run(name, "patience", &[("RADDLE_THREAD_KEEP_ALIVE_MS", "0")]);
    assert!(output.status.success(), "{}", child::text(&output.stderr));
}

#[test]
fn when_a_poll_is_blocked_and_whether_that_is_said_comes_from_the_environment() {
    let name = "when_a_poll_is_blocked_and_whether_that_is_said_comes_from_the_environment";
    if let Some(role) = child::role() {
        // Two workers, one of them stuck: nothing has to be done about it but to count.
        let builder = Builder::new().worker_threads(2);
        let builder = if role == "program" {
            builder.blocked_after(Duration::from_secs(60)).debug(false)
        } else {
            builder
        };
        let runtime = builder.build().unwrap();
        let _entered = runtime.enter();
        let slow = raddle::task::Builder::new().name("the slow one");
        let slow = slow.spawn(async { std::thread::sleep(Duration::from_millis(60)) });
        runtime.block_on(slow).unwrap();
        return println!("said: {}", runtime.metrics().blocked_polls());
    }
    type Variables<'a> = &'a [(&'a str, &'a str)];
    let cases: [(&str, Variables<'_>, &str, bool); 6] = [
        ("environment", &[], "0", false),
        ("environment", &[("RADDLE_BLOCKED_AFTER_MS", "10")], "1", false),
        ("environment", &[("RADDLE_BLOCKED_AFTER_MS", "10"), ("RADDLE_DEBUG", "1")], "1", true),
        ("environment", &[("RADDLE_BLOCKED_AFTER_MS", "10"), ("RADDLE_DEBUG", "off")], "1", false),
        ("environment", &[("RADDLE_BLOCKED_AFTER_MS", "60000"), ("RADDLE_DEBUG", "yes")], "0", false),
        ("program", &[("RADDLE_BLOCKED_AFTER_MS", "10"), ("RADDLE_DEBUG", "1")], "0", false),
    ];
    for (role, env, blocked, named) in cases {
        let output = child::run(name, role, env);
        assert_eq!(said(&output, "said: "), blocked, "{role} {env:?}");
        let text = child::text(&output.stderr);
        assert_eq!(text.contains("the slow one"), named, "{role} {env:?}: {text}");
        assert!(!named || text.contains("environment.rs:"), "its spawn site: {text}");
    }
}

/// The seed has no effect that could be seen from outside on one core; here it is taken, and refused if it is none.
#[test]
fn any_whole_number_is_a_seed() {
    if child::role().is_some() {
        let runtime = Builder::new().build().unwrap();
        runtime.block_on(runtime.spawn(yields(3))).unwrap();
        return assert!(runtime.shutdown(SOON).is_clean());
    }
    for seed in ["0", "42", "18446744073709551615"] {
        let output = child::run("any_whole_number_is_a_seed", "child", &[("RADDLE_SEED", seed)]);
        assert!(output.status.success(), "{}", child::text(&output.stderr));
    }
}

#[test]
fn the_affinity_of_the_process_bounds_the_number_of_workers() {
    if child::role().is_some() {
        return println!("said: {}", Builder::new().build().unwrap().metrics().workers());
    }
    let plain = child::command("the_affinity_of_the_process_bounds_the_number_of_workers", "child");
    let mut bound = std::process::Command::new("taskset");
    bound.args(["-c", "0"]).arg(plain.get_program()).args(plain.get_args());
    plain.get_envs().for_each(|(name, value)| {
        match value {
            Some(value) => bound.env(name, value),
            None => bound.env_remove(name),
        };
    });
    let output = bound.output().expect("`taskset` of util-linux starts");
    assert_eq!(said(&output, "said: "), "1");
}
