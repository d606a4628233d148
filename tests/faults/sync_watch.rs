//! What a program is told when a lock or a permit is handed to a future that nobody polls any more: f41.

use crate::common::child;
use raddle::runtime::Builder;
use raddle::sync::{Mutex, Notify, RwLock, Semaphore};
use raddle::task;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::process::Output;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Polls `wait` once, and then only waits for `leave`, as a `select!` loop does that runs another arm.
async fn forgets(mut wait: Wait, has_polled: Arc<Notify>, leave: Arc<Notify>) {
    let is_ready = poll_fn(|cx| Poll::Ready(wait.as_mut().poll(cx).is_ready())).await;
    assert!(!is_ready, "somebody holds it");
    has_polled.notify_one();
    leave.notified().await;
}

/// One task polls `wait` once; then another, which `give`s up what was waited for, hands it over. It is polled no more
/// for as long as `hold`.
fn plays(wait: Wait, give: impl FnOnce() + Send + 'static, hold: Duration) {
    let runtime = Builder::new().worker_threads(2).build().unwrap();
    let (has_polled, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    runtime.block_on(async {
        let taker =
            task::Builder::new().name("the taker").spawn(forgets(wait, has_polled.clone(), leave.clone()));
        let giver = async move {
            has_polled.notified().await;
            give();
        };
        task::Builder::new().name("the giver").spawn(giver).await.unwrap();
        raddle::time::sleep(hold).await;
        leave.notify_one();
        taker.await.unwrap();
    });
}

/// As the role says: what is asked for, and how it is given up.
fn child(role: &str) {
    let hold = if role == "in time" { Duration::from_millis(100) } else { Duration::from_millis(1_900) };
    match role {
        "mutex" | "in time" => {
            let mutex = Arc::new(Mutex::new(()));
            let held = mutex.clone().try_lock_owned().unwrap();
            plays(Box::pin(async move { drop(mutex.lock_owned().await) }), || drop(held), hold);
        }
        "rwlock" => {
            let lock = Arc::new(RwLock::new(()));
            let held = lock.clone().try_read_owned().unwrap();
            plays(Box::pin(async move { drop(lock.write_owned().await) }), || drop(held), hold);
        }
        _ => {
            let semaphore = Arc::new(Semaphore::new(0));
            let other = semaphore.clone();
            let wait = async move { drop(semaphore.acquire_many(2).await) };
            plays(Box::pin(wait), move || other.add_permits(2), hold);
        }
    }
}

fn run(role: &str, debug: &str) -> Output {
    let name = "sync_watch::f41_who_was_handed_a_lock_and_does_not_come_is_named_with_who_handed_it_over";
    let output = child::run(name, role, &[("RADDLE_DEBUG", debug)]);
    assert!(output.status.success(), "{}", child::text(&output.stderr));
    output
}

#[test]
fn f41_who_was_handed_a_lock_and_does_not_come_is_named_with_who_handed_it_over() {
    if let Some(role) = child::role() {
        return child(&role);
    }
    let cases = [("mutex", "1", true), ("rwlock", "1", true), ("semaphore", "1", true)];
    let quiet = [("in time", "1", false), ("mutex", "0", false)];
    let children = cases
        .into_iter()
        .chain(quiet)
        .map(|(role, debug, is_named)| (role, is_named, std::thread::spawn(move || run(role, debug))));
    for (role, is_named, child) in children.collect::<Vec<_>>() {
        let output = child.join().expect("the child ends");
        let text = child::text(&output.stderr);
        let line = text.lines().find(|line| line.contains("was handed"));
        assert_eq!(line.is_some(), is_named, "{role}: {text}");
        if let Some((taker, giver)) = line.and_then(|line| line.split_once("was handed")) {
            assert!(taker.contains("the taker") && giver.contains("by task"), "{role}: {text}");
            assert!(giver.contains("the giver"), "{role}: {text}");
        }
    }
}
