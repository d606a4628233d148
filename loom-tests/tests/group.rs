//! A task group: its end against its children's failures and ends, and against the cancellation of its parent.
//!
//! The promise: when a group returns, every child it let in is complete; what a child failed with is in its result; a
//! parent that is cancelled completes once, after its children, whoever ends last; a child that comes too late is
//! never polled.
//!
//! The models play the runner of the parent and the runner of a child, each with a queue of its own, and a thread that
//! cancels, or spawns through a clone of the group.
//!
//! Broken on purpose, and seen to fail:
//! - `task/linger::leave` lets the task complete though groups hold it; `Members::abandon` takes its hold after it has
//!   cancelled: the parent ends before its child, or never.
//! - `task/cell::complete` tells those who watch before the task is complete: the group returns too early.
//! - `Members::enter` lets a child in though the group is closed; `Members::poll_joined` does not close it: the group
//!   returns before its child.
//! - `Members::leave` does not wake the parent; `State::complete` says `Left` for a watched task: deadlocks.
#![cfg(loom)]

use loom::thread;
use loom_tests::{Count, Ready, block_on, check, check_within};
use raddle_runtime::internals::{Ran, Task, allocate, allocate_in};
use raddle_runtime::prim::lock::Mutex;
use raddle_runtime::task::JoinHandle;
use raddle_runtime::{ChildError, Group, GroupError, task_group};
use std::cell::Cell;
use std::future::{Future, pending, poll_fn};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::task::Poll;

type Outcome = Result<(), GroupError<&'static str>>;

/// Queues, and counts of what must be gone at the end.
#[derive(Clone, Default)]
struct Play {
    parents: Ready,
    children: Ready,
    futures: Count,
    tasks: Count,
}

impl Play {
    /// A child that is queued, unless it is refused; then true is missing.
    fn child<F>(&self, group: &Group<&'static str>, future: F) -> (bool, JoinHandle<()>)
    where
        F: Future<Output = Result<(), &'static str>> + Send + 'static,
    {
        let probe = self.futures.probe();
        let work = async move {
            probe.change();
            future.await
        };
        let (task, handle) = allocate_in(group, work, self.children.scheduler(self.tasks.probe(), false));
        let is_in = task.is_some();
        if let Some(task) = task {
            self.children.push(task);
        }
        (is_in, handle)
    }

    /// A parent: a task that runs a group with that body.
    fn parent<B>(&self, body: B) -> (Task, JoinHandle<Outcome>)
    where
        B: AsyncFnOnce(&Group<&'static str>) -> Result<(), &'static str> + 'static,
    {
        let work = async move { task_group(body).await };
        allocate(work, self.parents.scheduler(self.tasks.probe(), false))
    }

    /// Runs one task of the parent's queue to its end.
    fn run_parent(&self, task: Task) {
        self.parents.push(task);
        self.parents.run_to_end();
    }

    /// Nothing is left.
    fn assert_over(&self) {
        assert!(self.parents.pop().is_none() && self.children.pop().is_none(), "queued after its end");
        assert_eq!((self.futures.get(), self.tasks.get()), (0, 0));
    }
}

/// A parent that has been polled once: its body has spawned a child for each of `ends`, queued it, and waits for ever.
fn waiting_parent(
    play: &Play,
    ends: &'static [Result<(), &'static str>],
) -> (JoinHandle<Outcome>, Vec<JoinHandle<()>>) {
    let (told, children) = channel();
    let here = play.clone();
    let (task, handle) = play.parent(async move |group: &Group<&'static str>| {
        for end in ends {
            let (_, child) = here.child(group, async move { *end });
            told.send(child).expect("the other end waits below");
        }
        drop((told, here));
        pending().await
    });
    assert!(matches!(task.run(), Ran::Idle), "its body waits");
    (handle, children.iter().collect())
}

/// A thread that runs one task of the children's queue to its end.
fn runner(play: &Play) -> thread::JoinHandle<()> {
    let children = play.children.clone();
    thread::spawn(move || children.run_to_end())
}

#[test]
fn a_child_fails_while_the_parent_waits() {
    check(|| {
        let play = Play::default();
        let (handle, children) = waiting_parent(&play, &[Err("no")]);
        let runner = runner(&play);
        play.parents.run_to_end();
        let error = block_on(handle).expect("neither cancelled nor panicked").expect_err("its child failed");
        assert!(matches!(error.errors(), [ChildError::Failed { error: "no", .. }]), "{error}");
        drop(error);
        for child in children {
            assert!(child.is_finished(), "the group has returned before its child's end");
            assert!(block_on(child).expect_err("it failed").is_cancelled());
        }
        runner.join().unwrap();
        play.assert_over();
    });
}

#[test]
fn two_children_fail_at_once() {
    check_within(1, || {
        let play = Play::default();
        let (handle, children) = waiting_parent(&play, &[Err("no"), Err("no")]);
        let runners = [runner(&play), runner(&play)];
        play.parents.run_to_end();
        let error =
            block_on(handle).expect("neither cancelled nor panicked").expect_err("its children failed");
        // The second one may have been cancelled before it could fail.
        assert!(matches!(error.errors().len(), 1 | 2), "{error}");
        drop(error);
        assert!(children.iter().all(JoinHandle::is_finished), "the group has returned before a child's end");
        drop(children);
        runners.into_iter().for_each(|runner| runner.join().unwrap());
        play.assert_over();
    });
}

/// Plays a parent that is cancelled while its children end: by themselves, by a failure, by that cancellation.
fn cancelled_parent(preemptions: usize, ends: &'static [Result<(), &'static str>]) {
    check_within(preemptions, move || {
        let play = Play::default();
        let (handle, children) = waiting_parent(&play, ends);
        let runners: Vec<_> = ends.iter().map(|_| runner(&play)).collect();
        handle.cancel_with("enough");
        play.parents.run_to_end();
        match block_on(handle) {
            Err(error) => assert_eq!(error.reason(), Some("enough")),
            // The group had failed and returned before the request came.
            Ok(outcome) => assert!(outcome.is_err()),
        }
        assert!(children.iter().all(JoinHandle::is_finished), "the parent has ended before its child");
        drop(children);
        runners.into_iter().for_each(|runner| runner.join().unwrap());
        play.assert_over();
    });
}

#[test]
fn a_parent_is_cancelled_while_its_child_returns() {
    cancelled_parent(usize::MAX, &[Ok(())]);
}

#[test]
fn a_parent_is_cancelled_while_its_child_fails() {
    cancelled_parent(2, &[Err("no")]);
}

#[test]
fn a_parent_is_cancelled_while_its_children_end() {
    cancelled_parent(1, &[Ok(()), Err("no")]);
}

/// Somebody spawns through a clone of the group while its body returns.
#[test]
fn a_child_comes_while_the_group_ends() {
    check(|| {
        let play = Play::default();
        let (tell, told) = channel();
        let (task, handle) = play.parent(async move |group: &Group<&'static str>| {
            let first = Cell::new(true);
            tell.send(group.clone()).expect("the other end waits below");
            poll_fn(|cx| {
                let is_first = first.replace(false);
                cx.waker().wake_by_ref();
                if is_first { Poll::Pending } else { Poll::Ready(Ok(())) }
            })
            .await
        });
        let Ran::Again(task) = task.run() else { panic!("its body has woken itself") };
        let group = told.recv().expect("sent by the body");
        let late = Arc::new(Mutex::new(None));
        let (place, here) = (late.clone(), play.clone());
        let other = thread::spawn(move || {
            let mut place = place.lock();
            let (is_in, child) = here.child(&group, async { Ok(()) });
            *place = Some((is_in, child));
            drop(place);
            if is_in {
                here.children.run_to_end();
            }
        });
        play.run_parent(task);
        block_on(handle).expect("neither cancelled nor panicked").expect("nothing failed");
        if let Some((_, child)) = &*late.lock() {
            assert!(child.is_finished(), "the group has returned before its child's end");
        }
        other.join().unwrap();
        let (is_in, child) = late.lock().take().expect("stored by the other thread");
        assert_eq!(block_on(child).is_ok(), is_in, "refused, or run to its end");
        play.assert_over();
    });
}
