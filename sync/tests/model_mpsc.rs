//! The bounded channel beside a plain one: its messages in a list, its room as permits, and who waits for what.

mod common;
#[path = "model_mpsc/plain.rs"]
mod plain;

use common::plain::{Stage, check_wakes};
use common::task::Task;
use plain::{Job, Plain};
use proptest::prelude::*;
use raddle_sync::mpsc::{
    self, OwnedPermit, Permit, PermitIterator, Receiver, Sender, TryRecvError, TrySendError, WeakSender,
};
use std::cell::RefCell;
use std::task::Poll;

const TASKS: usize = 4;

/// What can be done; the first number is the task, or which of the permits that are held.
#[derive(Debug, Clone)]
enum Step {
    Start(usize, Job),
    Poll(usize),
    Cancel(usize),
    TrySend,
    Use(usize),
    GiveBack(usize),
    Clone,
    DropSender,
    Downgrade,
    Upgrade,
    DropWeak,
    Recv,
    RecvMany(usize),
    PollRecv,
    CancelRecv,
    TryRecv,
    Close,
    DropReceiver,
}

fn jobs() -> impl Strategy<Value = Job> {
    prop_oneof![
        4 => Just(Job::Send(0)),
        2 => Just(Job::Reserve),
        1 => (0..6_usize).prop_map(Job::ReserveMany),
        2 => Just(Job::ReserveOwned),
        1 => Just(Job::Closed),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let task = 0..TASKS;
    let sending = prop_oneof![
        8 => (task.clone(), jobs()).prop_map(|(task, job)| Step::Start(task, job)),
        10 => task.clone().prop_map(Step::Poll),
        8 => task.clone().prop_map(Step::Cancel),
        2 => Just(Step::TrySend),
        3 => task.clone().prop_map(Step::Use),
        2 => task.prop_map(Step::GiveBack),
        1 => Just(Step::Clone),
        1 => Just(Step::DropSender),
        1 => Just(Step::Downgrade),
        1 => Just(Step::Upgrade),
        1 => Just(Step::DropWeak),
    ];
    let receiving = prop_oneof![
        6 => Just(Step::Recv),
        2 => (0..4_usize).prop_map(Step::RecvMany),
        10 => Just(Step::PollRecv),
        3 => Just(Step::CancelRecv),
        3 => Just(Step::TryRecv),
    ];
    let step = prop_oneof![3 => sending, 2 => receiving];
    // Most of what is hard comes with the end, so each channel that is closed has lived before.
    let end = prop_oneof![3 => Just(Step::Close), 1 => Just(Step::DropReceiver)];
    let before = proptest::collection::vec(step.clone(), 0..50);
    (before, end, proptest::collection::vec(step, 0..50)).prop_map(|(before, end, after)| {
        let stop = [Step::CancelRecv, end];
        before.into_iter().chain(stop).chain(after).collect()
    })
}

/// What a task has got.
enum Got<'a> {
    Sent,
    NotSent(u32),
    Held(Held<'a>),
    Refused,
    Closed,
}

/// Room that is kept.
enum Held<'a> {
    One(Permit<'a, u32>),
    Owned(OwnedPermit<u32>),
    Many(PermitIterator<'a, u32>),
}

struct World<'a> {
    /// Permits can be borrowed from this one. Without it the senders may all go.
    anchor: Option<&'a Sender<u32>>,
    senders: Vec<Sender<u32>>,
    weak: Vec<WeakSender<u32>>,
    receiver: &'a RefCell<Option<Receiver<u32>>>,
    tasks: Vec<Task<'a, Got<'a>>>,
    receiving: Task<'a, Vec<u32>>,
    held: Vec<Held<'a>>,
    plain: Plain,
}

impl<'a> World<'a> {
    fn new(max: usize, ends: (&'a Sender<u32>, &'a RefCell<Option<Receiver<u32>>>)) -> Self {
        let plain = Plain::new(max, TASKS);
        Self {
            anchor: Some(ends.0),
            senders: Vec::new(),
            weak: Vec::new(),
            receiver: ends.1,
            tasks: Task::crowd(TASKS),
            receiving: Task::idle(),
            held: Vec::new(),
            plain,
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Start(task, job) if !self.tasks[task].waits() => self.start(task, job),
            Step::Poll(task) if self.tasks[task].waits() => self.poll(task),
            Step::Cancel(task) if self.tasks[task].waits() => self.cancel(task),
            Step::TrySend => self.try_send(),
            Step::Use(at) if at < self.held.len() => self.use_up(at),
            Step::GiveBack(at) if at < self.held.len() => self.give_back(at),
            Step::Clone => {
                let sender = self.sender();
                self.senders.extend(sender);
            }
            Step::DropSender => {
                if self.senders.pop().is_some() {
                    self.plain.drop_sender();
                }
            }
            Step::Downgrade => self.weak.extend(self.any_sender().map(Sender::downgrade)),
            Step::Upgrade => self.upgrade(),
            Step::DropWeak => drop(self.weak.pop()),
            _ => self.step_of_receiver(step),
        }
        self.check();
    }

    fn any_sender(&self) -> Option<&Sender<u32>> {
        self.anchor.or(self.senders.first())
    }

    /// A new sender, unless all are gone.
    fn sender(&mut self) -> Option<Sender<u32>> {
        let sender = self.any_sender()?.clone();
        self.plain.strong += 1;
        Some(sender)
    }

    fn start(&mut self, task: usize, job: Job) {
        let job = match (job, self.anchor) {
            (Job::Send(_), _) => Job::Send(self.plain.next()),
            (Job::Reserve | Job::ReserveMany(_), None) => Job::ReserveOwned,
            _ => job,
        };
        self.plain.jobs[task] = job;
        match (job, self.anchor) {
            (Job::Reserve, Some(anchor)) => self.tasks[task].start(async {
                anchor.reserve().await.map_or(Got::Refused, |permit| Got::Held(Held::One(permit)))
            }),
            (Job::ReserveMany(n), Some(anchor)) => self.tasks[task].start(async move {
                anchor.reserve_many(n).await.map_or(Got::Refused, |permits| Got::Held(Held::Many(permits)))
            }),
            _ => {
                let Some(sender) = self.sender() else { return };
                self.tasks[task].start(run(sender, job));
            }
        }
        match job {
            Job::Closed => self.plain.ending.start(task),
            Job::ReserveMany(n) => self.plain.permits.start(task, n),
            _ => self.plain.permits.start(task, 1),
        }
    }

    fn poll(&mut self, task: usize) {
        let got = self.tasks[task].step();
        let job = self.plain.jobs[task];
        let expected = match job {
            Job::Closed => self.poll_closed(task),
            Job::ReserveMany(n) if n > self.plain.max => {
                self.plain.permits.line.end(task);
                Some(false)
            }
            _ => match self.plain.permits.poll(task) {
                Poll::Pending => None,
                Poll::Ready(Ok(())) => Some(true),
                Poll::Ready(Err(_)) => Some(false),
            },
        };
        match (job, got, expected) {
            (_, None, None) => {}
            (Job::Send(message), Some(Got::Sent), Some(true)) => assert!(self.plain.push(message)),
            (Job::Send(message), Some(Got::NotSent(back)), Some(has_permit)) => {
                assert_eq!(message, back);
                assert!(!has_permit || !self.plain.push(message));
            }
            (Job::Closed, Some(Got::Closed), Some(true)) | (_, Some(Got::Refused), Some(false)) => {}
            (_, Some(Got::Held(held)), Some(true)) => self.held.push(held),
            (job, got, expected) => panic!("{job:?} is ready: {}, expected: {expected:?}", got.is_some()),
        }
        if expected.is_some() {
            self.drop_own_sender(job, expected == Some(true));
        }
    }

    /// The sender that the future of this job has had. An owned permit takes it along.
    fn drop_own_sender(&mut self, job: Job, is_done: bool) {
        match job {
            Job::Reserve | Job::ReserveMany(_) => {}
            Job::ReserveOwned if is_done => {}
            _ => self.plain.drop_sender(),
        }
    }

    fn poll_closed(&mut self, task: usize) -> Option<bool> {
        let is_closed = self.plain.permits.is_closed;
        match self.plain.ending.stages[task] {
            Stage::New if !is_closed => {
                self.plain.ending.enter(task);
                None
            }
            Stage::InLine => None,
            _ => {
                self.plain.ending.end(task);
                Some(true)
            }
        }
    }

    fn cancel(&mut self, task: usize) {
        self.tasks[task].cancel();
        let job = self.plain.jobs[task];
        match job {
            Job::Closed => drop(self.plain.ending.end(task)),
            _ => {
                self.plain.permits.cancel(task);
                if self.plain.is_over() {
                    self.plain.wake_receiver();
                }
            }
        }
        self.drop_own_sender(job, false);
    }

    fn try_send(&mut self) {
        let message = self.plain.next();
        let Some(sender) = self.any_sender() else { return };
        let result = sender.try_send(message);
        match self.plain.permits.try_acquire(1) {
            Ok(()) if self.plain.push(message) => assert_eq!(result, Ok(())),
            Err(common::plain::Refused::Taken) => assert_eq!(result, Err(TrySendError::Full(message))),
            _ => assert_eq!(result, Err(TrySendError::Closed(message))),
        }
    }

    /// Sends with a permit that is held.
    fn use_up(&mut self, at: usize) {
        let message = self.plain.next();
        match self.held.swap_remove(at) {
            Held::One(permit) => permit.send(message),
            Held::Owned(permit) => self.senders.push(permit.send(message)),
            Held::Many(mut permits) => {
                let permit = permits.next();
                self.held.push(Held::Many(permits));
                let Some(permit) = permit else { return };
                permit.send(message);
            }
        }
        self.plain.push(message);
    }

    fn give_back(&mut self, at: usize) {
        match self.held.swap_remove(at) {
            Held::One(permit) => {
                drop(permit);
                self.plain.give_up(1);
            }
            Held::Owned(permit) if at.is_multiple_of(2) => {
                self.senders.push(permit.release());
                self.plain.give_up(1);
            }
            Held::Owned(permit) => {
                drop(permit);
                self.plain.give_up(1);
                self.plain.drop_sender();
            }
            Held::Many(permits) => {
                let n = permits.len();
                drop(permits);
                if n > 0 {
                    self.plain.give_up(n);
                }
            }
        }
    }

    fn upgrade(&mut self) {
        let Some(weak) = self.weak.first() else { return };
        let sender = weak.upgrade();
        assert_eq!(sender.is_some(), self.plain.strong > 0);
        self.plain.strong += usize::from(sender.is_some());
        self.senders.extend(sender);
    }

    fn step_of_receiver(&mut self, step: &Step) {
        match *step {
            Step::PollRecv if self.receiving.waits() => {
                let got = self.receiving.step();
                assert_eq!(got, self.plain.receive());
            }
            Step::CancelRecv => {
                self.receiving.cancel();
                self.plain.receiving = Stage::Idle;
            }
            _ if self.receiving.waits() || self.plain.is_gone => {}
            Step::Recv => self.start_receiving(None),
            Step::RecvMany(limit) => self.start_receiving(Some(limit)),
            Step::TryRecv => self.try_recv(),
            Step::Close => {
                self.receiver.borrow_mut().as_mut().expect("it is there").close();
                self.plain.close();
            }
            Step::DropReceiver => {
                drop(self.receiver.take());
                self.plain.close();
                self.plain.take(usize::MAX);
                self.plain.is_gone = true;
            }
            _ => {}
        }
    }

    fn start_receiving(&mut self, limit: Option<usize>) {
        self.plain.receiving = Stage::New;
        self.plain.limit = limit.unwrap_or(1);
        self.receiving.start(receive(self.receiver, limit));
    }

    fn try_recv(&mut self) {
        let got = self.receiver.borrow_mut().as_mut().expect("it is there").try_recv();
        let expected = match self.plain.take(1).pop() {
            Some(message) => Ok(message),
            None if self.plain.is_over() => Err(TryRecvError::Disconnected),
            None => Err(TryRecvError::Empty),
        };
        assert_eq!(got, expected);
    }

    fn check(&self) {
        let plain = &self.plain;
        for (at, task) in self.tasks.iter().enumerate() {
            let stages = if let Job::Closed = plain.jobs[at] {
                &plain.ending.stages
            } else {
                &plain.permits.line.stages
            };
            check_wakes(stages[at], task, at);
        }
        check_wakes(plain.receiving, &self.receiving, TASKS);
        if let Some(sender) = self.any_sender() {
            assert_eq!(sender.capacity(), plain.permits.free);
            assert_eq!(sender.is_closed(), plain.permits.is_closed);
            assert_eq!((sender.strong_count(), sender.weak_count()), (plain.strong, self.weak.len()));
        }
        assert!(plain.receiving != Stage::InLine || !plain.is_over(), "the receiver waits for nothing");
        // While a future receives it has the receiver.
        if !self.receiving.waits()
            && let Some(receiver) = self.receiver.borrow().as_ref()
        {
            assert_eq!((receiver.len(), receiver.capacity()), (plain.messages.len(), plain.permits.free));
            assert_eq!(receiver.is_closed(), plain.permits.is_closed || plain.strong == 0);
        }
    }
}

/// A job, with a sender of its own.
async fn run<'a>(sender: Sender<u32>, job: Job) -> Got<'a> {
    match job {
        Job::Send(message) => match sender.send(message).await {
            Ok(()) => Got::Sent,
            Err(refused) => Got::NotSent(refused.0),
        },
        Job::Closed => {
            sender.closed().await;
            Got::Closed
        }
        _ => sender.reserve_owned().await.map_or(Got::Refused, |permit| Got::Held(Held::Owned(permit))),
    }
}

#[expect(clippy::await_holding_refcell_ref, reason = "one future at a time has the receiver")]
async fn receive(receiver: &RefCell<Option<Receiver<u32>>>, limit: Option<usize>) -> Vec<u32> {
    let mut receiver = receiver.borrow_mut();
    let receiver = receiver.as_mut().expect("it is there");
    let Some(limit) = limit else {
        return receiver.recv().await.into_iter().collect();
    };
    let mut buffer = Vec::new();
    let n = receiver.recv_many(&mut buffer, limit).await;
    assert_eq!(n, buffer.len());
    buffer
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_channel_does_what_the_plain_one_does(max in 1..4_usize, borrows in any::<bool>(), steps in steps()) {
        let (sender, receiver) = mpsc::channel(max);
        let receiver = RefCell::new(Some(receiver));
        if borrows {
            let mut world = World::new(max, (&sender, &receiver));
            for step in &steps {
                world.step(step);
            }
            return Ok(());
        }
        let unused = mpsc::channel(1).0;
        let mut world = World::new(max, (&unused, &receiver));
        (world.anchor, world.senders) = (None, vec![sender]);
        for step in &steps {
            world.step(step);
        }
    }
}
