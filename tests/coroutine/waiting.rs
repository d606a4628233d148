//! Bodies that await more than their yielder, driven in tasks.

use crate::common::guard::Drops;
use crate::common::{current_thread, on_both, panic_of, poll_once};
use crate::{adder, pending_once, three};
use futures_lite::StreamExt;
use raddle::coroutine::{Coroutine, Step, Yielder};
use raddle::sync::{Event, Notify};
use raddle::time::{Duration, Instant, advance, pause, sleep};
use raddle::{consume_budget, spawn, yield_now};
use std::pin::pin;
use std::sync::Arc;

/// Yields 1, 2, 3, and sleeps for a second before each.
fn slow() -> Coroutine<(), u32, ()> {
    Coroutine::new(|co| async move {
        for n in 1..=3 {
            sleep(Duration::from_secs(1)).await;
            co.yield_(n).await;
        }
    })
}

#[test]
fn a_stream_of_a_body_that_sleeps() {
    current_thread().block_on(async {
        pause();
        let began = Instant::now();
        let mut stream = slow().into_stream();
        assert_eq!(stream.next().await, Some(1));
        assert_eq!(began.elapsed(), Duration::from_secs(1));
        let rest: Vec<_> = (&mut stream).map(|n| 10 * n).collect().await;
        assert_eq!(rest, [20, 30]);
        assert_eq!(began.elapsed(), Duration::from_secs(3));
        assert_eq!(stream.next().await, None);
        assert!(stream.into_inner().is_done());
    });
}

async fn double(co: Yielder<u32, u32>) -> &'static str {
    let mut n = co.yield_(0).await;
    while n > 0 {
        let doubled = spawn(async move { 2 * n }).await.unwrap();
        yield_now().await;
        n = co.yield_(doubled).await;
    }
    "done"
}

async fn let_it_double(mut server: Coroutine<u32, u32, &'static str>) {
    assert_eq!(server.start_async().await, Step::Yielded(0));
    for n in 1..=100 {
        assert_eq!(server.send_async(n).await, Step::Yielded(2 * n));
        yield_now().await;
    }
    assert_eq!(server.send_async(0).await, Step::Returned("done"));
}

#[test]
fn send_async_waits_while_the_body_does() {
    on_both(|runtime| {
        let clients = (0..4).map(|_| runtime.spawn(let_it_double(Coroutine::new(double))));
        for client in clients.collect::<Vec<_>>() {
            runtime.block_on(client).unwrap();
        }
    });
}

#[test]
fn a_step_that_is_cancelled_goes_on_where_it_was() {
    futures_lite::future::block_on(async {
        let go = Arc::new(Notify::new());
        let theirs = go.clone();
        let mut coroutine = Coroutine::new(|co: Yielder<u32, u32>| async move {
            let n = co.yield_(0).await;
            theirs.notified().await;
            co.yield_(n).await
        });
        coroutine.start();
        drop(coroutine.send_async(1));
        assert!(coroutine.is_under_way(), "the value is sent with the call");
        assert!(panic_of(|| coroutine.send_async(2)).contains("in the middle of a step"));
        assert!(poll_once(coroutine.resume()).await.is_none());
        assert!(poll_once(coroutine.resume()).await.is_none());
        go.notify_one();
        assert_eq!(coroutine.resume().await, Step::Yielded(1));
        assert!(!coroutine.is_under_way());
        assert_eq!(coroutine.send_async(3).await, Step::Returned(3));
    });
}

#[test]
fn an_answer_that_is_not_taken_yet_stays_until_it_is() {
    let drops = Drops::new();
    let waits_long = || {
        Coroutine::new(|co| async move {
            let mut yielded = pin!(co.yield_(()));
            assert!(poll_once(yielded.as_mut()).await.is_none());
            pending_once().await;
            pending_once().await;
            yielded.await
        })
    };
    futures_lite::future::block_on(async {
        let mut coroutine = waits_long();
        coroutine.start();
        assert!(poll_once(coroutine.send_async(drops.guard())).await.is_none());
        assert_eq!(drops.dropped(), 0);
        assert!(coroutine.resume().await.returned().is_some());
        assert_eq!((drops.made(), drops.dropped()), (1, 1));
        let mut closed = waits_long();
        closed.start();
        assert!(poll_once(closed.send_async(drops.guard())).await.is_none());
        closed.close();
        assert_eq!((drops.made(), drops.dropped()), (2, 2));
    });
}

#[test]
fn a_stream_loses_nothing_when_its_next_is_dropped() {
    current_thread().block_on(async {
        pause();
        let mut stream = slow().into_stream();
        assert_eq!(poll_once(stream.next()).await, None);
        advance(Duration::from_secs(1)).await;
        assert_eq!(stream.next().await, Some(1));
        assert_eq!(poll_once(stream.next()).await, None);
        let coroutine = stream.into_inner();
        assert!(coroutine.is_under_way());
        assert_eq!(coroutine.into_stream().collect::<Vec<_>>().await, [2, 3]);
    });
}

#[test]
fn delegation_waits_too() {
    current_thread().block_on(async {
        pause();
        let mut outer = Coroutine::new(|co: Yielder<(), u32>| async move {
            co.yield_from(slow()).await;
            co.yield_from(three()).await;
        });
        assert!(panic_of(|| outer.start()).contains("other than its yielder"));
        assert_eq!(outer.into_stream().collect::<Vec<_>>().await, [1, 2, 3, 1, 2, 3]);
    });
}

#[test]
fn a_panic_of_the_body_goes_to_who_awaits_the_step() {
    on_both(|runtime| {
        runtime.block_on(async {
            let mut coroutine = Coroutine::new(|co: Yielder<(), ()>| async move {
                yield_now().await;
                co.yield_(()).await;
                panic!("in the body");
            });
            coroutine.start_async().await;
            let sent = spawn(async move { coroutine.send_async(()).await });
            assert_eq!(sent.await.unwrap_err().panic_message(), Some("in the body"));
        });
    });
}

#[test]
fn the_future_of_a_step_is_not_polled_after_its_end() {
    futures_lite::future::block_on(async {
        let mut coroutine = adder();
        let mut step = coroutine.start_async();
        assert_eq!((&mut step).await, Step::Yielded(0));
        assert!(panic_of(|| futures_lite::future::block_on(&mut step)).contains("after the step had ended"));
    });
}

fn numbers(end: u64) -> Coroutine<(), u64, ()> {
    Coroutine::new(move |co| async move {
        for n in 0..end {
            co.yield_(n).await;
        }
    })
}

/// How often the task gives way, and how many numbers come.
async fn count_turns() -> (usize, usize) {
    let mut all = pin!(numbers(1000).into_stream().count());
    let mut turns = 0;
    loop {
        match poll_once(all.as_mut()).await {
            Some(count) => return (turns, count),
            None => turns += 1,
        }
        yield_now().await;
    }
}

#[test]
fn f10_f11_a_stream_that_never_waits_gives_way() {
    on_both(|runtime| {
        let (turns, count) = runtime.block_on(runtime.spawn(count_turns())).unwrap();
        assert_eq!(count, 1000);
        assert!((7..=10).contains(&turns), "{turns}");
    });
}

/// Takes more units of the budget in a step than a poll has.
async fn wait_often(co: Yielder<(), u32>) {
    let set = Event::new();
    set.set();
    for n in 0..3 {
        for _ in 0..200 {
            set.wait().await;
            consume_budget().await;
        }
        co.yield_(n).await;
    }
}

#[test]
fn by_hand_in_a_task_the_budget_is_no_reason_to_wait() {
    on_both(|runtime| {
        let sum = async { Coroutine::new(wait_often).sum::<u32>() };
        assert_eq!(runtime.block_on(runtime.spawn(sum)).unwrap(), 3);
    });
}

#[test]
fn a_yielder_in_a_task_of_its_own_is_refused() {
    on_both(|runtime| {
        runtime.block_on(async {
            let mut coroutine = Coroutine::new(|co: Yielder<(), u32>| async move {
                let task = spawn(async move { co.yield_(1).await });
                task.await.unwrap_err().panic_message().map(str::to_owned)
            });
            let Step::Returned(Some(text)) = coroutine.start_async().await else { panic!("it returns") };
            assert!(
                text.contains("outside the body of its coroutine (in another coroutine, in a task"),
                "{text}"
            );
        });
    });
}
