//! The condition: the lock given up and taken again, and notifications that find the right one.
#![allow(clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::Hand;
use futures_lite::future::{block_on, zip};
use raddle_sync::{Condition, Mutex};
use std::cell::Cell;
use std::sync::Arc;
use std::thread;

/// Waits once; true when the lock is held again.
async fn wait_once(mutex: &Mutex<u32>, condition: &Condition) -> u32 {
    let guard = mutex.lock().await;
    *condition.wait(guard).await
}

#[test]
fn a_wait_gives_the_lock_up_and_takes_it_again() {
    let (mutex, condition) = (Mutex::new(0), Condition::new());
    let mut waits = Hand::new(wait_once(&mutex, &condition));
    assert!(!waits.poll());
    let mut guard = mutex.try_lock().expect("who waits does not hold the lock");
    *guard = 7;
    condition.notify(1);
    assert_eq!(waits.wakes(), 1);
    assert!(!waits.poll(), "notified, but the lock is held");
    drop(guard);
    assert_eq!((waits.wakes(), waits.output()), (2, Some(7)));
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn those_who_wait_longest_are_notified() {
    let (mutex, condition) = (Mutex::new(0), Condition::new());
    let mut line: Vec<_> = (0..4).map(|_| Hand::new(wait_once(&mutex, &condition))).collect();
    assert!(line.iter_mut().all(|waits| !waits.poll()));
    condition.notify(0);
    condition.notify(2);
    assert_eq!([0, 1, 2, 3].map(|i: usize| line[i].wakes()), [1, 1, 0, 0]);
    condition.notify_all();
    assert!(line.iter_mut().all(Hand::poll));
    condition.notify(5);
    assert!(!Hand::new(wait_once(&mutex, &condition)).poll(), "a notification for nobody is not kept");
}

#[test]
fn a_hundred_are_notified_in_one_step() {
    let (mutex, condition) = (Mutex::new(0), Condition::new());
    let mut line: Vec<_> = (0..101).map(|_| Hand::new(wait_once(&mutex, &condition))).collect();
    assert!(line.iter_mut().all(|waits| !waits.poll()));
    condition.notify(100);
    assert_eq!(line.iter().filter(|waits| waits.wakes() == 1).count(), 100);
    assert!(line[..100].iter_mut().all(Hand::poll));
    assert!(!line[100].poll());
}

#[test]
fn f23_a_chosen_waiter_that_goes_passes_its_notification_on() {
    let (mutex, condition) = (Mutex::new(0), Condition::new());
    let (mut first, mut second) =
        (Hand::new(wait_once(&mutex, &condition)), Hand::new(wait_once(&mutex, &condition)));
    assert!(!first.poll() && !second.poll());
    condition.notify(1);
    drop(first);
    assert_eq!(second.wakes(), 1);
    assert!(second.poll());
}

/// anyio#947: cancelled after it was notified, while it waits for the lock.
#[test]
fn f23_a_waiter_that_goes_while_it_takes_the_lock_passes_its_notification_on() {
    let (mutex, condition) = (Mutex::new(0), Condition::new());
    let (mut first, mut second) =
        (Hand::new(wait_once(&mutex, &condition)), Hand::new(wait_once(&mutex, &condition)));
    assert!(!first.poll() && !second.poll());
    let guard = mutex.try_lock().unwrap();
    condition.notify(1);
    assert!(!first.poll(), "in line for the lock");
    drop(first);
    assert_eq!(second.wakes(), 1);
    drop(guard);
    assert!(second.poll());
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn a_waiter_that_goes_after_notify_all_passes_nothing_on() {
    let (mutex, condition) = (Mutex::new(0), Condition::new());
    let mut first = Hand::new(wait_once(&mutex, &condition));
    assert!(!first.poll());
    condition.notify_all();
    let mut late = Hand::new(wait_once(&mutex, &condition));
    assert!(!late.poll());
    drop(first);
    assert_eq!(late.wakes(), 0);
}

#[test]
fn a_cancelled_wait_does_not_hold_the_lock() {
    let (mutex, condition) = (Mutex::new(0), Condition::new());
    let guard = mutex.try_lock().unwrap();
    drop(condition.wait(guard));
    let guard = mutex.try_lock().expect("never polled, and the lock is free");
    let mut waits = Hand::new(condition.wait(guard));
    assert!(!waits.poll());
    drop(waits);
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn wait_for_looks_again_after_each_notification() {
    let (mutex, condition) = (Mutex::new(0), Condition::new());
    let looks = Cell::new(0);
    let mut waits = Hand::new(async {
        let guard = mutex.lock().await;
        let is_two = |value: &mut u32| {
            looks.set(looks.get() + 1);
            *value == 2
        };
        *condition.wait_for(guard, is_two).await
    });
    for turn in 1..=2 {
        assert!(!waits.poll());
        assert_eq!(looks.get(), turn);
        *mutex.try_lock().unwrap() += 1;
        condition.notify(1);
    }
    assert_eq!(waits.output(), Some(2));
    assert_eq!(looks.get(), 3);
    let at_once = block_on(async { *condition.wait_for(mutex.lock().await, |value| *value == 2).await });
    assert_eq!(at_once, 2);
}

#[test]
fn two_conditions_may_share_a_lock() {
    let (items, not_empty, not_full) = (Mutex::new(Vec::new()), Condition::new(), Condition::new());
    let produce = async {
        for item in 0..100 {
            let mut guard = not_full.wait_for(items.lock().await, |items| items.len() < 2).await;
            guard.push(item);
            not_empty.notify(1);
        }
    };
    let consume = async {
        let mut sum = 0;
        for _ in 0..100 {
            let mut guard = not_empty.wait_for(items.lock().await, |items| !items.is_empty()).await;
            sum += guard.remove(0);
            not_full.notify(1);
        }
        sum
    };
    assert_eq!(block_on(zip(produce, consume)).1, 4950);
}

#[test]
fn threads_wait_for_each_other() {
    let shared = Arc::new((Mutex::new(0_u32), Condition::new()));
    let threads: Vec<_> = (0..3)
        .map(|i| {
            let shared = shared.clone();
            thread::spawn(move || {
                let (mutex, condition) = &*shared;
                for turn in 0..300 {
                    let is_ours = |value: &mut u32| *value == turn * 3 + i;
                    let mut guard = block_on(async { condition.wait_for(mutex.lock().await, is_ours).await });
                    *guard += 1;
                    condition.notify_all();
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(*shared.0.try_lock().unwrap(), 900);
}

#[test]
fn its_futures_are_send() {
    fn is_send<T: Send>(_: &T) {}
    let (mutex, condition) = (Mutex::new(Cell::new(0)), Condition::new());
    is_send(&condition.wait(mutex.try_lock().unwrap()));
    is_send(&condition.wait_for(mutex.try_lock().unwrap(), |_| true));
}
