//! Readers and writers.
//!
//! The promise: a writer is alone, and sees what all readers and writers before it did; readers that wait behind a
//! writer get in all together when it lets go, or goes (f23); no writer comes in between while one becomes a reader.
//!
//! The models play readers and writers against each other, and against waiters that go.
//!
//! Broken on purpose, in `sync/src/permits.rs` unless another file is named, and seen to fail:
//! - `give` stores the word with Relaxed, or `release` adds to it with Relaxed: a reader is beside the writer before.
//! - `give_more` wakes the first only: deadlock, the second reader waits.
//! - `give` stores the word when nobody is in line, beside a reader that gives its permit back: that one is lost.
//! - `try_acquire` overtakes those in line, beside `give`, which stores the word: a writer is beside a reader.
//! - `sync/src/held.rs`: `keep` gives all back: a writer gets in beside the one that became a reader.
#![cfg(loom)]

use loom::thread;
use loom_tests::{Count, Event, Probe, block_on, check};
use raddle_sync::{RwLock, RwLockWriteGuard};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

fn lock() -> Arc<RwLock<Probe>> {
    Arc::new(RwLock::new(Count::default().probe()))
}

fn poll<F: Future>(future: Pin<&mut F>, woken: &Arc<Event>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&woken.waker()))
}

/// Loom fails the model when a change is beside a look, or does not come after it.
#[test]
fn a_writer_is_alone() {
    check(|| {
        let lock = lock();
        let reader = {
            let lock = lock.clone();
            thread::spawn(move || block_on(lock.read()).look())
        };
        let writer = {
            let lock = lock.clone();
            thread::spawn(move || block_on(lock.write_owned()).change())
        };
        block_on(lock.read()).look();
        reader.join().unwrap();
        writer.join().unwrap();
        assert!(lock.try_write().is_ok());
    });
}

#[test]
fn a_writer_that_becomes_a_reader_is_followed_by_readers_only() {
    check(|| {
        let lock = lock();
        let others = {
            let lock = lock.clone();
            thread::spawn(move || block_on(lock.write()).change())
        };
        let writer = block_on(lock.write());
        writer.change();
        let reader = RwLockWriteGuard::downgrade(writer);
        reader.look();
        drop(reader);
        others.join().unwrap();
        assert!(lock.try_write().is_ok());
    });
}

/// A reader holds it; a writer waits, and goes while the reader lets go; two readers wait behind the writer.
#[test]
fn f23_readers_behind_a_writer_that_goes_get_in() {
    check(|| {
        let (lock, events) = (lock(), [(); 3].map(|()| Event::new()));
        let held = lock.clone().try_read_owned().unwrap();
        let mut writer = Box::pin(lock.write());
        let (mut second, mut third) = (pin!(lock.read()), pin!(lock.read()));
        assert!(poll(writer.as_mut(), &events[0]).is_pending());
        assert!(poll(second.as_mut(), &events[1]).is_pending());
        assert!(poll(third.as_mut(), &events[2]).is_pending());
        let holder = thread::spawn(move || {
            held.look();
            drop(held);
        });
        drop(writer);
        events[1].wait();
        events[2].wait();
        let (Poll::Ready(second), Poll::Ready(third)) = (poll(second, &events[1]), poll(third, &events[2]))
        else {
            panic!("woken for nothing");
        };
        second.look();
        assert!(lock.try_write().is_err());
        drop((second, third));
        holder.join().unwrap();
        lock.try_write().expect("all have gone").change();
    });
}

/// A writer lets two readers in; the first goes when it has been chosen, and a writer waits behind them.
#[test]
fn f23_a_chosen_reader_that_goes_leaves_the_writer_behind_it_its_permits() {
    check(|| {
        let (lock, events) = (lock(), [Event::new(), Event::new()]);
        let held = lock.clone().try_write_owned().unwrap();
        let mut reader = Box::pin(lock.read());
        let mut writer = pin!(lock.write());
        assert!(poll(reader.as_mut(), &events[0]).is_pending());
        assert!(poll(writer.as_mut(), &events[1]).is_pending());
        let holder = thread::spawn(move || {
            held.change();
            drop(held);
        });
        drop(reader);
        events[1].wait();
        let Poll::Ready(writer) = poll(writer, &events[1]) else { panic!("woken for nothing") };
        writer.change();
        holder.join().unwrap();
        drop(writer);
        assert!(lock.try_write().is_ok());
    });
}
