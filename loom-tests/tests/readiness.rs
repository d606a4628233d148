//! Readiness of a source: events against operations that find nothing.
//!
//! The promise: what the system said stays until an operation has found it stale; an event that comes between an
//! operation's look and its clear is not cleared with it (f01), nor does an event for one direction keep the other
//! from being cleared (f02); an event that nobody waits for is kept (f03); whoever waits is woken.
//!
//! The model plays a socket (bytes behind a lock, as in the kernel), a peer that adds bytes and tells the source, and
//! readers that read until the socket would block, clear, and wait.
//!
//! Broken on purpose, in `runtime/src/driver/io/`, and seen to fail:
//! - `Snapshot::clearable` ignores the ticks, `Readiness::clear` stores without comparing (f01): deadlocks.
//! - `Snapshot::clearable` compares both ticks for either direction (f02): writing is never cleared.
//! - `Readiness::set` calls a bit old that was cleared before, `dispatch` takes no waiters: deadlocks.
//! - `poll_ready` does not look again after it registered, `wait_ready` after it queued: deadlocks.
#![cfg(loom)]

use loom::thread;
use loom_tests::{Event, block_on, check};
use raddle_runtime::internals::Source;
use raddle_runtime::io::{Direction, Interest, Ready};
use raddle_runtime::prim::lock::Mutex;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A socket that one end adds bytes to and the other takes them from.
#[derive(Default)]
struct Socket {
    bytes: Mutex<usize>,
    source: Source,
}

impl Socket {
    fn receive(&self) {
        *self.bytes.lock() += 1;
        self.source.dispatch(Ready::READABLE);
    }

    /// Takes a byte, or `None` when it would block.
    fn take(&self) -> Option<()> {
        let mut bytes = self.bytes.lock();
        *bytes = bytes.checked_sub(1)?;
        Some(())
    }

    fn poll_read(&self, cx: &Context<'_>) -> Poll<()> {
        loop {
            let event = std::task::ready!(self.source.poll_ready(Direction::Read, cx));
            if self.take().is_some() {
                return Poll::Ready(());
            }
            self.source.clear(event);
        }
    }

    async fn read(&self) {
        loop {
            let event = self.source.wait_ready(Interest::READABLE).await;
            if self.take().is_some() {
                return;
            }
            self.source.clear(event);
        }
    }
}

fn receives(socket: &Arc<Socket>, times: usize) -> thread::JoinHandle<()> {
    let socket = socket.clone();
    thread::spawn(move || (0..times).for_each(|_| socket.receive()))
}

#[test]
fn f01_no_edge_is_lost_to_a_stale_clear() {
    check(|| {
        let socket = Arc::new(Socket::default());
        let peer = receives(&socket, 2);
        (0..2).for_each(|_| block_on(poll_fn(|cx| socket.poll_read(cx))));
        peer.join().unwrap();
    });
}

#[test]
fn f01_no_edge_is_lost_to_two_readers() {
    check(|| {
        let socket = Arc::new(Socket::default());
        let peer = receives(&socket, 2);
        let other = {
            let socket = socket.clone();
            thread::spawn(move || block_on(socket.read()))
        };
        block_on(poll_fn(|cx| socket.poll_read(cx)));
        other.join().unwrap();
        peer.join().unwrap();
    });
}

#[test]
fn an_event_wakes_all_who_wait_for_it() {
    check(|| {
        let source = Arc::new(Source::new());
        let waiter = {
            let source = source.clone();
            thread::spawn(move || block_on(source.wait_ready(Interest::READABLE)).ready())
        };
        let event = {
            let source = source.clone();
            thread::spawn(move || source.dispatch(Ready::READABLE))
        };
        let both = Interest::READABLE | Interest::WRITABLE;
        assert_eq!(block_on(source.wait_ready(both)).ready(), Ready::READABLE);
        assert_eq!(waiter.join().unwrap(), Ready::READABLE);
        event.join().unwrap();
    });
}

#[test]
fn f02_events_for_reading_do_not_keep_writing_ready() {
    check(|| {
        let socket = Arc::new(Socket::default());
        socket.source.dispatch(Ready::WRITABLE);
        let peer = receives(&socket, 2);
        let event = socket.source.ready(Interest::WRITABLE).expect("it was told of");
        // The operation would have blocked.
        socket.source.clear(event);
        assert!(socket.source.ready(Interest::WRITABLE).is_none(), "not cleared");
        peer.join().unwrap();
        assert!(socket.source.ready(Interest::READABLE).is_some(), "cleared with the other direction");
    });
}

#[test]
fn f03_an_event_that_nobody_waits_for_is_kept() {
    check(|| {
        let (socket, woken) = (Arc::new(Socket::default()), Event::new());
        let peer = receives(&socket, 1);
        // Waits for the other direction meanwhile.
        let waker = woken.waker();
        assert!(socket.source.poll_ready(Direction::Write, &Context::from_waker(&waker)).is_pending());
        block_on(socket.read());
        peer.join().unwrap();
    });
}
