//! Yields that are joined, dropped, moved or polled where they should not be; and calls out of order.

use crate::common::guard::Drops;
use crate::common::panic_of;
use crate::{adder, pending_once, three};
use futures_lite::future::{or, poll_once, zip};
use raddle::coroutine::{Coroutine, Step, Yield, Yielder};
use std::future::ready;
use std::pin::{Pin, pin};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

#[test]
fn what_is_driven_out_of_order_says_so_and_is_unharmed() {
    let mut adder = adder();
    assert!(panic_of(|| adder.send(1)).contains("has not started: call start()"));
    assert_eq!(adder.start(), Step::Yielded(0));
    assert!(panic_of(|| adder.start()).contains("started twice"));
    assert_eq!(adder.send(1), Step::Yielded(1));
    assert_eq!(adder.send(0), Step::Returned(1));
    assert!(panic_of(|| adder.send(1)).contains("sent a value after its end"));
    assert!(panic_of(|| adder.start()).contains("started after its end"));
    assert!(panic_of(|| adder.resume()).contains("no step under way"));
    let mut closed = three();
    closed.close();
    closed.close();
    assert!(panic_of(|| closed.start()).contains("after its end"));
    assert_eq!(closed.next(), None);
}

#[test]
fn two_yields_at_once_are_refused() {
    let refused = "two yields of one coroutine at once";
    let mut zipped = Coroutine::new(|co: Yielder<(), u32>| async move {
        zip(co.yield_(1), co.yield_(2)).await;
    });
    assert!(panic_of(|| zipped.start()).contains(refused));
    assert!(zipped.is_done());
    let mut later = Coroutine::new(|co: Yielder<(), u32>| async move {
        let mut first = pin!(co.yield_(1));
        assert!(poll_once(first.as_mut()).await.is_none());
        pending_once().await;
        zip(co.yield_(2), first).await;
    });
    assert_eq!(later.start(), Step::Yielded(1));
    assert!(panic_of(|| later.send(())).contains(refused), "the first has not taken its answer");
}

#[test]
fn a_yield_that_is_dropped_in_its_step_is_taken_back() {
    let drops = Drops::new();
    let mut coroutine = Coroutine::new(|co| {
        let guards = [drops.guard(), drops.guard()];
        async move {
            let [first, second] = guards;
            or(co.yield_(first), ready(())).await;
            co.yield_(second).await;
        }
    });
    let second = coroutine.next();
    assert!(second.is_some());
    assert_eq!(drops.dropped(), 1, "the first, whose yield was dropped");
    assert_eq!(coroutine.next().map(drop), None);
}

#[test]
fn the_answer_to_a_yield_that_is_dropped_later_is_dropped() {
    let drops = Drops::new();
    let mut coroutine = Coroutine::new(|co| async move {
        let answered = async { drop(co.yield_(1).await) };
        or(pending_once(), answered).await;
        co.yield_(2).await
    });
    assert_eq!(coroutine.start().yielded(), Some(1));
    assert_eq!(coroutine.send(drops.guard()).yielded(), Some(2));
    assert_eq!(drops.dropped(), 1);
    let own = coroutine.send(drops.guard()).returned();
    assert_eq!((own.is_some(), drops.dropped()), (true, 1), "the second yield has its own answer");
}

/// Polls what is in it only when its own waker was called, as sets of many futures do.
struct WhenWoken<F> {
    future: Pin<Box<F>>,
    woken: Arc<Woken>,
}

struct Woken(Mutex<bool>);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        *self.0.lock().unwrap() = true;
    }
}

impl<F: Future> Future for WhenWoken<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<F::Output> {
        if !std::mem::take(&mut *self.woken.0.lock().unwrap()) {
            return Poll::Pending;
        }
        let waker = Waker::from(self.woken.clone());
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

#[test]
fn a_yield_inside_a_set_that_polls_only_what_was_woken() {
    let coroutine = Coroutine::new(|co| {
        let three = async move {
            for n in 1..=3 {
                co.yield_(n).await;
            }
        };
        WhenWoken { future: Box::pin(three), woken: Arc::new(Woken(Mutex::new(true))) }
    });
    assert_eq!(coroutine.collect::<Vec<_>>(), [1, 2, 3]);
}

/// Polls a yield where it does not belong.
fn misuse(yielded: Yield<(), u32>) -> String {
    panic_of(|| futures_lite::future::block_on(yielded))
}

#[test]
fn a_yielder_that_got_out_of_its_body_is_refused() {
    let outside = "outside the body of its coroutine";
    let mut source = Coroutine::new(|co: Yielder<(), u32>| async move {
        co.yield_(1).await;
        co
    });
    source.start();
    let Step::Returned(co) = source.send(()) else { panic!("it returns") };
    assert!(misuse(co.yield_(2)).contains(outside), "after the end");
    let text = thread::spawn(move || misuse(co.yield_(2))).join().unwrap();
    assert!(text.contains(outside), "on another thread");
    let mut other = Coroutine::new(|_: Yielder<(), u32>| async move { co.yield_(2).await });
    assert!(panic_of(|| other.start()).contains(outside), "in another coroutine");
    assert!(other.is_done());
    let mut around = Coroutine::new(|co: Yielder<(), u32>| async move {
        let mut inner = Coroutine::new(|_: Yielder<(), u32>| async move { co.yield_(2).await });
        inner.start();
    });
    assert!(panic_of(|| around.start()).contains(outside), "in a coroutine that its own drives");
}

#[test]
fn an_open_yield_that_got_out_of_its_body_is_refused_and_can_be_dropped_anywhere() {
    let (out, outside) = channel::<Pin<Box<Yield<(), u32>>>>();
    let mut coroutine = Coroutine::new(move |co: Yielder<(), u32>| async move {
        for n in 1..=2 {
            let mut yielded = Box::pin(co.yield_(n));
            assert!(poll_once(yielded.as_mut()).await.is_none());
            out.send(yielded).unwrap();
            pending_once().await;
        }
    });
    assert_eq!(coroutine.next(), Some(1));
    let mut yielded = outside.recv().unwrap();
    assert!(panic_of(|| poll_now(yielded.as_mut())).contains("outside the body"));
    thread::spawn(move || drop(yielded)).join().unwrap();
    assert!(
        panic_of(|| coroutine.next()).contains("two yields of one coroutine at once"),
        "its answer was not taken"
    );
}

fn poll_now<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_yield_that_has_its_answer_is_not_polled_again() {
    let mut coroutine = Coroutine::new(|co: Yielder<(), u32>| async move {
        let mut yielded = pin!(co.yield_(1));
        yielded.as_mut().await;
        yielded.as_mut().await;
    });
    coroutine.start();
    assert!(panic_of(|| coroutine.send(())).contains("after it had its answer"));
}
