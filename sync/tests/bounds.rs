//! Which primitives, guards, channels and futures may cross threads.

use raddle_sync::{
    Barrier, BarrierWaitResult, Condition, Event, EventWait, LifoQueue, MappedMutexGuard, Mutex, MutexGuard,
    Notified, Notify, OnceCell, OwnedMappedMutexGuard, OwnedMutexGuard, OwnedRwLockMappedWriteGuard,
    OwnedRwLockReadGuard, OwnedRwLockWriteGuard, PriorityQueue, Queue, RwLock, RwLockMappedWriteGuard,
    RwLockReadGuard, RwLockWriteGuard,
};
use raddle_sync::{broadcast, mpsc, oneshot, watch};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

/// Whether a type is `Send` and `Sync`, for types that are known where it is called.
macro_rules! is {
    ($bound:ident, $t:ty) => {{
        #[allow(dead_code, reason = "is hidden when the bound holds")]
        trait Not {
            const IS: bool = false;
        }
        impl<T: ?Sized> Not for T {}
        struct Asked<T: ?Sized>(std::marker::PhantomData<T>);
        #[allow(dead_code, reason = "is not there when the bound does not hold")]
        impl<T: ?Sized + $bound> Asked<T> {
            const IS: bool = true;
        }
        <Asked<$t>>::IS
    }};
}

/// `Send` and not `Sync`.
type Mobile = Cell<u8>;
/// `Sync` and not `Send`.
type Fixed = std::sync::RwLockReadGuard<'static, u8>;
/// Neither.
type Neither = Rc<u8>;

#[test]
fn locks_and_guards_cross_threads_when_their_values_may() {
    assert!(is!(Send, Mutex<Mobile>) && is!(Sync, Mutex<Mobile>));
    assert!(!is!(Send, Mutex<Fixed>) && !is!(Sync, Mutex<Fixed>));
    assert!(is!(Send, RwLock<Mobile>) && !is!(Sync, RwLock<Mobile>));
    assert!(!is!(Send, RwLock<Fixed>) && !is!(Sync, RwLock<Fixed>));

    assert!(is!(Send, MutexGuard<'static, Mobile>) && !is!(Sync, MutexGuard<'static, Mobile>));
    assert!(!is!(Send, MutexGuard<'static, Fixed>) && !is!(Sync, MutexGuard<'static, Fixed>));
    assert!(is!(Send, MutexGuard<'static, u8>) && is!(Sync, MutexGuard<'static, u8>));
    assert!(is!(Send, MappedMutexGuard<'static, Mobile>) && !is!(Sync, MappedMutexGuard<'static, Mobile>));
    assert!(!is!(Send, MappedMutexGuard<'static, Fixed>) && is!(Sync, MappedMutexGuard<'static, Fixed>));
    assert!(is!(Send, OwnedMutexGuard<Mobile>) && !is!(Sync, OwnedMutexGuard<Mobile>));
    assert!(!is!(Send, OwnedMappedMutexGuard<Neither, u8>) && !is!(Sync, OwnedMappedMutexGuard<Neither, u8>));
    assert!(!is!(Send, OwnedMappedMutexGuard<u8, Neither>) && is!(Send, OwnedMappedMutexGuard<u8, Mobile>));

    assert!(!is!(Send, RwLockReadGuard<'static, Mobile>) && !is!(Sync, RwLockReadGuard<'static, Mobile>));
    assert!(is!(Send, RwLockReadGuard<'static, Fixed>) && is!(Sync, RwLockReadGuard<'static, Fixed>));
    // A writer that could leave its thread could become a reader there.
    assert!(!is!(Send, RwLockWriteGuard<'static, Mobile>) && !is!(Sync, RwLockWriteGuard<'static, Mobile>));
    assert!(!is!(Send, RwLockWriteGuard<'static, Fixed>) && is!(Send, RwLockWriteGuard<'static, u8>));
    assert!(!is!(Send, OwnedRwLockReadGuard<Mobile, u8>) && !is!(Send, OwnedRwLockReadGuard<Fixed, u8>));
    assert!(is!(Send, OwnedRwLockReadGuard<u8>) && is!(Sync, OwnedRwLockReadGuard<u8>));
    assert!(!is!(Send, OwnedRwLockWriteGuard<Mobile>) && is!(Sync, OwnedRwLockWriteGuard<u8>));
    assert!(!is!(Send, OwnedRwLockMappedWriteGuard<Mobile, u8>));
    assert!(
        is!(Send, RwLockMappedWriteGuard<'static, u8>) && !is!(Send, RwLockMappedWriteGuard<'static, Fixed>)
    );
}

#[test]
fn futures_of_locks_cross_threads() {
    fn crosses<T: Send>(value: T) -> T {
        value
    }
    let (mutex, lock) = (Arc::new(Mutex::new(0)), Arc::new(RwLock::new(0)));
    drop(crosses((mutex.lock(), mutex.clone().lock_owned())));
    drop(crosses((lock.read(), lock.write(), lock.clone().read_owned(), lock.clone().write_owned())));
}

#[test]
fn signals_cross_threads() {
    assert!(is!(Send, Event) && is!(Sync, Event));
    assert!(is!(Send, EventWait<'static>) && is!(Sync, EventWait<'static>));
    assert!(is!(Send, Notify) && is!(Sync, Notify));
    assert!(is!(Send, Notified<'static>) && is!(Sync, Notified<'static>));
    assert!(is!(Send, Condition) && is!(Sync, Condition));
    assert!(is!(Send, Barrier) && is!(Sync, Barrier) && is!(Send, BarrierWaitResult));
    assert!(is!(Send, OnceCell<u8>) && is!(Sync, OnceCell<u8>));
    assert!(is!(Send, OnceCell<Mobile>) && !is!(Sync, OnceCell<Mobile>));
    assert!(!is!(Send, OnceCell<Fixed>) && !is!(Sync, OnceCell<Fixed>));
}

/// An item goes from one thread to another; nobody shares it there.
#[test]
fn queues_and_channels_cross_threads_when_their_items_may() {
    assert!(is!(Send, Queue<Mobile>) && is!(Sync, Queue<Mobile>));
    assert!(is!(Send, LifoQueue<Mobile>) && is!(Sync, PriorityQueue<Mobile>));
    assert!(!is!(Send, Queue<Fixed>) && !is!(Sync, Queue<Fixed>));
    assert!(!is!(Sync, LifoQueue<Neither>) && !is!(Sync, PriorityQueue<Neither>));

    assert!(is!(Send, mpsc::Sender<Mobile>) && is!(Sync, mpsc::Sender<Mobile>));
    assert!(is!(Send, mpsc::PermitIterator<'static, Mobile>) && is!(Send, mpsc::WeakSender<Mobile>));
    assert!(!is!(Send, mpsc::Sender<Fixed>) && !is!(Sync, mpsc::Sender<Fixed>));
    assert!(!is!(Send, mpsc::Receiver<Fixed>) && !is!(Sync, mpsc::Receiver<Neither>));
    assert!(!is!(Send, mpsc::UnboundedSender<Neither>) && !is!(Send, mpsc::UnboundedReceiver<Neither>));
    assert!(!is!(Send, mpsc::Permit<'static, Neither>) && !is!(Send, mpsc::OwnedPermit<Fixed>));
    assert!(!is!(Send, mpsc::PermitIterator<'static, Neither>) && !is!(Send, mpsc::WeakSender<Neither>));

    assert!(is!(Send, oneshot::Sender<Mobile>) && is!(Send, oneshot::Receiver<Mobile>));
    assert!(!is!(Send, oneshot::Sender<Fixed>) && !is!(Send, oneshot::Receiver<Fixed>));
    assert!(!is!(Sync, oneshot::Sender<Neither>) && !is!(Sync, oneshot::Receiver<Neither>));

    assert!(is!(Send, broadcast::Sender<Mobile>) && is!(Sync, broadcast::Receiver<Mobile>));
    assert!(!is!(Send, broadcast::Sender<Fixed>) && !is!(Send, broadcast::Receiver<Fixed>));
    // Those who borrow the value of a watch channel share it.
    assert!(is!(Send, watch::Sender<u8>) && is!(Sync, watch::Receiver<u8>));
    assert!(!is!(Send, watch::Sender<Mobile>) && !is!(Sync, watch::Receiver<Mobile>));
    assert!(!is!(Send, watch::Sender<Fixed>) && !is!(Send, watch::Receiver<Fixed>));
}

#[test]
fn futures_of_channels_cross_threads() {
    fn crosses<T: Send>(_: T) {}
    let (sender, mut receiver) = mpsc::channel::<Mobile>(1);
    crosses((sender.send(Mobile::new(1)), sender.reserve(), sender.reserve_many(1)));
    crosses((sender.clone().reserve_owned(), sender.closed()));
    crosses(receiver.recv());
    crosses(receiver.recv_many(&mut Vec::new(), 1));
    crosses(oneshot::channel::<Mobile>().0.closed());
    crosses(watch::channel(1).1.wait_for(|_| true));
    crosses(Barrier::new(1).wait());
}
