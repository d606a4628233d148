//! The scenarios of asyncio's model that no other file plays, and the tour, which plays all of them.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::child;
use common::guard::Drops;
use common::{HANGS, multi_thread, on_both, on_paused, played, within};
use raddle::event_loop::EventLoop;
use raddle::process::signal::SignalKind;
use raddle::task::cancelled;
use raddle::time::{Duration, Instant, sleep};
use raddle::{gather, select, spawn};
use std::future::pending;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn s1_1_run_returns_what_the_coroutine_returns() {
    within(HANGS, || {
        let nothing: () = raddle::run(async {});
        assert_eq!((nothing, raddle::run(async { 42 })), ((), 42));
        assert_eq!(EventLoop::new().run_until_complete(async { "text" }), "text");
    });
}

#[test]
fn s1_2_other_tasks_go_on_while_one_sleeps() {
    played(async || {
        let began = Instant::now();
        let other = spawn(async move {
            for n in 1..=3 {
                sleep(SECOND / 2).await;
                assert_eq!(began.elapsed(), n * SECOND / 2);
            }
        });
        sleep(2 * SECOND).await;
        assert_eq!(began.elapsed(), 2 * SECOND);
        assert!(other.is_finished());
        other.await.unwrap();
    });
}

#[test]
fn s1_5_two_coroutines_sleep_at_the_same_time() {
    played(async || {
        let (began, log) = (Instant::now(), Arc::new(Mutex::new(Vec::new())));
        let hello = |name: &'static str| {
            let log = log.clone();
            async move {
                log.lock().unwrap().push((began.elapsed(), name));
                sleep(SECOND).await;
                log.lock().unwrap().push((began.elapsed(), name));
            }
        };
        gather([hello("one"), hello("two")]).await;
        assert_eq!(began.elapsed(), SECOND);
        let mut log = log.lock().unwrap().clone();
        log.sort();
        let now = Duration::ZERO;
        assert_eq!(log, [(now, "one"), (now, "two"), (SECOND, "one"), (SECOND, "two")]);
    });
}

/// The child: a program that runs for ever, and is stopped by the signal named by its role.
fn runs_for_ever(kind: SignalKind) {
    let runtime = multi_thread(2).build().unwrap();
    let entered = runtime.enter();
    let (event_loop, drops) = (EventLoop::new(), Drops::new());
    let guard = drops.guard();
    let waits = async move {
        let _guard = guard;
        pending::<()>().await;
    };
    event_loop.create_task(waits).detach();
    let guard = drops.guard();
    event_loop.call_later(3600 * SECOND, move || drop(guard));
    let stopped = event_loop.clone();
    event_loop.add_signal_handler(kind, move || stopped.stop()).unwrap();
    let pid = std::process::id() as libc::pid_t;
    event_loop.call_soon(move || {
        // SAFETY: sends a signal to this process, which touches no memory of ours.
        assert_eq!(unsafe { libc::kill(pid, kind.as_raw_value()) }, 0);
    });
    event_loop.run_forever();
    event_loop.close();
    assert_eq!(drops.dropped(), 2, "the task and the callback are gone");
    drop(entered);
    assert!(runtime.shutdown(HANGS).is_clean());
}

#[test]
fn s1_8_a_signal_stops_a_loop_that_runs_for_ever() {
    const NAME: &str = "s1_8_a_signal_stops_a_loop_that_runs_for_ever";
    match child::role().as_deref() {
        Some("SIGINT") => return runs_for_ever(SignalKind::interrupt()),
        Some(_) => return runs_for_ever(SignalKind::terminate()),
        None => {}
    }
    for role in ["SIGINT", "SIGTERM"] {
        let output = child::run(NAME, role, &[]);
        assert_eq!(output.status.code(), Some(0), "{role}: {}", child::text(&output.stderr));
    }
}

#[test]
fn s2_7_a_tasks_result_and_its_panic_come_back() {
    on_both(|runtime| {
        runtime.block_on(async {
            assert_eq!(spawn(async { 6 * 7 }).await.unwrap(), 42);
            let line = line!() + 1;
            let error = raddle::task::Builder::new().name("culprit").spawn(fails()).await.unwrap_err();
            assert_eq!(
                (error.task_name(), error.panic_message()),
                (Some("culprit"), Some("the disk is full"))
            );
            assert_eq!((error.spawned_at().file(), error.spawned_at().line()), (file!(), line));
        });
    });
}

async fn fails() {
    panic!("the disk is full");
}

#[test]
fn s2_8_a_sleeping_task_is_cancelled() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let (began, drops) = (Instant::now(), Drops::new());
            let guard = drops.guard();
            let sleeper = spawn(async move {
                let _guard = guard;
                sleep(5 * SECOND).await;
            });
            sleep(3 * SECOND).await;
            sleeper.cancel();
            assert!(sleeper.await.unwrap_err().is_cancelled());
            assert_eq!((began.elapsed(), drops.dropped()), (3 * SECOND, 1));
            let tidy = spawn(async {
                select! {
                    () = sleep(5 * SECOND) => "slept",
                    _ = cancelled() => {
                        sleep(SECOND / 2).await;
                        "cleaned up"
                    }
                }
            });
            sleep(SECOND).await;
            tidy.cancel_within(SECOND);
            assert_eq!(tidy.await.unwrap(), "cleaned up");
            assert_eq!(began.elapsed(), 4 * SECOND + SECOND / 2);
        });
    });
}

/// `cargo test` builds the package's examples before it runs its tests.
fn command(args: &[&str]) -> Command {
    let test = std::env::current_exe().expect("a test knows its own path");
    let target = test.ancestors().nth(2).expect("tests lie in deps/ of the target folder");
    let program: PathBuf = target.join("examples/tour");
    assert!(program.exists(), "{} is not built: cargo build --example tour", program.display());
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn tour(args: &[&str]) -> Output {
    child::output(command(args), 6 * HANGS)
}

/// S1.1 to S3.9.
fn ids() -> Vec<String> {
    let of = |chapter: u32, count: u32| (1..=count).map(move |n| format!("S{chapter}.{n}"));
    of(1, 8).chain(of(2, 9)).chain(of(3, 9)).collect()
}

#[test]
fn the_tour_plays_every_scenario_and_finds_none_off() {
    let output = tour(&[]);
    let stdout = child::text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{stdout}{}", child::text(&output.stderr));
    assert_eq!(child::text(&output.stderr), "", "no progress bar where there is no terminal");
    for id in ids() {
        let rows = stdout.lines().filter(|line| line.starts_with(&format!("│ {id} "))).collect::<Vec<_>>();
        assert!(matches!(rows[..], [row] if row.contains("┆ ok")), "{id}: {rows:?}");
        assert!(stdout.lines().any(|line| line.starts_with(&format!("{id}  "))), "{id} says nothing");
    }
    assert!(stdout.ends_with("all 26 scenarios went as they must\n"), "{stdout}");
}

#[test]
fn the_tour_plays_on_the_real_clock_and_only_what_is_asked_for() {
    let output = tour(&["--real", "--scale", "0.1", "--only", "S1.5,s2.4"]);
    let stdout = child::text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    assert!(stdout.contains("[real clock, 1 s is 0.1 s]"), "{stdout}");
    assert!(stdout.ends_with("all 2 scenarios went as they must\n"), "{stdout}");
}

#[test]
fn ctrl_c_ends_the_tour_with_what_it_has_seen() {
    let mut tour = command(&["--real", "--only", "S1.1,S3.3"]).spawn().unwrap();
    let mut stdout = BufReader::new(tour.stdout.take().unwrap());
    let mut text = String::new();
    while !text.contains("returned 42") {
        assert_ne!(stdout.read_line(&mut text).unwrap(), 0, "{text}");
    }
    let pid = tour.id() as libc::pid_t;
    // SAFETY: sends a signal to our own child, which has not been waited for.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGINT) }, 0);
    stdout.read_to_string(&mut text).unwrap();
    assert_eq!(tour.wait().unwrap().code(), Some(130), "{text}");
    assert!(text.contains("│ S1.1 ") && !text.contains("│ S3.3 "), "{text}");
    assert!(text.ends_with("interrupted after 1 of 2 scenarios\n"), "{text}");
}

#[test]
fn the_tour_lists_its_scenarios() {
    let output = tour(&["--list"]);
    let stdout = child::text(&output.stdout);
    let listed: Vec<_> = stdout.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(listed, ids());
}

#[test]
fn the_tour_refuses_what_it_cannot_play() {
    for (args, message) in [
        (["--only", "nonsense"], "there is no scenario \"nonsense\"; --list shows all"),
        (["--only", "S2.4,"], "there is no scenario \"\"; --list shows all"),
        (["--scale", "0"], "from 0.01 to 10 is allowed"),
        (["--scale", "fast"], "not a number"),
    ] {
        let output = tour(&args);
        let stderr = child::text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr.contains(message), "{args:?}: {stderr}");
        assert!(output.stdout.is_empty());
    }
}
