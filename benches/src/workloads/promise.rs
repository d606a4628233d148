//! Promises: from completion to the wake of the one who awaits it, beside a oneshot channel.

use std::time::{Duration, Instant};

use raddle::event_loop::EventLoop;
use raddle::sync::oneshot;

use super::{Countdown, Workload};
use crate::peers::{Peer, Raddle};

const WAITERS: usize = 1_000;
const TURNS: usize = 500;

/// 1,000 tasks wait for a promise each; a task sets all of them, and the last waiter to go on signals. An operation is
/// one completion, up to the end of its waiter.
pub struct PromiseWakes;

impl Workload<Raddle> for PromiseWakes {
    const OPERATIONS: u64 = WAITERS as u64;
    const REPETITIONS: u64 = 100;

    fn run(runtime: &Raddle, repetitions: u64) -> Duration {
        runtime.run_inside(async move {
            let event_loop = EventLoop::current();
            let mut took = Duration::ZERO;
            for _ in 0..repetitions {
                let promises: Vec<_> = (0..WAITERS).map(|_| event_loop.create_future::<()>()).collect();
                let waits =
                    promises.clone().into_iter().map(|promise| async { promise.await.expect("it is set") });
                took += wakes(waits, || {
                    for promise in &promises {
                        promise.set_result(()).expect("it is set once");
                    }
                })
                .await;
            }
            took
        })
    }
}

/// The floor of that: the same through oneshot channels.
pub struct OneshotWakes;

impl Workload<Raddle> for OneshotWakes {
    const OPERATIONS: u64 = WAITERS as u64;
    const REPETITIONS: u64 = 100;

    fn run(runtime: &Raddle, repetitions: u64) -> Duration {
        runtime.run_inside(async move {
            let mut took = Duration::ZERO;
            for _ in 0..repetitions {
                let (senders, receivers): (Vec<_>, Vec<_>) =
                    (0..WAITERS).map(|_| oneshot::channel::<()>()).unzip();
                let waits =
                    receivers.into_iter().map(|receiver| async { receiver.await.expect("it is sent") });
                took += wakes(waits, || {
                    for sender in senders {
                        sender.send(()).expect("it is awaited");
                    }
                })
                .await;
            }
            took
        })
    }
}

/// How long it takes from `complete` until all of `waits`, each in a task that is parked by then, have ended.
async fn wakes<W>(waits: impl Iterator<Item = W>, complete: impl FnOnce()) -> Duration
where
    W: Future<Output = ()> + Send + 'static,
{
    let (parked, ended) = (Countdown::leak(), Countdown::leak());
    let (all_parked, all_ended) = (parked.start(WAITERS), ended.start(WAITERS));
    for wait in waits {
        Raddle::spawn_detached(async {
            parked.finish();
            wait.await;
            ended.finish();
        });
    }
    all_parked.await.expect("every task begins");
    // The last one may have said so and not be parked yet.
    raddle::yield_now().await;
    let start = Instant::now();
    complete();
    all_ended.await.expect("every wait ends");
    start.elapsed()
}

/// Two tasks wake one another, to and fro, each time through a new promise; they are made before the clock starts. An
/// operation is one wake: a promise set, and its waiter gone on.
pub struct Promises;

impl Workload<Raddle> for Promises {
    const OPERATIONS: u64 = 2 * TURNS as u64;
    const REPETITIONS: u64 = 20;

    fn run(runtime: &Raddle, repetitions: u64) -> Duration {
        runtime.run_inside(async move {
            let event_loop = EventLoop::current();
            let make = || (0..TURNS).map(|_| event_loop.create_future::<()>()).collect::<Vec<_>>();
            let mut took = Duration::ZERO;
            for _ in 0..repetitions {
                let (pings, pongs) = (make(), make());
                let (pinged, answers) = (pings.clone(), pongs.clone());
                let start = Instant::now();
                let other = Raddle::spawn(async move {
                    for (ping, pong) in pinged.into_iter().zip(&answers) {
                        ping.await.expect("it is set");
                        pong.set_result(()).expect("it is set once");
                    }
                });
                for (ping, pong) in pings.iter().zip(pongs) {
                    ping.set_result(()).expect("it is set once");
                    pong.await.expect("it is set");
                }
                other.await;
                took += start.elapsed();
            }
            took
        })
    }
}

/// The floor of `promise`: the same through oneshot channels.
pub struct Oneshots;

impl Workload<Raddle> for Oneshots {
    const OPERATIONS: u64 = 2 * TURNS as u64;
    const REPETITIONS: u64 = 20;

    fn run(runtime: &Raddle, repetitions: u64) -> Duration {
        runtime.run_inside(async move {
            let make = || (0..TURNS).map(|_| oneshot::channel::<()>()).unzip::<_, _, Vec<_>, Vec<_>>();
            let mut took = Duration::ZERO;
            for _ in 0..repetitions {
                let ((pings, pinged), (answers, pongs)) = (make(), make());
                let start = Instant::now();
                let other = Raddle::spawn(async move {
                    for (ping, pong) in pinged.into_iter().zip(answers) {
                        ping.await.expect("it is sent");
                        pong.send(()).expect("it is awaited");
                    }
                });
                for (ping, pong) in pings.into_iter().zip(pongs) {
                    ping.send(()).expect("it is awaited");
                    pong.await.expect("it is sent");
                }
                other.await;
                took += start.elapsed();
            }
            took
        })
    }
}
