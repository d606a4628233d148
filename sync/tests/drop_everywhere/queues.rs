//! The three queues: putting, getting, waiting until all is done.

use super::Entry;
use raddle_sync::{LifoQueue, PriorityQueue, Queue};

/// Two items, told apart from those of the waits: full.
fn count<Q: std::fmt::Debug>(queue: &Q) -> String {
    // How many items there are, and how many are not done.
    format!("{queue:?}")
}

/// The three kinds are one type but for the order, which is in its name.
macro_rules! queue_waits {
    ($kind:ident) => {
        let full: fn() -> $kind<&'static str> = || {
            let queue = $kind::new(1);
            queue.put_nowait("first").unwrap();
            queue
        };
        Entry::new(
            concat!(stringify!($kind), "::put"),
            full,
            |queue, who| Box::pin(async move { format!("{:?}", queue.put(who).await) }),
            |queue| {
                let _ = queue.get_nowait();
            },
            count,
        )
        .closed_by(|queue| queue.shutdown(false))
        .play();
        let empty: fn() -> $kind<&'static str> = || $kind::new(4);
        for close in [|queue: &$kind<_>| queue.shutdown(false), |queue: &$kind<_>| queue.shutdown(true)] {
            Entry::new(
                concat!(stringify!($kind), "::get"),
                empty,
                |queue, _| Box::pin(async { format!("{:?}", queue.get().await) }),
                |queue| {
                    let _ = queue.put_nowait("item");
                },
                count,
            )
            .closed_by(close)
            .play();
        }
        let busy: fn() -> $kind<&'static str> = || {
            let queue = $kind::unbounded();
            queue.put_nowait("undone").unwrap();
            queue
        };
        Entry::new(
            concat!(stringify!($kind), "::join"),
            busy,
            |queue, _| {
                Box::pin(async {
                    queue.join().await;
                    "all done".into()
                })
            },
            |queue| {
                let _ = queue.task_done();
            },
            count,
        )
        .closed_by(|queue| queue.shutdown(true))
        .play();
    };
}

#[test]
fn queue_waits() {
    queue_waits!(Queue);
}

#[test]
fn lifo_queue_waits() {
    queue_waits!(LifoQueue);
}

#[test]
fn priority_queue_waits() {
    queue_waits!(PriorityQueue);
}
