//! Wakers that do what they may: call back, take their time to be cloned, panic: f27 f41.

use crate::common::gate::Gate;
use crate::common::{FOR_EVER, HANGS, on_both, poll_once, within, workers, yields};
use raddle::net::{TcpListener, TcpStream};
use raddle::runtime::Handle;
use raddle::spawn;
use raddle::time::{Duration, sleep};
use std::mem::ManuallyDrop;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

/// A waker that calls `act` when it is cloned, woken and dropped.
struct Hostile<F> {
    act: F,
    calls: AtomicUsize,
}

impl<F: Fn() + Send + Sync + 'static> Hostile<F> {
    const VTABLE: RawWakerVTable =
        RawWakerVTable::new(Self::cloned, Self::woken, Self::woken_by_ref, Self::dropped);

    fn new(act: F) -> Arc<Self> {
        Arc::new(Self { act, calls: AtomicUsize::new(0) })
    }

    fn waker(self: &Arc<Self>) -> Waker {
        // SAFETY: the four functions below treat the pointer as what it is, an Arc that was turned into one.
        unsafe { Waker::new(Arc::into_raw(self.clone()).cast(), &Self::VTABLE) }
    }

    fn act(&self) {
        self.calls.fetch_add(1, SeqCst);
        (self.act)();
    }

    /// Lends the Arc behind a waker.
    fn borrow<R>(data: *const (), f: impl FnOnce(&Arc<Self>) -> R) -> R {
        // SAFETY: made by `waker` or `cloned`, and not dropped here.
        f(&ManuallyDrop::new(unsafe { Arc::from_raw(data.cast::<Self>()) }))
    }

    unsafe fn cloned(data: *const ()) -> RawWaker {
        let this = Self::borrow(data, Arc::clone);
        this.act();
        RawWaker::new(Arc::into_raw(this).cast(), &Self::VTABLE)
    }

    unsafe fn woken(data: *const ()) {
        // SAFETY: the waker's own reference, used up.
        let this = unsafe { Arc::from_raw(data.cast::<Self>()) };
        this.act();
    }

    unsafe fn woken_by_ref(data: *const ()) {
        Self::borrow(data, |this| this.act());
    }

    unsafe fn dropped(data: *const ()) {
        // SAFETY: as in `woken`.
        let this = unsafe { Arc::from_raw(data.cast::<Self>()) };
        this.act();
    }
}

/// Takes every lock of the runtime that it can get at.
fn all_over(handle: &Handle) {
    let _entered = handle.enter();
    let metrics = handle.metrics();
    let _ = (metrics.timers(), metrics.alive_tasks(), metrics.blocking_threads(), handle.tasks());
    let mut other = pin!(sleep(FOR_EVER));
    let _ = other.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    drop(handle.spawn(async {}));
    let task = handle.spawn(std::future::pending::<()>());
    task.cancel_with("a waker made it");
}

/// Polls `future` with wakers of the kind above: twice with one, then with another; then drops it, or not.
fn polled_by_hostile<F: Future<Output = ()>>(handle: &Handle, future: F, end: impl FnOnce()) {
    let runtime = handle.clone();
    let hostile = Hostile::new(move || all_over(&runtime));
    {
        let mut future = pin!(future);
        let first = hostile.waker();
        let second = hostile.waker();
        for waker in [&first, &first, &second, &first] {
            // It may be done by the last of them, on a machine that is slow.
            if future.as_mut().poll(&mut Context::from_waker(waker)).is_ready() {
                break;
            }
        }
        end();
    }
    assert!(hostile.calls.load(SeqCst) >= 2, "it was cloned and dropped");
    crate::common::eventually("no waker is kept when its owner is gone", || Arc::strong_count(&hostile) == 1);
}

#[test]
fn f27_wakers_are_cloned_and_dropped_outside_all_locks() {
    on_both(|runtime| {
        let handle = runtime.handle();
        let entered = runtime.enter();
        polled_by_hostile(handle, sleep(FOR_EVER), || ());
        let never = runtime.spawn(std::future::pending::<()>());
        polled_by_hostile(handle, async { never.await.unwrap() }, || ());
        let cancelled = runtime.spawn(std::future::pending::<()>());
        polled_by_hostile(handle, async { cancelled.await.unwrap() }, || drop(entered));
    });
}

#[test]
fn f27_wakers_are_woken_outside_all_locks() {
    within(HANGS, || {
        let runtime = workers(2);
        let handle = runtime.handle();
        let entered = runtime.enter();
        for _ in 0..20 {
            let wait = || std::thread::sleep(Duration::from_millis(2));
            polled_by_hostile(handle, sleep(Duration::from_millis(1)), wait);
            let gate = Gate::new();
            let task = runtime.spawn(gate.wait());
            polled_by_hostile(handle, async { task.await.unwrap() }, || gate.open());
            let task = runtime.spawn(std::future::pending::<()>());
            let cancel = task.abort_handle();
            polled_by_hostile(handle, async { drop(task.await) }, || cancel.cancel());
        }
        drop(entered);
    });
}

#[test]
fn f27_wakers_of_sockets_are_cloned_woken_and_dropped_outside_all_locks() {
    within(HANGS, || {
        let runtime = workers(2);
        let (listener, client, served) = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (served, _) = listener.accept().await.unwrap();
            (listener, client, served)
        });
        polled_by_hostile(runtime.handle(), async { drop(listener.accept().await) }, || ());
        polled_by_hostile(runtime.handle(), async { served.readable().await.unwrap() }, || ());
        runtime.block_on(client.writable()).unwrap();
        let write = || assert_eq!(client.try_write(b"x").unwrap(), 1);
        polled_by_hostile(runtime.handle(), async { served.readable().await.unwrap() }, write);
    });
}

/// A waker that panics when it is woken: on its own, and in a crowd.
fn panicking_waker() -> Waker {
    struct Panics;
    impl std::task::Wake for Panics {
        fn wake(self: Arc<Self>) {
            // Without the message on stderr.
            std::panic::resume_unwind(Box::new("a waker that panics"));
        }
    }
    Waker::from(Arc::new(Panics))
}

#[test]
fn f27_a_waker_that_panics_harms_nobody_else() {
    on_both(|runtime| {
        let waker = panicking_waker();
        let mut cx = Context::from_waker(&waker);
        let gate = Gate::new();
        let mut task = runtime.spawn(gate.wait());
        let mut timers: Vec<_> = {
            let _entered = runtime.enter();
            (0..10).map(|_| Box::pin(sleep(Duration::from_millis(5)))).collect()
        };
        assert!(pin!(&mut task).poll(&mut cx).is_pending());
        for timer in timers.iter_mut().step_by(2) {
            assert!(timer.as_mut().poll(&mut cx).is_pending());
        }
        runtime.block_on(async {
            spawn(async move { gate.open() }).await.unwrap();
            for timer in timers.iter_mut().skip(1).step_by(2) {
                timer.as_mut().await;
            }
            sleep(Duration::from_millis(5)).await;
            assert!(timers.iter().all(|timer| timer.is_elapsed()));
            task.await.unwrap();
            // Every worker is still there.
            let all: Vec<_> = (0..100).map(|_| spawn(yields(10))).collect();
            for task in all {
                task.await.unwrap();
            }
        });
    });
}

#[test]
fn f41_a_waiter_that_was_told_and_never_polls_again_keeps_nothing_from_the_others() {
    on_both(|runtime| {
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (served, _) = listener.accept().await.unwrap();
            let mut sleepy = Box::pin(served.readable());
            assert!(poll_once(&mut sleepy).await.is_none());
            let mut second = pin!(served.readable());
            assert!(poll_once(&mut second).await.is_none());
            client.writable().await.unwrap();
            assert_eq!(client.try_write(b"x").unwrap(), 1);
            second.await.unwrap();
            served.readable().await.unwrap();
            drop(sleepy);
        });
    });
}

#[test]
fn f41_a_join_handle_or_sleep_that_is_never_polled_again_stops_nobody() {
    on_both(|runtime| {
        runtime.block_on(async {
            let mut held = Vec::new();
            for _ in 0..100 {
                let mut task = spawn(yields(1));
                let mut timer = Box::pin(sleep(Duration::from_micros(100)));
                let _ = (poll_once(&mut task).await, poll_once(&mut timer).await);
                held.push((task, timer));
            }
            spawn(sleep(Duration::from_millis(1))).await.unwrap();
            let mut told =
                std::future::poll_fn(|_| Poll::Ready(held.iter().all(|(task, _)| task.is_finished())));
            while !(&mut told).await {
                raddle::yield_now().await;
            }
        });
    });
}
