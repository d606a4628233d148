//! The slot for one waiter: a waker stored by one side, taken by the other.
//!
//! The promise: a waiter that registers and then looks again is woken by every event it has not seen; nobody touches
//! the waker while another does, and none is left behind.
//!
//! The model plays events that each set a flag (Relaxed: the order must come from the slot) and take the slot, and a
//! waiter that looks, registers, looks again and sleeps until it is woken. Two events at once; a waiter that changes
//! its waker; two waiters at once, of whom one may be woken for nothing, but neither may be forgotten.
//!
//! Broken on purpose, in `runtime/src/wait/slot.rs`, and seen to fail:
//! - `GiveBack` stores IDLE without a look at WAKING, or does not wake what it found; `register` does not wake when
//!   the slot is in other hands: deadlocks.
//! - `take` without Release: the event is not seen, deadlock.
//! - `take` without Acquire, `register` with Relaxed, `take` gives the cell back with Relaxed or takes the waker of a
//!   slot that is being registered: the cell is touched by two at once.
#![cfg(loom)]

use loom::thread;
use loom_tests::{Event, check};
use raddle_runtime::prim::atomic::{AtomicBool, Ordering::Relaxed};
use raddle_runtime::wait::Slot;
use std::sync::Arc;

#[derive(Default)]
struct Place {
    slot: Slot,
    events: [AtomicBool; 2],
}

impl Place {
    fn happen(&self, event: usize) {
        self.events[event].store(true, Relaxed);
        self.slot.wake();
    }

    /// Waits until all `events` have happened.
    fn wait_for(&self, events: &[usize], woken: &Arc<Event>) {
        loop {
            self.slot.register(&woken.waker());
            if events.iter().all(|&event| self.events[event].load(Relaxed)) {
                return;
            }
            woken.wait_and_reset();
            // A registration that met another wakes the waiter itself, so that it looks again: let others run then.
            thread::yield_now();
        }
    }
}

fn happens(place: &Arc<Place>, event: usize) -> thread::JoinHandle<()> {
    let place = place.clone();
    thread::spawn(move || place.happen(event))
}

#[test]
fn a_waiter_sees_two_events() {
    check(|| {
        let (place, woken) = (Arc::new(Place::default()), Event::new());
        let threads = [happens(&place, 0), happens(&place, 1)];
        place.wait_for(&[0, 1], &woken);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        drop(place);
        assert_eq!(Arc::strong_count(&woken), 1, "a waker was left behind");
    });
}

#[test]
fn a_waiter_that_changes_its_waker_is_woken_through_the_new_one() {
    check(|| {
        let (place, old, new) = (Arc::new(Place::default()), Event::new(), Event::new());
        let thread = happens(&place, 0);
        place.slot.register(&old.waker());
        place.wait_for(&[0], &new);
        thread.join().unwrap();
        drop(place);
        assert_eq!((Arc::strong_count(&old), Arc::strong_count(&new)), (1, 1), "a waker was left behind");
    });
}

#[test]
fn of_two_that_register_at_once_none_is_forgotten() {
    check(|| {
        let (place, first, second) = (Arc::new(Place::default()), Event::new(), Event::new());
        let other = {
            let (place, second) = (place.clone(), second.clone());
            thread::spawn(move || place.slot.register(&second.waker()))
        };
        place.slot.register(&first.waker());
        other.join().unwrap();
        place.slot.wake();
        // One was stored and is woken now; the other was woken when it lost, or when it was replaced it is the later.
        assert!(first.is_set() || second.is_set());
        drop(place);
        assert_eq!(
            (Arc::strong_count(&first), Arc::strong_count(&second)),
            (1, 1),
            "a waker was left behind"
        );
    });
}
