//! Generator coroutines: driven by hand and by the runtime, nested, misused, and against a model.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

#[path = "../common/mod.rs"]
mod common;

mod by_hand;
mod delegation;
mod model;
mod waiting;
mod yields;

use common::guard::OnDrop;
use raddle::coroutine::{Coroutine, Yielder};
use std::sync::{Arc, Mutex};
use std::task::Poll;

/// What happened, in order.
pub(crate) type Log = Arc<Mutex<Vec<String>>>;

pub(crate) fn note(log: &Log, line: impl Into<String>) {
    log.lock().unwrap().push(line.into());
}

/// 1, 2, 3.
pub(crate) fn three() -> Coroutine<(), u32, ()> {
    Coroutine::new(|co| async move {
        for n in 1..=3 {
            co.yield_(n).await;
        }
    })
}

/// Adds up what it is sent, and returns the sum when that is zero.
pub(crate) fn adder() -> Coroutine<u32, u32, u32> {
    Coroutine::new(|co| async move {
        let mut sum = 0;
        loop {
            match co.yield_(sum).await {
                0 => return sum,
                n => sum += n,
            }
        }
    })
}

/// A body with a call inside a call, each of which holds things.
pub(crate) async fn outer(co: Yielder<(), u32>, log: Log) {
    let _first = OnDrop::new(|| note(&log, "outer first"));
    let _second = OnDrop::new(|| note(&log, "outer second"));
    inner(co, &log).await;
    note(&log, "never");
}

pub(crate) async fn inner(co: Yielder<(), u32>, log: &Log) {
    let _held = OnDrop::new(|| note(log, "inner"));
    co.yield_(1).await;
    note(log, "never");
}

/// Pending at the first poll.
pub(crate) fn pending_once() -> impl Future<Output = ()> {
    let mut polled = false;
    common::polling(
        move |_| if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending },
    )
}
