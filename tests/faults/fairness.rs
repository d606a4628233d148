//! Nobody is starved: f09 f10 f11 f13.

use crate::common::gate::Gate;
use crate::common::{HANGS, SOON, current_thread, either, multi_thread, on_both, within, workers, yields};
use raddle::consume_budget;
use raddle::net::{TcpListener, TcpStream};
use raddle::runtime::Runtime;
use raddle::time::{sleep, timeout};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

/// One worker, in either flavour: then nobody else can help.
fn single() -> [Runtime; 2] {
    [workers(1), current_thread()]
}

/// Two tasks that wake each other for as long as `stop` is shut, and how often they did.
fn ping_pong(runtime: &Runtime, stop: &Gate) -> Arc<AtomicUsize> {
    let turns = Arc::new(AtomicUsize::new(0));
    let wakers: Arc<[std::sync::Mutex<Option<Waker>>; 2]> = Arc::default();
    for side in 0..2 {
        let (turns, wakers, stop) = (turns.clone(), wakers.clone(), stop.clone());
        let task = std::future::poll_fn(move |cx: &mut Context<'_>| {
            *wakers[side].lock().unwrap() = Some(cx.waker().clone());
            turns.fetch_add(1, SeqCst);
            let other = wakers[1 - side].lock().unwrap().take();
            other.into_iter().for_each(Waker::wake);
            if stop.is_open() { Poll::Ready(()) } else { Poll::Pending }
        });
        runtime.spawn(task).detach();
    }
    turns
}

#[test]
fn f09_two_tasks_that_wake_each_other_do_not_starve_a_third() {
    for runtime in single() {
        within(HANGS, move || {
            let stop = Gate::new();
            let turns = ping_pong(&runtime, &stop);
            let third = runtime.spawn(async move {
                let before = turns.load(SeqCst);
                yields(1_000).await;
                turns.load(SeqCst) - before
            });
            let turns = runtime.block_on(third).unwrap();
            stop.open();
            // Four turns of the fast slot, at most, for each of its own.
            assert!((100..8_000).contains(&turns), "{turns} turns beside 1000");
        });
    }
}

/// Always ready, and never done.
async fn busy() {
    loop {
        consume_budget().await;
    }
}

#[test]
fn f10_a_loop_that_is_always_ready_gives_way_to_others_and_to_its_time_limit() {
    for runtime in single() {
        within(HANGS, move || {
            let limited = runtime.spawn(async { timeout(Duration::from_millis(30), busy()).await });
            let other = runtime.spawn(yields(100));
            runtime.block_on(other).unwrap();
            assert!(runtime.block_on(limited).unwrap().is_err());
        });
    }
}

#[test]
fn f10_a_branch_that_uses_the_budget_up_does_not_keep_a_sleep_beside_it_from_ending() {
    for runtime in single() {
        within(HANGS, move || {
            let task = either(busy(), async { sleep(Duration::from_millis(10)).await });
            runtime.block_on(async { raddle::spawn(task).await }).unwrap();
        });
    }
}

/// A combinator that polls again, without returning, for as long as something was woken during its poll.
async fn eagerly<T>(future: impl Future<Output = T>) -> T {
    struct Flag(AtomicBool);
    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, SeqCst);
        }
    }
    let mut future = pin!(future);
    let flag = Arc::new(Flag(AtomicBool::new(true)));
    let waker = Waker::from(flag.clone());
    std::future::poll_fn(|cx| {
        while flag.0.swap(false, SeqCst) {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Poll::Ready(output);
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

#[test]
fn f10_a_sleep_in_a_combinator_that_polls_eagerly_ends() {
    for runtime in single() {
        within(HANGS, move || {
            let forever = async {
                loop {
                    raddle::yield_now().await;
                }
            };
            let task = eagerly(either(forever, async { sleep(Duration::from_millis(10)).await }));
            runtime.block_on(async { raddle::spawn(task).await }).unwrap();
        });
    }
}

/// Keeps every queue of `runtime` full until `stop` is open.
fn keep_busy(runtime: &Runtime, tasks: usize, stop: &Gate) {
    for _ in 0..tasks {
        let stop = stop.clone();
        let busy = async move {
            while !stop.is_open() {
                raddle::yield_now().await;
            }
        };
        runtime.spawn(busy).detach();
    }
}

/// The longest of some sleeps beyond their time, and of some round trips of an echo.
async fn latencies() -> (Duration, Duration) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (mut served, _) = listener.accept().await.unwrap();
    let echo = raddle::spawn(async move {
        use futures_lite::{AsyncReadExt, AsyncWriteExt};
        let mut byte = [0];
        while served.read(&mut byte).await.unwrap() == 1 {
            served.write_all(&byte).await.unwrap();
        }
    });
    let (mut late, mut trip) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..10 {
        use futures_lite::{AsyncReadExt, AsyncWriteExt};
        let began = Instant::now();
        sleep(Duration::from_millis(2)).await;
        late = late.max(began.elapsed() - Duration::from_millis(2));
        let began = Instant::now();
        client.write_all(b"x").await.unwrap();
        client.read_exact(&mut [0]).await.unwrap();
        trip = trip.max(began.elapsed());
    }
    drop(client);
    echo.await.unwrap();
    (late, trip)
}

#[test]
fn f11_a_yield_loop_does_not_starve_timers_and_sockets() {
    on_both(|runtime| {
        let stop = Gate::new();
        keep_busy(runtime, 2, &stop);
        let (late, trip) = runtime.block_on(async { raddle::spawn(latencies()).await }).unwrap();
        stop.open();
        println!("beside yield loops: sleep {late:?} late, round trip {trip:?}");
        assert!(late < SOON && trip < SOON);
    });
}

#[test]
fn f13_timers_and_events_are_found_in_time_while_queues_are_never_empty() {
    for builder in [multi_thread(2), multi_thread(1), multi_thread(1).current_thread()] {
        within(HANGS, move || {
            let runtime = builder.build().unwrap();
            let stop = Gate::new();
            keep_busy(&runtime, 500, &stop);
            let (late, trip) = runtime.block_on(async { raddle::spawn(latencies()).await }).unwrap();
            stop.open();
            println!("with 500 tasks queued: sleep {late:?} late, round trip {trip:?}");
            assert!(late < Duration::from_millis(500), "a sleep was {late:?} late");
            assert!(trip < Duration::from_millis(500), "a round trip took {trip:?}");
        });
    }
}
