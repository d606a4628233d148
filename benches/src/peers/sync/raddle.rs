//! Raddle's own: `raddle::sync`.

use std::sync::Arc;

use raddle::sync::{Mutex, Notify, Queue, RwLock, Semaphore, broadcast, mpsc, oneshot, watch};

use super::{Broadcasts, Locks, Mpsc, Notifies, Oneshots, Queues, Watches};
use crate::peers::Raddle;

impl Locks for Raddle {
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
        let _permit = semaphore.acquire().await.expect("nobody closes it");
        job()
    }
}

impl Notifies for Raddle {
    type Notify = Notify;

    fn notify() -> Notify {
        Notify::new()
    }

    fn notify_one(notify: &Notify) {
        notify.notify_one();
    }

    fn notified(notify: &Notify) -> impl Future<Output = ()> + Send {
        notify.notified()
    }
}

/// See [`Oneshots`].
pub struct Baton(oneshot::Sender<Option<Baton>>);

impl Oneshots for Raddle {
    type Baton = Baton;
    type Hand = oneshot::Receiver<Option<Baton>>;

    fn oneshot() -> (Baton, Self::Hand) {
        let (sender, receiver) = oneshot::channel();
        (Baton(sender), receiver)
    }

    fn pass_baton(baton: Baton, next: Option<Baton>) {
        let sent = baton.0.send(next);
        assert!(sent.is_ok(), "the other side waits");
    }

    async fn take_baton(hand: Self::Hand) -> Option<Baton> {
        hand.await.expect("the other side sends")
    }
}

impl Mpsc for Raddle {
    type Sender = mpsc::Sender<u64>;
    type Receiver = mpsc::Receiver<u64>;
    type UnboundedSender = mpsc::UnboundedSender<u64>;
    type UnboundedReceiver = mpsc::UnboundedReceiver<u64>;

    fn bounded(capacity: usize) -> (Self::Sender, Self::Receiver) {
        mpsc::channel(capacity)
    }

    async fn send(sender: &Self::Sender, message: u64) {
        sender.send(message).await.expect("the receiver is there");
    }

    fn recv(receiver: &mut Self::Receiver) -> impl Future<Output = Option<u64>> + Send {
        receiver.recv()
    }

    fn unbounded() -> (Self::UnboundedSender, Self::UnboundedReceiver) {
        mpsc::unbounded()
    }

    fn send_unbounded(sender: &Self::UnboundedSender, message: u64) {
        sender.send(message).expect("the receiver is there");
    }

    fn recv_unbounded(receiver: &mut Self::UnboundedReceiver) -> impl Future<Output = Option<u64>> + Send {
        receiver.recv()
    }
}

impl Broadcasts for Raddle {
    type BroadcastSender = broadcast::Sender<u64>;
    type BroadcastReceiver = broadcast::Receiver<u64>;

    fn broadcast(capacity: usize, receivers: usize) -> (Self::BroadcastSender, Vec<Self::BroadcastReceiver>) {
        let sender = broadcast::Sender::new(capacity);
        let receivers = (0..receivers).map(|_| sender.subscribe()).collect();
        (sender, receivers)
    }

    async fn send_to_all(sender: &Self::BroadcastSender, message: u64) {
        sender.send(message).expect("the receivers are there");
    }

    async fn recv_broadcast(receiver: &mut Self::BroadcastReceiver) -> Option<u64> {
        match receiver.recv().await {
            Ok(message) => Some(message),
            Err(broadcast::RecvError::Closed) => None,
            Err(broadcast::RecvError::Lagged(missed)) => panic!("{missed} messages are lost"),
        }
    }
}

impl Watches for Raddle {
    type WatchSender = watch::Sender<u64>;
    type WatchReceiver = watch::Receiver<u64>;

    fn watch() -> (Self::WatchSender, Self::WatchReceiver) {
        watch::channel(0)
    }

    fn write_watched(sender: &Self::WatchSender, value: u64) {
        sender.send(value).expect("the receivers are there");
    }

    async fn changed(receiver: &mut Self::WatchReceiver) -> Option<u64> {
        receiver.changed().await.ok()?;
        Some(*receiver.borrow_and_update())
    }
}

impl Queues for Raddle {
    type Queue = Arc<Queue<u64>>;

    fn queue(capacity: usize) -> Self::Queue {
        Arc::new(Queue::new(capacity))
    }

    async fn put(queue: &Self::Queue, item: u64) {
        queue.put(item).await.expect("it is not shut down");
    }

    async fn process(queue: &Self::Queue) -> Option<u64> {
        let item = queue.get().await.ok()?;
        queue.task_done().expect("the item was taken");
        Some(item)
    }

    async fn finish(queue: &Self::Queue) {
        queue.join().await;
        queue.shutdown(false);
    }
}
