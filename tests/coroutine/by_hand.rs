//! Coroutines driven by hand, without a runtime.

use crate::common::guard::{Bomb, Drops, OnDrop};
use crate::common::panic_of;
use crate::{Log, adder, note, outer, three};
use raddle::coroutine::{Coroutine, LocalCoroutine, OnStack, Step, Yield, Yielder};
use std::cell::{Cell, RefCell};
use std::future::{pending, ready};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

#[test]
fn s1_3_two_coroutines_of_three_steps_are_driven_in_turn() {
    let log = RefCell::new(Vec::new());
    let steps = |name: &'static str| {
        let log = &log;
        Coroutine::new_local(move |co| async move {
            for step in 1..=3 {
                log.borrow_mut().push((name, step, thread::current().id()));
                co.yield_(()).await;
            }
        })
    };
    let (mut first, mut second) = (steps("first"), steps("second"));
    while let (Some(()), Some(())) = (first.next(), second.next()) {}
    assert!(first.is_done(), "the loop ends at the first of them");
    let here = thread::current().id();
    let order: Vec<_> = (1..=3).flat_map(|step| [("first", step, here), ("second", step, here)]).collect();
    assert_eq!(*log.borrow(), order);
}

#[test]
fn s1_4_a_producer_sends_to_a_consumer_and_closes_it() {
    let log = Log::default();
    let theirs = log.clone();
    let mut consumer: Coroutine<u32, &str, ()> = Coroutine::new(|co| async move {
        let _closed = OnDrop::new(|| note(&theirs, "consumer: closed"));
        let mut answer = "";
        loop {
            let n = co.yield_(answer).await;
            note(&theirs, format!("consumer: {n}"));
            answer = "200 OK";
        }
    });
    consumer.start();
    for n in 1..=5 {
        note(&log, format!("producer: {n}"));
        assert_eq!(consumer.send(n), Step::Yielded("200 OK"));
    }
    consumer.close();
    assert!(consumer.is_done());
    let exchanges = (1..=5).flat_map(|n| [format!("producer: {n}"), format!("consumer: {n}")]);
    let expected: Vec<_> = exchanges.chain(["consumer: closed".to_owned()]).collect();
    assert_eq!(*log.lock().unwrap(), expected);
}

#[test]
fn values_go_both_ways_and_the_last_is_returned() {
    let mut adder = adder();
    assert_eq!(adder.start(), Step::Yielded(0));
    assert_eq!(adder.send(5), Step::Yielded(5));
    assert_eq!(adder.send(7), Step::Yielded(12));
    assert!(!adder.is_done());
    assert_eq!(adder.send(0), Step::Returned(12));
    assert!(adder.is_done());
    assert_eq!(Step::<u32, u32>::Yielded(1).yielded(), Some(1));
    assert_eq!(Step::<u32, u32>::Returned(1).yielded(), None);
    assert_eq!(Step::<u32, u32>::Returned(2).returned(), Some(2));
}

#[test]
fn one_that_is_sent_nothing_is_an_iterator() {
    assert_eq!(three().collect::<Vec<_>>(), [1, 2, 3]);
    let mut sum = 0;
    for n in three() {
        sum += n;
    }
    assert_eq!(sum, 6);
    let mut coroutine = three();
    assert_eq!(coroutine.by_ref().take(1).collect::<Vec<_>>(), [1]);
    assert_eq!(coroutine.send(()), Step::Yielded(2), "both ways can be mixed");
    assert_eq!(coroutine.next(), Some(3));
    assert_eq!([coroutine.next(), coroutine.next()], [None, None]);
}

#[test]
fn closing_runs_destructors_innermost_first_and_nothing_else() {
    let end = |how: fn(Coroutine<(), u32, ()>)| {
        let log = Log::default();
        let mut coroutine = Coroutine::new(|co| outer(co, log.clone()));
        assert_eq!(coroutine.start(), Step::Yielded(1));
        how(coroutine);
        assert_eq!(*log.lock().unwrap(), ["inner", "outer second", "outer first"]);
        assert_eq!(Arc::strong_count(&log), 1);
    };
    end(|mut coroutine| coroutine.close());
    end(drop);
}

#[test]
fn one_that_never_ran_drops_what_it_was_given() {
    let drops = Drops::new();
    for close in [true, false] {
        let guard = drops.guard();
        let mut coroutine: Coroutine<(), (), _> = Coroutine::new(|_| async move { drop(guard) });
        if close {
            coroutine.close();
        }
    }
    assert_eq!(drops.dropped(), 2);
}

#[test]
fn a_panic_of_the_body_goes_to_the_sender_and_ends_it() {
    let drops = Drops::new();
    let guard = drops.guard();
    let mut coroutine = Coroutine::new(|co: Yielder<u32, ()>| async move {
        let _held = guard;
        let n = co.yield_(()).await;
        assert!(n < 10, "{n} is too much");
    });
    coroutine.start();
    assert_eq!(panic_of(|| coroutine.send(10)), "10 is too much");
    assert!(coroutine.is_done());
    assert_eq!(drops.dropped(), 1);
    assert!(panic_of(|| coroutine.send(1)).contains("after its end"));
    assert_eq!(three().collect::<Vec<_>>(), [1, 2, 3], "the next one has this thread to itself");
}

#[test]
fn a_panic_of_a_destructor_goes_to_who_closes() {
    let mut coroutine = Coroutine::new(|co: Yielder<(), ()>| async move {
        let _bomb = Bomb("boom");
        co.yield_(()).await;
    });
    coroutine.start();
    assert_eq!(panic_of(|| coroutine.close()), "boom");
    assert!(coroutine.is_done());
}

#[test]
fn a_body_may_await_what_is_ready_and_not_what_is_not() {
    let mut coroutine = Coroutine::new(|co: Yielder<(), u32>| async move {
        co.yield_(ready(1).await).await;
        pending::<()>().await;
    });
    assert_eq!(coroutine.next(), Some(1));
    let text = panic_of(|| coroutine.next());
    assert!(
        text.contains("awaits something other than its yielder") && text.contains("send_async"),
        "{text}"
    );
    assert!(!coroutine.is_done() && coroutine.is_under_way());
    assert!(panic_of(|| coroutine.next()).contains("in the middle of a step"));
    coroutine.close();
    assert!(coroutine.is_done());
}

#[test]
fn bodies_borrow_and_lie_on_the_stack_or_keep_to_their_thread() {
    let words = ["warp".to_owned(), "weft".to_owned()];
    let words = &words;
    let lengths = Coroutine::new(|co| async move {
        for word in words {
            co.yield_(word.len()).await;
        }
    });
    assert_eq!(lengths.sum::<usize>(), 8);
    let drops = Drops::new();
    let guard = drops.guard();
    let place = pin!(None);
    let mut on_stack = Coroutine::on_stack(place, |co: Yielder<(), &str>| async move {
        let _held = guard;
        for word in words {
            co.yield_(word).await;
        }
    });
    assert_eq!(on_stack.next(), Some("warp"));
    on_stack.close();
    assert_eq!(drops.dropped(), 1, "at the close, not when the place goes");
    let shared = Rc::new(Cell::new(0));
    let theirs = shared.clone();
    let mut local: LocalCoroutine<u32, (), ()> = Coroutine::new_local(|co| async move {
        loop {
            theirs.set(theirs.get() + co.yield_(()).await);
        }
    });
    local.start();
    local.send(1);
    local.send(2);
    assert_eq!(shared.get(), 3);
}

#[test]
fn a_half_run_coroutine_goes_from_thread_to_thread() {
    let mut coroutine = adder();
    coroutine.start();
    for n in 1..=4 {
        coroutine = thread::spawn(move || {
            coroutine.send(n);
            coroutine
        })
        .join()
        .unwrap();
    }
    assert_eq!(coroutine.send(0), Step::Returned(10));
}

#[test]
fn what_is_send() {
    fn is_send<T: Send>() {}
    fn is_sync<T: Sync>() {}
    is_send::<Coroutine<u32, u32, u32>>();
    is_send::<Coroutine<Cell<u8>, Cell<u8>, Rc<u8>>>();
    is_send::<Coroutine<(), u32, (), OnStack<'_, std::future::Ready<()>>>>();
    is_send::<Yielder<Rc<u8>, Rc<u8>>>();
    is_sync::<Yielder<Rc<u8>, Rc<u8>>>();
    is_send::<Yield<Rc<u8>, Cell<u8>>>();
}
