//! Which locks, guards and futures may cross threads.

use raddle_sync::{
    MappedMutexGuard, Mutex, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard, OwnedRwLockMappedWriteGuard,
    OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, RwLockMappedWriteGuard, RwLockReadGuard,
    RwLockWriteGuard,
};
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
