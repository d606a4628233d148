//! The memory of a parked task.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use crate::counting;
use crate::peers::Peer;

const TASKS: usize = 100_000;
const BATCH: usize = 100;

/// Bytes in use per parked task, less the size of its future. Each task has been polled once; they are
/// spawned in batches of 100, so that run queues need not grow. What the runtime keeps per task elsewhere
/// (its list of tasks, say) is counted too.
pub fn bytes_per_task<P: Peer>(runtime: &P) -> f64 {
    runtime.run_inside(park_many::<P>())
}

async fn park_many<P: Peer>() -> f64 {
    let lot = Arc::new(Lot { parked: Mutex::new(Parked { open: false, wakers: Vec::with_capacity(TASKS) }) });
    let mut tasks = Vec::with_capacity(TASKS);
    counting::start();
    for batch in 1..=TASKS / BATCH {
        tasks.extend((0..BATCH).map(|_| P::spawn(Park(lot.clone()))));
        while lot.len() < batch * BATCH {
            P::yield_now().await;
        }
    }
    let bytes = counting::bytes();
    counting::stop();
    lot.open();
    for task in tasks {
        task.await;
    }
    bytes as f64 / TASKS as f64 - size_of::<Park>() as f64
}

/// Where tasks wait until it opens.
struct Lot {
    parked: Mutex<Parked>,
}

struct Parked {
    open: bool,
    wakers: Vec<Waker>,
}

impl Lot {
    fn len(&self) -> usize {
        self.parked.lock().expect("nobody panics with the lock").wakers.len()
    }

    fn open(&self) {
        let mut parked = self.parked.lock().expect("nobody panics with the lock");
        parked.open = true;
        let wakers = std::mem::take(&mut parked.wakers);
        drop(parked);
        wakers.into_iter().for_each(Waker::wake);
    }
}

struct Park(Arc<Lot>);

impl Future for Park {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let mut parked = self.0.parked.lock().expect("nobody panics with the lock");
        if parked.open {
            drop(parked);
            return Poll::Ready(());
        }
        parked.wakers.push(waker);
        Poll::Pending
    }
}
