//! Thread-locals of a model. Loom's threads take turns on one real thread, so `thread_local!` must mean loom's; in a
//! model this module is in scope everywhere in the crate, and its macro goes before std's.

use std::cell::{Cell, RefCell};

/// The thread's locals are being destroyed.
#[derive(Debug, PartialEq, Eq)]
pub struct AccessError;

/// Loom's key with the shorthands that std's has.
pub struct LocalKey<T: 'static>(pub loom::thread::LocalKey<T>);

impl<T> LocalKey<T> {
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        self.0.with(f)
    }

    /// # Errors
    /// While the thread's locals are being destroyed.
    pub fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, AccessError> {
        self.0.try_with(f).map_err(|_| AccessError)
    }
}

impl<T> LocalKey<Cell<T>> {
    pub fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.with(Cell::get)
    }

    pub fn set(&'static self, value: T) {
        self.with(|cell| cell.set(value));
    }

    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }

    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(Cell::take)
    }
}

impl<T> LocalKey<RefCell<T>> {
    pub fn with_borrow<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        self.with(|cell| f(&cell.borrow()))
    }

    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

/// As std's, for locals that begin as a constant.
macro_rules! thread_local {
    ($($(#[$attr:meta])* static $name:ident: $type:ty = const $init:block;)+) => {
        $($(#[$attr])* static $name: $crate::prim::local::LocalKey<$type> =
            $crate::prim::local::LocalKey(loom::thread::LocalKey {
                init: || $init,
                _p: std::marker::PhantomData,
            });)+
    };
}
