//! The primitives between threads: nothing is lost, nothing comes twice.

use futures_lite::future::{block_on, poll_once};
use raddle_runtime::prim::atomic::{AtomicUsize, Ordering::SeqCst};
use raddle_runtime::prim::thread::{JoinHandle, Spec, spawn};
use raddle_sync::{Event, Notify};
use std::sync::Arc;

fn thread(f: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    spawn(&Spec::default(), f).expect("a thread starts")
}

fn join(threads: Vec<JoinHandle<()>>) {
    for thread in threads {
        thread.join().expect("no thread panicked");
    }
}

#[test]
fn two_threads_hand_one_permit_back_and_forth() {
    const TURNS: usize = 20_000;
    let pair = Arc::new((Notify::new(), Notify::new()));
    let other = pair.clone();
    let echo = thread(move || {
        for _ in 0..TURNS {
            block_on(other.0.notified());
            other.1.notify_one();
        }
    });
    for _ in 0..TURNS {
        pair.0.notify_one();
        block_on(pair.1.notified());
    }
    join(vec![echo]);
}

/// Items are announced by `notify_one`; takers that give up at random must not take an announcement with them.
#[test]
fn f23_cancelling_takers_lose_no_announcement() {
    const ITEMS: usize = 20_000;
    struct Shop {
        notify: Notify,
        items: AtomicUsize,
        taken: AtomicUsize,
    }
    impl Shop {
        fn take(&self) -> bool {
            let took = self.items.fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1)).is_ok();
            if took && self.taken.fetch_add(1, SeqCst) + 1 == ITEMS {
                self.notify.notify_waiters();
            }
            took
        }
        fn is_done(&self) -> bool {
            self.taken.load(SeqCst) >= ITEMS
        }
        async fn taker(&self) {
            while !self.is_done() {
                let notified = self.notify.notified();
                if self.take() {
                    // There may be more behind what one announcement told.
                    self.notify.notify_one();
                    continue;
                }
                if self.is_done() {
                    return;
                }
                notified.await;
            }
        }
        fn canceller(&self) {
            while !self.is_done() {
                let _ = block_on(poll_once(self.notify.notified()));
            }
        }
    }
    let shop =
        Arc::new(Shop { notify: Notify::new(), items: AtomicUsize::new(0), taken: AtomicUsize::new(0) });
    let mut threads = Vec::new();
    for _ in 0..2 {
        let shop = shop.clone();
        threads.push(thread(move || block_on(shop.taker())));
    }
    let cancelling = shop.clone();
    threads.push(thread(move || cancelling.canceller()));
    for _ in 0..ITEMS {
        shop.items.fetch_add(1, SeqCst);
        shop.notify.notify_one();
    }
    join(threads);
    assert_eq!(shop.taken.load(SeqCst), ITEMS);
}

#[test]
fn everyone_passes_an_event_that_is_set_while_they_arrive() {
    for _ in 0..200 {
        let event = Arc::new(Event::new());
        let threads = (0..4)
            .map(|_| {
                let event = event.clone();
                thread(move || block_on(event.wait()))
            })
            .collect();
        event.set();
        join(threads);
    }
}
