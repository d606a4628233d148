//! Polls that take for ever: the rest goes on. On the real clock, one test at a time, in a process of their own.
//!
//! f12: a stuck task holds the I/O driver and freezes everything.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::gate::Gate;
use common::stuck::{MS, STUCK, alone, be_stuck, sleep_of_10_ms, stick};
use common::{HANGS, SOON, multi_thread, within, yields};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use raddle::net::{TcpListener, TcpStream};
use raddle::runtime::{Builder, Runtime};
use raddle::time::sleep;
use raddle::{block_in_place, spawn, spawn_pinned, yield_now};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// An echo server on the runtime; its client is a plain socket on this thread, so that only the server depends on it.
fn echo(runtime: &Runtime) -> std::net::TcpStream {
    let listener = runtime.block_on(async { TcpListener::bind("127.0.0.1:0").await.unwrap() });
    let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut served, _) = runtime.block_on(listener.accept()).unwrap();
    let server = async move {
        let mut byte = [0];
        while served.read(&mut byte).await.unwrap_or(0) == 1 {
            served.write_all(&byte).await.unwrap();
        }
    };
    runtime.spawn(server).detach();
    let mut client = client;
    round_trip(&mut client);
    client
}

fn round_trip(client: &mut std::net::TcpStream) -> Duration {
    use std::io::{Read, Write};
    let began = Instant::now();
    client.write_all(b"x").unwrap();
    client.read_exact(&mut [0]).unwrap();
    began.elapsed()
}

/// The time `measure` takes with so many of two workers stuck: the best of a few tries, until one is within `bound`.
/// The machine may be busy with something else, the runtime may not.
fn measured(
    what: &str,
    stuck: usize,
    bound: Duration,
    measure: fn(&Runtime, &mut std::net::TcpStream) -> Duration,
) {
    let mut tries = Vec::new();
    for _ in 0..5 {
        let found = within(HANGS, move || {
            let runtime = multi_thread(2).build().unwrap();
            let mut client = echo(&runtime);
            let release = Gate::new();
            stick(&runtime, stuck, &release);
            let found = measure(&runtime, &mut client);
            release.open();
            found
        });
        tries.push(found);
        if found < bound {
            return println!("{stuck} of 2 stuck: {what} {found:?}");
        }
    }
    panic!("with {stuck} of 2 workers stuck, {what}: {tries:?}");
}

fn on_time(stuck: usize, bound: Duration) {
    measured("a sleep of 10 ms takes", stuck, bound, |runtime, _| sleep_of_10_ms(runtime));
    measured("an echo takes", stuck, bound, |_, client| round_trip(client));
    // When the poll has lasted long enough to be noticed, and someone has been put in the place of its worker.
    measured("later an echo takes", stuck, bound, |runtime, client| {
        sleep_of_10_ms(runtime);
        round_trip(client)
    });
}

#[test]
fn f12_with_one_of_two_workers_stuck_timers_and_sockets_take_20_ms() {
    let _alone = alone();
    on_time(1, 20 * MS);
}

#[test]
fn f12_with_both_workers_stuck_timers_and_sockets_take_150_ms() {
    let _alone = alone();
    on_time(2, 150 * MS);
}

/// How a worker comes to be of no use to others.
#[derive(Debug, Clone, Copy)]
enum Away {
    Stuck,
    BlockedInPlace,
    /// In polls of 5 ms, one after the other.
    Slow,
}

async fn be_away(how: Away, until: &Gate) {
    match how {
        Away::Stuck => be_stuck(until, false),
        Away::BlockedInPlace => block_in_place(|| be_stuck(until, false)),
        Away::Slow => {
            while !until.is_open() {
                let began = Instant::now();
                while began.elapsed() < 5 * MS {
                    std::hint::spin_loop();
                }
                yield_now().await;
            }
        }
    }
}

/// Sends a worker away, until the result is opened.
fn send_away(runtime: &Runtime, how: Away) -> Gate {
    let (gone, release) = (Gate::new(), Gate::new());
    let (here, until) = (gone.clone(), release.clone());
    let goes = async move {
        here.open();
        be_away(how, &until).await;
    };
    runtime.spawn(goes).detach();
    gone.block();
    release
}

/// Sockets that were served on either worker, one of which is then away.
fn round_trips_while_a_worker_is(away: Away) -> Duration {
    use std::io::{Read, Write};
    let runtime = multi_thread(2).build().unwrap();
    let mut clients: Vec<_> = (0..32).map(|_| echo(&runtime)).collect();
    // All at once and several times, so that both workers have a part in it.
    let mut all = || {
        let began = Instant::now();
        clients.iter_mut().for_each(|client| client.write_all(b"x").unwrap());
        clients.iter_mut().for_each(|client| client.read_exact(&mut [0]).unwrap());
        began.elapsed()
    };
    for _ in 0..50 {
        all();
    }
    let release = send_away(&runtime, away);
    let took = all();
    release.open();
    took
}

#[test]
fn f12_events_left_to_a_worker_that_is_away_are_taken_by_another() {
    let _alone = alone();
    for away in [Away::Stuck, Away::BlockedInPlace, Away::Slow] {
        let once = move || round_trips_while_a_worker_is(away);
        let tries: Vec<_> = (0..5).map(|_| within(HANGS, once)).collect();
        println!("32 echoes with a worker {away:?}: {tries:?}");
        assert!(tries.iter().any(|took| *took < 10 * MS), "with a worker {away:?}: {tries:?}");
        assert!(tries.iter().all(|took| *took < STUCK), "with a worker {away:?}: {tries:?}");
    }
}

/// Keeps all workers awake while it lives.
struct Busy(Gate);

impl Busy {
    fn start(runtime: &Runtime) -> Self {
        let over = Gate::new();
        for _ in 0..8 {
            let until = over.clone();
            let yields = async move {
                while !until.is_open() {
                    yield_now().await;
                }
            };
            runtime.spawn(yields).detach();
        }
        Self(over)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.open();
    }
}

/// Connections that have settled with either worker, one of which is then away while the other may have much to do.
fn round_trips_of_settled_connections(away: Away, is_other_busy: bool) -> Duration {
    let runtime = multi_thread(2).build().unwrap();
    let mut clients: Vec<_> = (0..32).map(|_| echo(&runtime)).collect();
    let mut all = || clients.iter_mut().map(round_trip).sum();
    let busy = Busy::start(&runtime);
    let began = Instant::now();
    while runtime.metrics().io_settled() < 32 && began.elapsed() < HANGS / 2 {
        let _: Duration = all();
    }
    // Off Linux there is nothing to settle in.
    let settled = runtime.metrics().io_settled();
    assert!(settled >= 32 || !cfg!(target_os = "linux"), "{settled} have settled");
    let _busy = is_other_busy.then_some(busy);
    let release = send_away(&runtime, away);
    let took = all();
    release.open();
    took
}

/// The monitor finds a stuck worker after 10 to 15 ms; from then on whoever looks for events looks at its own, too. One
/// that goes on in polls of 5 ms comes to its events by itself after each.
#[test]
fn f12_connections_that_have_settled_with_a_worker_that_is_away_are_served_by_another() {
    let _alone = alone();
    for (away, is_other_busy, bound) in [
        (Away::Stuck, false, 10 * MS),
        (Away::BlockedInPlace, false, 10 * MS),
        (Away::Slow, false, 10 * MS),
        (Away::Stuck, true, 100 * MS),
        (Away::BlockedInPlace, true, 100 * MS),
    ] {
        let once = move || round_trips_of_settled_connections(away, is_other_busy);
        let tries: Vec<_> = (0..5).map(|_| within(HANGS, once)).collect();
        println!("32 settled echoes, a worker {away:?}, the other busy: {is_other_busy}: {tries:?}");
        assert!(tries.iter().any(|took| *took < bound), "with a worker {away:?}: {tries:?}");
        assert!(tries.iter().all(|took| *took < STUCK), "with a worker {away:?}: {tries:?}");
    }
}

/// One task in the queue of a stuck worker, while the other has always something of its own to run.
#[test]
fn f12_a_task_behind_a_stuck_one_runs_though_the_other_worker_is_never_idle() {
    let _alone = alone();
    within(HANGS, || {
        let runtime = multi_thread(2).build().unwrap();
        let _busy = Busy::start(&runtime);
        let (release, ran) = (Gate::new(), Arc::new(AtomicUsize::new(0)));
        let began = Instant::now();
        let stuck = runtime.spawn(push_and_be_stuck(ran.clone(), release.clone()));
        common::eventually("they ran", || ran.load(SeqCst) == 50);
        let took = began.elapsed();
        println!("50 tasks of a stuck one ran beside a busy worker after {took:?}");
        assert!(took < STUCK / 4, "only when the poll was over: {took:?}");
        release.open();
        runtime.block_on(stuck).unwrap();
    });
}

/// The sleep began before the workers got stuck.
#[test]
fn f12_a_sleep_that_began_before_both_workers_got_stuck_fires_within_150_ms() {
    let _alone = alone();
    measured("at first, then both: a sleep of 10 ms takes", 0, 150 * MS, |runtime, _| {
        let began = Instant::now();
        let sleeper = runtime.spawn(async move {
            sleep(10 * MS).await;
            began.elapsed()
        });
        let release = Gate::new();
        stick(runtime, 2, &release);
        let took = runtime.block_on(sleeper).unwrap();
        release.open();
        took
    });
}

#[test]
fn f12_a_task_that_gets_stuck_with_the_event_it_was_woken_by_does_not_keep_the_driver() {
    let _alone = alone();
    within(HANGS, || {
        let runtime = multi_thread(2).build().unwrap();
        let (mut first, mut second) = (echo(&runtime), echo(&runtime));
        for _ in 0..3 {
            let release = Gate::new();
            let (listener, until) =
                (runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap(), release.clone());
            let (addr, stuck) = (listener.local_addr().unwrap(), Gate::new());
            let here = stuck.clone();
            runtime
                .spawn(async move {
                    drop(listener.accept().await);
                    here.open();
                    be_stuck(&until, true);
                })
                .detach();
            std::thread::sleep(5 * MS);
            drop(std::net::TcpStream::connect(addr).unwrap());
            stuck.block();
            let (one, two) = (round_trip(&mut first), round_trip(&mut second));
            let slept = sleep_of_10_ms(&runtime);
            release.open();
            println!("beside a stuck reader: {one:?} {two:?}, a sleep of 10 ms: {slept:?}");
            assert!(one < STUCK / 4 && two < STUCK / 4 && slept < STUCK / 4);
        }
    });
}

/// A poll that pushes tasks and then gets stuck does not keep them, nor what is in its fast slot.
#[test]
fn tasks_pushed_by_a_stuck_poll_are_run_by_others() {
    let _alone = alone();
    for workers in [1, 2] {
        within(HANGS, move || {
            let runtime = multi_thread(workers).build().unwrap();
            let (release, ran) = (Gate::new(), Arc::new(AtomicUsize::new(0)));
            let began = Instant::now();
            let stuck = runtime.spawn(push_and_be_stuck(ran.clone(), release.clone()));
            common::eventually("they ran", || ran.load(SeqCst) == 50);
            let took = began.elapsed();
            println!("{workers} workers: 50 tasks of a stuck one ran after {took:?}");
            assert!(took < STUCK / 2, "only when the poll was over: {took:?}");
            release.open();
            runtime.block_on(stuck).unwrap();
        });
    }
}

async fn push_and_be_stuck(ran: Arc<AtomicUsize>, release: Gate) {
    for _ in 0..50 {
        let ran = ran.clone();
        spawn(async move { ran.fetch_add(1, SeqCst) }).detach();
    }
    be_stuck(&release, false);
}

#[test]
fn a_pinned_task_behind_a_stuck_one_goes_on_when_that_is_over() {
    let _alone = alone();
    within(HANGS, || {
        let runtime = multi_thread(1).blocked_after(10 * MS).build().unwrap();
        let (release, _entered) = (Gate::new(), runtime.enter());
        let behind = spawn_pinned(|| async {
            yields(5).await;
            sleep(MS).await;
        });
        stick(&runtime, 1, &release);
        assert!(sleep_of_10_ms(&runtime) < STUCK);
        release.open();
        runtime.block_on(behind).unwrap();
    });
}

#[test]
fn blocking_in_place_keeps_nothing_from_the_others() {
    let _alone = alone();
    for workers in [1, 2] {
        within(HANGS, move || {
            let runtime = multi_thread(workers).build().unwrap();
            let mut client = echo(&runtime);
            let release = Gate::new();
            for _ in 0..4 {
                let stuck = Gate::new();
                runtime.spawn(block_until(stuck.clone(), release.clone())).detach();
                stuck.block();
            }
            let (slept, trip) = (sleep_of_10_ms(&runtime), round_trip(&mut client));
            release.open();
            println!(
                "{workers} workers, 4 tasks blocked in place: a sleep of 10 ms {slept:?}, an echo {trip:?}"
            );
            assert!(slept < 150 * MS && trip < 150 * MS);
            assert_eq!(runtime.metrics().blocked_polls(), 0, "that is what it is for");
            assert!(runtime.shutdown(SOON).is_clean());
        });
    }
}

async fn block_until(here: Gate, release: Gate) {
    block_in_place(|| {
        here.open();
        be_stuck(&release, false);
    });
}

#[test]
fn a_stuck_root_stops_no_task() {
    let _alone = alone();
    within(HANGS, || {
        let runtime = Builder::new().worker_threads(1).build().unwrap();
        let ran = Gate::new();
        runtime.block_on(async {
            let mark = ran.clone();
            spawn(async move {
                sleep(MS).await;
                mark.open();
            })
            .detach();
            // No await: the root's thread is no worker.
            ran.block();
        });
        let connected = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            TcpStream::connect(listener.local_addr().unwrap()).await.is_ok()
        });
        assert!(connected);
    });
}
