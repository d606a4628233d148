//! Forks: a runtime made before is refused in the child with a clear message, dropping it there does no harm, and a
//! new one works. (f34 has the rest: children that are started.)
//!
//! Each test forks from a process that has just been started for it: what a fork may do depends on what other threads
//! do.
#![cfg(unix)]
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::gate::Gate;
use common::guard::Drops;
use common::{SOON, child, eventually, flavours, multi_thread, panic_of, yields};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use raddle::net::{TcpListener, TcpStream};
use raddle::runtime::{Builder, Runtime};
use raddle::time::{Duration, sleep};
use std::future::pending;
use std::time::Instant;

/// Forks; the child runs `body` and ends with code 0, or 1 if that panics. The parent waits for it, not for ever.
#[track_caller]
fn forked(body: impl FnOnce()) {
    // SAFETY: the child only runs `body`, and leaves with `_exit`.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "fork: {}", std::io::Error::last_os_error());
    if pid == 0 {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
        if let Err(payload) = &result {
            eprintln!("in the forked child: {:?}", payload.downcast_ref::<String>());
        }
        // SAFETY: ends this process, at once.
        unsafe { libc::_exit(i32::from(result.is_err())) };
    }
    let (began, mut status) = (Instant::now(), 0);
    // SAFETY: `status` is valid for writing, and `pid` is our child.
    while unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) } == 0 {
        if began.elapsed() > SOON {
            // SAFETY: our child, which has not been waited for.
            unsafe { libc::kill(pid, libc::SIGKILL) };
            panic!("the forked child hangs");
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(
        libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0,
        "the forked child failed: {status:#x}"
    );
}

/// Runs `test` for each flavour in a process of its own.
#[track_caller]
fn in_process(name: &str, test: fn(Builder)) {
    if let Some(role) = child::role() {
        let (_, builder) = flavours().into_iter().find(|(flavour, _)| *flavour == role).expect("a flavour");
        return test(builder);
    }
    for (flavour, _) in flavours() {
        let output = child::run(name, flavour, &[]);
        assert!(output.status.success(), "{flavour}: {}", child::text(&output.stderr));
    }
}

/// Uses the runtime a little, so that it has threads, timers, sockets and tasks; returns something that lives.
fn warmed_up(runtime: &Runtime) -> (TcpListener, raddle::task::JoinHandle<()>) {
    let listener = runtime.block_on(async {
        raddle::spawn_blocking(|| ()).await.unwrap();
        raddle::spawn(async { sleep(Duration::from_millis(1)).await }).await.unwrap();
        TcpListener::bind("127.0.0.1:0").await.unwrap()
    });
    (listener, runtime.spawn(async { sleep(common::FOR_EVER).await }))
}

/// A round of everything on a runtime that must work.
fn works(runtime: &Runtime, listener: &TcpListener) {
    let addr = listener.local_addr().unwrap();
    runtime.block_on(async {
        let (client, served) = futures_lite::future::zip(TcpStream::connect(addr), listener.accept()).await;
        let (mut client, (mut served, _)) = (client.unwrap(), served.unwrap());
        let echo = raddle::spawn(async move {
            let mut byte = [0];
            served.read_exact(&mut byte).await.unwrap();
            served.write_all(&byte).await.unwrap();
        });
        sleep(Duration::from_millis(2)).await;
        client.write_all(b"x").await.unwrap();
        client.read_exact(&mut [0]).await.unwrap();
        echo.await.unwrap();
        assert_eq!(raddle::spawn_blocking(|| 5).await.unwrap(), 5);
    });
}

#[test]
fn a_runtime_made_before_the_fork_is_refused_in_the_child() {
    in_process("a_runtime_made_before_the_fork_is_refused_in_the_child", |builder| {
        let runtime = builder.build().unwrap();
        let (listener, _task) = warmed_up(&runtime);
        forked(|| {
            let _entered = runtime.enter();
            let texts = [
                panic_of(|| runtime.spawn(async {})),
                panic_of(|| raddle::spawn(async {})),
                panic_of(|| raddle::spawn_pinned(|| async {})),
                panic_of(|| raddle::spawn_blocking(|| ())),
                panic_of(|| runtime.block_on(async {})),
            ];
            for text in texts {
                assert!(text.contains("before the process forked"), "{text}");
                assert!(text.contains("make a new runtime in the child"), "{text}");
            }
            let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            let error = raddle::net::poll_fd::AsyncFd::new(socket).unwrap_err();
            assert!(error.to_string().contains("fork"), "{error}");
            std::mem::forget(_entered);
        });
        works(&runtime, &listener);
    });
}

#[test]
fn dropping_a_runtime_in_the_forked_child_does_not_hang_nor_disturb_the_parent() {
    in_process("dropping_a_runtime_in_the_forked_child_does_not_hang_nor_disturb_the_parent", |builder| {
        let runtime = builder.build().unwrap();
        let (listener, task) = warmed_up(&runtime);
        let place = std::cell::Cell::new(Some((runtime, listener, task)));
        for in_time in [true, false] {
            forked(|| {
                let (runtime, listener, task) = place.take().unwrap();
                task.cancel();
                let began = Instant::now();
                if in_time {
                    println!("{}", runtime.shutdown(Duration::from_secs(60)));
                } else {
                    drop(runtime);
                }
                drop((listener, task));
                assert!(began.elapsed() < Duration::from_secs(2), "it waited for threads that do not exist");
            });
            let (runtime, listener, task) = place.take().unwrap();
            works(&runtime, &listener);
            assert!(!task.is_finished());
            place.set(Some((runtime, listener, task)));
        }
        let (runtime, _, _) = place.take().unwrap();
        assert!(runtime.shutdown(SOON).is_clean());
    });
}

#[test]
fn a_new_runtime_in_the_forked_child_works_beside_the_old_one() {
    in_process("a_new_runtime_in_the_forked_child_works_beside_the_old_one", |builder| {
        let runtime = builder.clone().build().unwrap();
        let (listener, _task) = warmed_up(&runtime);
        forked(|| {
            for flavour in [builder, multi_thread(2)] {
                let new = flavour.build().unwrap();
                let own = new.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
                works(&new, &own);
                let drops = Drops::new();
                let guard = drops.guard();
                new.spawn(async move { drop((pending::<()>().await, guard)) }).detach();
                new.block_on(yields(5));
                drop(own);
                assert!(new.shutdown(SOON).is_clean());
                assert_eq!(drops.dropped(), 1);
            }
            // A grandchild tells the two apart just as well.
            let mine = Builder::new().current_thread().build().unwrap();
            forked(|| {
                assert!(panic_of(|| mine.block_on(async {})).contains("forked"));
                assert!(panic_of(|| runtime.block_on(async {})).contains("forked"));
                Builder::new().current_thread().build().unwrap().block_on(yields(3));
            });
            mine.block_on(yields(3));
        });
        works(&runtime, &listener);
    });
}

#[test]
fn tasks_timers_and_sockets_of_the_parent_may_be_dropped_and_woken_in_the_child() {
    in_process("tasks_timers_and_sockets_of_the_parent_may_be_dropped_and_woken_in_the_child", |builder| {
        let runtime = builder.build().unwrap();
        let (listener, _task) = warmed_up(&runtime);
        let gate = Gate::new();
        let waiting = runtime.spawn(gate.wait());
        eventually("it waits", || {
            runtime.block_on(yields(5));
            gate.waits() > 0
        });
        let mut timer = Box::pin({
            let _entered = runtime.enter();
            sleep(common::FOR_EVER)
        });
        runtime.block_on(async { assert!(common::poll_once(&mut timer).await.is_none()) });
        let mut mine = Some((timer, waiting));
        forked(|| {
            let (timer, waiting) = mine.take().unwrap();
            gate.open();
            waiting.cancel();
            drop((timer, waiting));
        });
        // Nothing of that has happened here.
        assert!(!gate.is_open());
        let (timer, waiting) = mine.take().unwrap();
        assert!(!waiting.is_finished() && !timer.is_elapsed());
        drop(timer);
        gate.open();
        runtime.block_on(waiting).unwrap();
        works(&runtime, &listener);
    });
}

#[test]
fn forks_while_the_runtime_is_busy_do_not_hang_the_child() {
    in_process("forks_while_the_runtime_is_busy_do_not_hang_the_child", |builder| {
        let runtime = builder.build().unwrap();
        let stop = Gate::new();
        for _ in 0..20 {
            let stop = stop.clone();
            let busy = async move {
                while !stop.is_open() {
                    sleep(Duration::from_micros(50)).await;
                    drop(raddle::spawn(yields(2)).await);
                    drop(raddle::spawn_blocking(|| ()).await);
                }
            };
            runtime.spawn(busy).detach();
        }
        let mut place = Some(runtime);
        for _ in 0..50 {
            forked(|| drop(place.take()));
        }
        stop.open();
        let runtime = place.take().unwrap();
        runtime.block_on(yields(5));
        assert!(runtime.shutdown(SOON).is_clean());
    });
}
