//! smol's: `async-lock`, `async-channel`, `async-broadcast` and `event-listener`. It has no oneshot channel and no
//! watched value.

use std::sync::atomic::{AtomicBool, Ordering};

use async_broadcast::RecvError;
use event_listener::{Event, listener};
use smol::channel;
use smol::lock::{Mutex, RwLock, Semaphore};

use super::{Broadcasts, Locks, Mpsc, Notifies, Queues};
use crate::peers::Smol;

impl Locks for Smol {
    type Mutex = Mutex<u64>;
    type RwLock = RwLock<u64>;
    type Semaphore = Semaphore;

    fn mutex() -> Mutex<u64> {
        Mutex::new(0)
    }

    async fn increment(mutex: &Mutex<u64>) -> u64 {
        let mut counter = mutex.lock().await;
        *counter += 1;
        *counter
    }

    fn rwlock() -> RwLock<u64> {
        RwLock::new(0)
    }

    async fn read_locked(lock: &RwLock<u64>) -> u64 {
        *lock.read().await
    }

    async fn write_locked(lock: &RwLock<u64>) -> u64 {
        let mut counter = lock.write().await;
        *counter += 1;
        *counter
    }

    fn semaphore(permits: usize) -> Semaphore {
        Semaphore::new(permits)
    }

    async fn with_permit<T: Send>(semaphore: &Semaphore, job: impl FnOnce() -> T + Send) -> T {
        let _permit = semaphore.acquire().await;
        job()
    }
}

/// An event and what it says, which is how `event-listener` is used.
pub struct Flag {
    is_set: AtomicBool,
    changed: Event,
}

impl Flag {
    fn take(&self) -> bool {
        self.is_set.swap(false, Ordering::AcqRel)
    }
}

impl Notifies for Smol {
    type Notify = Flag;

    fn notify() -> Flag {
        Flag { is_set: AtomicBool::new(false), changed: Event::new() }
    }

    fn notify_one(flag: &Flag) {
        flag.is_set.store(true, Ordering::Release);
        flag.changed.notify(1);
    }

    async fn notified(flag: &Flag) {
        while !flag.take() {
            listener!(flag.changed => listener);
            if flag.take() {
                return;
            }
            listener.await;
        }
    }
}

impl Mpsc for Smol {
    type Sender = channel::Sender<u64>;
    type Receiver = channel::Receiver<u64>;
    type UnboundedSender = channel::Sender<u64>;
    type UnboundedReceiver = channel::Receiver<u64>;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
        channel::bounded(capacity)
    }

    async fn send(sender: &Self::Sender, message: u64) {
        sender.send(message).await.expect("the receiver is there");
    }

    async fn recv(receiver: &mut Self::Receiver) -> Option<u64> {
        receiver.recv().await.ok()
    }

    fn unbounded() -> (Self::UnboundedSender, Self::UnboundedReceiver) {
        channel::unbounded()
    }

    fn send_unbounded(sender: &Self::UnboundedSender, message: u64) {
        sender.try_send(message).expect("the receiver is there");
    }

    async fn recv_unbounded(receiver: &mut Self::UnboundedReceiver) -> Option<u64> {
        receiver.recv().await.ok()
    }
}

impl Broadcasts for Smol {
    type BroadcastSender = async_broadcast::Sender<u64>;
    type BroadcastReceiver = async_broadcast::Receiver<u64>;

    fn broadcast(capacity: usize, receivers: usize) -> (Self::BroadcastSender, Vec<Self::BroadcastReceiver>) {
        let (sender, first) = async_broadcast::broadcast(capacity);
        (sender, vec![first; receivers])
    }

    async fn send_to_all(sender: &Self::BroadcastSender, message: u64) {
        sender.broadcast_direct(message).await.expect("the receivers are there");
    }

    async fn recv_broadcast(receiver: &mut Self::BroadcastReceiver) -> Option<u64> {
        match receiver.recv_direct().await {
            Ok(message) => Some(message),
            Err(RecvError::Closed) => None,
            Err(RecvError::Overflowed(missed)) => panic!("{missed} messages are lost"),
        }
    }
}

/// Both ends of an `async-channel`. It does not know when an item is done with.
#[derive(Clone)]
pub struct Ends {
    sender: channel::Sender<u64>,
    receiver: channel::Receiver<u64>,
}

impl Ends {
    pub(super) fn new(capacity: usize) -> Self {
        let (sender, receiver) = channel::bounded(capacity);
        Self { sender, receiver }
    }

    pub(super) async fn put(&self, item: u64) {
        self.sender.send(item).await.expect("nobody has closed it");
    }

    pub(super) async fn get(&self) -> Option<u64> {
        self.receiver.recv().await.ok()
    }

    pub(super) fn close(&self) {
        self.sender.close();
    }
}

impl Queues for Smol {
    type Queue = Ends;

    fn queue(capacity: usize) -> Ends {
        Ends::new(capacity)
    }

    fn put(queue: &Ends, item: u64) -> impl Future<Output = ()> + Send {
        queue.put(item)
    }

    fn process(queue: &Ends) -> impl Future<Output = Option<u64>> + Send {
        queue.get()
    }

    async fn finish(queue: &Ends) {
        queue.close();
    }
}
