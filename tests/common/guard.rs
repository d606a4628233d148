//! Things that are counted when they are dropped, or that misbehave then.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// Counts the guards that were made and dropped.
#[derive(Clone, Default)]
pub(crate) struct Drops(Arc<Counts>);

#[derive(Default)]
struct Counts {
    made: AtomicUsize,
    dropped: AtomicUsize,
}

impl Drops {
    /// Nothing counted yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A guard that counts.
    pub(crate) fn guard(&self) -> Guard {
        self.0.made.fetch_add(1, SeqCst);
        Guard(self.0.clone())
    }

    /// How many guards there have been.
    pub(crate) fn made(&self) -> usize {
        self.0.made.load(SeqCst)
    }

    /// How many of them are gone.
    pub(crate) fn dropped(&self) -> usize {
        self.0.dropped.load(SeqCst)
    }
}

/// From [`Drops::guard`].
pub(crate) struct Guard(Arc<Counts>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, SeqCst);
    }
}

/// Calls a function when it is dropped.
pub(crate) struct OnDrop<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> OnDrop<F> {
    /// Calls `f` in the end.
    pub(crate) fn new(f: F) -> Self {
        Self(Some(f))
    }
}

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}

/// Panics when it is dropped, unless a panic is under way.
pub(crate) struct Bomb(pub(crate) &'static str);

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("{}", self.0);
        }
    }
}
