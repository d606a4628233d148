//! Readers and writers.
//!
//! The promise: a writer is alone, and sees what all readers and writers before it did; readers that wait behind a
//! writer get in all together when it lets go, or goes (f23); no writer comes in between while one becomes a reader.
//!
//! The models play readers and writers against each other, and against waiters that go.
//!
//! Broken on purpose, in `sync/src/permits.rs` unless another file is named, and seen to fail:
//! - `put_back` or `release` adds to the word with Relaxed: a reader is beside the writer before, or after.
//! - `is_no_news` holds for the last permit that was missing: deadlock, the writer waits.
//! - `put_back` never says that the front can be served now: deadlock, for a permit was given back beside the one who
//!   had the others in its hand.
//! - `take_free` loads and `put_back` stores what is shared: what a reader gives back beside them is lost.
//! - `release` passes the line by with more than one permit: deadlock, readers wait behind a writer that has gone.
//! - `try_acquire` overtakes those in line: one that tries to write gets in before the readers in line.
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

/// Two readers let go at the same time while a writer waits: one of them is the last, and must know it.
#[test]
fn the_last_of_two_readers_lets_the_writer_in() {
    check(|| {
        let (lock, woken) = (lock(), Event::new());
        let held = [(); 2].map(|()| lock.clone().try_read_owned().unwrap());
        let mut writer = pin!(lock.write());
        assert!(poll(writer.as_mut(), &woken).is_pending());
        let holders = held.map(|held| {
            thread::spawn(move || {
                held.look();
                drop(held);
            })
        });
        // Without waiting to be woken, which would order it behind all that the one did who chose it.
        while let Poll::Pending = poll(writer.as_mut(), &woken).map(|writer| writer.change()) {
            thread::yield_now();
        }
        for holder in holders {
            holder.join().unwrap();
        }
        assert!(lock.try_write().is_ok());
    });
}

/// The writer in front goes while the last reader but one lets go, and another writer waits behind it: what is in the
/// hand of the one is missing from what the other sees.
#[test]
fn f23_a_permit_given_back_while_others_are_handed_out_is_not_lost() {
    check(|| {
        let (lock, events) = (lock(), [(); 2].map(|()| Event::new()));
        let held = lock.clone().try_read_owned().unwrap();
        let mut first = Box::pin(lock.write());
        let mut second = pin!(lock.write());
        assert!(poll(first.as_mut(), &events[0]).is_pending());
        assert!(poll(second.as_mut(), &events[1]).is_pending());
        let holder = thread::spawn(move || {
            held.look();
            drop(held);
        });
        drop(first);
        events[1].wait();
        let Poll::Ready(second) = poll(second, &events[1]) else { panic!("woken for nothing") };
        second.change();
        drop(second);
        holder.join().unwrap();
        assert!(lock.try_write().is_ok());
    });
}

/// A writer lets in a reader that goes at once, while the writer still hands out, and a writer waits behind it.
#[test]
fn a_reader_that_was_let_in_and_goes_meets_the_one_that_hands_out() {
    check(|| {
        let (lock, events) = (lock(), [(); 2].map(|()| Event::new()));
        let held = lock.clone().try_write_owned().unwrap();
        let mut reader = pin!(lock.read());
        let mut writer = pin!(lock.write());
        assert!(poll(reader.as_mut(), &events[0]).is_pending());
        assert!(poll(writer.as_mut(), &events[1]).is_pending());
        let holder = thread::spawn(move || {
            held.change();
            drop(held);
        });
        // Without waiting to be woken: it may be chosen, and go, before the writer has put the rest back.
        while let Poll::Pending = poll(reader.as_mut(), &events[0]).map(|reader| reader.look()) {
            thread::yield_now();
        }
        events[1].wait();
        let Poll::Ready(writer) = poll(writer, &events[1]) else { panic!("woken for nothing") };
        writer.change();
        drop(writer);
        holder.join().unwrap();
        assert!(lock.try_write().is_ok());
    });
}
