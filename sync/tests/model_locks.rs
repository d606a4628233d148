//! `Mutex` and `RwLock` beside plain ones: who has it, and a list of who waits.

mod common;

use common::plain::Permits;
use common::task::Task;
use proptest::prelude::*;
use raddle_sync::{
    Mutex, MutexGuard, OwnedMutexGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, RwLockReadGuard,
    RwLockWriteGuard,
};
use std::sync::Arc;
use std::task::Poll;

const TASKS: usize = 5;
/// Stands for all that a writer takes: more than there are readers.
const ALL: usize = 1000;

/// What can be done to a lock, by whom.
#[derive(Debug, Clone)]
enum Step {
    Start { task: usize, write: bool, owned: bool },
    Poll(usize),
    Cancel(usize),
    Release(usize),
    Downgrade(usize),
    Try { task: usize, write: bool, owned: bool },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let task = 0..TASKS;
    let ask = (task.clone(), any::<bool>(), any::<bool>());
    let come = ask
        .clone()
        .prop_map(|(task, write, owned)| vec![Step::Start { task, write, owned }, Step::Poll(task)]);
    let step = prop_oneof![
        6 => ask.clone().prop_map(|(task, write, owned)| Step::Start { task, write, owned }),
        8 => task.clone().prop_map(Step::Poll),
        8 => task.clone().prop_map(Step::Cancel),
        6 => task.clone().prop_map(Step::Release),
        1 => task.prop_map(Step::Downgrade),
        2 => ask.prop_map(|(task, write, owned)| Step::Try { task, write, owned }),
    ];
    // Mostly who comes is polled soon.
    let pieces = proptest::collection::vec(prop_oneof![step.prop_map(|step| vec![step]), come], 0..60);
    pieces.prop_map(|pieces| pieces.concat())
}

/// A guard of either lock.
enum Guard<'a> {
    Mutex(MutexGuard<'a, u32>),
    OwnedMutex(OwnedMutexGuard<u32>),
    Read(RwLockReadGuard<'a, u32>),
    OwnedRead(OwnedRwLockReadGuard<u32>),
    Write(RwLockWriteGuard<'a, u32>),
    OwnedWrite(OwnedRwLockWriteGuard<u32>),
}

impl Guard<'_> {
    /// How much of the lock it has.
    fn share(&self) -> usize {
        match self {
            Self::Write(_) | Self::OwnedWrite(_) => ALL,
            _ => 1,
        }
    }

    /// The value; who may writes the next one.
    fn visit(&mut self) -> u32 {
        let value = match self {
            Self::Read(guard) => return **guard,
            Self::OwnedRead(guard) => return **guard,
            Self::Mutex(guard) => &mut **guard,
            Self::OwnedMutex(guard) => &mut **guard,
            Self::Write(guard) => &mut **guard,
            Self::OwnedWrite(guard) => &mut **guard,
        };
        *value += 1;
        *value
    }

    fn downgrade(self) -> Self {
        match self {
            Self::Write(guard) => Self::Read(RwLockWriteGuard::downgrade(guard)),
            Self::OwnedWrite(guard) => Self::OwnedRead(OwnedRwLockWriteGuard::downgrade(guard)),
            other => other,
        }
    }
}

/// Either lock.
#[derive(Clone, Copy)]
enum Lock<'a> {
    Mutex(&'a Arc<Mutex<u32>>),
    RwLock(&'a Arc<RwLock<u32>>),
}

impl<'a> Lock<'a> {
    async fn take(self, write: bool, owned: bool) -> Guard<'a> {
        match (self, write, owned) {
            (Self::Mutex(lock), _, false) => Guard::Mutex(lock.lock().await),
            (Self::Mutex(lock), _, true) => Guard::OwnedMutex(lock.clone().lock_owned().await),
            (Self::RwLock(lock), false, false) => Guard::Read(lock.read().await),
            (Self::RwLock(lock), false, true) => Guard::OwnedRead(lock.clone().read_owned().await),
            (Self::RwLock(lock), true, false) => Guard::Write(lock.write().await),
            (Self::RwLock(lock), true, true) => Guard::OwnedWrite(lock.clone().write_owned().await),
        }
    }

    fn try_take(self, write: bool, owned: bool) -> Option<Guard<'a>> {
        let guard = match (self, write, owned) {
            (Self::Mutex(lock), _, false) => lock.try_lock().map(Guard::Mutex),
            (Self::Mutex(lock), _, true) => lock.clone().try_lock_owned().map(Guard::OwnedMutex),
            (Self::RwLock(lock), false, false) => lock.try_read().map(Guard::Read),
            (Self::RwLock(lock), false, true) => lock.clone().try_read_owned().map(Guard::OwnedRead),
            (Self::RwLock(lock), true, false) => lock.try_write().map(Guard::Write),
            (Self::RwLock(lock), true, true) => lock.clone().try_write_owned().map(Guard::OwnedWrite),
        };
        guard.ok()
    }

    /// How much of it there is.
    fn whole(self) -> usize {
        match self {
            Self::Mutex(_) => 1,
            Self::RwLock(_) => ALL,
        }
    }

    /// How much of it is asked for.
    fn share(self, write: bool) -> usize {
        if write { self.whole() } else { 1 }
    }
}

struct World<'a> {
    real: Lock<'a>,
    tasks: Vec<Task<'a, Guard<'a>>>,
    held: Vec<Option<Guard<'a>>>,
    plain: Permits,
    /// How often it was written.
    value: u32,
}

impl<'a> World<'a> {
    fn new(real: Lock<'a>) -> Self {
        let held = (0..TASKS).map(|_| None).collect();
        Self { real, tasks: Task::crowd(TASKS), held, plain: Permits::new(real.whole(), TASKS), value: 0 }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Start { task, write, owned } if self.is_free(task) => {
                self.plain.start(task, self.real.share(write));
                self.tasks[task].start(self.real.take(write, owned));
            }
            Step::Poll(task) if self.tasks[task].waits() => self.poll(task),
            Step::Cancel(task) if self.tasks[task].waits() => {
                self.tasks[task].cancel();
                self.plain.cancel(task);
            }
            Step::Release(task) => {
                let guard = self.held[task].take();
                self.plain.release(guard.as_ref().map_or(0, Guard::share));
                drop(guard);
            }
            Step::Downgrade(task) => self.downgrade(task),
            Step::Try { task, write, owned } if self.is_free(task) => {
                let guard = self.real.try_take(write, owned);
                let expected = self.plain.try_acquire(self.real.share(write));
                assert_eq!(guard.is_some(), expected.is_ok());
                self.hold(task, guard);
            }
            _ => {}
        }
        self.check();
    }

    fn is_free(&self, task: usize) -> bool {
        !self.tasks[task].waits() && self.held[task].is_none()
    }

    fn poll(&mut self, task: usize) {
        let guard = self.tasks[task].step();
        let expected = self.plain.poll(task);
        assert_eq!(guard.is_some(), expected == Poll::Ready(Ok(())), "task {task}");
        self.hold(task, guard);
    }

    /// Whoever has the lock sees what those before have written.
    fn hold(&mut self, task: usize, guard: Option<Guard<'a>>) {
        let Some(mut guard) = guard else { return };
        self.value += u32::from(!matches!(guard, Guard::Read(_) | Guard::OwnedRead(_)));
        assert_eq!(guard.visit(), self.value);
        self.held[task] = Some(guard);
    }

    fn downgrade(&mut self, task: usize) {
        let Some(guard) = self.held[task].take() else { return };
        let before = guard.share();
        let mut guard = guard.downgrade();
        self.plain.release(before - guard.share());
        if before == ALL {
            assert_eq!(guard.visit(), self.value);
        }
        self.held[task] = Some(guard);
    }

    fn check(&self) {
        match self.real {
            Lock::Mutex(mutex) => assert_eq!(mutex.is_locked(), self.plain.is_taken()),
            Lock::RwLock(lock) => assert_eq!(lock.try_read().is_err(), self.plain.is_taken()),
        }
        self.plain.line.check(&self.tasks);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_mutex_does_what_the_plain_one_does(steps in steps()) {
        let mutex = Arc::new(Mutex::new(0));
        let mut world = World::new(Lock::Mutex(&mutex));
        for step in &steps {
            world.step(step);
        }
    }

    #[test]
    fn a_rwlock_does_what_the_plain_one_does(steps in steps()) {
        let lock = Arc::new(RwLock::new(0));
        let mut world = World::new(Lock::RwLock(&lock));
        for step in &steps {
            world.step(step);
        }
    }
}
