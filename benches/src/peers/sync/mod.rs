//! What tasks wait on each other with, one trait per family. A runtime without a family does not implement its trait,
//! and its cell in the table is empty.
//!
//! The values are `u64`: what is measured is the primitive, not the copying.

use super::Peer;

mod raddle;
mod smol;
mod tokio;

/// Mutex, read-write lock and semaphore. Nothing is awaited while one is held.
pub trait Locks: Peer {
    /// A mutex around a counter.
    type Mutex: Send + Sync + 'static;
    /// A read-write lock around a counter.
    type RwLock: Send + Sync + 'static;
    /// A semaphore.
    type Semaphore: Send + Sync + 'static;

    /// A mutex around zero.
    fn mutex() -> Self::Mutex;
    /// Takes the lock, and the counter's next number.
    fn increment(mutex: &Self::Mutex) -> impl Future<Output = u64> + Send;
    /// A read-write lock around zero.
    fn rwlock() -> Self::RwLock;
    /// The counter, under the lock for readers.
    fn read_locked(lock: &Self::RwLock) -> impl Future<Output = u64> + Send;
    /// Takes the lock for writers, and the counter's next number.
    fn write_locked(lock: &Self::RwLock) -> impl Future<Output = u64> + Send;
    /// A semaphore of so many permits.
    fn semaphore(permits: usize) -> Self::Semaphore;
    /// Does something at once that needs a permit.
    fn with_permit<T: Send>(
        semaphore: &Self::Semaphore,
        job: impl FnOnce() -> T + Send,
    ) -> impl Future<Output = T> + Send;
}

/// A wake-up for one task that is kept until somebody waits for it.
pub trait Notifies: Peer {
    /// What carries the wake-up.
    type Notify: Send + Sync + 'static;

    /// Without a wake-up yet.
    fn notify() -> Self::Notify;
    /// Wakes one.
    fn notify_one(notify: &Self::Notify);
    /// Waits to be woken.
    fn notified(notify: &Self::Notify) -> impl Future<Output = ()> + Send;
}

/// Channels for one value, which here is the way to send the next: see [`pass_baton`](Oneshots::pass_baton).
pub trait Oneshots: Peer {
    /// The sending end of a channel whose value is such an end again, or nothing in the end.
    type Baton: Send + 'static;
    /// The receiving end.
    type Hand: Send + 'static;

    /// A channel.
    fn oneshot() -> (Self::Baton, Self::Hand);
    /// Sends what the other side is to send with.
    fn pass_baton(baton: Self::Baton, next: Option<Self::Baton>);
    /// Waits for what was sent.
    fn take_baton(hand: Self::Hand) -> impl Future<Output = Option<Self::Baton>> + Send;
}

/// Channels from many senders to one receiver.
pub trait Mpsc: Peer {
    /// The sending end of a bounded channel.
    type Sender: Clone + Send + 'static;
    /// The receiving end of a bounded channel.
    type Receiver: Send + 'static;
    /// The sending end of an unbounded channel.
    type UnboundedSender: Clone + Send + 'static;
    /// The receiving end of an unbounded channel.
    type UnboundedReceiver: Send + 'static;

    /// A channel that holds so many messages.
    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver);
    /// Waits for room and sends.
    fn send(sender: &Self::Sender, message: u64) -> impl Future<Output = ()> + Send;
    /// The next message; `None` when all senders are gone.
    fn recv(receiver: &mut Self::Receiver) -> impl Future<Output = Option<u64>> + Send;
    /// A channel without a bound.
    fn unbounded() -> (Self::UnboundedSender, Self::UnboundedReceiver);
    /// Sends at once.
    fn send_unbounded(sender: &Self::UnboundedSender, message: u64);
    /// The next message; `None` when all senders are gone.
    fn recv_unbounded(receiver: &mut Self::UnboundedReceiver) -> impl Future<Output = Option<u64>> + Send;
}

/// A channel each of whose receivers gets every message.
pub trait Broadcasts: Peer {
    /// The sending end.
    type BroadcastSender: Send + 'static;
    /// One of the receiving ends.
    type BroadcastReceiver: Send + 'static;

    /// A channel that holds so many messages, and so many receivers.
    fn broadcast(capacity: usize, receivers: usize) -> (Self::BroadcastSender, Vec<Self::BroadcastReceiver>);
    /// Sends; the channel has room.
    fn send_to_all(sender: &Self::BroadcastSender, message: u64) -> impl Future<Output = ()> + Send;
    /// The next message; `None` when the sender is gone. No message is missed.
    fn recv_broadcast(receiver: &mut Self::BroadcastReceiver) -> impl Future<Output = Option<u64>> + Send;
}

/// One value that is written here and watched there.
pub trait Watches: Peer {
    /// The writing end.
    type WatchSender: Send + 'static;
    /// One of the watching ends.
    type WatchReceiver: Clone + Send + 'static;

    /// A value of zero.
    fn watch() -> (Self::WatchSender, Self::WatchReceiver);
    /// Writes a new value.
    fn write_watched(sender: &Self::WatchSender, value: u64);
    /// Waits for a value that it has not seen; `None` when the writer is gone.
    fn changed(receiver: &mut Self::WatchReceiver) -> impl Future<Output = Option<u64>> + Send;
}

/// asyncio's queue between many producers and many consumers, each item for one of them.
pub trait Queues: Peer {
    /// A shared end: everybody can put and get.
    type Queue: Clone + Send + 'static;

    /// A queue for so many items.
    fn queue(capacity: usize) -> Self::Queue;
    /// Waits for room and puts.
    fn put(queue: &Self::Queue, item: u64) -> impl Future<Output = ()> + Send;
    /// Takes the next item and says that it is done with; `None` when the queue has been finished and is empty.
    fn process(queue: &Self::Queue) -> impl Future<Output = Option<u64>> + Send;
    /// Ends the queue when all that was put is done with.
    fn finish(queue: &Self::Queue) -> impl Future<Output = ()> + Send;
}
