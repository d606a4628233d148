//! Locks, events, queues and the rest of `raddle::sync` as asyncio's programs use them, on the paused clock: what
//! happens when is exact.
#![allow(clippy::disallowed_types, reason = "tests stand outside the seam")]

mod common;

use common::on_both_built;
use raddle::runtime::Runtime;
use raddle::spawn;
use raddle::sync::{
    Barrier, BoundedSemaphore, BrokenBarrier, Condition, Event, LifoQueue, Mutex, PriorityQueue, Queue,
    Semaphore,
};
use raddle::time::{Duration, Instant, sleep};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

const SECOND: Duration = Duration::from_secs(1);

fn on_paused(test: impl Fn(&Runtime) + Copy + Send + 'static) {
    on_both_built(|builder| builder.start_paused(true), test);
}

/// What happened, and after how many seconds.
#[derive(Clone)]
struct Log {
    began: Instant,
    lines: Arc<std::sync::Mutex<Vec<(u64, String)>>>,
}

impl Log {
    fn new() -> Self {
        Self { began: Instant::now(), lines: Arc::default() }
    }

    fn add(&self, what: impl Into<String>) {
        let passed = self.began.elapsed();
        assert_eq!(passed.subsec_nanos(), 0, "not on the second");
        self.lines.lock().unwrap().push((passed.as_secs(), what.into()));
    }

    fn take(&self) -> Vec<(u64, String)> {
        std::mem::take(&mut self.lines.lock().unwrap())
    }

    /// What happened, sorted where it happened at the same time on different workers.
    fn sorted(&self) -> Vec<(u64, String)> {
        let mut lines = self.take();
        lines.sort();
        lines
    }
}

fn lines<const N: usize>(lines: [(u64, &str); N]) -> Vec<(u64, String)> {
    lines.map(|(second, what)| (second, what.to_owned())).to_vec()
}

/// Takes the lock, and a task of its own gives it back a second later: asyncio's `call_later`. `asked` is set once it
/// is in line.
async fn hold_for_a_second(lock: Arc<Mutex<()>>, asked: Arc<Event>, log: Log, name: &str) {
    let mut acquires = Box::pin(lock.lock_owned());
    let at_once = futures_lite::future::poll_once(&mut acquires).await;
    asked.set();
    let guard = match at_once {
        Some(guard) => guard,
        None => acquires.await,
    };
    log.add(format!("{name} has it"));
    let later = async move {
        sleep(SECOND).await;
        drop(guard);
    };
    spawn(later).detach();
}

/// S4.1
#[test]
fn a_lock_goes_from_one_to_the_next() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let (lock, log) = (Arc::new(Mutex::new(())), Log::new());
            let mut tasks = Vec::new();
            for name in ["first", "second", "third"] {
                let asked = Arc::new(Event::new());
                tasks.push(spawn(hold_for_a_second(lock.clone(), asked.clone(), log.clone(), name)));
                asked.wait().await;
            }
            for task in tasks {
                task.await.unwrap();
            }
            assert_eq!(log.take(), lines([(0, "first has it"), (1, "second has it"), (2, "third has it")]));
            drop(lock.lock().await);
            assert_eq!(log.began.elapsed(), 3 * SECOND);
        });
    });
}

/// S4.2
#[test]
fn an_event_lets_all_go_on() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let (event, began) = (Arc::new(Event::new()), Instant::now());
            let waiters: Vec<_> = (0..1_000)
                .map(|_| {
                    let event = event.clone();
                    spawn(async move {
                        event.wait().await;
                        began.elapsed()
                    })
                })
                .collect();
            sleep(2 * SECOND).await;
            event.set();
            for waiter in waiters {
                assert_eq!(waiter.await.unwrap(), 2 * SECOND);
            }
        });
    });
}

/// Consumes until the sentinel comes; each product takes a second.
async fn consume(queue: Arc<Queue<Option<u32>>>, log: Log) {
    while let Some(product) = queue.get().await.unwrap() {
        sleep(SECOND).await;
        log.add(format!("product {product}"));
        queue.task_done().unwrap();
    }
    queue.task_done().unwrap();
}

/// S4.3: a queue of three, five products, three consumers, a sentinel for each of them.
#[test]
fn each_product_is_consumed_once_and_join_waits_for_all() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let (queue, log) = (Arc::new(Queue::new(3)), Log::new());
            let consumers: Vec<_> = (0..3).map(|_| spawn(consume(queue.clone(), log.clone()))).collect();
            for product in 0..5 {
                assert!(queue.qsize() <= 3);
                queue.put(Some(product)).await.unwrap();
            }
            queue.join().await;
            // Three at a time, a second each.
            assert_eq!(log.began.elapsed(), 2 * SECOND);
            let consumed = log.sorted();
            let seconds: Vec<_> = consumed.iter().map(|(second, _)| *second).collect();
            let mut products: Vec<_> = consumed.into_iter().map(|(_, product)| product).collect();
            products.sort();
            assert_eq!(seconds, [1, 1, 1, 2, 2]);
            assert_eq!(products, ["product 0", "product 1", "product 2", "product 3", "product 4"]);
            for _ in 0..3 {
                queue.put(None).await.unwrap();
            }
            for consumer in consumers {
                consumer.await.unwrap();
            }
            queue.join().await;
            assert!(queue.task_done().is_err() && queue.empty());
        });
    });
}

/// S4.4
#[test]
fn never_more_than_ten_are_inside() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let (semaphore, began) = (Arc::new(Semaphore::new(10)), Instant::now());
            let inside = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
            let requests: Vec<_> = (0..1_000)
                .map(|_| {
                    let (semaphore, inside) = (semaphore.clone(), inside.clone());
                    spawn(async move {
                        let _permit = semaphore.acquire().await.unwrap();
                        inside.1.fetch_max(inside.0.fetch_add(1, SeqCst) + 1, SeqCst);
                        sleep(SECOND).await;
                        inside.0.fetch_sub(1, SeqCst);
                    })
                })
                .collect();
            for request in requests {
                request.await.unwrap();
            }
            assert_eq!(inside.1.load(SeqCst), 10);
            assert_eq!(began.elapsed(), 100 * SECOND, "ten at a time");
        });
    });
}

/// S4.5: a consumer waits for a condition that comes true at the second notification.
#[test]
fn a_condition_waits_until_its_predicate_holds() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let shared = Arc::new((Mutex::new(Vec::new()), Condition::new()));
            let log = Log::new();
            let consumers: Vec<_> = (0..2)
                .map(|_| {
                    let (shared, log) = (shared.clone(), log.clone());
                    spawn(async move {
                        let (items, changed) = &*shared;
                        let guard = items.lock().await;
                        let mut guard = changed.wait_for(guard, |items| items.len() >= 2).await;
                        let taken: Vec<u32> = guard.drain(..2).collect();
                        log.add(format!("{taken:?}"));
                    })
                })
                .collect();
            let (items, changed) = &*shared;
            for item in 1..=4 {
                sleep(SECOND).await;
                let mut guard = items.lock().await;
                guard.push(item);
                changed.notify_all();
            }
            for consumer in consumers {
                consumer.await.unwrap();
            }
            assert_eq!(log.take(), lines([(2, "[1, 2]"), (4, "[3, 4]")]));
        });
    });
}

/// S4.5: three come one after the other, and go on together when the last is there.
#[test]
fn a_barrier_holds_until_the_last_has_come() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let (barrier, log) = (Arc::new(Barrier::new(3)), Log::new());
            let parties: Vec<_> = (1..=3)
                .map(|i| {
                    let (barrier, log) = (barrier.clone(), log.clone());
                    spawn(async move {
                        sleep(i * SECOND).await;
                        let ended = barrier.wait().await.unwrap();
                        log.add(format!("{} {}", ended.index(), ended.is_leader()));
                        barrier.wait().await
                    })
                })
                .collect();
            sleep(4 * SECOND).await;
            assert_eq!(log.sorted(), lines([(3, "0 false"), (3, "1 false"), (3, "2 true")]));
            // All three have met once more by now; a fourth waits alone.
            let fourth = {
                let barrier = barrier.clone();
                spawn(async move { barrier.wait().await })
            };
            sleep(SECOND).await;
            assert_eq!(barrier.n_waiting(), 1);
            barrier.abort();
            assert_eq!(fourth.await.unwrap(), Err(BrokenBarrier));
            for party in parties {
                assert!(party.await.unwrap().is_ok());
            }
            assert_eq!(barrier.wait().await, Err(BrokenBarrier));
            barrier.reset();
            assert!(!barrier.broken());
        });
    });
}

/// S4.5
#[test]
fn a_bounded_semaphore_refuses_what_was_not_taken() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let semaphore = BoundedSemaphore::new(1);
            drop(semaphore.acquire().await.unwrap());
            assert!(semaphore.release().is_err());
            assert_eq!(semaphore.available_permits(), 1);
        });
    });
}

/// S4.5: what was put in the first second comes in the order of each queue.
#[test]
fn last_in_first_out_and_smallest_first() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let (stack, heap) = (Arc::new(LifoQueue::unbounded()), Arc::new(PriorityQueue::unbounded()));
            for item in [2, 3, 1] {
                stack.put(item).await.unwrap();
                heap.put((item, "job")).await.unwrap();
            }
            let shuts = {
                let (stack, heap) = (stack.clone(), heap.clone());
                spawn(async move {
                    sleep(SECOND).await;
                    stack.shutdown(false);
                    heap.shutdown(false);
                })
            };
            let began = Instant::now();
            let (mut last_first, mut smallest_first) = (Vec::new(), Vec::new());
            while let Ok(item) = stack.get().await {
                last_first.push(item);
            }
            while let Ok((priority, _job)) = heap.get().await {
                smallest_first.push(priority);
            }
            assert_eq!((last_first, smallest_first), (vec![1, 3, 2], vec![1, 2, 3]));
            assert_eq!(began.elapsed(), SECOND, "the last get waits for the shutdown");
            shuts.await.unwrap();
        });
    });
}
