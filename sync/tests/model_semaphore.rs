//! The semaphores beside a plain one: a number and a list of who waits for how many.

mod common;

use common::plain::{Permits, Refused};
use common::task::Task;
use proptest::prelude::*;
use raddle_sync::{
    BoundedPermit, BoundedSemaphore, Closed, OwnedBoundedPermit, OwnedPermit, Permit, Semaphore,
    TryAcquireError,
};
use std::sync::Arc;
use std::task::Poll;

const TASKS: usize = 5;

/// What can be done; the first number is the task.
#[derive(Debug, Clone)]
enum Step {
    Start(usize, usize, bool),
    Poll(usize),
    Cancel(usize),
    Try(usize, usize, bool),
    Release(usize),
    Forget(usize),
    Split(usize, usize),
    Merge(usize, usize),
    Add(usize),
    Remove(usize),
    Close,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let task = 0..TASKS;
    let n = 0..4_usize;
    let come = (task.clone(), n.clone(), any::<bool>())
        .prop_map(|(task, n, owned)| vec![Step::Start(task, n, owned), Step::Poll(task)]);
    let step = prop_oneof![
        8 => (task.clone(), n.clone(), any::<bool>()).prop_map(|(task, n, owned)| Step::Start(task, n, owned)),
        12 => task.clone().prop_map(Step::Poll),
        8 => task.clone().prop_map(Step::Cancel),
        3 => (task.clone(), n.clone(), any::<bool>()).prop_map(|(task, n, owned)| Step::Try(task, n, owned)),
        4 => task.clone().prop_map(Step::Release),
        1 => task.clone().prop_map(Step::Forget),
        1 => (task.clone(), n.clone()).prop_map(|(task, n)| Step::Split(task, n)),
        1 => (task.clone(), task).prop_map(|(into, from)| Step::Merge(into, from)),
        3 => n.clone().prop_map(Step::Add),
        2 => n.prop_map(Step::Remove),
        1 => Just(Step::Close),
    ];
    // Mostly who comes is polled soon.
    let pieces = proptest::collection::vec(prop_oneof![step.prop_map(|step| vec![step]), come], 0..60);
    pieces.prop_map(|pieces| pieces.concat())
}

/// Permits that a task holds.
enum Held<'a> {
    Borrowed(Permit<'a>),
    Owned(OwnedPermit),
}

impl Held<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Borrowed(permit) => permit.num_permits(),
            Self::Owned(permit) => permit.num_permits(),
        }
    }

    fn forget(self) {
        match self {
            Self::Borrowed(permit) => permit.forget(),
            Self::Owned(permit) => permit.forget(),
        }
    }

    fn split(&mut self, n: usize) -> Option<Self> {
        match self {
            Self::Borrowed(permit) => permit.split(n).map(Self::Borrowed),
            Self::Owned(permit) => permit.split(n).map(Self::Owned),
        }
    }
}

type Got<'a> = Result<Held<'a>, Closed>;

struct World<'a> {
    real: &'a Arc<Semaphore>,
    tasks: Vec<Task<'a, Got<'a>>>,
    held: Vec<Vec<Held<'a>>>,
    plain: Permits,
}

impl<'a> World<'a> {
    fn new(real: &'a Arc<Semaphore>) -> Self {
        let held = (0..TASKS).map(|_| Vec::new()).collect();
        let plain = Permits::new(real.available_permits(), TASKS);
        Self { real, tasks: Task::crowd(TASKS), held, plain }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Start(task, n, owned) if !self.tasks[task].waits() => self.start(task, n, owned),
            Step::Poll(task) if self.tasks[task].waits() => self.poll(task),
            Step::Cancel(task) if self.tasks[task].waits() => {
                self.tasks[task].cancel();
                self.plain.cancel(task);
            }
            Step::Try(task, n, owned) => self.try_acquire(task, n, owned),
            Step::Release(task) => {
                let held = self.held[task].pop();
                self.plain.release(held.as_ref().map_or(0, Held::len));
                drop(held);
            }
            Step::Forget(task) => self.held[task].pop().into_iter().for_each(Held::forget),
            Step::Split(task, n) => self.split(task, n),
            Step::Merge(into, from) => self.merge(into, from),
            Step::Add(n) => {
                self.real.add_permits(n);
                self.plain.release(n);
            }
            Step::Remove(n) => assert_eq!(self.real.forget_permits(n), self.plain.forget(n)),
            Step::Close => {
                self.real.close();
                self.plain.close();
            }
            _ => {}
        }
        self.check();
    }

    fn start(&mut self, task: usize, n: usize, owned: bool) {
        let real = self.real;
        self.plain.start(task, n);
        match (owned, n) {
            (true, 1) => {
                self.tasks[task].start(async { real.clone().acquire_owned().await.map(Held::Owned) })
            }
            (true, n) => self.tasks[task]
                .start(async move { real.clone().acquire_many_owned(n).await.map(Held::Owned) }),
            (false, 1) => self.tasks[task].start(async { real.acquire().await.map(Held::Borrowed) }),
            (false, n) => {
                self.tasks[task].start(async move { real.acquire_many(n).await.map(Held::Borrowed) });
            }
        }
    }

    fn poll(&mut self, task: usize) {
        let got = self.tasks[task].step();
        match (got, self.plain.poll(task)) {
            (None, Poll::Pending) => {}
            (Some(Ok(held)), Poll::Ready(Ok(()))) => self.held[task].push(held),
            (Some(Err(_)), Poll::Ready(Err(Refused::Closed))) => {}
            (got, expected) => {
                let got = got.map(|got| got.map(|held| held.len()));
                panic!("task {task} got {got:?}, not {expected:?}");
            }
        }
    }

    fn try_acquire(&mut self, task: usize, n: usize, owned: bool) {
        let got = if owned {
            self.real.clone().try_acquire_many_owned(n).map(Held::Owned)
        } else {
            self.real.try_acquire_many(n).map(Held::Borrowed)
        };
        let refused = got.as_ref().map(|_| ()).map_err(|error| match error {
            TryAcquireError::Closed => Refused::Closed,
            TryAcquireError::NoPermits => Refused::Taken,
        });
        assert_eq!(refused, self.plain.try_acquire(n));
        self.held[task].extend(got);
    }

    fn split(&mut self, task: usize, n: usize) {
        let Some(held) = self.held[task].last_mut() else { return };
        let before = held.len();
        let new = held.split(n);
        assert_eq!(new.as_ref().map(Held::len), (n <= before).then_some(n));
        assert_eq!(held.len() + new.as_ref().map_or(0, Held::len), before);
        self.held[task].extend(new);
    }

    fn merge(&mut self, into: usize, from: usize) {
        let Some(held) = self.held[from].pop() else { return };
        match (self.held[into].last_mut(), held) {
            (Some(Held::Borrowed(into)), Held::Borrowed(held)) => into.merge(held),
            (Some(Held::Owned(into)), Held::Owned(held)) => into.merge(held),
            (_, held) => self.held[from].push(held),
        }
    }

    fn check(&self) {
        assert_eq!(self.real.available_permits(), self.plain.free);
        assert_eq!(self.real.is_closed(), self.plain.is_closed);
        assert_eq!(self.real.locked(), self.plain.is_taken());
        self.plain.line.check(&self.tasks);
    }
}

/// A bounded one, whose permits are forgotten or given back one by one.
struct Bounded<'a> {
    real: &'a Arc<BoundedSemaphore>,
    tasks: Vec<Task<'a, Result<One<'a>, Closed>>>,
    held: Vec<One<'a>>,
    forgotten: usize,
    plain: Permits,
}

enum One<'a> {
    Borrowed(BoundedPermit<'a>),
    Owned(OwnedBoundedPermit),
}

impl<'a> Bounded<'a> {
    fn new(real: &'a Arc<BoundedSemaphore>) -> Self {
        let plain = Permits::new(real.bound(), TASKS);
        Self { real, tasks: Task::crowd(TASKS), held: Vec::new(), forgotten: 0, plain }
    }

    fn step(&mut self, step: &Step) {
        let real = self.real;
        match *step {
            Step::Start(task, _, owned) if !self.tasks[task].waits() => {
                self.plain.start(task, 1);
                if owned {
                    self.tasks[task].start(async { real.clone().acquire_owned().await.map(One::Owned) });
                } else {
                    self.tasks[task].start(async { real.acquire().await.map(One::Borrowed) });
                }
            }
            Step::Poll(task) if self.tasks[task].waits() => {
                let got = self.tasks[task].step().map(|got| got.map(|permit| self.held.push(permit)));
                let expected = match self.plain.poll(task) {
                    Poll::Pending => None,
                    Poll::Ready(result) => Some(result.is_ok()),
                };
                assert_eq!(got.map(|got| got.is_ok()), expected, "task {task}");
            }
            Step::Cancel(task) if self.tasks[task].waits() => {
                self.tasks[task].cancel();
                self.plain.cancel(task);
            }
            Step::Try(..) => {
                let got = real.try_acquire();
                assert_eq!(got.is_ok(), self.plain.try_acquire(1).is_ok());
                self.held.extend(got.map(One::Borrowed));
            }
            Step::Release(_) => self.plain.release(usize::from(self.held.pop().is_some())),
            Step::Forget(_) => self.forget(),
            Step::Add(_) => self.release(),
            Step::Close => {
                real.close();
                self.plain.close();
            }
            _ => {}
        }
        self.check();
    }

    fn forget(&mut self) {
        self.forgotten += usize::from(!self.held.is_empty());
        match self.held.pop() {
            Some(One::Borrowed(permit)) => permit.forget(),
            Some(One::Owned(permit)) => permit.forget(),
            None => {}
        }
    }

    fn release(&mut self) {
        assert_eq!(self.real.release().is_ok(), self.forgotten > 0);
        if self.forgotten > 0 {
            self.forgotten -= 1;
            self.plain.release(1);
        }
    }

    fn check(&self) {
        assert_eq!(self.real.available_permits(), self.plain.free);
        assert_eq!(self.real.is_closed(), self.plain.is_closed);
        assert_eq!(self.real.locked(), self.plain.is_taken());
        self.plain.line.check(&self.tasks);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_semaphore_does_what_the_plain_one_does(permits in 0..5_usize, steps in steps()) {
        let semaphore = Arc::new(Semaphore::new(permits));
        let mut world = World::new(&semaphore);
        for step in &steps {
            world.step(step);
        }
    }

    #[test]
    fn a_bounded_semaphore_does_what_the_plain_one_does(permits in 1..4_usize, steps in steps()) {
        let semaphore = Arc::new(BoundedSemaphore::new(permits));
        let mut world = Bounded::new(&semaphore);
        for step in &steps {
            world.step(step);
        }
    }
}
