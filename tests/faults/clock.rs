//! Time that overflows, and time that stands still: f21 f22.

use crate::common::gate::Gate;
use crate::common::{HANGS, SOON, either, multi_thread, on_both, on_both_built, poll_once, within};
use raddle::time::{
    Duration, Instant, MissedTick, advance, interval, interval_at, sleep, sleep_until, timeout,
};
use raddle::{block_in_place, gather, spawn, spawn_blocking};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Poll, Waker};

const SECOND: Duration = Duration::from_secs(1);
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

#[test]
fn f21_the_longest_sleep_is_never_over_and_breaks_nothing() {
    on_both(|runtime| {
        runtime.block_on(async {
            let for_ever = spawn(sleep(Duration::MAX));
            let limited = spawn(timeout(Duration::MAX, async { 7 }));
            assert!(timeout(Duration::from_millis(5), sleep(Duration::MAX)).await.is_err());
            assert_eq!(limited.await.unwrap(), Ok(7));
            let mut sleep = Box::pin(sleep(Duration::MAX));
            assert!(poll_once(&mut sleep).await.is_none());
            assert!(sleep.deadline() > Instant::now() + 10 * YEAR);
            assert!(!sleep.is_elapsed());
            sleep.as_mut().reset(Instant::now());
            sleep.await;
            assert!(!for_ever.is_finished());
        });
    });
}

#[test]
fn f21_far_deadlines_are_in_order() {
    on_both_built(
        |builder| builder.start_paused(true),
        |runtime| {
            runtime.block_on(async {
                let began = Instant::now();
                for years in [1, 10, 100, 200] {
                    sleep_until(began + years * YEAR).await;
                    assert_eq!(Instant::now() - began, years * YEAR);
                }
                sleep(Duration::from_nanos(1)).await;
                assert_eq!(Instant::now() - began, 200 * YEAR + Duration::from_nanos(1));
            });
        },
    );
}

/// Paused time once went to its end for a sleep that is due after it, stood there for ever, and kept a core busy.
#[test]
fn f21_paused_time_does_not_move_for_what_is_never_due() {
    on_both_built(
        |builder| builder.start_paused(true),
        |runtime| {
            let began = runtime.block_on(async { Instant::now() });
            for years in [293, 300, 584, 585] {
                let parks = runtime.metrics().parks();
                let (gate, metrics) = (Gate::new(), runtime.metrics());
                let opener = gate.clone();
                let waker = std::thread::spawn(move || {
                    // Somebody has gone to sleep, for there is nothing else to do.
                    crate::common::eventually("all rest", || metrics.parks() > parks && opener.waits() > 0);
                    opener.open();
                });
                runtime.block_on(async { either(sleep(years * YEAR), gate.wait()).await });
                waker.join().unwrap();
                assert_eq!(runtime.block_on(async { Instant::now() }), began, "{years} years");
            }
        },
    );
}

#[test]
fn f21_a_sleep_beyond_the_end_of_the_clock_does_not_stop_the_others() {
    on_both_built(
        |builder| builder.start_paused(true),
        |runtime| {
            for years in [292, 293, 300, 584, 585] {
                let gate = Gate::new();
                let opener = gate.clone();
                let waker = std::thread::spawn(move || {
                    crate::common::eventually("the root waits", || opener.waits() > 0);
                    opener.open();
                });
                runtime.block_on(async {
                    either(sleep(years * YEAR), gate.wait()).await;
                    gate.wait().await;
                    sleep(Duration::from_secs(1)).await;
                    timeout(Duration::from_secs(1), std::future::pending::<()>()).await.unwrap_err();
                });
                waker.join().unwrap();
            }
        },
    );
}

#[test]
fn f21_the_longest_period_ticks_once() {
    on_both(|runtime| {
        runtime.block_on(async {
            for missed in [MissedTick::Burst, MissedTick::Delay, MissedTick::Skip] {
                let mut ticks = interval(Duration::MAX);
                ticks.set_missed_tick(missed);
                ticks.tick().await;
                assert!(poll_once(ticks.tick()).await.is_none());
                ticks.reset();
                assert!(poll_once(ticks.tick()).await.is_none());
                let past = Instant::now() - Duration::from_micros(1);
                let mut ticks = interval_at(past, Duration::from_secs(u64::MAX));
                ticks.set_missed_tick(missed);
                assert_eq!(ticks.tick().await, past);
            }
        });
    });
}

#[test]
fn f21_time_never_goes_back() {
    on_both(|runtime| {
        runtime.block_on(async {
            let mut last = Instant::now();
            for turn in 0..2_000_u32 {
                match turn % 100 {
                    0 => raddle::time::pause(),
                    50 => {
                        advance(Duration::from_nanos(u64::from(turn))).await;
                        raddle::time::resume();
                    }
                    _ => {}
                }
                let now = Instant::now();
                assert!(now >= last, "{:?} back", last - now);
                last = now;
            }
            assert_eq!(last.duration_since(last + Duration::from_secs(1)), Duration::ZERO);
        });
    });
}

/// As `on_both`, on a paused clock.
fn on_paused(test: impl Fn(&raddle::runtime::Runtime) + Copy + Send + 'static) {
    on_both_built(|builder| builder.start_paused(true), test);
}

#[test]
fn f22_paused_time_stands_still_while_a_blocking_call_runs() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let began = Instant::now();
            let hour = spawn(sleep(Duration::from_secs(3600)));
            let call = spawn_blocking(|| {
                std::thread::sleep(Duration::from_millis(30));
                Instant::now()
            });
            assert_eq!(call.await.unwrap(), began);
            assert!(!hour.is_finished());
            hour.await.unwrap();
            assert_eq!(Instant::now() - began, Duration::from_secs(3600));
        });
    });
}

/// One poll, longer than what the monitor takes for stuck, sees no time pass, although others go to sleep meanwhile.
fn f22_long_poll(in_place: bool) {
    for workers in [1, 2, 3] {
        within(HANGS, move || {
            let builder = multi_thread(workers).start_paused(true);
            let runtime = builder.blocked_after(Duration::from_millis(20)).build().unwrap();
            let gate = Gate::new();
            runtime.spawn(gate.wait()).detach();
            let opener = std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(70));
                gate.open();
            });
            let passed = runtime.block_on(passed_during_a_long_poll(in_place));
            assert_eq!(passed, Duration::ZERO, "with {workers} workers");
            opener.join().unwrap();
        });
    }
}

async fn passed_during_a_long_poll(in_place: bool) -> Duration {
    let timers: Vec<_> = (1..100).map(|n| spawn(sleep(Duration::from_secs(n)))).collect();
    let long = spawn(async move {
        let began = Instant::now();
        spawn(crate::common::yields(3)).detach();
        let wait = || std::thread::sleep(Duration::from_millis(120));
        if in_place {
            block_in_place(wait)
        } else {
            wait()
        }
        Instant::now() - began
    });
    let passed = long.await.unwrap();
    drop(timers);
    passed
}

#[test]
fn f22_paused_time_stands_still_during_a_long_poll() {
    f22_long_poll(false);
}

#[test]
fn f22_paused_time_stands_still_while_a_task_blocks_in_place() {
    f22_long_poll(true);
}

#[test]
fn f22_paused_time_stands_still_while_tasks_run() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let began = Instant::now();
            let hour = spawn(sleep(Duration::from_secs(3600)));
            let busy: Vec<_> = (0..4).map(|_| spawn(crate::common::yields(2_000))).collect();
            for task in busy {
                task.await.unwrap();
            }
            assert_eq!(Instant::now(), began);
            assert!(!hour.is_finished());
        });
    });
}

/// Nothing runs late on the paused clock: whoever wakes finds the very time it asked for, whatever others do meanwhile.
#[test]
fn f22_sleepers_wake_at_their_time_to_the_nanosecond() {
    async fn sleeper(seed: u64) {
        let mut state = seed;
        for _ in 0..60 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(seed | 1);
            let deadline = Instant::now() + Duration::from_nanos(state >> (24 + seed % 16));
            sleep_until(deadline).await;
            assert_eq!(Instant::now(), deadline, "time went on while a task was awake");
            match seed % 7 {
                0 => crate::common::yields(3).await,
                1 => drop(spawn(crate::common::yields(2)).await),
                2 => spawn_blocking(|| ()).await.unwrap(),
                3 => (0..200).for_each(|_| std::hint::spin_loop()),
                _ => {}
            }
            assert_eq!(Instant::now(), deadline, "time went on while a task was awake");
        }
    }
    for builder in [multi_thread(1), multi_thread(2), multi_thread(4), multi_thread(1).current_thread()] {
        within(2 * HANGS, move || {
            let runtime = builder.start_paused(true).build().unwrap();
            let sleepers: Vec<_> = (0..40).map(|seed| runtime.spawn(sleeper(seed))).collect();
            runtime.block_on(async {
                sleeper(41).await;
                for sleeper in sleepers {
                    sleeper.await.unwrap();
                }
            });
        });
    }
}

/// Two workers that fall asleep at once may both find themselves the last one awake.
#[test]
fn f22_workers_that_fall_asleep_together_move_the_time_once() {
    within(HANGS, || {
        let runtime = multi_thread(2).start_paused(true).build().unwrap();
        runtime.block_on(async {
            for _ in 0..5000 {
                let began = Instant::now();
                let naps = [1, 2, 3, 4].map(|n| spawn(sleep(n * SECOND)));
                sleep(SECOND).await;
                assert_eq!(began.elapsed(), SECOND);
                gather(naps).await;
                assert_eq!(began.elapsed(), 4 * SECOND);
            }
        });
    });
}

#[test]
fn f22_what_is_on_its_way_through_a_socket_comes_before_later_timers() {
    use futures_lite::{AsyncReadExt, AsyncWriteExt};
    on_paused(|runtime| {
        runtime.block_on(async {
            let listener = raddle::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mut client = raddle::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (mut served, _) = listener.accept().await.unwrap();
            for _ in 0..200 {
                let mut byte = [0];
                client.write_all(b"x").await.unwrap();
                timeout(Duration::from_secs(1), served.read_exact(&mut byte)).await.unwrap().unwrap();
                served.write_all(&byte).await.unwrap();
                timeout(Duration::from_secs(1), client.read_exact(&mut byte)).await.unwrap().unwrap();
            }
        });
    });
}

#[test]
fn f22_a_waker_of_a_root_that_is_done_does_not_hold_paused_time() {
    on_paused(|runtime| {
        let stale: Waker = runtime.block_on(std::future::poll_fn(|cx| Poll::Ready(cx.waker().clone())));
        stale.wake_by_ref();
        runtime.block_on(sleep_in_time());
        stale.wake();
        runtime.block_on(sleep_in_time());
    });
}

#[test]
fn f22_a_root_woken_during_its_last_poll_does_not_hold_paused_time() {
    on_paused(|runtime| {
        runtime.block_on(std::future::poll_fn(|cx| {
            cx.waker().wake_by_ref();
            Poll::Ready(())
        }));
        runtime.block_on(sleep_in_time());
    });
}

#[test]
fn f22_a_root_that_panicked_does_not_hold_paused_time() {
    on_paused(|runtime| {
        let panics = catch_unwind(AssertUnwindSafe(|| {
            runtime.block_on(std::future::poll_fn(|cx| -> Poll<()> {
                cx.waker().wake_by_ref();
                panic!("on purpose")
            }));
        }));
        assert!(panics.is_err());
        runtime.block_on(sleep_in_time());
    });
}

/// An hour of paused time, which must not take that long.
async fn sleep_in_time() {
    let began = std::time::Instant::now();
    sleep(Duration::from_secs(3600)).await;
    assert!(began.elapsed() < SOON);
}

#[test]
fn f22_a_blocking_call_that_never_ran_does_not_hold_paused_time() {
    on_both_built(
        |builder| builder.start_paused(true).max_blocking_threads(1),
        |runtime| {
            let (started, release) = (Gate::new(), Gate::new());
            let (here, until) = (started.clone(), release.clone());
            let first = runtime.spawn_blocking(move || {
                here.open();
                until.block();
            });
            started.block();
            let second = runtime.spawn_blocking(|| ());
            second.cancel();
            release.open();
            runtime.block_on(async {
                first.await.unwrap();
                second.await.unwrap_err();
                sleep_in_time().await;
            });
        },
    );
}
