//! The three queues beside a plain one: items in a list, and who waits to put, to get, or until all is done.

mod common;

use common::plain::{Line, Stage, check_wakes};
use common::task::Task;
use proptest::prelude::*;
use raddle_sync::{LifoQueue, PriorityQueue, Queue, QueueShutDown, TryGetError, TryPutError};

const TASKS: usize = 6;

/// What can be done; the number is the task.
#[derive(Debug, Clone)]
enum Step {
    Put(usize),
    Get(usize),
    Join(usize),
    Poll(usize),
    Cancel(usize),
    PutNowait,
    GetNowait,
    TaskDone,
    ShutDown(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let task = 0..TASKS;
    let start: fn(usize) -> Step = Step::Get;
    let kinds =
        prop_oneof![Just(start), Just(Step::Put as fn(usize) -> Step), Just(Step::Join as fn(usize) -> Step)];
    let come = (kinds, task.clone()).prop_map(|(kind, task)| vec![kind(task), Step::Poll(task)]);
    let step = prop_oneof![
        12 => task.clone().prop_map(Step::Put),
        12 => task.clone().prop_map(Step::Get),
        4 => task.clone().prop_map(Step::Join),
        30 => task.clone().prop_map(Step::Poll),
        16 => task.prop_map(Step::Cancel),
        6 => Just(Step::PutNowait),
        6 => Just(Step::GetNowait),
        12 => Just(Step::TaskDone),
        1 => any::<bool>().prop_map(Step::ShutDown),
    ];
    // Mostly who comes is polled soon.
    let pieces = proptest::collection::vec(prop_oneof![step.prop_map(|step| vec![step]), come], 0..60);
    pieces.prop_map(|pieces| pieces.concat())
}

/// One of the three.
enum Real {
    Fifo(Queue<u32>),
    Lifo(LifoQueue<u32>),
    Priority(PriorityQueue<u32>),
}

/// The same for each of them: their common type has no public name for its parts.
macro_rules! each {
    ($real:expr, $queue:ident => $body:expr) => {
        match $real {
            Real::Fifo($queue) => $body,
            Real::Lifo($queue) => $body,
            Real::Priority($queue) => $body,
        }
    };
}

impl Real {
    fn new(kind: usize, maxsize: usize) -> Self {
        match kind {
            0 => Self::Fifo(Queue::new(maxsize)),
            1 => Self::Lifo(LifoQueue::new(maxsize)),
            _ => Self::Priority(PriorityQueue::new(maxsize)),
        }
    }

    async fn run(&self, job: Job) -> Outcome {
        match job {
            Job::Put(item) => {
                Outcome::Put(each!(self, queue => queue.put(item).await).map_err(|refused| refused.0))
            }
            Job::Get => Outcome::Got(each!(self, queue => queue.get().await).map_err(|QueueShutDown(())| ())),
            Job::Join => {
                each!(self, queue => queue.join().await);
                Outcome::Joined
            }
        }
    }

    /// Where the next item is.
    fn next_of(&self, items: &[u32]) -> Option<usize> {
        match self {
            Self::Fifo(_) => (!items.is_empty()).then_some(0),
            Self::Lifo(_) => items.len().checked_sub(1),
            Self::Priority(_) => (0..items.len()).min_by_key(|at| items[*at]),
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Job {
    Put(u32),
    Get,
    Join,
}

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Put(Result<(), u32>),
    Got(Result<u32, ()>),
    Joined,
}

struct World<'a> {
    real: &'a Real,
    tasks: Vec<Task<'a, Outcome>>,
    jobs: Vec<Job>,
    putters: Line,
    getters: Line,
    joiners: Line,
    maxsize: usize,
    items: Vec<u32>,
    unfinished: usize,
    is_shut_down: bool,
    next: u32,
}

impl<'a> World<'a> {
    fn new(real: &'a Real, maxsize: usize) -> Self {
        Self {
            real,
            tasks: Task::crowd(TASKS),
            jobs: vec![Job::Join; TASKS],
            putters: Line::new(TASKS),
            getters: Line::new(TASKS),
            joiners: Line::new(TASKS),
            maxsize,
            items: Vec::new(),
            unfinished: 0,
            is_shut_down: false,
            next: 0,
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Put(task) if !self.tasks[task].waits() => {
                let item = self.next();
                self.start(task, Job::Put(item));
            }
            Step::Get(task) if !self.tasks[task].waits() => self.start(task, Job::Get),
            Step::Join(task) if !self.tasks[task].waits() => self.start(task, Job::Join),
            Step::Poll(task) if self.tasks[task].waits() => {
                let expected = self.poll(task);
                if expected.is_some() {
                    self.line_of(task).end(task);
                }
                assert_eq!(self.tasks[task].step(), expected, "task {task}");
            }
            Step::Cancel(task) if self.tasks[task].waits() => self.cancel(task),
            Step::PutNowait => {
                let item = self.next();
                let result = each!(self.real, queue => queue.put_nowait(item));
                assert_eq!(result, self.put_nowait(item));
            }
            Step::GetNowait => {
                let result = each!(self.real, queue => queue.get_nowait());
                assert_eq!(result, self.get_nowait());
            }
            Step::TaskDone => self.task_done(),
            Step::ShutDown(immediate) => self.shut_down(immediate),
            _ => {}
        }
        self.check();
    }

    /// Another item each time, in no order.
    fn next(&mut self) -> u32 {
        self.next += 1;
        self.next * 7919 % 1000
    }

    fn line_of(&mut self, task: usize) -> &mut Line {
        match self.jobs[task] {
            Job::Put(_) => &mut self.putters,
            Job::Get => &mut self.getters,
            Job::Join => &mut self.joiners,
        }
    }

    fn start(&mut self, task: usize, job: Job) {
        self.tasks[task].start(self.real.run(job));
        self.jobs[task] = job;
        self.line_of(task).start(task);
    }

    fn push(&mut self, item: u32) {
        self.items.push(item);
        self.unfinished += 1;
        self.getters.choose();
    }

    fn take(&mut self) -> Option<u32> {
        let next = self.real.next_of(&self.items)?;
        self.putters.choose();
        Some(self.items.remove(next))
    }

    fn put_nowait(&mut self, item: u32) -> Result<(), TryPutError<u32>> {
        let slots_taken = self.items.len() + self.putters.count(Stage::Chosen);
        match () {
            () if self.is_shut_down => Err(TryPutError::ShutDown(item)),
            () if self.maxsize > 0 && slots_taken >= self.maxsize => Err(TryPutError::Full(item)),
            () => {
                self.push(item);
                Ok(())
            }
        }
    }

    fn get_nowait(&mut self) -> Result<u32, TryGetError> {
        let owed = if self.is_shut_down { 0 } else { self.getters.count(Stage::Chosen) };
        match () {
            () if self.items.len() > owed => Ok(self.take().expect("there is one")),
            () if self.is_shut_down => Err(TryGetError::ShutDown),
            () => Err(TryGetError::Empty),
        }
    }

    fn poll(&mut self, task: usize) -> Option<Outcome> {
        let (job, stage) = (self.jobs[task], self.line_of(task).stages[task]);
        let outcome = match (job, stage) {
            (_, Stage::InLine) => return None,
            (Job::Put(item), Stage::New) => match self.put_nowait(item) {
                Err(TryPutError::Full(_)) => None,
                result => Some(Outcome::Put(result.map_err(TryPutError::into_inner))),
            },
            (Job::Put(item), _) if self.is_shut_down => Some(Outcome::Put(Err(item))),
            (Job::Put(item), _) => {
                self.push(item);
                Some(Outcome::Put(Ok(())))
            }
            (Job::Get, Stage::New) => match self.get_nowait() {
                Err(TryGetError::Empty) => None,
                result => Some(Outcome::Got(result.map_err(|_| ()))),
            },
            (Job::Get, _) => Some(Outcome::Got(self.take().ok_or(()))),
            (Job::Join, Stage::New) => (self.unfinished == 0).then_some(Outcome::Joined),
            (Job::Join, _) => Some(Outcome::Joined),
        };
        if outcome.is_none() {
            self.line_of(task).enter(task);
        }
        outcome
    }

    /// An item or a slot that it was chosen for goes to the next.
    fn cancel(&mut self, task: usize) {
        self.tasks[task].cancel();
        let line = self.line_of(task);
        if line.end(task) == Stage::Chosen {
            line.choose();
        }
    }

    fn task_done(&mut self) {
        let result = each!(self.real, queue => queue.task_done());
        assert_eq!(result.is_ok(), self.unfinished > 0);
        if result.is_ok() {
            self.finish(1);
        }
    }

    fn finish(&mut self, n: usize) {
        self.unfinished = self.unfinished.saturating_sub(n);
        if self.unfinished == 0 {
            self.joiners.reach_all();
        }
    }

    fn shut_down(&mut self, immediate: bool) {
        each!(self.real, queue => queue.shutdown(immediate));
        self.is_shut_down = true;
        if immediate {
            let n = self.items.drain(..).count();
            self.finish(n);
        }
        self.getters.reach_all();
        self.putters.reach_all();
    }

    fn check(&self) {
        let (len, maxsize) = (self.items.len(), self.maxsize);
        each!(self.real, queue => {
            assert_eq!((queue.qsize(), queue.empty()), (len, len == 0));
            assert_eq!((queue.maxsize(), queue.full()), (maxsize, maxsize > 0 && len >= maxsize));
            let told = format!("{queue:?}");
            assert!(told.contains(&format!("unfinished: {}, is_shut_down: {}", self.unfinished, self.is_shut_down)));
        });
        assert!(maxsize == 0 || len <= maxsize);
        for (at, task) in self.tasks.iter().enumerate() {
            let line = match self.jobs[at] {
                Job::Put(_) => &self.putters,
                Job::Get => &self.getters,
                Job::Join => &self.joiners,
            };
            check_wakes(line.stages[at], task, at);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_queue_does_what_the_plain_one_does(kind in 0..3_usize, maxsize in 0..4_usize, steps in steps()) {
        let queue = Real::new(kind, maxsize);
        let mut world = World::new(&queue, maxsize);
        for step in &steps {
            world.step(step);
        }
    }
}
