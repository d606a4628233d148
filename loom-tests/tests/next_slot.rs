//! The `next` slot and the deque: a task that is pushed is handed out once.
//!
//! The promise: whatever owner and thieves do, each task comes out once, in the state in which it was pushed. The
//! slot is filled by its owner alone; it is emptied by a swap, by anyone.
//!
//! The model plays an owner that pushes and pops, and thieves that steal and take the slot. (The deque is loom's
//! stand-in for `crossbeam-deque`, see `runtime/src/prim/deque.rs`; the slot is the real one.)
//!
//! Broken on purpose, in `runtime/src/queue/local.rs`, and seen to fail:
//! - `take_next` loads the slot and then stores null: a task comes out twice.
//! - `push` fills the slot with Relaxed, or `take_next` swaps with Relaxed: the thief polls a future it has not seen.
//! - `push` stores to a slot without a look at what is in it: a task is lost.
//! - `give_up_next` takes the task out of the slot and drops it: lost.
#![cfg(loom)]

use loom::thread;
use loom_tests::{Count, Ready, check};
use raddle_runtime::internals::{Local, Ran, Stealable, Task, allocate, local};
use std::sync::Arc;

/// A task that uses something its spawner made.
fn task(count: &Count) -> Task {
    let whole = count.probe();
    let (task, handle) =
        allocate(async move { whole.change() }, Ready::default().scheduler(Count::default().probe(), true));
    handle.detach();
    task
}

fn run(task: Task) -> usize {
    assert!(matches!(task.run(), Ran::Done));
    1
}

fn run_all(local: &Local, queue: &Stealable) -> usize {
    std::iter::from_fn(|| local.pop(queue)).map(run).sum()
}

/// Steals once, takes the slot once, and runs what that gave.
fn thief(victim: &Stealable) -> usize {
    let (mine, queue) = local();
    let stolen = victim.steal(&mine).map_or(0, run);
    let next = victim.take_next().map_or(0, run);
    stolen + next + run_all(&mine, &queue)
}

#[test]
fn owner_and_thief_take_each_task_once() {
    check(|| {
        let ((local, queue), count) = (local(), Count::default());
        let queue = Arc::new(queue);
        let stolen = {
            let queue = queue.clone();
            thread::spawn(move || thief(&queue))
        };
        (0..3).for_each(|_| local.push(&queue, task(&count)));
        let mut ran = local.pop(&queue).map_or(0, run);
        local.push(&queue, task(&count));
        ran += run_all(&local, &queue) + stolen.join().unwrap();
        // What was between two queues when we last looked has come out by now.
        ran += run_all(&local, &queue);
        assert_eq!((ran, count.get()), (4, 0));
    });
}

#[test]
fn two_thieves_and_the_owner_want_one_slot() {
    check(|| {
        let ((local, queue), count) = (local(), Count::default());
        let queue = Arc::new(queue);
        local.push(&queue, task(&count));
        let thieves = [(), ()].map(|()| {
            let queue = queue.clone();
            thread::spawn(move || queue.take_next().map_or(0, run))
        });
        let ran = local.pop(&queue).map_or(0, run);
        let stolen: usize = thieves.into_iter().map(|thief| thief.join().unwrap()).sum();
        assert_eq!((ran + stolen, count.get()), (1, 0));
    });
}

/// f15: a worker that blocks gives its slot up, while a thief is at it.
#[test]
fn f15_a_slot_that_is_given_up_is_found_in_the_deque() {
    check(|| {
        let ((local, queue), count) = (local(), Count::default());
        let queue = Arc::new(queue);
        local.push(&queue, task(&count));
        let stolen = {
            let queue = queue.clone();
            thread::spawn(move || thief(&queue))
        };
        local.give_up_next(&queue);
        let stolen = stolen.join().unwrap();
        // The owner blocks now: only thieves come.
        assert_eq!((stolen + thief(&queue), count.get()), (1, 0));
    });
}
