//! Atomics: std's, or loom's in a model.

#[cfg(loom)]
pub use loom::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
#[cfg(loom)]
pub use model::AtomicPtr;
#[cfg(not(loom))]
#[allow(clippy::disallowed_types, reason = "this is the seam")]
pub use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
};

#[cfg(loom)]
mod model {
    use loom::sync::atomic::{self, Ordering};

    /// Loom's, but for `store`. Loom lets a plain store and a swap that another thread makes beside it be seen in
    /// either order, also when the swap read what the store overwrote, so that it must come first; the `next` slot of a
    /// worker rests on that. A store that is a swap has its place.
    #[derive(Debug)]
    pub struct AtomicPtr<T>(atomic::AtomicPtr<T>);

    impl<T> AtomicPtr<T> {
        pub fn new(pointer: *mut T) -> Self {
            Self(atomic::AtomicPtr::new(pointer))
        }

        pub fn load(&self, order: Ordering) -> *mut T {
            self.0.load(order)
        }

        pub fn store(&self, pointer: *mut T, order: Ordering) {
            self.0.swap(pointer, order);
        }

        pub fn swap(&self, pointer: *mut T, order: Ordering) -> *mut T {
            self.0.swap(pointer, order)
        }

        /// # Errors
        /// As std's.
        pub fn compare_exchange(
            &self,
            current: *mut T,
            new: *mut T,
            success: Ordering,
            failure: Ordering,
        ) -> Result<*mut T, *mut T> {
            self.0.compare_exchange(current, new, success, failure)
        }
    }
}
