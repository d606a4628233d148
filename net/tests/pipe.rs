//! Pipes: ends, full ones, wrong files, cancelled waits.

mod common;
#[path = "common/temp.rs"]
mod temp;

use common::{dropped_after_each_poll, pattern, run};
use futures_lite::future::zip;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use raddle_net::pipe::{OpenOptions, Receiver, Sender, pipe};
use raddle_runtime::spawn;
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::path::PathBuf;
use std::process::Command;
use temp::TempDir;

fn fifo(dir: &TempDir) -> PathBuf {
    let path = dir.join("fifo");
    let made = Command::new("mkfifo").arg(&path).status();
    assert!(made.expect("this test needs mkfifo, of coreutils").success());
    path
}

#[test]
fn a_slow_reader_holds_the_writer_up_and_gets_every_byte_and_the_end() {
    run(async {
        let (mut sender, mut receiver) = pipe().expect("a pipe");
        let writer = spawn(async move {
            sender.write_all(&pattern(4 << 20)).await.expect("a write");
            sender.close().await.expect("closing does nothing");
            sender.write_all(b"end").await.expect("a write");
        });
        let mut got = Vec::new();
        let mut buf = vec![0; 10_007];
        loop {
            match receiver.read(&mut buf).await.expect("a read") {
                0 => break,
                n => got.extend_from_slice(&buf[..n]),
            }
            raddle_runtime::yield_now().await;
        }
        let rest = got.split_off(4 << 20);
        assert!(got == pattern(4 << 20) && rest == b"end");
        writer.await.expect("the writer ends well");
    });
}

#[test]
fn a_writer_that_waits_is_told_that_the_reader_has_gone() {
    run(async {
        let (mut sender, receiver) = pipe().expect("a pipe");
        let writer = spawn(async move { sender.write_all(&pattern(4 << 20)).await });
        receiver.readable().await.expect("readiness");
        drop(receiver);
        let error = writer.await.expect("the writer ends").expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    });
}

#[test]
fn tries_and_vectored_transfers_keep_order() {
    run(async {
        let (sender, receiver) = pipe().expect("a pipe");
        assert_eq!(receiver.try_read(&mut [0]).expect_err("nothing").kind(), io::ErrorKind::WouldBlock);
        sender.writable().await.expect("room");
        let slices = [IoSlice::new(b"ab"), IoSlice::new(b"cde")];
        assert_eq!(sender.try_write_vectored(&slices).expect("room"), 5);
        receiver.readable().await.expect("readiness");
        let (mut first, mut second) = ([0; 1], [0; 4]);
        let mut bufs = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert_eq!(receiver.try_read_vectored(&mut bufs).expect("bytes"), 5);
        assert_eq!((&first, &second), (b"a", b"bcde"));
        let mut filled = 0;
        loop {
            match sender.try_write(&[7; 4096]) {
                Ok(n) => filled += n,
                Err(error) => break assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
        }
        assert!(filled >= 4096);
    });
}

#[test]
fn futures_dropped_after_each_poll_lose_nothing() {
    run(async {
        let (mut sender, mut receiver) = pipe().expect("a pipe");
        let writing = async {
            let sent = pattern(200_000);
            let mut rest = sent.as_slice();
            while !rest.is_empty() {
                dropped_after_each_poll(|| sender.writable()).await.expect("readiness");
                match sender.try_write(&rest[..rest.len().min(997)]) {
                    Ok(n) => rest = &rest[n..],
                    Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
                }
            }
            sender.flush().await.expect("nothing to flush");
            drop(sender);
        };
        let reading = async {
            let mut got = Vec::new();
            let mut buf = [0; 1_000];
            loop {
                match dropped_after_each_poll(async || receiver.read(&mut buf).await).await.expect("a read") {
                    0 => return got,
                    n => got.extend_from_slice(&buf[..n]),
                }
            }
        };
        let ((), got) = zip(writing, reading).await;
        assert!(got == pattern(200_000));
    });
}

#[test]
fn a_fifo_opened_both_ways_outlives_its_writers() {
    run(async {
        let dir = TempDir::new();
        let path = fifo(&dir);
        let error = OpenOptions::new().open_sender(&path).expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::NotConnected);
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        let mut receiver = OpenOptions::new().read_write(true).open_receiver(&path).expect("a receiver");
        let mut buf = [0; 3];
        for text in [b"one", b"two"] {
            let mut sender = OpenOptions::new().open_sender(&path).expect("a sender");
            sender.write_all(text).await.expect("a write");
            drop(sender);
            receiver.read_exact(&mut buf).await.expect("a read");
            assert_eq!(&buf, text);
        }
        assert_eq!(receiver.try_read(&mut buf).expect_err("no end").kind(), io::ErrorKind::WouldBlock);
        drop(receiver);
        // Opened for reading only, it waits for the first writer, and ends with the last.
        let mut receiver = OpenOptions::new().open_receiver(&path).expect("a receiver");
        let mut text = String::new();
        let reading = receiver.read_to_string(&mut text);
        let writing = async { OpenOptions::new().open_sender(&path)?.write_all(b"three").await };
        let (read, wrote) = zip(reading, writing).await;
        wrote.expect("a write");
        assert_eq!(read.expect("up to the end"), 5);
    });
}

#[test]
fn wrong_files_are_told_by_name() {
    run(async {
        let dir = TempDir::new();
        let path = dir.join("file");
        std::fs::write(&path, "text").expect("a file");
        let errors = [
            OpenOptions::new().open_receiver(&path).map(drop).expect_err("no pipe"),
            OpenOptions::new().open_sender(&path).map(drop).expect_err("no pipe"),
            OpenOptions::new().open_receiver(dir.join("file2")).map(drop).expect_err("nothing there"),
        ];
        for error in errors {
            assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        }
        let (read, write) = std::io::pipe().expect("a pipe");
        let error = Receiver::from_owned_fd(write.into()).expect_err("the wrong end");
        assert!(error.to_string().contains("writing only"), "{error}");
        let error = Sender::from_owned_fd(read.into()).expect_err("the wrong end");
        assert!(error.to_string().contains("reading only"), "{error}");
    });
}

#[test]
fn ends_become_blocking_descriptors_for_others() {
    run(async {
        let (sender, receiver) = pipe().expect("a pipe");
        let mut receiver = File::from(receiver.into_blocking_fd().expect("a descriptor"));
        let sender = Sender::from_owned_fd(sender.into_nonblocking_fd().expect("a descriptor"));
        let sender = sender.expect("a sender").into_blocking_fd().expect("a descriptor");
        let reading = raddle_runtime::spawn_blocking(move || {
            let mut text = String::new();
            receiver.read_to_string(&mut text).map(|_| text)
        });
        File::from(sender).write_all(b"blocking").expect("a write");
        assert_eq!(reading.await.expect("the reader ends").expect("a text"), "blocking");
    });
}
