//! A channel on which every receiver gets every message.
//!
//! It holds the last `capacity` messages. A sender never waits for receivers: one that is slower than that is told how
//! many messages it has missed ([`RecvError::Lagged`]), and goes on with the oldest that is still there.
//!
//! Each receiver gets a clone of the message, and the last to come the message itself. A message need not be `Sync`, so
//! it is cloned by one thread at a time, under a lock that is that message's own: whoever wants the same message, or
//! sends the one that overwrites it, waits so long. Keep clones cheap (an `Arc` around what is large), and do not use
//! the channel in `clone`.
//!
//! ```
//! # fn main() { futures_lite::future::block_on(async {
//! use raddle_sync::broadcast;
//! let (sender, mut first) = broadcast::channel(16);
//! let mut second = sender.subscribe();
//! assert_eq!(sender.send("hello"), Ok(2));
//! assert_eq!(first.recv().await, Ok("hello"));
//! assert_eq!(second.recv().await, Ok("hello"));
//! # }) }
//! ```

mod receiver;
mod sender;
mod shared;

pub use receiver::Receiver;
pub use sender::{Sender, WeakSender};

use std::fmt;

/// A channel that holds the last `capacity` messages, exactly.
///
/// # Panics
/// When `capacity` is zero.
pub fn channel<T: Clone>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let sender = Sender::new(capacity);
    let receiver = sender.subscribe();
    (sender, receiver)
}

/// There is no receiver. Gives the message back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SendError<T>(pub T);

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").finish_non_exhaustive()
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the broadcast channel has no receiver")
    }
}

impl<T> std::error::Error for SendError<T> {}

/// Why a receiver got no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecvError {
    /// All senders are gone, and every message has been seen.
    Closed,
    /// It was too slow: so many messages were overwritten before it saw them. It goes on with the oldest still there.
    Lagged(u64),
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the broadcast channel has no sender any more"),
            Self::Lagged(missed) => {
                write!(f, "the broadcast receiver was too slow and missed {missed} messages")
            }
        }
    }
}

impl std::error::Error for RecvError {}

/// Why there is no message now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryRecvError {
    /// Every message has been seen; others may come.
    Empty,
    /// As [`RecvError::Closed`].
    Closed,
    /// As [`RecvError::Lagged`].
    Lagged(u64),
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Empty => f.write_str("the broadcast channel has no new message"),
            Self::Closed => RecvError::Closed.fmt(f),
            Self::Lagged(missed) => RecvError::Lagged(missed).fmt(f),
        }
    }
}

impl std::error::Error for TryRecvError {}
