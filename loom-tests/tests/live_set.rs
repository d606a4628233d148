//! The set of live tasks: entered by a worker, removed by anyone, looked at by anyone.
//!
//! The promise: a task that someone looks at is alive until the look is over; each task is found until it is removed,
//! and not after; a slot that was given back is used for one task at a time.
//!
//! The model plays the owner of a shard, a thread that removes tasks of that shard, and one that looks at all tasks
//! or at a certain one. In place of freeing a task, its remover changes something that looks read, so that loom sees
//! the two side by side if they ever are.
//!
//! Broken on purpose, in `runtime/src/task/owned.rs`, and seen to fail:
//! - `vacate` does not wait for LOCKED, or its exchange does not acquire; `look` does not set LOCKED, or unlocks with
//!   Relaxed: freed beside a look.
//! - `insert` shows the task with Relaxed: looked at before it was made.
//! - `remove` pushes to `returned` by a store, `refill` takes it by a load and a store: a slot is lost.
//! - `refill` takes `returned` with Relaxed: it follows a link that it has not seen.
#![cfg(loom)]

use loom::thread;
use loom_tests::{Count, Probe, Ready, check};
use raddle_runtime::internals::{LiveKey, LiveSet, Shard, Task, allocate};
use raddle_runtime::task::Id;
use std::sync::Arc;

fn task() -> Task {
    let (task, handle) = allocate(async {}, Ready::default().scheduler(Count::default().probe(), true));
    handle.detach();
    task
}

/// A set with one worker's shard, and what looks read in place of the tasks.
struct Set {
    live: LiveSet,
    tasks: Vec<(Id, Probe)>,
}

impl Set {
    /// With two tasks, which fill the first segment of a shard under loom.
    fn with_two(shard: &mut Shard) -> (Arc<Self>, [Task; 2], [LiveKey; 2]) {
        let live = LiveSet::new(1);
        let tasks = [task(), task()];
        let keys = tasks.each_ref().map(|task| live.insert(shard, 0, task));
        let count = Count::default();
        let probes = tasks.iter().map(|task| (task.id(), count.probe())).collect();
        (Arc::new(Self { live, tasks: probes }), tasks, keys)
    }

    fn probe(&self, id: Id) -> Option<&Probe> {
        self.tasks.iter().find(|(other, _)| *other == id).map(|(_, probe)| probe)
    }

    /// What a look does with a task it found.
    fn look(&self, id: Id) {
        if let Some(probe) = self.probe(id) {
            probe.look();
        }
    }

    /// What stands for freeing a task.
    fn free(&self, task: &Task) {
        self.probe(task.id()).expect("one of the first two").change();
    }
}

#[test]
fn a_task_that_is_looked_at_is_not_freed() {
    check(|| {
        let mut shard = Shard::default();
        let (set, [first, second], [key, other]) = Set::with_two(&mut shard);
        let looker = {
            let set = set.clone();
            thread::spawn(move || {
                set.live.for_each(|id| set.look(id));
                set.live.look(key, |id| set.look(id));
            })
        };
        let remover = {
            let set = set.clone();
            thread::spawn(move || {
                set.live.remove(other);
                set.free(&second);
                second
            })
        };
        set.live.remove_own(&mut shard, key);
        set.free(&first);
        looker.join().unwrap();
        let second = remover.join().unwrap();
        set.live.for_each(|_| panic!("nothing is left"));
        [first, second].into_iter().for_each(Task::cancel);
    });
}

#[test]
fn a_task_is_shown_after_it_was_made() {
    check(|| {
        let (set, count, mut shard) = (Arc::new(LiveSet::new(1)), Count::default(), Shard::default());
        let (whole, old, new) = (Arc::new(count.probe()), task(), task());
        // With one task in it the segment is there to be looked at.
        set.insert(&mut shard, 0, &old);
        let looker = {
            let (set, whole, id) = (set.clone(), whole.clone(), new.id());
            let look = move |found| {
                if found == id {
                    whole.look()
                }
            };
            thread::spawn(move || set.for_each(look))
        };
        whole.change();
        set.insert(&mut shard, 0, &new);
        looker.join().unwrap();
        [old, new].into_iter().for_each(Task::cancel);
    });
}

/// Two slots are given back by others while the owner wants new ones: both are used again, for one task each.
#[test]
fn slots_that_are_given_back_are_used_again() {
    check(|| {
        let mut shard = Shard::default();
        let (set, old, keys) = Set::with_two(&mut shard);
        let removers = keys.map(|key| {
            let set = set.clone();
            thread::spawn(move || set.live.remove(key))
        });
        let new = [(); 4].map(|()| task());
        let mut keys = vec![set.live.insert(&mut shard, 0, &new[0])];
        removers.into_iter().for_each(|remover| remover.join().unwrap());
        keys.extend(new[1..].iter().map(|task| set.live.insert(&mut shard, 0, task)));
        let mut found = Vec::new();
        set.live.for_each(|id| found.push(id));
        found.sort();
        assert_eq!(found, new.each_ref().map(Task::id));
        assert!(keys.iter().all(|key| key.slot() < 4), "a slot was lost");
        old.into_iter().chain(new).for_each(Task::cancel);
    });
}
