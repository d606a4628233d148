//! The cell that is filled once: who fills it, who waits, what cancels and panics leave.
#![allow(clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::Hand;
use futures_lite::future::block_on;
use raddle_sync::{Notify, OnceCell, SetError};
use std::cell::Cell;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

#[test]
fn the_first_makes_the_value_and_the_others_wait_for_it() {
    let (cell, go) = (OnceCell::new(), Notify::new());
    let mut first = Hand::new(cell.get_or_init(async || {
        go.notified().await;
        1
    }));
    let mut second = Hand::new(cell.get_or_init(async || unreachable!("it is being made")));
    assert!(!first.poll() && !second.poll());
    assert_eq!((cell.get(), cell.initialized()), (None, false));
    assert_eq!(cell.set(5), Err(SetError::Initializing(5)));
    go.notify_one();
    assert_eq!(first.output(), Some(&1));
    assert_eq!(second.wakes(), 1);
    assert_eq!(second.output(), Some(&1));
    assert_eq!(cell.set(5), Err(SetError::AlreadyInitialized(5)));
    assert_eq!(SetError::Initializing(5).into_inner(), 5);
    assert_eq!(block_on(cell.get_or_init(pending)), &1);
}

#[test]
fn f23_the_next_makes_it_when_the_first_is_cancelled() {
    let cell = OnceCell::new();
    let mut first = Hand::new(cell.get_or_init(pending));
    let mut second = Hand::new(cell.get_or_init(async || 2));
    let mut third = Hand::new(cell.get_or_init(async || 3));
    assert!(!first.poll() && !second.poll() && !third.poll());
    drop(first);
    assert_eq!((second.wakes(), third.wakes()), (1, 0));
    drop(second);
    assert_eq!(third.wakes(), 1, "chosen, and went");
    assert_eq!(third.output(), Some(&3));
}

#[test]
fn the_next_makes_it_when_the_first_fails_or_panics() {
    let cell = OnceCell::new();
    let failed: Result<&u32, &str> = block_on(cell.get_or_try_init(async || Err("no")));
    assert_eq!(failed, Err("no"));
    let panicked = catch_unwind(AssertUnwindSafe(|| block_on(cell.get_or_init(async || panic!("no")))));
    assert!(panicked.is_err());
    assert_eq!(block_on(cell.get_or_try_init(async || Ok::<_, ()>(4))), Ok(&4));
}

#[test]
fn it_can_be_set_changed_and_emptied() {
    let mut cell = OnceCell::new();
    assert_eq!(cell.set(1), Ok(()));
    *cell.get_mut().unwrap() += 1;
    assert_eq!(format!("{cell:?}"), "OnceCell { value: Some(2) }");
    assert_eq!((cell.take(), cell.take(), cell.get()), (Some(2), None, None));
    assert_eq!(block_on(cell.get_or_init(async || 3)), &3);
    assert_eq!(cell.into_inner(), Some(3));
    let full = OnceCell::from(7);
    assert_eq!(full.set(8), Err(SetError::AlreadyInitialized(8)));
    assert_eq!(block_on(full.get_or_init(pending)), &7);
    assert_eq!(OnceCell::<u32>::default().into_inner(), None);
}

#[test]
fn one_of_many_threads_makes_it() {
    for _ in 0..200 {
        let cell = Arc::new(OnceCell::new());
        let threads: Vec<_> = (0..4)
            .map(|i| {
                let cell = cell.clone();
                thread::spawn(move || *block_on(cell.get_or_init(async || i)))
            })
            .collect();
        let seen: Vec<u32> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(seen.iter().all(|value| Some(value) == cell.get()));
    }
}

#[test]
fn it_is_sync_when_its_value_is_send_and_sync() {
    fn is_sync<T: Sync>(_: &T) {}
    fn is_send<T: Send>(_: &T) {}
    let cell = OnceCell::new();
    is_sync(&cell);
    is_send(&cell.get_or_init(async || 1));
    is_send(&OnceCell::<Cell<u32>>::new());
}
