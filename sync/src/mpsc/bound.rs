//! Whether a channel has a limit.

use crate::permits::{MAX, Permits};
use std::fmt::Debug;

/// Of a channel that holds a limited number of messages.
#[derive(Debug)]
pub struct Bounded {
    /// One for each message that the channel has room for.
    pub(super) permits: Permits,
    pub(super) max: usize,
}

/// Of a channel that holds any number of messages.
#[derive(Debug)]
pub struct Unbounded;

mod sealed {
    /// Nobody else has a channel.
    pub trait Sealed {}
    impl Sealed for super::Bounded {}
    impl Sealed for super::Unbounded {}
}

/// [`Bounded`] or [`Unbounded`].
pub trait Bound: sealed::Sealed + Debug + Send + Sync {
    /// The limit, if there is one.
    #[doc(hidden)]
    fn limit(&self) -> Option<&Bounded>;
}

impl Bounded {
    pub(super) fn new(max: usize) -> Self {
        assert!(max > 0, "a channel needs room for at least one message: its capacity must not be 0");
        assert!(max <= MAX, "a channel can have room for at most {MAX} messages; use mpsc::unbounded");
        Self { permits: Permits::new(max), max }
    }

    /// True once nobody holds a permit and nobody gets one: all that was sent has been received.
    pub(super) fn is_over(&self) -> bool {
        self.permits.is_closed() && self.permits.available() == self.max
    }
}

impl Bound for Bounded {
    #[inline]
    fn limit(&self) -> Option<&Bounded> {
        Some(self)
    }
}

impl Bound for Unbounded {
    #[inline]
    fn limit(&self) -> Option<&Bounded> {
        None
    }
}
