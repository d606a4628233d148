//! Timers that are cancelled, moved and dropped at the moment they are due: f20.

use crate::common::gate::Gate;
use crate::common::{FOR_EVER, HANGS, SOON, flavours, on_both, panic_text, poll_once, within, workers};
use raddle::spawn;
use raddle::time::{Duration, Instant, Sleep, sleep, timeout};
use std::pin::Pin;
use std::sync::mpsc;

#[test]
fn f20_timers_dropped_as_they_fire() {
    on_both(|runtime| {
        let tasks: Vec<_> = (0..8_u64)
            .map(|seed| {
                runtime.spawn(async move {
                    for turn in 0..300 {
                        let inner = Duration::from_nanos((seed * 7919 + turn * 104_729) % 200_000);
                        let outer = Duration::from_nanos((seed * 15_485_863 + turn * 32_452_843) % 200_000);
                        let _ = timeout(outer, sleep(inner)).await;
                    }
                })
            })
            .collect();
        tasks.into_iter().for_each(|task| runtime.block_on(task).unwrap());
        assert_eq!(runtime.metrics().timers(), 0);
    });
}

/// Drops each timer it is sent at about the time it is due.
fn dropper(timers: mpsc::Receiver<Pin<Box<Sleep>>>) {
    for sleep in timers {
        let left = sleep.deadline().saturating_duration_since(std::time::Instant::now().into());
        std::thread::sleep(left.saturating_sub(Duration::from_micros(60)));
        while !sleep.is_elapsed() {}
        drop(sleep);
    }
}

#[test]
fn f20_timers_dropped_on_another_thread_as_they_fire() {
    within(HANGS, || {
        let runtime = workers(2);
        let (send, receive) = mpsc::channel::<Pin<Box<Sleep>>>();
        let dropper = std::thread::spawn(move || dropper(receive));
        let sender = runtime.spawn(async move {
            for turn in 0..500_u64 {
                let mut timer = Box::pin(sleep(Duration::from_micros(50 + turn % 100)));
                let _ = poll_once(&mut timer).await;
                send.send(timer).unwrap();
                if turn % 8 == 0 {
                    sleep(Duration::from_micros(300)).await;
                }
            }
        });
        runtime.block_on(sender).unwrap();
        dropper.join().unwrap();
        assert_eq!(runtime.metrics().timers(), 0);
    });
}

/// Moves a timer again and again, about when it is due.
async fn mover(seed: u32) {
    let mut timer = Box::pin(sleep(Duration::from_micros(100)));
    for turn in 0..500 {
        let next = Instant::now() + Duration::from_nanos(u64::from((seed + turn) * 7919 % 150_000));
        timer.as_mut().reset(next);
        if turn % 3 == 0 {
            let _ = poll_once(&mut timer).await;
        } else {
            timer.as_mut().await;
            assert!(Instant::now() >= next, "early");
        }
    }
}

#[test]
fn f20_timers_moved_as_they_fire() {
    on_both(|runtime| {
        let movers: Vec<_> = (0..4).map(|seed| runtime.spawn(mover(seed))).collect();
        movers.into_iter().for_each(|mover| runtime.block_on(mover).unwrap());
        assert_eq!(runtime.metrics().timers(), 0);
    });
}

#[test]
fn f20_a_timer_may_be_read_moved_and_dropped_after_its_runtime() {
    for (_, builder) in flavours() {
        within(HANGS, move || {
            let runtime = builder.build().unwrap();
            let mut timers = runtime.block_on(async {
                let mut timers: Vec<_> = (0..4).map(|_| Box::pin(sleep(FOR_EVER))).collect();
                let _ = poll_once(&mut timers[0]).await;
                let mut second = timers.remove(1);
                let moved = spawn(async move {
                    let _ = poll_once(&mut second).await;
                    (second,)
                });
                timers.push(moved.await.unwrap().0);
                timers
            });
            let handle = runtime.handle().clone();
            drop(runtime);
            for timer in &mut timers {
                assert!(!timer.is_elapsed());
                let earlier = timer.deadline() - Duration::from_secs(1);
                timer.as_mut().reset(earlier);
            }
            drop(timers);
            assert_eq!(handle.metrics().timers(), 0);
        });
    }
}

/// "Sockets and timers end", says shutdown: a wait that nobody would end is a hang in silence.
#[test]
fn f20_who_waits_for_a_timer_when_its_runtime_ends_is_told() {
    for (flavour, builder) in flavours() {
        println!("{flavour}");
        within(HANGS, move || {
            let (owner, other) = (builder.build().unwrap(), workers(1));
            let mut timer = Box::pin({
                let _entered = owner.enter();
                sleep(FOR_EVER)
            });
            let waiting = Gate::new();
            let here = waiting.clone();
            let task = other.spawn(async move {
                let _ = poll_once(&mut timer).await;
                here.open();
                timer.await;
            });
            waiting.block();
            assert!(owner.shutdown(SOON).is_clean());
            let told = other.block_on(async { timeout(Duration::from_secs(3), task).await });
            let error = told.expect("it waits for ever").unwrap_err();
            let text = panic_text(error.into_panic());
            assert!(text.contains("after its runtime had shut down"), "{text}");
        });
    }
}
