//! Events, notifications, conditions, barriers.

use super::{Entry, Task};
use raddle_sync::{Barrier, Condition, Event, Mutex, Notify, OwnedMutexGuard};
use std::cell::Cell;
use std::pin::pin;
use std::sync::Arc;

#[test]
fn event_waits() {
    Entry::new(
        "Event::wait",
        Event::new,
        |event, _| {
            Box::pin(async {
                event.wait().await;
                "set".into()
            })
        },
        Event::set,
        |event| event.is_set().to_string(),
    )
    .closed_by(Event::clear)
    .play();
}

#[test]
fn notify_waits() {
    // Nothing can be counted but by who takes it: the last wait does.
    let count: fn(&Notify) -> String = |_| String::new();
    Entry::new(
        "Notify::notified",
        Notify::new,
        |notify, _| {
            Box::pin(async {
                notify.notified().await;
                "notified".into()
            })
        },
        Notify::notify_one,
        count,
    )
    .closed_by(Notify::notify_waiters)
    .play();
    Entry::new(
        "Notified::enable",
        Notify::new,
        |notify, _| {
            Box::pin(async {
                let mut notified = pin!(notify.notified());
                notified.as_mut().enable();
                notified.await;
                "notified".into()
            })
        },
        Notify::notify_one,
        count,
    )
    .closed_by(Notify::notify_waiters)
    .play();
}

/// `enable` alone, which has no waker to leave behind, can be given up too.
#[test]
fn f23_an_enabled_wait_that_is_dropped_passes_its_notification_on() {
    let notify = Notify::new();
    {
        let mut enabled = pin!(notify.notified());
        assert!(!enabled.as_mut().enable());
        notify.notify_one();
    }
    let mut next = Task::new(Box::pin(notify.notified()));
    assert!(next.poll().is_some(), "the notification is kept as a permit");
}

/// A condition, its lock, and who else has that.
struct Conditioned {
    mutex: Arc<Mutex<u8>>,
    condition: Condition,
    holder: Cell<Option<OwnedMutexGuard<u8>>>,
}

impl Conditioned {
    fn new() -> Self {
        Self { mutex: Arc::default(), condition: Condition::new(), holder: Cell::new(None) }
    }

    /// Nobody gets the lock until it is let go of.
    fn hold(&self) {
        if let Ok(guard) = self.mutex.clone().try_lock_owned() {
            self.holder.set(Some(guard));
        }
    }

    fn let_go(&self) {
        drop(self.holder.take());
    }
}

#[test]
fn condition_waits() {
    let count: fn(&Conditioned) -> String = |all| format!("{:?}", all.mutex);
    let notify: fn(&Conditioned) = |all| all.condition.notify(1);
    let notify_and_hold: fn(&Conditioned) = |all| {
        all.condition.notify(1);
        all.hold();
    };
    for hand_over in [notify, notify_and_hold] {
        Entry::new(
            "Condition::wait",
            Conditioned::new,
            |all, _| {
                Box::pin(async {
                    let guard = all.mutex.lock().await;
                    format!("{:?}", *all.condition.wait(guard).await)
                })
            },
            hand_over,
            count,
        )
        .closed_by(|all| all.condition.notify_all())
        .cleared_by(Conditioned::let_go)
        .play();
    }
}

#[test]
fn condition_waits_for_a_change() {
    let change: fn(&Conditioned) = |all| {
        if let Ok(mut value) = all.mutex.try_lock() {
            *value = 1;
        }
        all.condition.notify(1);
    };
    let change_and_hold: fn(&Conditioned) = |all| {
        if let Ok(mut value) = all.mutex.try_lock() {
            *value = 1;
        }
        all.condition.notify(1);
        all.hold();
    };
    for hand_over in [change, change_and_hold] {
        Entry::new(
            "Condition::wait_for",
            Conditioned::new,
            |all, _| {
                Box::pin(async {
                    let guard = all.mutex.lock().await;
                    format!("{:?}", *all.condition.wait_for(guard, |value| *value == 1).await)
                })
            },
            hand_over,
            |all| format!("{:?}", all.mutex),
        )
        .closed_by(|all| {
            if let Ok(mut value) = all.mutex.try_lock() {
                *value = 1;
            }
            all.condition.notify_all();
        })
        .cleared_by(Conditioned::let_go)
        .play();
    }
}

fn barrier() -> Barrier {
    Barrier::new(3)
}

#[test]
fn barrier_waits() {
    Entry::new(
        "Barrier::wait",
        barrier,
        |barrier, _| Box::pin(async { format!("{:?}", barrier.wait().await) }),
        Barrier::reset,
        |barrier| format!("{} {}", barrier.n_waiting(), barrier.broken()),
    )
    .closed_by(Barrier::abort)
    .play();
}

/// Who has been released counts, though it is dropped before it knows.
#[test]
fn a_released_barrier_wait_that_is_dropped_takes_nothing_back() {
    let barrier = Barrier::new(3);
    let mut waits: Vec<_> = (0..3).map(|_| Task::new(Box::pin(barrier.wait()))).collect();
    assert!(waits[0].poll().is_none());
    assert!(waits[1].poll().is_none());
    assert!(waits[2].poll().is_some_and(|last| last.unwrap().is_leader()));
    waits[0].cancel();
    assert_eq!((waits[0].kept(), barrier.n_waiting()), (0, 0));
    assert_eq!(waits[1].poll().map(|other| other.unwrap().index()), Some(1));
}
