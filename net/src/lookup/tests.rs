//! Whom the resolver is asked for, with a resolver that answers when the test says so; and what a stopped clock does
//! meanwhile (f22).

use super::pool::Pool;
use raddle_runtime::prim::lock::{Condvar, Mutex};
use raddle_runtime::prim::thread;
use raddle_runtime::runtime::{Builder, Handle};
use raddle_runtime::spawn;
use raddle_runtime::time::{Duration, Instant, sleep, timeout};
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

/// What the resolver was asked, and how many it may answer.
#[derive(Debug, Default)]
struct Script {
    asked: Vec<String>,
    answers: usize,
}

#[derive(Debug, Clone, Default)]
struct Resolver(Arc<(Mutex<Script>, Condvar)>);

impl Resolver {
    fn pool(&self) -> &'static Pool {
        let resolver = self.clone();
        Box::leak(Box::new(Pool::new(Box::new(move |host| resolver.resolve(host)))))
    }

    fn resolve(&self, host: &str) -> io::Result<Vec<SocketAddr>> {
        let mut script = self.0.0.lock();
        script.asked.push(host.to_owned());
        self.0.1.notify_all();
        while script.answers == 0 {
            script = self.0.1.wait(script);
        }
        script.answers -= 1;
        match host {
            "nothing" => Ok(Vec::new()),
            "broken" => Err(io::Error::other("the resolver is broken")),
            _ => Ok(vec![SocketAddr::from(([10, 0, 0, 1], 0)), SocketAddr::from(([10, 0, 0, 2], 0))]),
        }
    }

    fn answer(&self, count: usize) {
        self.0.0.lock().answers += count;
        self.0.1.notify_all();
    }

    /// Blocks until so many questions were taken up.
    fn wait_asked(&self, count: usize) {
        let mut script = self.0.0.lock();
        while script.asked.len() < count {
            script = self.0.1.wait(script);
        }
    }

    fn asked(&self) -> Vec<String> {
        self.0.0.lock().asked.clone()
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    Builder::new().worker_threads(2).build().expect("a runtime").block_on(future)
}

async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

#[test]
fn what_many_ask_at_a_time_is_asked_once_and_each_gets_all_of_it() {
    let resolver = Resolver::default();
    let pool = resolver.pool();
    run(async {
        let mut first = pin!(pool.lookup("host".to_owned(), 1));
        assert!(poll_once(first.as_mut()).await.is_none());
        resolver.wait_asked(1);
        let mut others: Vec<_> = (2..40).map(|port| Box::pin(pool.lookup("host".to_owned(), port))).collect();
        for other in &mut others {
            assert!(poll_once(other.as_mut()).await.is_none());
        }
        // One who goes takes nothing from the others.
        drop(others.pop());
        resolver.answer(1);
        assert_eq!(first.await.expect("an answer"), ["10.0.0.1:1", "10.0.0.2:1"].map(|a| a.parse().unwrap()));
        for (port, other) in (2..).zip(others) {
            let addrs = other.await.expect("the same answer");
            assert_eq!(addrs.len(), 2);
            assert!(addrs.iter().all(|addr| addr.port() == port));
        }
        assert_eq!(resolver.asked(), ["host"]);
        // Answers are not kept.
        resolver.answer(1);
        pool.lookup("host".to_owned(), 1).await.expect("an answer");
        assert_eq!(resolver.asked().len(), 2);
    });
}

#[test]
fn what_everybody_has_given_up_in_line_is_not_asked() {
    let resolver = Resolver::default();
    let pool = resolver.pool();
    run(async {
        // All threads are stuck.
        let mut stuck: Vec<_> = (0..16).map(|n| Box::pin(pool.lookup(format!("stuck{n}"), 1))).collect();
        for stuck in &mut stuck {
            assert!(poll_once(stuck.as_mut()).await.is_none());
        }
        resolver.wait_asked(16);
        let mut given_up = [0, 1].map(|_| Box::pin(pool.lookup("given up".to_owned(), 1)));
        let mut wanted = [0, 1].map(|_| Box::pin(pool.lookup("wanted".to_owned(), 1)));
        for asker in given_up.iter_mut().chain(&mut wanted) {
            assert!(poll_once(asker.as_mut()).await.is_none());
        }
        drop(given_up);
        let [one, other] = wanted;
        drop(one);
        resolver.answer(17);
        assert_eq!(other.await.expect("an answer").len(), 2);
        for stuck in stuck {
            stuck.await.expect("an answer");
        }
        let asked = resolver.asked();
        assert_eq!(asked.len(), 17);
        assert!(!asked.contains(&"given up".to_owned()));
    });
}

#[test]
fn a_question_that_was_given_up_and_asked_again_while_the_resolver_is_at_it_is_one() {
    let resolver = Resolver::default();
    let pool = resolver.pool();
    run(async {
        let mut first = Box::pin(pool.lookup("host".to_owned(), 1));
        assert!(poll_once(first.as_mut()).await.is_none());
        resolver.wait_asked(1);
        drop(first);
        let mut second = Box::pin(pool.lookup("host".to_owned(), 2));
        assert!(poll_once(second.as_mut()).await.is_none());
        resolver.answer(1);
        assert_eq!(second.await.expect("an answer")[0].port(), 2);
        assert_eq!(resolver.asked().len(), 1);
    });
}

#[test]
fn every_asker_is_told_what_failed_and_for_which_host() {
    let resolver = Resolver::default();
    let pool = resolver.pool();
    run(async {
        resolver.answer(usize::MAX / 2);
        for (host, what) in [("broken", "the resolver is broken"), ("nothing", "the name has no addresses")] {
            let askers: Vec<_> = (0..10).map(|_| spawn(pool.lookup(host.to_owned(), 1))).collect();
            for asker in askers {
                let error = asker.await.expect("the task ends well").expect_err("no answer");
                assert_eq!(error.to_string(), format!("look up {host}: {what}"));
            }
        }
    });
}

const SECOND: Duration = Duration::from_secs(1);

/// On a clock that stands still, with one worker and on the calling thread alone.
fn run_paused<F: Future>(future: impl Fn() -> F) {
    for builder in [Builder::new().worker_threads(1), Builder::new().current_thread()] {
        builder.start_paused(true).build().expect("a runtime").block_on(future());
    }
}

/// Answers once the runtime has gone to sleep, and would have let time jump if nobody held it.
fn answer_the_idle(resolver: &Resolver) -> thread::JoinHandle<()> {
    let (resolver, runtime) = (resolver.clone(), Handle::current());
    let parks = runtime.metrics().parks();
    let answer = move || {
        while runtime.metrics().parks() == parks {
            // A worker that sleeps already comes by once more.
            runtime.spawn(async {}).detach();
            std::thread::yield_now();
        }
        resolver.answer(1);
    };
    thread::spawn(&thread::Spec::default(), answer).expect("a thread")
}

#[test]
fn f22_paused_time_stands_still_while_a_name_is_looked_up() {
    run_paused(|| async {
        let (resolver, began) = (Resolver::default(), Instant::now());
        let pool = resolver.pool();
        let mut asker = pin!(timeout(SECOND, pool.lookup("host".to_owned(), 1)));
        assert!(poll_once(asker.as_mut()).await.is_none());
        resolver.wait_asked(1);
        let answerer = answer_the_idle(&resolver);
        let addrs = asker.await.expect("no time has passed").expect("an answer");
        assert_eq!((addrs.len(), began.elapsed()), (2, Duration::ZERO));
        answerer.join().expect("it answers");
        sleep(SECOND).await;
        assert_eq!(began.elapsed(), SECOND);
    });
}

/// The time of whoever is still waiting is held, and of nobody else.
#[test]
fn f22_a_look_up_that_was_given_up_holds_no_paused_time() {
    run_paused(|| async {
        let (resolver, began) = (Resolver::default(), Instant::now());
        let pool = resolver.pool();
        let mut stays = pin!(timeout(SECOND, pool.lookup("host".to_owned(), 1)));
        assert!(poll_once(stays.as_mut()).await.is_none());
        let mut goes = Box::pin(pool.lookup("host".to_owned(), 1));
        assert!(poll_once(goes.as_mut()).await.is_none());
        resolver.wait_asked(1);
        drop(goes);
        let answerer = answer_the_idle(&resolver);
        stays.await.expect("no time has passed").expect("an answer");
        assert_eq!(began.elapsed(), Duration::ZERO);
        answerer.join().expect("it answers");
        // The resolver never answers this one.
        let mut in_vain = Box::pin(pool.lookup("stuck".to_owned(), 1));
        assert!(poll_once(in_vain.as_mut()).await.is_none());
        resolver.wait_asked(2);
        drop(in_vain);
        sleep(SECOND).await;
        assert_eq!(began.elapsed(), SECOND);
    });
}

/// A future that nobody polls any more must not stop the clock for its owner.
#[test]
fn f22_an_answer_that_nobody_has_fetched_holds_no_paused_time() {
    run_paused(|| async {
        let (resolver, began) = (Resolver::default(), Instant::now());
        let pool = resolver.pool();
        let mut asker = pin!(pool.lookup("host".to_owned(), 1));
        assert!(poll_once(asker.as_mut()).await.is_none());
        resolver.answer(1);
        sleep(SECOND).await;
        assert_eq!(began.elapsed(), SECOND);
        asker.await.expect("an answer");
    });
}
