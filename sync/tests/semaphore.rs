//! `Semaphore` and `BoundedSemaphore`: order, many permits at once, cancelling, closing, and permits that are too many.

mod common;

use common::Hand;
use futures_lite::future::{block_on, poll_once};
use raddle_runtime::prim::atomic::{AtomicUsize, Ordering::SeqCst};
use raddle_runtime::prim::thread::{Spec, spawn};
use raddle_runtime::runtime::Builder;
use raddle_sync::{
    AcquireError, BoundedPermit, BoundedSemaphore, Closed, OwnedBoundedPermit, OwnedPermit,
    OwnedSemaphorePermit, Permit, Semaphore, SemaphorePermit, TryAcquireError,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// The message of the panic in `f`.
fn panic_of<T>(f: impl FnOnce() -> T) -> String {
    let panicked = catch_unwind(AssertUnwindSafe(|| drop(f())));
    let payload = panicked.expect_err("it panics");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => payload.downcast::<&str>().expect("a message").to_string(),
    }
}

#[test]
fn permits_are_taken_and_come_back() {
    static PERMITS: Semaphore = Semaphore::new(2);
    block_on(async {
        let one: SemaphorePermit<'_> = PERMITS.acquire().await.unwrap();
        assert!(!PERMITS.locked());
        let other = PERMITS.acquire_many(1).await.unwrap();
        assert!(PERMITS.locked());
        assert_eq!(PERMITS.try_acquire().unwrap_err(), TryAcquireError::NoPermits);
        assert_eq!(PERMITS.available_permits(), 0);
        drop(one);
        assert_eq!(PERMITS.try_acquire_many(2).unwrap_err(), TryAcquireError::NoPermits);
        drop(other);
        assert_eq!(PERMITS.try_acquire_many(2).unwrap().num_permits(), 2);
        assert_eq!(PERMITS.available_permits(), 2);
    });
}

#[test]
fn owned_permits_keep_their_semaphore() {
    let semaphore = Arc::new(Semaphore::new(3));
    let one: OwnedSemaphorePermit = block_on(semaphore.clone().acquire_owned()).unwrap();
    let two = block_on(semaphore.clone().acquire_many_owned(2)).unwrap();
    assert_eq!((one.num_permits(), two.num_permits()), (1, 2));
    assert!(semaphore.clone().try_acquire_owned().is_err());
    assert!(semaphore.clone().try_acquire_many_owned(2).is_err());
    let weak = Arc::downgrade(&semaphore);
    drop(semaphore);
    drop(one);
    assert_eq!(two.semaphore().available_permits(), 1);
    drop(two);
    assert!(weak.upgrade().is_none());
}

#[test]
fn permits_can_be_split_merged_and_forgotten() {
    let semaphore = Semaphore::new(5);
    let mut all = semaphore.try_acquire_many(5).unwrap();
    let two = all.split(2).unwrap();
    assert!(all.split(4).is_none());
    assert_eq!((all.num_permits(), two.num_permits()), (3, 2));
    drop(two);
    assert_eq!(semaphore.available_permits(), 2);
    all.merge(semaphore.try_acquire().unwrap());
    assert_eq!((all.num_permits(), semaphore.available_permits()), (4, 1));
    all.split(1).unwrap().forget();
    drop(all);
    assert_eq!(semaphore.available_permits(), 4);
    let other = Semaphore::new(1);
    let text = panic_of(|| semaphore.try_acquire().unwrap().merge(other.try_acquire().unwrap()));
    assert_eq!(text, "merged permits of two semaphores");
    assert_eq!((semaphore.available_permits(), other.available_permits()), (4, 1));
}

#[test]
fn owned_permits_can_be_split_merged_and_forgotten() {
    let semaphore = Arc::new(Semaphore::new(5));
    let mut all = semaphore.clone().try_acquire_many_owned(5).unwrap();
    let two = all.split(2).unwrap();
    assert!(all.split(4).is_none());
    drop(two);
    all.merge(semaphore.clone().try_acquire_owned().unwrap());
    all.split(1).unwrap().forget();
    drop(all);
    assert_eq!((semaphore.available_permits(), Arc::strong_count(&semaphore)), (4, 1));
    let other = Arc::new(Semaphore::new(1));
    panic_of(|| {
        semaphore.clone().try_acquire_owned().unwrap().merge(other.clone().try_acquire_owned().unwrap())
    });
    assert_eq!((semaphore.available_permits(), other.available_permits()), (4, 1));
}

#[test]
fn permits_are_added_and_taken_away_for_good() {
    let semaphore = Semaphore::new(0);
    let mut first = Hand::new(semaphore.acquire());
    assert!(!first.poll());
    semaphore.add_permits(3);
    assert!(first.poll());
    assert_eq!(semaphore.forget_permits(2), 2);
    assert_eq!(semaphore.forget_permits(2), 1);
    assert_eq!((semaphore.forget_permits(2), semaphore.available_permits()), (0, 0));
}

#[test]
fn f23_permits_are_handed_out_in_order_and_nobody_overtakes() {
    let semaphore = Semaphore::new(0);
    let mut line: Vec<_> = [1, 3, 1, 2].map(|n| Hand::new(semaphore.acquire_many(n))).into();
    assert!(line.iter_mut().all(|waiter| !waiter.poll()));
    let woken = |line: &[Hand<_>]| line.iter().map(Hand::wakes).collect::<Vec<_>>();
    semaphore.add_permits(3);
    assert_eq!(woken(&line), [1, 0, 0, 0]);
    assert_eq!(semaphore.available_permits(), 2);
    assert!(
        semaphore.locked() && semaphore.try_acquire().is_err(),
        "what is there is for the front of the line"
    );
    assert!(semaphore.try_acquire_many(0).is_ok(), "who wants nothing need not wait");
    let first = line[0].output().unwrap().unwrap();
    drop(first);
    assert_eq!(woken(&line), [1, 1, 0, 0]);
    semaphore.add_permits(3);
    assert_eq!(woken(&line), [1, 1, 1, 1]);
    assert!(!semaphore.locked() || semaphore.available_permits() == 0);
}

#[test]
fn f23_a_chosen_waiter_that_goes_passes_its_permits_on() {
    for gone_first in [true, false] {
        let semaphore = Semaphore::new(0);
        let mut many = Hand::new(semaphore.acquire_many(3));
        let mut behind: Vec<_> = [1, 1, 2].map(|n| Hand::new(semaphore.acquire_many(n))).into();
        assert!(!many.poll() && behind.iter_mut().all(|waiter| !waiter.poll()));
        if gone_first {
            // In line still: what lay there for it goes to those behind who ask for less.
            semaphore.add_permits(2);
            drop(many);
        } else {
            semaphore.add_permits(3);
            assert_eq!(many.wakes(), 1);
            drop(many);
            assert_eq!(semaphore.available_permits(), 1);
            assert_eq!(semaphore.forget_permits(9), 1);
        }
        let permits: Vec<_> = behind[..2].iter_mut().map(|waiter| waiter.output().unwrap()).collect();
        assert_eq!(behind[2].wakes(), 0);
        drop(permits);
        assert!(behind[2].poll());
        assert_eq!(semaphore.available_permits(), 2, "a permit was lost or made");
    }
}

#[test]
fn f23_forty_behind_a_front_that_goes_are_all_let_on() {
    let semaphore = Semaphore::new(50);
    let mut front = Hand::new(semaphore.acquire_many(51));
    assert!(!front.poll());
    let mut behind: Vec<_> = (0..50).map(|_| Hand::new(semaphore.acquire())).collect();
    assert!(behind.iter_mut().all(|waiter| !waiter.poll()));
    drop(front);
    let permits: Vec<_> = behind.iter_mut().filter_map(|waiter| waiter.output()).collect();
    assert_eq!((permits.len(), semaphore.available_permits()), (50, 0));
}

#[test]
fn f23_an_acquire_can_be_dropped_at_any_point() {
    let semaphore = Arc::new(Semaphore::new(2));
    drop((semaphore.acquire(), semaphore.clone().acquire_many_owned(2)));
    for gone in 0..3 {
        let held = semaphore.try_acquire_many(2).unwrap();
        let mut line: Vec<_> = (0..3).map(|_| Hand::new(semaphore.clone().acquire_many_owned(2))).collect();
        assert!(line.iter_mut().all(|waiter| !waiter.poll() && !waiter.poll()));
        drop(line.remove(gone));
        drop(held);
        assert!(line.iter_mut().all(Hand::poll));
        assert_eq!(semaphore.available_permits(), 2);
    }
}

#[test]
fn closing_refuses_those_in_line_and_all_who_come() {
    let semaphore = Arc::new(Semaphore::new(1));
    let held = semaphore.try_acquire().unwrap();
    let mut chosen = Hand::new(semaphore.acquire());
    assert!(!chosen.poll());
    let mut line: Vec<_> = (0..40).map(|_| Hand::new(semaphore.clone().acquire_owned())).collect();
    assert!(line.iter_mut().all(|waiter| !waiter.poll()));
    drop(held);
    semaphore.close();
    assert!(semaphore.is_closed() && semaphore.locked());
    for waiter in &mut line {
        assert_eq!(waiter.wakes(), 1);
        assert!(waiter.output().expect("it is told").is_err());
    }
    let permit = chosen.output().unwrap().expect("it was chosen before");
    assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::Closed);
    assert_eq!(semaphore.try_acquire_many(0).unwrap_err(), TryAcquireError::Closed);
    let error: AcquireError = block_on(semaphore.acquire_many(0)).unwrap_err();
    assert_eq!(error.to_string(), "the semaphore is closed");
    drop(permit);
    assert_eq!(semaphore.available_permits(), 1);
    semaphore.close();
}

#[test]
fn f23_a_chosen_waiter_that_goes_after_a_close_gives_its_permits_back() {
    let semaphore = Semaphore::new(0);
    let (mut chosen, mut refused) = (Hand::new(semaphore.acquire_many(2)), Hand::new(semaphore.acquire()));
    assert!(!chosen.poll() && !refused.poll());
    semaphore.add_permits(2);
    semaphore.close();
    drop(chosen);
    drop(refused);
    assert_eq!(semaphore.available_permits(), 2);
}

#[test]
fn more_permits_than_there_can_be_are_a_panic() {
    let most = Semaphore::MAX_PERMITS;
    assert!(panic_of(|| Semaphore::new(most + 1)).contains("at most"));
    let semaphore = Semaphore::new(most);
    assert!(panic_of(|| semaphore.add_permits(1)).contains(&most.to_string()));
    assert!(panic_of(|| semaphore.add_permits(usize::MAX)).contains(&most.to_string()));
    assert!(panic_of(|| block_on(semaphore.acquire_many(most + 1))).contains("can have at most"));
    assert_eq!(semaphore.try_acquire_many(most + 1).unwrap_err(), TryAcquireError::NoPermits);
    let all = semaphore.try_acquire_many(most).unwrap();
    assert_eq!((all.num_permits(), semaphore.available_permits()), (most, 0));
    drop(all);
    assert_eq!(semaphore.available_permits(), most);
    let mut line = Hand::new(semaphore.acquire_many(most));
    let held = semaphore.try_acquire().unwrap();
    assert!(!line.poll());
    assert!(panic_of(|| semaphore.add_permits(2)).contains(&most.to_string()));
    drop(held);
    assert!(line.poll());
}

#[test]
fn a_bounded_semaphore_that_is_released_too_often_says_so() {
    static SEMAPHORE: BoundedSemaphore = BoundedSemaphore::new(2);
    block_on(async {
        assert_eq!((SEMAPHORE.bound(), SEMAPHORE.available_permits()), (2, 2));
        let error = SEMAPHORE.release().unwrap_err();
        assert_eq!(error.bound(), 2);
        assert!(error.to_string().contains("2 permits was released more often"), "{error}");
        SEMAPHORE.acquire().await.unwrap().forget();
        let permit = SEMAPHORE.try_acquire().unwrap();
        assert!(SEMAPHORE.locked() && SEMAPHORE.try_acquire().is_err());
        SEMAPHORE.release().unwrap();
        assert_eq!(SEMAPHORE.release(), Err(error), "the other is in the hands of a permit");
        drop(permit);
        assert_eq!(SEMAPHORE.available_permits(), 2);
        assert_eq!(SEMAPHORE.release(), Err(error));
    });
    assert!(panic_of(|| BoundedSemaphore::new(0)).contains("at least 1"));
    assert!(panic_of(|| BoundedSemaphore::new(usize::MAX)).contains("at most"));
}

#[test]
fn a_bounded_semaphore_hands_what_is_released_to_the_next_in_line() {
    let semaphore = Arc::new(BoundedSemaphore::new(1));
    block_on(semaphore.clone().acquire_owned()).unwrap().forget();
    assert_eq!(Arc::strong_count(&semaphore), 1);
    let mut line: Vec<_> = (0..2).map(|_| Hand::new(semaphore.clone().acquire_owned())).collect();
    assert!(line.iter_mut().all(|waiter| !waiter.poll()));
    semaphore.release().unwrap();
    assert!(semaphore.clone().try_acquire_owned().is_err());
    drop(line.remove(0));
    let permit = line[0].output().expect("the second has it").unwrap();
    assert!(semaphore.release().is_err());
    assert!(Arc::ptr_eq(permit.semaphore(), &semaphore));
    semaphore.close();
    assert!(semaphore.is_closed());
    assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::Closed);
    drop(permit);
    assert_eq!(semaphore.blocking_acquire().unwrap_err().to_string(), "the semaphore is closed");
    assert_eq!(semaphore.available_permits(), 1);
}

#[test]
fn f11_a_loop_over_free_permits_lets_other_tasks_run() {
    Builder::new().current_thread().build().unwrap().block_on(async {
        let stop = Arc::new(Semaphore::new(1));
        let seen = stop.clone();
        let busy = raddle_runtime::spawn(async move {
            let free = Semaphore::new(1);
            while !seen.is_closed() {
                drop(free.acquire().await);
            }
        });
        let other = raddle_runtime::spawn(async move { stop.close() });
        busy.await.unwrap();
        other.await.unwrap();
    });
}

#[test]
fn a_wait_that_is_not_over_takes_no_budget() {
    Builder::new().current_thread().build().unwrap().block_on(async {
        let none = Semaphore::new(0);
        let mut waits: Vec<_> = (0..1000).map(|_| Box::pin(none.acquire())).collect();
        for wait in &mut waits {
            assert!(poll_once(wait).await.is_none());
        }
        assert!(!raddle_runtime::budget::is_exhausted());
    });
}

#[test]
fn threads_wait_for_permits_too() {
    let semaphore = Arc::new(Semaphore::new(0));
    let other = semaphore.clone();
    let thread = spawn(&Spec::default(), move || drop(other.blocking_acquire().unwrap())).unwrap();
    semaphore.add_permits(1);
    thread.join().unwrap();
    assert_eq!(semaphore.available_permits(), 1);
    let text = Builder::new()
        .current_thread()
        .build()
        .unwrap()
        .block_on(async { panic_of(|| semaphore.blocking_acquire()) });
    assert!(text.starts_with("Semaphore::blocking_acquire was called inside async code"), "{text}");
}

/// Threads that take one, two or three of three, and give up at any moment: never more than three are out, and all
/// come back.
#[test]
fn f23_threads_that_give_up_at_any_moment_lose_and_make_no_permits() {
    const ROUNDS: usize = 3_000;
    struct Shared {
        semaphore: Semaphore,
        out: AtomicUsize,
    }
    async fn take(shared: &Shared, n: usize) {
        let permit = shared.semaphore.acquire_many(n).await.unwrap();
        assert!(shared.out.fetch_add(n, SeqCst) + n <= 3, "too many are out");
        futures_lite::future::yield_now().await;
        shared.out.fetch_sub(n, SeqCst);
        drop(permit);
    }
    let shared = Arc::new(Shared { semaphore: Semaphore::new(3), out: AtomicUsize::new(0) });
    let threads: Vec<_> = (1..=4)
        .map(|seed| {
            let shared = shared.clone();
            let body = async move {
                for round in 0..ROUNDS {
                    let n = (round * seed) % 3 + 1;
                    poll_once(shared.semaphore.acquire_many(n)).await;
                    take(&shared, n).await;
                }
            };
            spawn(&Spec::default(), move || block_on(body)).unwrap()
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(shared.semaphore.available_permits(), 3);
}

#[test]
fn permits_and_their_futures_cross_threads() {
    fn crosses<T: Send + Sync>() {}
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    crosses::<(Semaphore, Permit<'_>, OwnedPermit, Closed, TryAcquireError)>();
    crosses::<(BoundedSemaphore, BoundedPermit<'_>, OwnedBoundedPermit)>();
    let semaphore = Arc::new(Semaphore::new(1));
    drop(is_send((semaphore.acquire(), semaphore.clone().acquire_owned())));
}
