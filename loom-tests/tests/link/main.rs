//! A connection of `raddle-net`: its word of flags, the lock of its outbox, its flusher or owner, those who wait.
//!
//! The promise: what was accepted is sent, once and in order, whoever writes, and before the end where it was closed
//! and not aborted; there is one flusher while something is kept; whoever waits for room, for the end or for something
//! to read hears of it; an owner hears of each change; a loss is never taken for a clean end.
//!
//! The model compiles `net`'s own `link.rs`, `outbox.rs`, `word.rs` and the driver of protocols, and plays what is
//! below them: a socket, its peer, and a runtime for flushers.
//!
//! Broken on purpose, in `net/src/transport/`, and seen to fail:
//! - `poll_read` takes the end of a closed connection, or 0 from the system, for a clean one without asking why.
//! - `kept` does not note that there is a flusher now: two of them. `sent` does not note that there is none any more,
//!   does not release those who drain; `end` does not release those who wait, or leaves the word as it is; `close` does
//!   not end the reading, `abandon` does nothing: deadlocks.
//! - `end`, `pay` or `set_paused` does not wake the owner; `kept` changes the word after the wake; the driver looks at
//!   the word before it registers, or not again after it: deadlocks.
//! - `close` ends the connection though something is kept; `write` tries the system though something is: bytes are
//!   lost, or out of order.
#![cfg(loom)]
#![allow(
    dead_code,
    unexpected_cfgs,
    unreachable_pub,
    reason = "the files are another crate's, and each has more than a model needs"
)]

#[path = "../../../net/src/transport/driver.rs"]
mod driver;
#[path = "../../../net/src/transport/flush.rs"]
mod flush;
#[path = "../../../net/src/transport/handle.rs"]
mod handle;
#[path = "../../../net/src/transport/link.rs"]
mod link;
#[path = "../../../net/src/transport/outbox.rs"]
mod outbox;
mod plain;
#[path = "../../../net/src/transport/protocol.rs"]
mod protocol;
#[path = "../../../net/src/transport/word.rs"]
mod word;

/// A link's place in a server: another model's.
mod server {
    #[derive(Debug)]
    pub(crate) struct Member;
}

use driver::Driver;
use handle::Transport;
use link::Link;
use loom::thread;
use loom_tests::{block_on, check};
use plain::{Handle, Plain, Spawned, Wire};
use protocol::Protocol;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;

/// A link whose socket has room for so many bytes, and where its flushers go.
fn link(room: usize) -> (Link, Arc<Wire>, Arc<Spawned>) {
    let (wire, spawned) = (Wire::new(room), Spawned::new());
    (Link::new(Plain::new(&wire)), wire, spawned)
}

fn read(link: &Link) -> io::Result<usize> {
    block_on(poll_fn(|cx| link.poll_read(cx, &mut [0; 2])))
}

#[test]
fn the_bytes_of_two_writers_are_sent_once_and_whole() {
    check(|| {
        let (link, wire, spawned) = link(1);
        let other = {
            let link = link.clone();
            thread::spawn(move || link.write(b"bc"))
        };
        let flushes = {
            let spawned = spawned.clone();
            thread::spawn(move || spawned.run())
        };
        link.write(b"a");
        wire.take(2);
        other.join().unwrap();
        link.close();
        block_on(link.wait_closed()).expect("not lost");
        spawned.close();
        flushes.join().unwrap();
        assert!([b"abc", b"bca"].contains(&&wire.sent()[..].try_into().unwrap()), "{:?}", wire.sent());
    });
}

#[test]
fn what_is_written_when_a_flusher_ends_is_sent_by_the_next() {
    check(|| {
        let (link, wire, spawned) = link(0);
        link.write(b"a");
        let flushes = {
            let spawned = spawned.clone();
            thread::spawn(move || spawned.run())
        };
        wire.take(1);
        link.write(b"b");
        wire.take(1);
        link.close();
        block_on(link.wait_closed()).expect("not lost");
        spawned.close();
        flushes.join().unwrap();
        assert_eq!(wire.sent(), b"ab");
    });
}

#[test]
fn whoever_drains_hears_that_there_is_room() {
    check(|| {
        let (link, wire, spawned) = link(0);
        link.set_write_buffer_limits(Some(0), None);
        link.write(b"ab");
        let drains = {
            let (link, wire) = (link.clone(), wire.clone());
            thread::spawn(move || {
                block_on(link.drain()).expect("not lost");
                assert_eq!(wire.sent(), b"ab");
            })
        };
        let peer = {
            let wire = wire.clone();
            thread::spawn(move || (0..2).for_each(|_| wire.take(1)))
        };
        spawned.close();
        spawned.run();
        drains.join().unwrap();
        peer.join().unwrap();
    });
}

/// How a connection ends that has bytes which nobody takes.
fn ends_for_all(lost: bool, end: impl Fn(&Link, &Wire, &Spawned) + Send + Sync + 'static) {
    check(move || {
        let (link, wire, spawned) = link(0);
        link.set_write_buffer_limits(Some(0), None);
        link.write(b"a");
        let drains = {
            let link = link.clone();
            thread::spawn(move || block_on(link.drain()).expect_err("it ended before there was room"))
        };
        let waits = {
            let link = link.clone();
            thread::spawn(move || assert_eq!(block_on(link.wait_closed()).is_err(), lost))
        };
        end(&link, &wire, &spawned);
        spawned.close();
        spawned.run();
        drains.join().unwrap();
        waits.join().unwrap();
        assert!(wire.sent().is_empty() && link.is_closing());
    });
}

#[test]
fn an_abort_ends_every_wait() {
    ends_for_all(false, |link, _, _| link.abort());
}

#[test]
fn a_reset_ends_every_wait() {
    ends_for_all(true, |_, wire, _| wire.reset());
}

#[test]
fn a_flusher_that_is_dropped_ends_every_wait() {
    ends_for_all(true, |_, _, spawned| spawned.drop_next());
}

#[test]
fn whoever_reads_hears_of_a_close_on_this_side() {
    check(|| {
        let (link, wire, spawned) = link(0);
        // Kept, so that the close does not end the connection yet.
        link.write(b"a");
        let reads = {
            let link = link.clone();
            thread::spawn(move || assert_eq!(read(&link).expect("closed, not lost"), 0))
        };
        link.close();
        reads.join().unwrap();
        wire.take(1);
        spawned.close();
        spawned.run();
        assert_eq!(wire.sent(), b"a");
    });
}

#[test]
fn a_reset_that_the_writer_meets_is_no_clean_end_for_the_reader() {
    check(|| {
        let (link, wire, _spawned) = link(1);
        let reads = {
            let link = link.clone();
            thread::spawn(move || read(&link).expect_err("lost"))
        };
        wire.reset();
        link.write(b"a");
        reads.join().unwrap();
        assert!(link.is_closing());
    });
}

/// Remembers what it was told.
#[derive(Default)]
struct Told {
    transport: Option<Transport>,
    data: Vec<u8>,
    is_paused: bool,
    pauses: usize,
    lost: Option<Option<io::Error>>,
}

impl Protocol for Told {
    fn connection_made(&mut self, transport: Transport) {
        self.transport = Some(transport);
    }

    fn data_received(&mut self, data: &[u8]) {
        let transport = self.transport.as_ref().expect("it was made before");
        assert!(transport.is_reading() || transport.is_closing(), "told while reading is paused");
        self.data.extend(data);
    }

    fn connection_lost(&mut self, error: Option<io::Error>) {
        assert!(self.lost.replace(error).is_none(), "lost twice");
    }

    fn pause_writing(&mut self) {
        assert!(!std::mem::replace(&mut self.is_paused, true), "paused twice");
        self.pauses += 1;
    }

    fn resume_writing(&mut self) {
        assert!(std::mem::replace(&mut self.is_paused, false), "resumed twice");
    }
}

/// A connection that a driver owns, and what is below it. The link is to be kept until all threads have ended, for the
/// model does not see what its counter of references orders.
fn driven(room: usize) -> (Driver<Told, protocol::Streaming>, Link, Arc<Wire>) {
    let (link, wire, _) = link(room);
    link.set_write_buffer_limits(Some(0), None);
    let driver = Driver::new(link.clone(), Told::default());
    (driver, link, wire)
}

#[test]
fn an_owner_hears_of_what_others_write_and_of_the_close() {
    check(|| {
        let (mut driver, _link, wire) = driven(0);
        let transport = driver.make();
        let writer = thread::spawn(move || {
            transport.write(b"ab");
            transport.close();
        });
        let peer = {
            let wire = wire.clone();
            thread::spawn(move || (0..2).for_each(|_| wire.take(1)))
        };
        let told = block_on(driver.run());
        writer.join().unwrap();
        peer.join().unwrap();
        assert_eq!(wire.sent(), b"ab");
        assert!(!told.is_paused && told.pauses <= 1 && matches!(told.lost, Some(None)));
    });
}

/// It waits for nothing else: it does not read, and nothing is kept at first.
#[test]
fn an_owner_that_does_not_read_hears_of_a_write_and_of_an_abort() {
    check(|| {
        let (mut driver, _link, wire) = driven(0);
        let transport = driver.make();
        transport.pause_reading();
        let writes = {
            let wire = wire.clone();
            thread::spawn(move || {
                transport.write(b"a");
                wire.take(1);
                while wire.sent().is_empty() {
                    thread::yield_now();
                }
                transport.abort();
            })
        };
        let told = block_on(driver.run());
        writes.join().unwrap();
        assert!(!told.is_paused && matches!(told.lost, Some(None)));
    });
}

#[test]
fn an_owner_hears_that_it_may_read_again() {
    check(|| {
        let (mut driver, _link, wire) = driven(0);
        let transport = driver.make();
        transport.pause_reading();
        wire.feed(b"a");
        let resumes = thread::spawn(move || transport.resume_reading());
        let peer = thread::spawn(move || wire.finish());
        let told = block_on(driver.run());
        resumes.join().unwrap();
        peer.join().unwrap();
        assert_eq!(told.data, b"a");
        assert!(matches!(told.lost, Some(None)));
    });
}
