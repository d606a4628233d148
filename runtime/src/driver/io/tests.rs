//! Tests of the driver's parts together: sources with waiters, tokens that have gone stale, real descriptors.

use super::interest::{Direction, Interest, Ready};
use super::mail::Sorting;
use super::source::Source;
use super::sys::Poller;
use super::table::Table;
use super::watch::Watch;
use super::{Dispatched, IoDriver};
use crate::prim::atomic::{AtomicUsize, Ordering::SeqCst};
use crate::wait::Batch;
use std::fs::File;
use std::future::Future;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

const BOTH: [Direction; 2] = [Direction::Read, Direction::Write];

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

impl Count {
    fn get(&self) -> usize {
        self.0.load(SeqCst)
    }
}

fn counter() -> (Arc<Count>, Waker) {
    let count = Arc::new(Count::default());
    (count.clone(), Waker::from(count))
}

/// Tells `source` an event, and wakes as the driver does.
fn tell(source: &Source, ready: Ready) {
    let (mut wakes, mut batch) = (source.dispatch(ready), Batch::new());
    while !source.gather(&mut wakes, &mut batch) {
        batch.wake();
    }
}

#[test]
fn f03_an_event_that_nobody_waits_for_is_there_for_the_next() {
    let source = Source::new();
    let (count, waker) = counter();
    let cx = Context::from_waker(&waker);
    assert!(source.poll_ready(Direction::Write, &cx).is_pending());
    tell(&source, Ready::READABLE);
    assert_eq!(count.get(), 0, "a writer is not woken for a reader's event");
    assert!(source.poll_ready(Direction::Read, &cx).is_ready());
    assert!(source.poll_ready(Direction::Write, &cx).is_pending());
    tell(&source, Ready::WRITABLE);
    assert_eq!(count.get(), 1);
}

#[test]
fn an_event_ends_every_wait_of_its_direction_however_many() {
    const WAITERS: usize = 100;
    let source = Source::new();
    let (count, waker) = counter();
    let mut cx = Context::from_waker(&waker);
    let mut waits: Vec<_> = (0..WAITERS).map(|_| Box::pin(source.wait_ready(Interest::READABLE))).collect();
    let mut writer = pin!(source.wait_ready(Interest::WRITABLE));
    let mut either = pin!(source.wait_ready(Interest::READABLE | Interest::WRITABLE));
    assert!(waits.iter_mut().all(|wait| wait.as_mut().poll(&mut cx).is_pending()));
    assert!(writer.as_mut().poll(&mut cx).is_pending());
    assert!(either.as_mut().poll(&mut cx).is_pending());
    assert!(source.poll_ready(Direction::Read, &cx).is_pending());

    tell(&source, Ready::READABLE);
    assert_eq!(count.get(), WAITERS + 2, "the readers, the one that takes either, and the slot");
    assert!(waits.iter_mut().all(|wait| wait.as_mut().poll(&mut cx).is_ready()));
    assert!(either.as_mut().poll(&mut cx).is_ready());
    assert!(writer.as_mut().poll(&mut cx).is_pending());
}

#[test]
fn waiters_that_come_back_are_not_gathered_for_ever() {
    let source = Source::new();
    let (_, waker) = counter();
    let mut cx = Context::from_waker(&waker);
    let mut waits: Vec<_> = (0..100).map(|_| Box::pin(source.wait_ready(Interest::READABLE))).collect();
    assert!(waits.iter_mut().all(|wait| wait.as_mut().poll(&mut cx).is_pending()));
    let (mut wakes, mut batch) = (source.dispatch(Ready::READABLE), Batch::new());
    let mut rounds = 0;
    while !source.gather(&mut wakes, &mut batch) {
        batch.wake();
        // One takes the readiness; all the others wait again, behind those not gathered yet.
        let event = source.ready(Interest::READABLE);
        source.clear(event.ok().flatten().unwrap_or_else(|| panic!("an event says so again below")));
        waits.iter_mut().for_each(|wait| assert!(wait.as_mut().poll(&mut cx).is_pending()));
        rounds += 1;
        assert!(rounds < 100, "the event hands on to those who were there, no others");
        let _ = source.dispatch(Ready::READABLE);
    }
}

#[test]
fn f27_wakers_left_in_a_source_go_with_its_owner() {
    let table = Table::default();
    let (count, waker) = counter();
    let entry = table.insert().expect("open");
    for direction in BOTH {
        assert!(entry.source().poll_ready(direction, &Context::from_waker(&waker)).is_pending());
    }
    drop(waker);
    assert_eq!(Arc::strong_count(&count), 3);
    table.remove(&entry);
    assert_eq!(Arc::strong_count(&count), 1);
    assert_eq!(count.get(), 0, "they are dropped, not woken");
}

#[test]
fn a_stale_token_finds_nothing_and_its_source_is_reused_only_after_a_turn() {
    let table = Table::default();
    let old = table.insert().expect("open");
    tell(old.source(), Ready::ALL);
    table.remove(&old);
    assert!(table.get(old.token()).is_none());
    let other = table.insert().expect("open");
    assert!(!std::ptr::eq(other.source(), old.source()), "an event that was fetched may still lead there");
    // The look-up came before the removal, the event after it.
    tell(old.source(), Ready::READABLE);
    table.recycle(table.retired());
    let new = table.insert().expect("open");
    assert!(std::ptr::eq(new.source(), old.source()));
    assert_ne!(new.token(), old.token());
    assert!(table.get(old.token()).is_none());
    assert!(table.get(new.token()).is_some_and(|source| std::ptr::eq(source, new.source())));
    let ready = new.source().ready(Interest::READABLE | Interest::WRITABLE);
    assert!(matches!(ready, Ok(None)), "the next owner sees nothing of the last one's events");
    assert_eq!(table.registered(), 2);
}

#[test]
fn sources_keep_their_place_while_the_table_grows() {
    let table = Table::default();
    let entries: Vec<_> = (0..1_000).map(|_| table.insert().expect("open")).collect();
    for entry in &entries {
        assert!(table.get(entry.token()).is_some_and(|source| std::ptr::eq(source, entry.source())));
    }
    assert!(table.get(usize::MAX).is_none());
    entries.iter().for_each(|entry| table.remove(entry));
    assert_eq!(table.registered(), 0);
}

#[test]
fn shutting_down_ends_waits_and_refuses_new_sources() {
    let (_poller, driver) = IoDriver::new(1).expect("a driver");
    let (ours, theirs) = pair();
    let entry = driver.register(ours.as_raw_fd(), Interest::READABLE).expect("a socket");
    let (count, waker) = counter();
    let mut cx = Context::from_waker(&waker);
    let mut wait = pin!(entry.source().wait_ready(Interest::READABLE));
    assert!(wait.as_mut().poll(&mut cx).is_pending());
    assert!(entry.source().poll_ready(Direction::Write, &cx).is_pending());

    driver.shut_down();
    assert_eq!(count.get(), 2);
    let Poll::Ready(Err(error)) = wait.as_mut().poll(&mut cx) else { panic!("the wait is over") };
    assert_eq!(error.kind(), io::ErrorKind::Other);
    assert!(error.to_string().contains("shut down"), "{error}");
    assert!(matches!(entry.source().poll_ready(Direction::Write, &cx), Poll::Ready(Err(_))));
    assert!(driver.register(theirs.as_raw_fd(), Interest::READABLE).is_err());
    driver.shut_down();
    driver.unwatch(&entry);
    driver.forget(&entry);
    assert_eq!(driver.registered(), 0);
}

pub(super) fn pair() -> (UnixStream, UnixStream) {
    let (ours, theirs) = UnixStream::pair().expect("a socket pair");
    ours.set_nonblocking(true).expect("non-blocking");
    (ours, theirs)
}

/// One turn: waits up to 10 s for events and hands them on.
fn turn(poller: &mut Poller, driver: &IoDriver) {
    poller.poll_until(Some(10_000_000_000), 0).expect("a poll");
    let mut batch = Batch::new();
    while driver.dispatch_events(poller, None, &mut batch) == Dispatched::BatchFull {
        batch.wake();
    }
}

#[test]
fn f01_readiness_of_a_real_socket_comes_back_after_it_was_taken() {
    let (mut poller, driver) = IoDriver::new(1).expect("a driver");
    let (mut ours, mut theirs) = pair();
    let entry = driver.register(ours.as_raw_fd(), Interest::READABLE).expect("a socket");
    let mut buf = [0; 8];
    for _ in 0..3 {
        theirs.write_all(b"x").expect("room");
        turn(&mut poller, &driver);
        let event = entry.source().ready(Interest::READABLE).expect("open").expect("an event");
        assert_eq!(ours.read(&mut buf).expect("a byte"), 1);
        assert_eq!(ours.read(&mut buf).map_err(|error| error.kind()), Err(io::ErrorKind::WouldBlock));
        entry.source().clear(event);
        assert!(matches!(entry.source().ready(Interest::READABLE), Ok(None)));
    }
    drop(theirs);
    turn(&mut poller, &driver);
    let event = entry.source().ready(Interest::READABLE).expect("open").expect("an event");
    assert!(event.ready().is_read_closed());
    driver.unwatch(&entry);
    driver.forget(&entry);
}

#[test]
fn fetched_events_outlive_a_full_batch_and_a_further_poll() {
    let (mut poller, driver) = IoDriver::new(1).expect("a driver");
    let (ours, mut theirs) = pair();
    let entry = driver.register(ours.as_raw_fd(), Interest::READABLE).expect("a socket");
    let (count, waker) = counter();
    let mut cx = Context::from_waker(&waker);
    let mut waits: Vec<_> =
        (0..80).map(|_| Box::pin(entry.source().wait_ready(Interest::READABLE))).collect();
    assert!(waits.iter_mut().all(|wait| wait.as_mut().poll(&mut cx).is_pending()));
    theirs.write_all(b"x").expect("room");

    poller.poll_until(None, 0).expect("an event");
    let mut rounds = 1;
    let mut batch = Batch::new();
    while driver.dispatch_events(&mut poller, None, &mut batch) == Dispatched::BatchFull {
        batch.wake();
        // Another holder of the poller: it must neither wait nor lose what is left.
        poller.poll_until(None, 0).expect("at once");
        rounds += 1;
    }
    batch.wake();
    assert_eq!((count.get(), rounds), (80, 3));
    driver.unwatch(&entry);
    driver.forget(&entry);
}

#[test]
fn f30_a_registration_that_fails_leaves_nothing_and_says_what_to_do() {
    let (_poller, driver) = IoDriver::new(1).expect("a driver");
    let file = File::open("/proc/self/exe").expect("our own program");
    let error = driver.register(file.as_raw_fd(), Interest::READABLE).expect_err("a regular file");
    assert!(error.to_string().contains("spawn_blocking"), "{error}");
    let error = driver.register(i32::MAX, Interest::READABLE).expect_err("no such descriptor");
    assert!(error.to_string().contains("2147483647"), "{error}");
    assert_eq!(driver.registered(), 0);

    let (ours, _theirs) = pair();
    let entry = driver.register(ours.as_raw_fd(), Interest::READABLE).expect("a socket");
    let error = driver.register(ours.as_raw_fd(), Interest::READABLE).expect_err("twice");
    assert!(error.to_string().contains("already"), "{error}");
    assert_eq!(driver.registered(), 1);
    driver.unwatch(&entry);
    driver.forget(&entry);
}

#[test]
fn a_wake_ends_the_wait_that_comes_after_it() {
    let (mut poller, driver) = IoDriver::new(1).expect("a driver");
    driver.wake().expect("a wake");
    poller.poll_until(None, 0).expect("a poll");
    assert!(poller.room.fetched.first().is_none());
}

#[test]
fn deadlines_are_kept_and_are_finer_than_a_millisecond() {
    let (mut poller, _driver) = IoDriver::new(1).expect("a driver");
    let start = Instant::now();
    let now_ns = || start.elapsed().as_nanos() as u64;
    let mut late_ns_min = u64::MAX;
    for _ in 0..100 {
        let deadline_ns = now_ns() + 200_000;
        while now_ns() < deadline_ns {
            poller.poll_until(Some(deadline_ns), now_ns()).expect("a poll");
        }
        late_ns_min = late_ns_min.min(now_ns() - deadline_ns);
    }
    assert!(late_ns_min < 700_000, "the best of many was {late_ns_min} ns late");
}

#[test]
fn a_deadline_that_is_near_counts_though_a_far_one_was_asked_for_before() {
    let (mut poller, driver) = IoDriver::new(1).expect("a driver");
    driver.wake().expect("a wake");
    poller.poll_until(Some(u64::MAX), 1).expect("a poll");
    let start = Instant::now();
    poller.poll_until(Some(1_000_000), 0).expect("a poll");
    assert!(start.elapsed() >= Duration::from_millis(1));
    // The near one is past: nothing is armed, and the next wait needs its own.
    poller.poll_until(Some(3_000_000), 2_000_000).expect("a poll");
    assert!(start.elapsed() >= Duration::from_millis(2));
}

#[test]
fn a_deadline_is_kept_when_the_clock_it_is_told_in_was_moved() {
    let (mut poller, driver) = IoDriver::new(1).expect("a driver");
    driver.wake().expect("a wake");
    let minute_ns = 60_000_000_000;
    poller.poll_until(Some(minute_ns), 0).expect("a poll");
    let start = Instant::now();
    poller.poll_until(Some(minute_ns), minute_ns - 1_000_000).expect("a poll");
    assert!((1..30_000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
}

/// Worker 0 turns a driver on which worker 1 looks after `sources` that are all ready. Returns how many of them have
/// had their event, and whether worker 1 was said to be gone.
fn sorted(sources: usize, is_at_work: impl Fn() -> bool) -> (IoDriverWith, usize, bool) {
    let (mut poller, driver) = IoDriver::new(2).expect("a driver");
    let pairs: Vec<_> = (0..sources).map(|_| pair()).collect();
    let register = |(ours, _): &(UnixStream, _)| driver.register(ours.as_raw_fd(), Interest::READABLE);
    let entries: Vec<_> = pairs.iter().map(|pair| register(pair).expect("a socket")).collect();
    for (entry, (_, theirs)) in entries.iter().zip(&pairs) {
        driver.settle(entry, 1);
        (&*theirs).write_all(b"x").expect("room");
    }
    let is_at_work = |_| is_at_work();
    let sorting = Sorting::new(0, &is_at_work);
    poller.poll_until(Some(10_000_000_000), 0).expect("a poll");
    assert_eq!(driver.dispatch_events(&mut poller, Some(&sorting), &mut Batch::new()), Dispatched::All);
    let is_gone = sorting.gone() == [1];
    let with = IoDriverWith { driver, entries, _pairs: pairs };
    let ready = with.ready();
    (with, ready, is_gone)
}

struct IoDriverWith {
    driver: Arc<IoDriver>,
    entries: Vec<Arc<Watch>>,
    _pairs: Vec<(UnixStream, UnixStream)>,
}

impl IoDriverWith {
    /// Sources that have had an event.
    fn ready(&self) -> usize {
        let is_ready =
            |entry: &&Arc<Watch>| entry.source().ready(Interest::READABLE).expect("open").is_some();
        self.entries.iter().filter(is_ready).count()
    }
}

impl Drop for IoDriverWith {
    fn drop(&mut self) {
        for entry in &self.entries {
            self.driver.unwatch(entry);
            self.driver.forget(entry);
        }
    }
}

#[test]
fn events_are_left_to_the_worker_that_looks_after_their_sources() {
    let (with, ready, is_gone) = sorted(3, || true);
    assert_eq!((ready, is_gone), (0, false));
    assert!(with.driver.has_mail(1) && !with.driver.has_mail(0));
    assert_eq!(with.driver.open_mail(1, &mut Batch::new()), Some(Dispatched::All));
    assert_eq!(with.ready(), 3);
    assert!(!with.driver.has_mail(1));
}

#[test]
fn nothing_is_left_to_one_who_is_not_at_work() {
    let (with, ready, is_gone) = sorted(3, || false);
    assert_eq!((ready, is_gone), (3, false));
    assert!(!with.driver.has_mail(1));
}

#[test]
fn one_who_goes_when_events_were_left_to_him_is_told_of() {
    let looks = AtomicUsize::new(0);
    let (with, ready, is_gone) = sorted(1, || looks.fetch_add(1, SeqCst) == 0);
    assert_eq!((ready, is_gone), (0, true));
    assert!(with.driver.has_mail(1), "to be taken back");
}

#[test]
fn removed_sources_are_freed_once_all_mailboxes_have_been_at_rest() {
    let (mut poller, driver) = IoDriver::new(2).expect("a driver");
    let (ours, _theirs) = pair();
    let fd = ours.as_raw_fd();
    let watch_and_forget = || {
        let entry = driver.register(fd, Interest::READABLE).expect("a socket");
        driver.unwatch(&entry);
        driver.forget(&entry);
    };
    let mut turn = |opened: &[usize]| {
        let _opened: Vec<_> = opened.iter().map(|&index| driver.mailboxes[index].open()).collect();
        poller.poll_until(Some(0), 1).expect("a poll");
        assert_eq!(driver.dispatch_events(&mut poller, None, &mut Batch::new()), Dispatched::All);
        driver.table.retired()
    };
    watch_and_forget();
    assert_eq!(turn(&[]), 1, "one is not worth it");
    watch_and_forget();
    assert_eq!(turn(&[1]), 2, "somebody is at a mailbox");
    watch_and_forget();
    assert_eq!(turn(&[0]), 1, "that one has been at rest; what came later waits for the next round");
}
