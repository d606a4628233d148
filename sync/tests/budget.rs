//! f10, f11: a loop over a primitive that is always ready gives way, and goes on.

use raddle_runtime::runtime::Builder;
use raddle_runtime::spawn;
use raddle_sync::{Event, Notify};
use std::sync::Arc;

#[test]
fn f11_a_loop_over_a_set_event_lets_other_tasks_run() {
    Builder::new().current_thread().build().unwrap().block_on(async {
        let stop = Arc::new(Event::new());
        let seen = stop.clone();
        let busy = spawn(async move {
            let ready = Event::new();
            ready.set();
            while !seen.is_set() {
                ready.wait().await;
            }
        });
        let other = spawn(async move { stop.set() });
        busy.await.unwrap();
        other.await.unwrap();
    });
}

#[test]
fn f11_a_loop_over_a_permit_lets_other_tasks_run() {
    Builder::new().current_thread().build().unwrap().block_on(async {
        let stop = Arc::new(Event::new());
        let seen = stop.clone();
        let busy = spawn(async move {
            let notify = Notify::new();
            while !seen.is_set() {
                notify.notify_one();
                notify.notified().await;
            }
        });
        let other = spawn(async move { stop.set() });
        busy.await.unwrap();
        other.await.unwrap();
    });
}
