//! Sleeps, time limits and ticks: on the paused clock for their order, on the real one for their precision.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::{
    HANGS, SOON, multi_thread, on_both, on_both_built, panic_of, poll_once, within, workers, yields,
};
use raddle::runtime::Runtime;
use raddle::spawn;
use raddle::time::{self, Duration, Elapsed, Instant, MissedTick, advance, interval, interval_at};
use raddle::time::{sleep, sleep_until, timeout, timeout_at};
use std::future::pending;
use std::sync::{Arc, Mutex};

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn on_paused(test: impl Fn(&Runtime) + Copy + Send + 'static) {
    on_both_built(|builder| builder.start_paused(true), test);
}

/// How late some sleeps of `duration` were, in order; none may be early.
fn lateness(runtime: &Runtime, duration: Duration, in_task: bool) -> Vec<Duration> {
    let measured = async move {
        let mut late = Vec::new();
        for _ in 0..25 {
            let began = std::time::Instant::now();
            sleep(duration).await;
            let took = began.elapsed();
            assert!(took >= duration, "early: {took:?} instead of {duration:?}");
            late.push(took - duration);
        }
        late.sort_unstable();
        late
    };
    if in_task { runtime.block_on(runtime.spawn(measured)).unwrap() } else { runtime.block_on(measured) }
}

#[test]
fn a_sleep_is_never_early_and_hardly_late() {
    on_both(|runtime| {
        for (micros, in_task) in
            [100, 1_000, 3_333, 10_000].into_iter().flat_map(|us| [(us, false), (us, true)])
        {
            let measure = |_| lateness(runtime, Duration::from_micros(micros), in_task);
            // A machine that is busy with something else for a while gets another chance.
            let in_time = |late: &Vec<Duration>| late[12] < 5 * MS;
            let late =
                (0..6).map(measure).find(in_time).expect("the median of 25 is more than 5 ms late, 6 times");
            println!("{micros} us, in a task: {in_task}: late {:?}, at most {:?}", late[12], late[24]);
        }
    });
}

#[test]
fn a_deadline_that_has_passed_is_over_at_once() {
    on_paused(|runtime| {
        runtime.block_on(async {
            advance(SECOND).await;
            let now = Instant::now();
            for mut past in [sleep(Duration::ZERO), sleep_until(now), sleep_until(now - SECOND)].map(Box::pin)
            {
                assert!(past.is_elapsed());
                assert!(poll_once(&mut past).await.is_some());
                assert!(poll_once(&mut past).await.is_some(), "it stays over");
            }
            let before_the_runtime = Instant::from(std::time::Instant::now() - Duration::from_secs(100));
            sleep_until(before_the_runtime).await;
            assert_eq!(Instant::now(), now);
        });
    });
}

#[test]
fn a_sleep_may_be_moved_before_while_and_after_it_waits() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let began = Instant::now();
            let mut timer = Box::pin(sleep(SECOND));
            timer.as_mut().reset(began + 2 * SECOND);
            assert_eq!(timer.deadline(), began + 2 * SECOND);
            assert!(poll_once(&mut timer).await.is_none());
            timer.as_mut().reset(began + 5 * SECOND);
            timer.as_mut().await;
            assert_eq!(Instant::now(), began + 5 * SECOND);
            // To an earlier time while it waits.
            timer.as_mut().reset(began + 50 * SECOND);
            assert!(poll_once(&mut timer).await.is_none());
            timer.as_mut().reset(began + 6 * SECOND);
            timer.as_mut().await;
            assert_eq!(Instant::now(), began + 6 * SECOND);
            timer.as_mut().reset(began);
            assert!(poll_once(&mut timer).await.is_some());
        });
    });
}

#[test]
fn a_sleep_may_be_handed_to_another_task_while_it_waits() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let began = Instant::now();
            let mut timer = Box::pin(sleep(SECOND));
            for _ in 0..5 {
                let passed_on = spawn(async move {
                    assert!(poll_once(&mut timer).await.is_none());
                    (timer,)
                });
                timer = passed_on.await.unwrap().0;
            }
            timer.await;
            assert_eq!(Instant::now(), began + SECOND);
        });
    });
}

#[test]
fn a_time_limit_ends_what_is_slow_and_leaves_what_is_ready() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let began = Instant::now();
            assert_eq!(timeout(SECOND, async { 1 }).await, Ok(1));
            assert_eq!(timeout(Duration::ZERO, async { 2 }).await, Ok(2), "ready at its first poll");
            assert_eq!(timeout_at(began - SECOND, async { 3 }).await, Ok(3));
            assert!(timeout(Duration::ZERO, pending::<()>()).await.is_err());
            assert_eq!(Instant::now(), began);
            assert_eq!(timeout(2 * SECOND, sleep(SECOND)).await, Ok(()));
            // Due at the same time: what is inside wins.
            let inner = sleep_until(began + 3 * SECOND);
            assert_eq!(timeout_at(began + 3 * SECOND, inner).await, Ok(()));
            let late = timeout(SECOND, sleep(SECOND + Duration::from_nanos(1))).await;
            let error: Elapsed = late.unwrap_err();
            let error = std::io::Error::from(error);
            assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
            assert!(error.to_string().contains("time limit"), "{error}");
            assert_eq!(Instant::now(), began + 4 * SECOND);
        });
    });
}

#[test]
fn time_limits_nest() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let began = Instant::now();
            let inner = timeout(SECOND, timeout(3 * SECOND, pending::<()>()));
            assert_eq!(
                timeout(2 * SECOND, inner).await,
                Ok(Err(timeout(Duration::ZERO, pending::<()>()).await.unwrap_err()))
            );
            assert_eq!(Instant::now(), began + SECOND);
        });
        assert_eq!(runtime.metrics().timers(), 0);
    });
}

/// Ticks at `period`; the second is taken three and a half periods late. When the next four were due, in half periods.
async fn ticks_after_a_delay(missed: MissedTick) -> Vec<u128> {
    let period = Duration::from_secs(2);
    let began = Instant::now();
    let mut ticks = interval(period);
    ticks.set_missed_tick(missed);
    assert_eq!((ticks.period(), ticks.missed_tick()), (period, missed));
    assert_eq!(ticks.tick().await, began, "the first tick comes at once");
    advance(Duration::from_secs(9)).await;
    let mut seen = Vec::new();
    for _ in 0..5 {
        let due = ticks.tick().await;
        seen.push((due - began).as_millis() / 1_000);
        assert!(Instant::now() >= due);
    }
    seen
}

#[test]
fn missed_ticks_are_caught_up_with_or_put_off_or_left_out() {
    on_paused(|runtime| {
        let seen = |missed| runtime.block_on(ticks_after_a_delay(missed));
        assert_eq!(seen(MissedTick::Burst), [2, 4, 6, 8, 10]);
        assert_eq!(seen(MissedTick::Delay), [2, 11, 13, 15, 17]);
        assert_eq!(seen(MissedTick::Skip), [2, 10, 12, 14, 16]);
    });
}

#[test]
fn ticks_keep_to_their_schedule_and_can_begin_later_and_anew() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let began = Instant::now();
            let mut ticks = interval_at(began + 5 * SECOND, SECOND);
            for number in 5..8 {
                assert_eq!(ticks.tick().await, began + number * SECOND);
                // Less than a period of work does not move the schedule.
                sleep(900 * MS).await;
            }
            assert!(poll_once(ticks.tick()).await.is_none(), "a tick that is dropped is not lost");
            assert_eq!(ticks.tick().await, began + 8 * SECOND);
            ticks.reset();
            assert_eq!(ticks.tick().await, began + 9 * SECOND);
        });
        assert!(
            panic_of(|| runtime.block_on(async { interval(Duration::ZERO) })).contains("longer than zero")
        );
    });
}

#[test]
fn ticks_on_the_real_clock_do_not_drift() {
    on_both(|runtime| {
        runtime.block_on(async {
            let mut ticks = interval(2 * MS);
            let first = ticks.tick().await;
            for _ in 0..20 {
                ticks.tick().await;
            }
            let now = Instant::now();
            assert!(now - first >= 40 * MS && now - first < SOON);
        });
    });
}

#[test]
fn timers_fire_in_the_order_of_their_deadlines_then_of_their_arrival() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let log = Arc::new(Mutex::new(Vec::new()));
            let began = Instant::now();
            // Of one task, so that they are in one wheel.
            let mut timers = Vec::new();
            for number in 0..200_u64 {
                let log = log.clone();
                // Some deadlines are equal, some a nanosecond apart, some hours.
                let deadline = began + SECOND + Duration::from_nanos((number * 7 % 10).pow(11));
                let timer = Box::pin(async move {
                    sleep_until(deadline).await;
                    log.lock().unwrap().push((deadline, number));
                });
                timers.push(timer);
            }
            let task = spawn(common::polling(move |cx| {
                // Polled in the order of arrival: what each poll finds is decided by the clock alone.
                timers.retain_mut(|timer| timer.as_mut().poll(cx).is_pending());
                if timers.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
            }));
            task.await.unwrap();
            let log = log.lock().unwrap();
            assert_eq!(log.len(), 200);
            assert!(log.is_sorted(), "{log:?}");
        });
    });
}

async fn sleep_and_log(deadline: Instant, log: Arc<Mutex<Vec<Instant>>>) {
    sleep_until(deadline).await;
    log.lock().unwrap().push(deadline);
}

#[test]
fn tasks_that_sleep_wake_in_the_order_of_their_deadlines() {
    within(HANGS, || {
        for builder in [multi_thread(1), multi_thread(1).current_thread()] {
            let runtime = builder.start_paused(true).build().unwrap();
            let log = Arc::new(Mutex::new(Vec::new()));
            runtime.block_on(async {
                let began = Instant::now();
                let deadlines =
                    (0..300_u64).map(|number| began + Duration::from_micros(number * 7_919 % 50 * 3));
                let sleepers: Vec<_> = deadlines.map(|at| spawn(sleep_and_log(at, log.clone()))).collect();
                for sleeper in sleepers {
                    sleeper.await.unwrap();
                }
            });
            assert!(log.lock().unwrap().is_sorted());
        }
    });
}

#[test]
fn the_clock_can_be_paused_moved_and_resumed() {
    on_both(|runtime| {
        runtime.block_on(async {
            let before = Instant::now();
            time::pause();
            let paused = Instant::now();
            assert!(paused - before < SECOND);
            advance(10 * SECOND).await;
            assert_eq!(Instant::now() - paused, 10 * SECOND);
            spawn(sleep(10 * SECOND)).await.unwrap();
            assert_eq!(Instant::now() - paused, 20 * SECOND);
            time::resume();
            let (real, now) = (std::time::Instant::now(), Instant::now());
            assert!(now - paused < 21 * SECOND);
            spawn(sleep(3 * MS)).await.unwrap();
            assert!(real.elapsed() >= 3 * MS && Instant::now() - now >= 3 * MS);
        });
    });
}

#[test]
fn pausing_and_resuming_twice_or_moving_a_clock_that_runs_is_a_clear_panic() {
    on_both(|runtime| {
        let text = panic_of(|| runtime.block_on(async { time::resume() }));
        assert!(text.contains("not paused"), "{text}");
        let text = panic_of(|| runtime.block_on(advance(SECOND)));
        assert!(text.contains("time::pause()"), "{text}");
        runtime.block_on(async { time::pause() });
        let text = panic_of(|| runtime.block_on(async { time::pause() }));
        assert!(text.contains("paused already"), "{text}");
        runtime.block_on(async { time::resume() });
    });
}

#[test]
fn pausing_holds_timers_that_were_entered_before() {
    on_both(|runtime| {
        runtime.block_on(async {
            let timers: Vec<_> = (1..=20).map(|n| spawn(sleep(n * 10 * SECOND))).collect();
            yields(20).await;
            sleep(MS).await;
            time::pause();
            let began = std::time::Instant::now();
            for timer in timers {
                timer.await.unwrap();
            }
            assert!(began.elapsed() < SOON, "paused time did not jump");
            time::resume();
        });
    });
}

#[test]
fn a_timer_entered_on_the_paused_clock_is_due_after_it_runs_again() {
    on_both_built(
        |builder| builder.start_paused(true),
        |runtime| {
            runtime.block_on(async {
                // Held, so that time does not jump to the timer while it is paused.
                let timer = spawn(sleep(20 * MS));
                time::resume();
                timer.await.unwrap();
            });
        },
    );
}

#[test]
fn a_hundred_thousand_timers_fire() {
    const TIMERS: u64 = 100_000;
    within(3 * HANGS, || {
        let runtime = workers(2);
        let began = std::time::Instant::now();
        let sleepers = (0..TIMERS).map(|n| {
            runtime.spawn({
                let _entered = runtime.enter();
                sleep(Duration::from_nanos(n * 7_919 % 50_000_000))
            })
        });
        let sleepers: Vec<_> = sleepers.collect();
        runtime.block_on(async {
            for sleeper in sleepers {
                sleeper.await.unwrap();
            }
        });
        println!("{TIMERS} timers over 50 ms in {:?}", began.elapsed());
        assert_eq!(runtime.metrics().timers(), 0);
    });
}
