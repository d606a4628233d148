//! What a loop does with descriptors and with calls that block.
#![cfg(unix)]
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::gate::Gate;
use common::guard::{Drops, Guard};
use common::{HANGS, SOON, eventually, on_both, panic_of, within, workers};
use raddle::event_loop::{EventLoop, Executor, Promise, ThreadPool};
use raddle::runtime::Runtime;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};

fn new_on(runtime: &Runtime) -> EventLoop {
    let _entered = runtime.enter();
    EventLoop::new()
}

/// For closures that own a guard and do nothing.
fn assert_alive(_guard: &Guard) {}

/// Reads one byte at each call; the promise is set once `count` have come, and the reader is removed.
fn read_bytes(event_loop: &EventLoop, ours: &UnixStream, count: usize) -> Promise<Vec<u8>> {
    let fd = ours.as_raw_fd();
    let (mut ours, own, done) = (ours.try_clone().unwrap(), event_loop.clone(), event_loop.create_future());
    let (mut seen, set) = (Vec::new(), done.clone());
    let read = move || {
        let mut byte = [0];
        ours.read_exact(&mut byte).unwrap();
        seen.push(byte[0]);
        if seen.len() == count {
            assert!(own.remove_reader(fd));
            assert!(!own.remove_reader(fd), "it is removed already");
            set.set_result(std::mem::take(&mut seen)).unwrap();
        }
    };
    event_loop.add_reader(fd, read).unwrap();
    done
}

#[test]
fn a_reader_is_called_for_as_long_as_there_is_something_to_read() {
    on_both(|runtime| {
        let event_loop = new_on(runtime);
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(b"abc").unwrap();
        let done = read_bytes(&event_loop, &ours, 4);
        // The level, and not the edge: three come at once, the fourth later.
        event_loop.call_soon(move || {
            theirs.write_all(b"d").unwrap();
            std::mem::forget(theirs);
        });
        assert_eq!(event_loop.run_until_complete(done).unwrap(), b"abcd");
        assert!(!event_loop.remove_reader(ours.as_raw_fd()));
        // Again, on the same descriptor.
        let (mut theirs, done) = {
            let (other, theirs) = UnixStream::pair().unwrap();
            (theirs, read_bytes(&event_loop, &other, 1))
        };
        theirs.write_all(b"x").unwrap();
        event_loop.close();
        drop(done);
    });
}

#[test]
fn a_removed_reader_is_dropped_at_once_and_its_descriptor_is_free() {
    on_both(|runtime| {
        let (event_loop, drops) = (new_on(runtime), Drops::new());
        for _ in 0..50 {
            // The same number again and again.
            let (ours, mut theirs) = UnixStream::pair().unwrap();
            theirs.write_all(b"a").unwrap();
            let done = read_bytes(&event_loop, &ours, 1);
            assert_eq!(event_loop.run_until_complete(done).unwrap(), b"a");
            let guard = drops.guard();
            event_loop.add_reader(ours.as_raw_fd(), move || assert_alive(&guard)).unwrap();
            let guard = drops.guard();
            event_loop.add_reader(ours.as_raw_fd(), move || assert_alive(&guard)).unwrap();
            assert_eq!(drops.made() - drops.dropped(), 1, "the second took the first one's place");
            assert!(event_loop.remove_reader(ours.as_raw_fd()));
            assert_eq!(drops.made(), drops.dropped());
        }
        let guard = drops.guard();
        let (ours, _theirs) = UnixStream::pair().unwrap();
        event_loop.add_reader(ours.as_raw_fd(), move || assert_alive(&guard)).unwrap();
        event_loop.close();
        assert_eq!(drops.made(), drops.dropped());
    });
}

#[test]
fn reader_and_writer_of_one_descriptor_are_two() {
    on_both(|runtime| {
        let event_loop = new_on(runtime);
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let (fd, mut out) = (ours.as_raw_fd(), ours.try_clone().unwrap());
        let read = read_bytes(&event_loop, &ours, 1);
        let (written, own) = (event_loop.create_future::<()>(), event_loop.clone());
        let set = written.clone();
        let write = move || {
            out.write_all(b"w").unwrap();
            assert!(own.remove_writer(fd));
            set.set_result(()).unwrap();
        };
        event_loop.add_writer(fd, write).unwrap();
        event_loop.run_until_complete(written).unwrap();
        let mut byte = [0];
        theirs.read_exact(&mut byte).unwrap();
        theirs.write_all(b"r").unwrap();
        assert_eq!(event_loop.run_until_complete(read).unwrap(), b"r");
        assert!(!event_loop.remove_writer(fd));
    });
}

#[test]
fn what_cannot_be_watched_is_an_error_and_leaves_nothing() {
    on_both(|runtime| {
        let (event_loop, drops) = (new_on(runtime), Drops::new());
        let file = std::fs::File::open("/proc/self/exe").unwrap();
        let guard = drops.guard();
        event_loop.add_reader(file.as_raw_fd(), move || assert_alive(&guard)).unwrap_err();
        assert_eq!(drops.dropped(), 1);
        assert!(event_loop.add_reader(-1, || ()).is_err());
        assert!(!event_loop.remove_reader(file.as_raw_fd()));
        assert_eq!(runtime.metrics().io_registered(), 0);
    });
}

#[test]
fn a_reader_that_panics_goes_on_and_the_end_is_readable() {
    on_both(|runtime| {
        let event_loop = new_on(runtime);
        let panics = Arc::new(Mutex::new(0));
        let count = panics.clone();
        event_loop.set_exception_handler(move |_| *count.lock().unwrap() += 1);
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(theirs);
        let (fd, own, done) = (ours.as_raw_fd(), event_loop.clone(), event_loop.create_future::<()>());
        let (mut calls, set) = (0, done.clone());
        let read = move || {
            calls += 1;
            if calls == 3 {
                own.remove_reader(fd);
                set.set_result(()).unwrap();
            }
            assert!(calls == 3, "not yet");
        };
        event_loop.add_reader(fd, read).unwrap();
        event_loop.run_until_complete(done).unwrap();
        assert_eq!(*panics.lock().unwrap(), 2);
    });
}

#[test]
fn calls_that_block_run_in_the_pool_that_is_asked() {
    within(HANGS, || {
        let runtime = workers(2);
        let event_loop = new_on(&runtime);
        let pool = {
            let _entered = runtime.enter();
            ThreadPool::new(1)
        };
        assert_eq!(pool.threads(), 1);
        let seven = event_loop.run_in_executor(Executor::Default, || 7);
        assert_eq!(runtime.block_on(seven).unwrap(), 7);
        // One thread: one after the other, and beside the default pool.
        let (gate, order) = (Gate::new(), Arc::new(Mutex::new(Vec::new())));
        let calls: Vec<_> = (0..3)
            .map(|number| {
                let (gate, order) = (gate.clone(), order.clone());
                event_loop.run_in_executor(Executor::Pool(&pool), move || {
                    gate.block();
                    order.lock().unwrap().push(number);
                })
            })
            .collect();
        let open = gate.clone();
        runtime.block_on(event_loop.run_in_executor(Executor::Default, move || open.open())).unwrap();
        // Dropped with calls queued: they run.
        drop(pool);
        calls.into_iter().for_each(|call| runtime.block_on(call).unwrap());
        assert_eq!(*order.lock().unwrap(), [0, 1, 2]);
        let text = panic_of(|| ThreadPool::new(0));
        assert!(text.contains("ThreadPool::new(0) is not allowed"), "{text}");
        assert!(runtime.shutdown(SOON).is_clean());
    });
}

#[test]
fn the_end_of_the_runtime_ends_its_further_pools() {
    within(HANGS, || {
        let runtime = workers(1);
        let event_loop = new_on(&runtime);
        let pool = {
            let _entered = runtime.enter();
            ThreadPool::new(1)
        };
        let (gate, begun) = (Gate::new(), Gate::new());
        let (wait, tell) = (gate.clone(), begun.clone());
        let running = event_loop.run_in_executor(Executor::Pool(&pool), move || {
            tell.open();
            wait.block();
        });
        let queued = event_loop.run_in_executor(Executor::Pool(&pool), || ());
        begun.block();
        let open = gate.clone();
        let opener = std::thread::spawn(move || {
            eventually("the call that waits is cancelled", || queued.is_finished());
            open.open();
        });
        assert!(runtime.shutdown(SOON).is_clean(), "it waits for the call that runs");
        opener.join().unwrap();
        assert!(running.is_finished());
    });
}

#[test]
fn signal_handlers_run_on_the_lane_once_for_each_delivery() {
    use raddle::process::signal::SignalKind;
    within(HANGS, || {
        let event_loop = EventLoop::new();
        let calls = Arc::new(Mutex::new(Vec::new()));
        let (own, log) = (event_loop.clone(), calls.clone());
        let on_signal = move || {
            log.lock().unwrap().push("first");
            own.stop();
        };
        event_loop.add_signal_handler(SignalKind::user_defined2(), on_signal).unwrap();
        for _ in 0..2 {
            event_loop.call_soon(|| {
                // SAFETY: sends this process a signal that it listens for.
                unsafe { libc::raise(libc::SIGUSR2) };
            });
            event_loop.run_forever();
        }
        let (own, log) = (event_loop.clone(), calls.clone());
        let replaces = move || {
            log.lock().unwrap().push("second");
            own.stop();
        };
        event_loop.add_signal_handler(SignalKind::user_defined2(), replaces).unwrap();
        event_loop.call_soon(|| {
            // SAFETY: as above.
            unsafe { libc::raise(libc::SIGUSR2) };
        });
        event_loop.run_forever();
        assert_eq!(*calls.lock().unwrap(), ["first", "first", "second"]);
        assert!(event_loop.remove_signal_handler(SignalKind::user_defined2()));
        assert!(!event_loop.remove_signal_handler(SignalKind::user_defined2()));
        let refused = event_loop.add_signal_handler(SignalKind::from_raw(libc::SIGKILL), || ()).unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::InvalidInput);
        event_loop.close();
    });
}
