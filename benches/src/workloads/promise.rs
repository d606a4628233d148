//! Promises: from completion to the wake of the one who awaits it, beside a oneshot channel.

use std::time::{Duration, Instant};

use raddle::event_loop::EventLoop;
use raddle::sync::oneshot;

use super::Workload;
use crate::peers::{Peer, Raddle};

const TURNS: usize = 5_000;

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
