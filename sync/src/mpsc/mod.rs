//! A channel from many senders to one receiver: [`channel`] with a limit, [`unbounded`] without.
//!
//! ```
//! # fn main() { futures_lite::future::block_on(async {
//! use raddle_sync::mpsc;
//! let (sender, mut receiver) = mpsc::channel(8);
//! let more = sender.clone();
//! sender.send(1).await.unwrap();
//! more.send(2).await.unwrap();
//! drop((sender, more));
//! let mut got = Vec::new();
//! while let Some(n) = receiver.recv().await {
//!     got.push(n);
//! }
//! assert_eq!(got, [1, 2]);
//! # }) }
//! ```
//!
//! Messages of one sender arrive in the order they were sent. When the last sender goes the receiver gets what is left,
//! then `None`. When the receiver goes, or [closes](Receiver::close) the channel, senders get their value back: a
//! message is received, or dropped by the receiver, or returned to its sender, and one of them only.

mod block;
mod bound;
mod chan;
pub mod error;
mod list;
mod permit;
mod receiver;
mod sender;

pub use bound::{Bound, Bounded, Unbounded};
pub use error::{SendError, TryRecvError, TrySendError};
pub use permit::{OwnedPermit, Permit, PermitIterator};
pub use receiver::Receiver;
pub use sender::{Sender, WeakSender};

use chan::Chan;

/// The sender of a channel without a limit.
pub type UnboundedSender<T> = Sender<T, Unbounded>;
/// The receiver of a channel without a limit.
pub type UnboundedReceiver<T> = Receiver<T, Unbounded>;
/// The weak sender of a channel without a limit.
pub type WeakUnboundedSender<T> = WeakSender<T, Unbounded>;

/// A channel with room for `capacity` messages, those that are sent and not received and the permits that are out.
/// Memory is taken as messages come.
///
/// # Panics
/// When `capacity` is zero, or above `usize::MAX / 16`.
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    pair(Bounded::new(capacity))
}

/// A channel without a limit: sending never waits, and memory is the only bound.
pub fn unbounded<T>() -> (UnboundedSender<T>, UnboundedReceiver<T>) {
    pair(Unbounded)
}

/// [`unbounded`], under tokio's name.
pub fn unbounded_channel<T>() -> (UnboundedSender<T>, UnboundedReceiver<T>) {
    unbounded()
}

fn pair<T, B: Bound>(bound: B) -> (Sender<T, B>, Receiver<T, B>) {
    let (chan, head) = Chan::new(bound);
    (Sender { chan: chan.clone() }, Receiver::new(chan, head))
}
