//! Any file descriptor can be waited for: pipes that come and go, devices that count, and not regular files.

mod common;

use common::{dropped_after_each_poll, pair, poll_once, run};
use raddle_net::poll_fd::{AsyncFd, Interest};
use std::cell::Cell;
use std::fs::{File, OpenOptions};
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::pin::pin;

fn nonblocking(fd: &impl AsRawFd) {
    // SAFETY: no pointers are passed.
    let flags = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) };
    // SAFETY: as above.
    let rc = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK) };
    assert_eq!(rc, 0);
}

fn pipe() -> (AsyncFd<PipeReader>, AsyncFd<PipeWriter>) {
    let (reader, writer) = io::pipe().expect("a pipe");
    nonblocking(&reader);
    nonblocking(&writer);
    let reader = AsyncFd::with_interest(reader, Interest::READABLE).expect("a reader");
    let writer = AsyncFd::with_interest(writer, Interest::WRITABLE).expect("a writer");
    (reader, writer)
}

#[test]
fn a_pipe_is_read_through_guards() {
    run(async {
        let (reader, writer) = pipe();
        let mut wait = pin!(reader.readable());
        assert!(poll_once(&mut wait).await.is_none());
        let mut guard = writer.writable().await.expect("room");
        assert_eq!(
            guard.try_io(|fd| fd.get_ref().write(b"abc")).expect("it did not block").expect("a write"),
            3
        );
        let mut buf = [0; 8];
        let mut guard = wait.await.expect("bytes");
        assert_eq!(
            guard.try_io(|fd| fd.get_ref().read(&mut buf)).expect("it did not block").expect("a read"),
            3
        );
        guard.retain_ready();
        assert!(reader.try_io(Interest::READABLE, |mut pipe| pipe.read(&mut buf)).is_err());
        let mut wait = pin!(reader.readable());
        assert!(poll_once(&mut wait).await.is_none(), "the WouldBlock before took the readiness back");
        drop(writer.into_inner());
        assert!(wait.await.expect("the end").ready().is_read_closed());
        let n = reader.async_io(Interest::READABLE, |mut pipe| pipe.read(&mut buf)).await;
        assert_eq!(n.expect("the end"), 0);
    });
}

#[test]
fn an_event_counter_counts_through_dropped_futures() {
    run(async {
        // SAFETY: no pointers are passed.
        let fd = unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC | libc::EFD_SEMAPHORE) };
        assert!(fd >= 0);
        // SAFETY: just made, and nobody else knows of it.
        let mut counter = AsyncFd::new(File::from(unsafe { OwnedFd::from_raw_fd(fd) })).expect("a counter");
        let mut writer = counter.get_ref().try_clone().expect("a duplicate");
        let adder = raddle_runtime::spawn(async move {
            for _ in 0..1_000 {
                writer.write_all(&1_u64.to_ne_bytes()).expect("room");
                raddle_runtime::yield_now().await;
            }
        });
        for _ in 0..1_000 {
            let counter = &mut counter;
            let mut buf = [0; 8];
            dropped_after_each_poll(async || {
                counter.async_io_mut(Interest::READABLE, |file| file.read_exact(&mut buf)).await
            })
            .await
            .expect("a count");
        }
        adder.await.expect("the adder ends well");
        let mut guard = counter.readable_mut().await.expect("readiness may be stale");
        assert!(guard.try_io(|fd| fd.get_mut().read(&mut [0; 8])).is_err(), "each was counted once");
    });
}

#[test]
fn f01_a_pipe_that_gets_a_new_writer_neither_spins_nor_hangs() {
    run(async {
        let path = std::env::temp_dir().join(format!("raddle-fifo-{}", std::process::id()));
        let c_path = std::ffi::CString::new(path.to_str().expect("text")).expect("no zero");
        // SAFETY: `c_path` is a string that ends in zero.
        assert_eq!(unsafe { libc::mkfifo(c_path.as_ptr(), 0o600) }, 0);
        let reader =
            OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(&path).expect("a reader");
        let reader = AsyncFd::with_interest(reader, Interest::READABLE).expect("a reader");
        let open = || OpenOptions::new().write(true).open(&path).expect("a writer");
        let mut buf = [0; 8];
        for round in 0..3 {
            let mut writer = open();
            writer.write_all(&[round]).expect("room");
            let n =
                reader.async_io(Interest::READABLE, |mut fifo| fifo.read(&mut buf)).await.expect("a byte");
            assert_eq!(buf[..n], [round]);
            drop(writer);
            let n = reader.async_io(Interest::READABLE, |mut fifo| fifo.read(&mut buf)).await;
            assert_eq!(n.expect("the end"), 0);
        }
        let writer = open();
        let calls = Cell::new(0);
        let mut wait = pin!(reader.async_io(Interest::READABLE, |mut fifo| {
            calls.set(calls.get() + 1);
            fifo.read(&mut buf)
        }));
        for _ in 0..1_000 {
            assert!(poll_once(&mut wait).await.is_none(), "there is a writer again, and nothing to read");
        }
        (&writer).write_all(b"x").expect("room");
        assert_eq!(wait.await.expect("a byte"), 1);
        assert!(calls.get() < 10, "{} reads that found nothing", calls.get());
        std::fs::remove_file(&path).expect("our own file");
    });
}

#[test]
fn urgent_data_can_be_waited_for() {
    run(async {
        let (ours, theirs) = pair().await;
        let ours =
            AsyncFd::with_interest(ours.into_std().expect("a socket"), Interest::PRIORITY).expect("a socket");
        let theirs = socket2::Socket::from(theirs.into_std().expect("a socket"));
        let mut wait = pin!(ours.ready(Interest::PRIORITY));
        assert!(poll_once(&mut wait).await.is_none());
        theirs.send_out_of_band(b"!").expect("an urgent write");
        assert!(wait.await.expect("readiness").ready().is_priority());
    });
}

#[test]
fn f30_a_descriptor_that_cannot_be_watched_is_refused_clearly() {
    run(async {
        let error = AsyncFd::new(File::open("/proc/self/exe").expect("our own program")).expect_err("a file");
        assert!(error.to_string().contains("spawn_blocking"), "{error}");
        let (ours, _theirs) = UnixStream::pair().expect("a pair");
        let first = AsyncFd::new(ours.as_fd()).expect("a socket");
        let error = AsyncFd::new(ours.as_fd()).expect_err("twice");
        assert!(error.to_string().contains("already"), "{error}");
        drop(first);
        AsyncFd::new(ours.as_fd()).expect("free again");
    });
}
