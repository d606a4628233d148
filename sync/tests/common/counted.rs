//! Values that are counted when they are dropped.

use raddle_runtime::prim::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::Arc;

/// One value.
#[derive(Debug)]
pub(crate) struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// How many were dropped, and a maker of more.
pub(crate) fn counter() -> (Arc<AtomicUsize>, impl Fn() -> Counted) {
    let count = Arc::new(AtomicUsize::new(0));
    let of = count.clone();
    (count, move || Counted(of.clone()))
}
