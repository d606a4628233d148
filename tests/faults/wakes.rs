//! Wakes that come from elsewhere, at odd moments: f04 f06 f07 f08.

use crate::common::gate::Gate;
use crate::common::guard::OnDrop;
use crate::common::{FOR_EVER, HANGS, SOON, current_thread, on_both, within, workers, yields};
use raddle::runtime::{Handle, Runtime};
use raddle::time::sleep;
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

#[test]
fn f04_wakes_from_several_threads_are_never_lost() {
    const THREADS: usize = 4;
    const WAKES: usize = 2_000;
    on_both(|runtime| {
        let sent = Arc::new(AtomicUsize::new(0));
        let place: Arc<Mutex<Option<Waker>>> = Arc::default();
        let task = {
            let (sent, place) = (sent.clone(), place.clone());
            raddle_task(runtime, move |cx| {
                *place.lock().unwrap() = Some(cx.waker().clone());
                if sent.load(SeqCst) == THREADS * WAKES { Poll::Ready(()) } else { Poll::Pending }
            })
        };
        let wakers = || {
            for turn in 0..WAKES {
                sent.fetch_add(1, SeqCst);
                let waker = place.lock().unwrap().clone();
                match (waker, turn % 2) {
                    (Some(waker), 0) => waker.wake(),
                    (Some(waker), _) => waker.wake_by_ref(),
                    (None, _) => {}
                }
            }
        };
        std::thread::scope(|scope| {
            (0..THREADS).for_each(|_| drop(scope.spawn(wakers)));
            runtime.block_on(task).unwrap();
        });
    });
}

/// A task that calls `f` at each poll.
fn raddle_task<T: Send + 'static>(
    runtime: &Runtime,
    f: impl FnMut(&mut std::task::Context<'_>) -> Poll<T> + Send + 'static,
) -> raddle::task::JoinHandle<T> {
    runtime.spawn(std::future::poll_fn(f))
}

#[test]
fn f06_an_earlier_timer_interrupts_a_driver_that_sleeps_for_a_later_one() {
    on_both(|runtime| {
        let later = runtime.spawn(sleep_in(runtime, FOR_EVER));
        runtime.block_on(yields(10));
        for _ in 0..20 {
            let began = Instant::now();
            let earlier = runtime.spawn(sleep_in(runtime, Duration::from_millis(3)));
            runtime.block_on(earlier).unwrap();
            runtime.block_on(async { sleep(Duration::from_millis(2)).await });
            assert!(began.elapsed() < SOON);
        }
        assert!(!later.is_finished());
    });
}

fn sleep_in(runtime: &Runtime, duration: Duration) -> raddle::time::Sleep {
    let _entered = runtime.enter();
    sleep(duration)
}

#[test]
fn f07_a_wake_from_another_thread_reaches_a_current_thread_runtime() {
    within(HANGS, || {
        let runtime = current_thread();
        for _ in 0..200 {
            let (task_gate, root_gate) = (Gate::new(), Gate::new());
            let task = runtime.spawn(task_gate.wait());
            let (other, also) = (task_gate.clone(), root_gate.clone());
            let opener = std::thread::spawn(move || {
                other.open();
                also.open();
            });
            runtime.block_on(async {
                task.await.unwrap();
                root_gate.wait().await;
            });
            opener.join().unwrap();
        }
    });
}

#[test]
fn f07_a_wake_while_nobody_is_in_block_on_is_found_by_the_next() {
    within(HANGS, || {
        let runtime = current_thread();
        let gate = Gate::new();
        let task = runtime.spawn(gate.wait());
        runtime.block_on(yields(3));
        assert_eq!(gate.waits(), 1);
        std::thread::scope(|scope| drop(scope.spawn(|| gate.open())));
        runtime.block_on(task).unwrap();
    });
}

#[test]
fn f07_a_self_wake_inside_block_on_is_not_lost() {
    on_both(|runtime| {
        let mut left = 1_000;
        runtime.block_on(std::future::poll_fn(move |cx| {
            left -= 1;
            if left == 0 {
                return Poll::Ready(());
            }
            match left % 3 {
                0 => cx.waker().wake_by_ref(),
                1 => {
                    let waker = cx.waker().clone();
                    cx.waker().wake_by_ref();
                    waker.wake();
                }
                _ => {
                    let waker = cx.waker().clone();
                    std::thread::spawn(move || waker.wake()).join().unwrap();
                }
            }
            Poll::Pending
        }));
    });
}

/// Two threads wait in `block_on` behind the one that runs the tasks. When that one leaves, it asks the first of them
/// to go on, whose own future happens to be done at the same moment: then the second must be asked.
#[test]
fn f07_a_root_that_is_done_hands_its_turn_at_the_tasks_on() {
    for _ in 0..50 {
        within(SOON, || {
            let runtime = current_thread();
            let (has_turn, leave) = (Gate::new(), Gate::new());
            let (first, second) = (Gate::new(), Gate::new());
            let leaver = leaver(has_turn.clone(), leave.wait(), first.clone(), second.clone());
            std::thread::scope(|scope| {
                let handle = runtime.handle();
                scope.spawn(move || handle.block_on(leaver));
                has_turn.block();
                for gate in [&first, &second] {
                    scope.spawn(|| handle.block_on(gate.wait()));
                    until_parked(gate);
                }
                leave.open();
            });
        });
    }
}

/// Has the turn until `leave`. The last it does is to make a task, which others must run, and to end `first`'s wait.
async fn leaver(has_turn: Gate, leave: impl Future<Output = ()>, first: Gate, second: Gate) {
    has_turn.open();
    leave.await;
    raddle::spawn(async move { second.open() }).detach();
    first.open();
}

/// Waits until a thread that waits for `gate` in `block_on` sleeps, as far as anyone can tell.
fn until_parked(gate: &Gate) {
    crate::common::eventually("the thread looks at its gate", || gate.waits() > 0);
    std::thread::sleep(Duration::from_millis(1));
}

type LastWords = OnDrop<Box<dyn FnOnce()>>;

thread_local! {
    static LAST_WORDS: RefCell<Vec<LastWords>> = const { RefCell::new(Vec::new()) };
}

/// Runs `f` on a fresh thread while its thread-locals are being destroyed.
fn in_thread_end(f: impl FnOnce() + Send + 'static) {
    let thread = std::thread::spawn(move || {
        // The runtime's own thread-locals are in place before, and some are gone when `f` runs.
        LAST_WORDS.with_borrow_mut(|words| words.push(OnDrop::new(Box::new(f))));
        let _ = raddle::task::try_current();
        let _ = Handle::try_current();
    });
    thread.join().expect("no panic while the thread ends");
}

#[test]
fn f08_wakers_and_handles_work_while_thread_locals_are_destroyed() {
    on_both(|runtime| {
        let gate = Gate::new();
        let waiting = runtime.spawn(gate.wait());
        let done = runtime.spawn(async { String::from("an output that nobody takes") });
        let forgotten = runtime.spawn(std::future::pending::<()>());
        let asked = runtime.spawn(std::future::pending::<()>());
        runtime.block_on(yields(20));
        let (handle, ran) = (runtime.handle().clone(), Arc::new(AtomicBool::new(false)));
        let seen = ran.clone();
        in_thread_end(move || {
            gate.open();
            drop(done);
            drop(forgotten);
            asked.cancel_with("the thread ends");
            handle.spawn(async move { seen.store(true, SeqCst) }).detach();
            drop(handle.spawn_blocking(|| ()));
            let _ = handle.metrics().alive_tasks();
        });
        runtime.block_on(waiting).unwrap();
        runtime.block_on(async {
            while !ran.load(SeqCst) {
                sleep(Duration::from_micros(100)).await;
            }
        });
    });
}

#[test]
fn f08_a_runtime_may_end_with_the_thread_that_owns_it() {
    for runtime in [workers(2), current_thread()] {
        within(HANGS, move || {
            let drops = crate::common::guard::Drops::new();
            for _ in 0..10 {
                let guard = drops.guard();
                runtime.spawn(async move { drop((std::future::pending::<()>().await, guard)) }).detach();
            }
            runtime.block_on(yields(20));
            in_thread_end(move || drop(runtime));
            assert_eq!((drops.made(), drops.dropped()), (10, 10));
        });
    }
}
