//! `Mutex` and `RwLock`: who gets them when, what cancelling leaves behind, and what their guards can be made into.

mod common;

use common::Hand;
use futures_lite::future::{block_on, poll_once, yield_now};
use raddle_runtime::prim::thread::{Spec, spawn};
use raddle_sync::{
    Lock, MappedMutexGuard, Mutex, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard,
    OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, RwLockMappedWriteGuard,
    RwLockReadGuard, RwLockWriteGuard,
};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Wake, Waker};

#[test]
fn a_mutex_of_nothing_takes_32_bytes() {
    assert!(size_of::<Mutex<()>>() <= 32);
    assert!(size_of::<RwLock<()>>() <= 32);
    assert!(size_of::<MutexGuard<'_, u64>>() <= 16);
}

#[test]
fn a_mutex_can_be_a_static_and_lets_one_in_at_a_time() {
    static NAMES: Lock<Vec<&str>> = Mutex::new(Vec::new());
    block_on(async {
        let mut names = NAMES.lock().await;
        assert!(NAMES.is_locked());
        assert_eq!(NAMES.try_lock().unwrap_err().to_string(), "the lock is held by somebody else");
        names.push("Ada");
        drop(names);
        assert!(!NAMES.is_locked());
        assert_eq!(*NAMES.try_lock().unwrap(), ["Ada"]);
    });
}

#[test]
fn f23_the_lock_is_handed_over_in_order_and_nobody_overtakes() {
    let mutex = Mutex::new(0);
    let held = mutex.try_lock().unwrap();
    let mut line: Vec<_> = (0..3).map(|_| Hand::new(mutex.lock())).collect();
    assert!(line.iter_mut().all(|waiter| waiter.output().is_none()));
    let mut guard = held;
    for served in 0..3 {
        drop(guard);
        assert!(mutex.is_locked() && mutex.try_lock().is_err(), "it belongs to the first in line");
        let woken: Vec<_> = line.iter().map(Hand::wakes).collect();
        assert!(woken.iter().enumerate().all(|(at, &wakes)| wakes == usize::from(at <= served)), "{woken:?}");
        guard = line[served].output().expect("it was handed over");
        *guard += 1;
    }
    drop(guard);
    assert_eq!(*mutex.try_lock().unwrap(), 3);
}

#[test]
fn f23_a_chosen_waiter_that_goes_passes_the_lock_on() {
    let mutex = Mutex::new(());
    let held = mutex.try_lock().unwrap();
    let mut line: Vec<_> = (0..3).map(|_| Hand::new(mutex.lock())).collect();
    assert!(line.iter_mut().all(|waiter| !waiter.poll()));
    drop(held);
    assert_eq!(line[0].wakes(), 1);
    line.remove(0);
    assert_eq!((line[0].wakes(), line[1].wakes()), (1, 0));
    line.remove(0);
    let guard = line[0].output().expect("the last is left");
    drop(guard);
    assert!(!mutex.is_locked());
}

#[test]
fn f23_a_lock_can_be_dropped_at_any_point() {
    let mutex = Arc::new(Mutex::new(()));
    drop(mutex.lock());
    drop(mutex.clone().lock_owned());
    for gone in 0..3 {
        let held = mutex.try_lock().unwrap();
        let mut line: Vec<_> = (0..3).map(|_| Hand::new(mutex.clone().lock_owned())).collect();
        assert!(line.iter_mut().all(|waiter| !waiter.poll() && !waiter.poll()));
        drop(line.remove(gone));
        drop(held);
        assert!(line.iter_mut().all(Hand::poll));
        assert!(!mutex.is_locked());
    }
}

#[test]
fn a_panic_while_holding_lets_go() {
    let (mutex, lock) = (Mutex::new(1), RwLock::new(1));
    let mut waiting = Hand::new(mutex.lock());
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let (mut one, mut other) = (mutex.try_lock().unwrap(), lock.try_write().unwrap());
        assert!(!waiting.poll());
        (*one, *other) = (2, 2);
        panic!("while both are held");
    }));
    assert!(panicked.is_err());
    assert_eq!(*waiting.output().expect("no poison"), 2);
    assert_eq!(*lock.try_read().unwrap(), 2);
}

#[test]
fn a_panic_while_mapping_lets_go() {
    let mutex = Mutex::new(1);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        MutexGuard::map(mutex.try_lock().unwrap(), |_| -> &mut i32 { panic!("no such part") })
    }));
    assert!(panicked.is_err());
    assert!(!mutex.is_locked());
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("woken");
    }
}

struct PanicsWhenDropped;

impl Wake for PanicsWhenDropped {
    fn wake(self: Arc<Self>) {
        drop(self);
    }
}

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

#[test]
fn f27_a_waker_that_panics_does_not_keep_the_lock() {
    let mutex = Mutex::new(());
    let held = mutex.try_lock().unwrap();
    let mut first = Hand::new(mutex.lock());
    assert!(!first.poll_with(&Waker::from(Arc::new(Panics))));
    let mut second = Hand::new(mutex.lock());
    assert!(!second.poll());
    // In a destructor while another panic is on its way: a second one would end the process.
    assert!(
        catch_unwind(AssertUnwindSafe(|| {
            let _held = held;
            panic!("while it is held")
        }))
        .is_err()
    );
    drop(first);
    assert!(second.poll());
}

#[test]
fn f27_a_waker_that_panics_when_dropped_does_not_keep_the_lock() {
    let mutex = Mutex::new(());
    let held = mutex.try_lock().unwrap();
    let mut first = Hand::new(mutex.lock());
    assert!(!first.poll_with(&Waker::from(Arc::new(PanicsWhenDropped))));
    let mut second = Hand::new(mutex.lock());
    assert!(!second.poll());
    drop(first);
    drop(held);
    assert!(second.poll());
    assert!(!mutex.is_locked());
}

/// Takes and gives back the lock when it is woken, cloned state dropped with it.
struct Relocks(Arc<Mutex<u32>>);

impl Wake for Relocks {
    fn wake(self: Arc<Self>) {
        assert!(self.0.try_lock().is_err(), "it was handed over before anyone was woken");
    }
}

impl Drop for Relocks {
    fn drop(&mut self) {
        drop(self.0.try_lock());
    }
}

#[test]
fn f27_a_waker_may_use_the_lock_when_it_is_woken_replaced_and_dropped() {
    let mutex = Arc::new(Mutex::new(0));
    let held = mutex.try_lock().unwrap();
    let mut wait = Hand::new(mutex.lock());
    assert!(!wait.poll_with(&Waker::from(Arc::new(Relocks(mutex.clone())))));
    assert!(!wait.poll(), "another waker takes the place of the first, which is dropped");
    assert!(!wait.poll_with(&Waker::from(Arc::new(Relocks(mutex.clone())))));
    drop(held);
    assert!(wait.poll());
    drop(wait);
    assert_eq!(Arc::strong_count(&mutex), 1, "a waker was kept");
}

#[test]
fn a_mutex_guards_what_has_no_size() {
    let mutex: Arc<Mutex<[u8]>> = Arc::new(Mutex::new([1, 2, 3]));
    mutex.try_lock().unwrap().reverse();
    let mut last = OwnedMutexGuard::map(mutex.clone().try_lock_owned().unwrap(), |bytes| &mut bytes[2]);
    *last = 9;
    assert!(mutex.is_locked());
    drop(last);
    assert_eq!(*mutex.try_lock().unwrap(), [3, 2, 9]);
    let lock: Box<RwLock<dyn Fn() -> u8>> = Box::new(RwLock::new(|| 7));
    assert_eq!(lock.try_read().unwrap()(), 7);
}

#[test]
fn mutex_guards_map_and_give_themselves_back_when_there_is_no_such_part() {
    let mutex = Mutex::new((vec![1, 2], 'x'));
    let guard = mutex.try_lock().unwrap();
    assert!(std::ptr::eq(MutexGuard::mutex(&guard), &mutex));
    let Err(guard) = MutexGuard::try_map(guard, |pair| pair.0.get_mut(9)) else { panic!("there is none") };
    assert!(mutex.is_locked());
    let items = MutexGuard::try_map(guard, |pair| Some(&mut pair.0)).unwrap();
    let Err(items) = MappedMutexGuard::try_map(items, |items| items.get_mut(9)) else { panic!("none") };
    let items = MappedMutexGuard::try_map(items, |items| items.get_mut(1)).unwrap();
    let mut item = MappedMutexGuard::map(items, |item| item);
    *item += 40;
    assert_eq!(format!("{item} {item:?}"), "42 42");
    drop(item);
    assert_eq!(mutex.into_inner().0, [1, 42]);
}

#[test]
fn owned_mutex_guards_map_and_outlive_their_arc() {
    let mutex = Arc::new(Mutex::new((vec![1, 2], 'x')));
    let guard = block_on(mutex.clone().lock_owned());
    assert!(Arc::ptr_eq(OwnedMutexGuard::mutex(&guard), &mutex));
    assert!(mutex.clone().try_lock_owned().is_err());
    let weak = Arc::downgrade(&mutex);
    drop(mutex);
    let Err(guard) = OwnedMutexGuard::try_map(guard, |pair| pair.0.get_mut(9)) else { panic!("none") };
    let items = OwnedMutexGuard::try_map(guard, |pair| Some(&mut pair.0)).unwrap();
    let Err(items) = OwnedMappedMutexGuard::try_map(items, |items| items.get_mut(9)) else { panic!("none") };
    let items = OwnedMappedMutexGuard::try_map(items, |items| items.get_mut(0)).unwrap();
    let mut item = OwnedMappedMutexGuard::map(items, |item| item);
    *item += 1;
    assert_eq!(format!("{item} {item:?}"), "2 2");
    assert!(weak.upgrade().unwrap().is_locked());
    drop(item);
    assert!(weak.upgrade().is_none(), "the guard kept it alive, and nothing else does");
}

#[test]
fn locks_show_their_value_unless_they_are_held() {
    let mut mutex = Mutex::from(1);
    let mut lock = RwLock::from(1);
    *mutex.get_mut() += 1;
    *lock.get_mut() += 1;
    assert_eq!(format!("{mutex:?} {lock:?}"), "Mutex { value: 2 } RwLock { value: 2 }");
    let _guards = (mutex.try_lock().unwrap(), lock.try_write().unwrap());
    assert_eq!(format!("{mutex:?} {lock:?}"), "Mutex { value: <locked> } RwLock { value: <locked> }");
    assert_eq!(Mutex::<u8>::default().into_inner() + RwLock::<u8>::default().into_inner(), 0);
}

#[test]
fn threads_wait_for_a_lock_that_a_future_holds() {
    let (mutex, lock) = (Arc::new(Mutex::new(0)), Arc::new(RwLock::new(0)));
    let held = (mutex.try_lock().unwrap(), lock.try_write().unwrap());
    let others: Vec<_> = (0..2)
        .map(|_| {
            let (mutex, lock) = (mutex.clone(), lock.clone());
            let body = move || {
                *mutex.blocking_lock() += 1;
                *mutex.clone().blocking_lock_owned() += 1;
                *lock.blocking_write() += 1;
                assert_ne!(*lock.blocking_read(), 0);
            };
            spawn(&Spec::default(), body).unwrap()
        })
        .collect();
    drop(held);
    others.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!((*mutex.try_lock().unwrap(), *lock.try_read().unwrap()), (4, 2));
}

#[test]
fn a_blocking_lock_in_async_code_is_a_panic_that_names_it() {
    let runtime = raddle_runtime::runtime::Builder::new().current_thread().build().unwrap();
    let panicked = runtime.block_on(async { catch_unwind(|| drop(Mutex::new(()).blocking_lock())) });
    let message = *panicked.unwrap_err().downcast::<String>().unwrap();
    assert!(message.starts_with("Mutex::blocking_lock was called inside async code"), "{message}");
}

#[test]
fn many_may_read_and_a_writer_is_alone() {
    let lock = RwLock::new(1);
    let readers = (lock.try_read().unwrap(), lock.try_read().unwrap());
    assert!(lock.try_write().is_err());
    drop(readers);
    let writer = lock.try_write().unwrap();
    assert!(lock.try_read().is_err() && lock.try_write().is_err());
    drop(writer);
    assert_eq!(lock.into_inner(), 1);
}

#[test]
fn a_writer_is_not_starved_by_readers_that_come_after_it() {
    let lock = RwLock::new(0);
    let early = lock.try_read().unwrap();
    let mut writer = Hand::new(lock.write());
    assert!(!writer.poll());
    assert!(lock.try_read().is_err(), "a writer waits");
    let mut late: Vec<_> = (0..3).map(|_| Hand::new(lock.read())).collect();
    assert!(late.iter_mut().all(|reader| !reader.poll()));
    let mut last = Hand::new(lock.write());
    assert!(!last.poll());
    drop(early);
    assert!(late.iter().all(|reader| reader.wakes() == 0));
    drop(writer.output().expect("it is its turn"));
    assert!(late.iter().all(|reader| reader.wakes() == 1), "all readers up to the next writer");
    let reading: Vec<_> = late.iter_mut().map(|reader| reader.output().unwrap()).collect();
    assert!(!last.poll());
    drop(reading);
    assert!(last.poll());
}

#[test]
fn f23_a_writer_that_goes_lets_the_readers_behind_it_in() {
    let lock = RwLock::new(0);
    let early = lock.try_read().unwrap();
    let mut writer = Hand::new(lock.write());
    assert!(!writer.poll());
    let mut late: Vec<_> = (0..40).map(|_| Hand::new(lock.read())).collect();
    assert!(late.iter_mut().all(|reader| !reader.poll()));
    drop(writer);
    assert!(late.iter().all(|reader| reader.wakes() == 1));
    let reading: Vec<_> = late.iter_mut().map(|reader| reader.output().unwrap()).collect();
    drop(early);
    assert!(lock.try_write().is_err());
    drop(reading);
    assert!(lock.try_write().is_ok());
}

#[test]
fn f23_chosen_readers_and_writers_that_go_pass_on_what_they_had() {
    let lock = RwLock::new(0);
    let held = lock.try_write().unwrap();
    let mut readers: Vec<_> = (0..2).map(|_| Hand::new(lock.read())).collect();
    assert!(readers.iter_mut().all(|reader| !reader.poll()));
    let (mut writer, mut last) = (Hand::new(lock.write()), Hand::new(lock.read()));
    assert!(!writer.poll() && !last.poll());
    drop(held);
    assert_eq!((readers[0].wakes(), readers[1].wakes(), writer.wakes()), (1, 1, 0));
    drop(readers.remove(0));
    assert_eq!(writer.wakes(), 0);
    drop(readers);
    assert_eq!((writer.wakes(), last.wakes()), (1, 0));
    drop(writer);
    assert!(last.poll());
    assert!(lock.try_write().is_ok());
}

#[test]
fn a_downgraded_writer_lets_readers_in_and_no_writer_in_between() {
    let lock = Arc::new(RwLock::new(0));
    let mut writer = lock.try_write().unwrap();
    *writer = 1;
    let mut reader = Hand::new(lock.read());
    let mut next = Hand::new(lock.write());
    assert!(!reader.poll() && !next.poll());
    let first = RwLockWriteGuard::downgrade(writer);
    let second = reader.output().expect("readers come in");
    assert!(!next.poll());
    assert_eq!((*first, *second), (1, 1));
    drop((first, second));
    drop(next.output().expect("both have gone"));
    let owned = OwnedRwLockWriteGuard::downgrade(lock.clone().try_write_owned().unwrap());
    assert!(lock.try_read().is_ok() && lock.try_write().is_err());
    drop(owned);
    assert!(lock.try_write().is_ok());
}

#[test]
fn rwlock_guards_map_and_give_themselves_back_when_there_is_no_such_part() {
    let lock = RwLock::new((vec![1, 2], 'x'));
    let reader = RwLockReadGuard::map(lock.try_read().unwrap(), |pair| &pair.0);
    let Err(reader) = RwLockReadGuard::try_map(reader, |items| items.get(9)) else { panic!("none") };
    let item = RwLockReadGuard::try_map(reader, |items| items.first()).unwrap();
    assert_eq!(format!("{item} {item:?}"), "1 1");
    assert!(lock.try_write().is_err());
    drop(item);
    let writer = lock.try_write().unwrap();
    let Err(writer) = RwLockWriteGuard::try_map(writer, |pair| pair.0.get_mut(9)) else { panic!("none") };
    assert_eq!(format!("{writer:?}"), "([1, 2], 'x')");
    let items = RwLockWriteGuard::map(writer, |pair| &mut pair.0);
    let Err(items) = RwLockMappedWriteGuard::try_map(items, |items| items.get_mut(9)) else { panic!("none") };
    let mut item = RwLockMappedWriteGuard::map(items, |items| &mut items[1]);
    *item = 5;
    assert!(lock.try_read().is_err());
    assert_eq!(format!("{item} {item:?}"), "5 5");
    drop(item);
    assert_eq!(lock.try_write().unwrap().0, [1, 5]);
}

#[test]
fn owned_rwlock_guards_map_and_keep_their_lock() {
    let lock = Arc::new(RwLock::new((vec![1, 2], 'x')));
    let reader = block_on(lock.clone().read_owned());
    assert!(Arc::ptr_eq(OwnedRwLockReadGuard::rwlock(&reader), &lock));
    assert!(lock.clone().try_write_owned().is_err());
    let items = OwnedRwLockReadGuard::map(reader, |pair| &pair.0);
    let Err(items) = OwnedRwLockReadGuard::try_map(items, |items| items.get(9)) else { panic!("none") };
    assert_eq!(format!("{items:?}"), "[1, 2]");
    drop(items);
    let writer = block_on(lock.clone().write_owned());
    assert!(Arc::ptr_eq(OwnedRwLockWriteGuard::rwlock(&writer), &lock));
    assert!(lock.clone().try_read_owned().is_err());
    let Err(writer) = OwnedRwLockWriteGuard::try_map(writer, |p| p.0.get_mut(9)) else { panic!("none") };
    let items = OwnedRwLockWriteGuard::map(writer, |pair| &mut pair.0);
    let Err(items) = OwnedRwLockMappedWriteGuard::try_map(items, |i| i.get_mut(9)) else { panic!("none") };
    let mut item = OwnedRwLockMappedWriteGuard::map(items, |items| &mut items[1]);
    *item = 7;
    drop(item);
    assert_eq!(lock.clone().try_read_owned().unwrap().0, [1, 7]);
    assert_eq!(Arc::strong_count(&lock), 1);
}

/// Tasks on threads that add under the lock, some of which give up in between: no addition is lost.
#[test]
fn f23_threads_that_give_up_at_any_moment_lose_nothing() {
    const ROUNDS: u32 = 2_000;
    let shared = Arc::new((Mutex::new(0), RwLock::new(0)));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let shared = shared.clone();
            spawn(&Spec::default(), move || block_on(add(&shared.0, &shared.1, ROUNDS))).unwrap()
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(*shared.0.try_lock().unwrap(), 4 * ROUNDS);
    assert_eq!(*shared.1.try_read().unwrap(), 4 * ROUNDS);
}

async fn add(mutex: &Mutex<u32>, lock: &RwLock<u32>, rounds: u32) {
    for _ in 0..rounds {
        poll_once(mutex.lock()).await;
        let mut guard = mutex.lock().await;
        let before = *guard;
        yield_now().await;
        *guard = before + 1;
        drop(guard);
        poll_once(lock.read()).await;
        poll_once(lock.write()).await;
        let mut guard = lock.write().await;
        let before = *guard;
        yield_now().await;
        *guard = before + 1;
        let reader = RwLockWriteGuard::downgrade(guard);
        assert_eq!(*reader, before + 1);
    }
}
