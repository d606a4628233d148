//! A channel that keeps the last value only: many senders set it, many receivers see that it has changed.
//!
//! A receiver sees each change or a later one, never an older one; what lies between is gone. For configuration, a
//! state that others follow, a request to stop.
//!
//! ```
//! # fn main() { futures_lite::future::block_on(async {
//! use raddle_sync::watch;
//! let (sender, mut receiver) = watch::channel("starting");
//! sender.send("ready").unwrap();
//! receiver.changed().await.unwrap();
//! assert_eq!(*receiver.borrow(), "ready");
//! # }) }
//! ```

mod receiver;
mod sender;
mod shared;

pub use receiver::Receiver;
pub use sender::Sender;

use raddle_runtime::prim::lock::RwLockReadGuard;
use std::fmt;
use std::ops::Deref;

/// A watch channel that holds `initial`, which counts as seen.
pub fn channel<T>(initial: T) -> (Sender<T>, Receiver<T>) {
    let sender = Sender::new(initial);
    let receiver = sender.subscribe();
    (sender, receiver)
}

/// The value, borrowed from the channel.
///
/// It holds the channel's lock: senders wait for it, with their threads, so keep it short, hold none over an `await`,
/// and do not send or borrow again on the same thread while you have one, which can wait for itself. Clone the value
/// where that is too narrow.
#[derive(Debug)]
pub struct Ref<'a, T> {
    value: RwLockReadGuard<'a, T>,
    has_changed: bool,
}

impl<T> Ref<'_, T> {
    /// True when the receiver that borrowed had not seen this value before; false when a sender borrowed.
    pub fn has_changed(&self) -> bool {
        self.has_changed
    }
}

impl<T> Deref for Ref<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// There is no receiver. Gives the value back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SendError<T>(pub T);

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").finish_non_exhaustive()
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the watch channel has no receiver; send_replace sets the value without one")
    }
}

impl<T> std::error::Error for SendError<T> {}

/// All senders are gone: the value will not change any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecvError;

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the watch channel has no sender any more")
    }
}

impl std::error::Error for RecvError {}
