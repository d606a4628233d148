//! The oneshot channel beside a plain one: a value that is there or not, and two ends that are there or not.

mod common;

use common::plain::{Stage, check_wakes};
use common::task::Task;
use proptest::prelude::*;
use raddle_sync::oneshot::{self, Receiver, RecvError, Sender, TryRecvError};
use std::cell::RefCell;
use std::sync::{Arc, Weak};

/// What can be done.
#[derive(Debug, Clone)]
enum Step {
    Send,
    DropSender,
    StartClosed,
    PollClosed,
    CancelClosed,
    StartRecv,
    PollRecv,
    CancelRecv,
    TryRecv,
    Close,
    DropReceiver,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        1 => Just(Step::Send),
        1 => Just(Step::DropSender),
        4 => Just(Step::StartClosed),
        5 => Just(Step::PollClosed),
        3 => Just(Step::CancelClosed),
        4 => Just(Step::StartRecv),
        5 => Just(Step::PollRecv),
        3 => Just(Step::CancelRecv),
        2 => Just(Step::TryRecv),
        1 => Just(Step::Close),
        1 => Just(Step::DropReceiver),
    ];
    proptest::collection::vec(step, 0..40)
}

type Message = Arc<()>;

struct World<'a> {
    sender: &'a RefCell<Option<Sender<Message>>>,
    receiver: &'a RefCell<Option<Receiver<Message>>>,
    closing: Task<'a, ()>,
    receiving: Task<'a, Result<Message, RecvError>>,
    /// The value, once it is sent.
    sent: Weak<()>,
    has_value: bool,
    has_sender: bool,
    has_receiver: bool,
    is_closed: bool,
    /// The receiver has returned: a value or that none will come.
    is_over: bool,
    closing_at: Stage,
    receiving_at: Stage,
}

impl<'a> World<'a> {
    fn new(
        sender: &'a RefCell<Option<Sender<Message>>>,
        receiver: &'a RefCell<Option<Receiver<Message>>>,
    ) -> Self {
        Self {
            sender,
            receiver,
            closing: Task::idle(),
            receiving: Task::idle(),
            sent: Weak::new(),
            has_value: false,
            has_sender: true,
            has_receiver: true,
            is_closed: false,
            is_over: false,
            closing_at: Stage::Idle,
            receiving_at: Stage::Idle,
        }
    }

    fn step(&mut self, step: &Step) {
        // A future has the end that it is about.
        if self.has_sender && self.closing.waits() {
            self.step_of_closed(step);
        } else if self.has_sender {
            self.step_of_sender(step);
        }
        if self.has_receiver && self.receiving.waits() {
            self.step_of_recv(step);
        } else if self.has_receiver {
            self.step_of_receiver(step);
        }
        self.check();
    }

    fn step_of_sender(&mut self, step: &Step) {
        match step {
            Step::Send => {
                let message = Message::default();
                self.sent = Arc::downgrade(&message);
                let sender = self.sender.take().expect("it is there");
                let result = sender.send(message);
                assert_eq!(result.is_ok(), !self.is_closed);
                self.has_value = result.is_ok();
                self.end_sender();
            }
            Step::DropSender => {
                drop(self.sender.take());
                self.end_sender();
            }
            Step::StartClosed => {
                self.closing.start(closed(self.sender));
                self.closing_at = Stage::New;
            }
            _ => {}
        }
    }

    fn end_sender(&mut self) {
        self.has_sender = false;
        if self.receiving_at == Stage::InLine && !self.is_closed {
            self.receiving_at = Stage::Chosen;
        }
    }

    fn step_of_closed(&mut self, step: &Step) {
        match step {
            Step::PollClosed => {
                let is_ready = self.closing.step().is_some();
                assert_eq!(is_ready, self.is_closed);
                self.closing_at = if is_ready { Stage::Idle } else { Stage::InLine };
            }
            Step::CancelClosed => {
                self.closing.cancel();
                self.closing_at = Stage::Idle;
            }
            _ => {}
        }
    }

    fn close(&mut self) {
        self.is_closed = true;
        if self.closing_at == Stage::InLine {
            self.closing_at = Stage::Chosen;
        }
    }

    fn step_of_receiver(&mut self, step: &Step) {
        match step {
            Step::StartRecv if !self.is_over => {
                // What it keeps of an earlier wait is replaced by the next poll.
                self.receiving.start(receive(self.receiver));
                self.receiving_at = Stage::New;
            }
            Step::TryRecv => {
                let got = self.receiver.borrow_mut().as_mut().expect("it is there").try_recv();
                let is_open = self.has_sender && !self.is_closed && !self.is_over;
                let expected = match self.has_value {
                    true => Ok(()),
                    false if is_open => Err(TryRecvError::Empty),
                    false => Err(TryRecvError::Closed),
                };
                assert_eq!(got.map(drop), expected);
                self.has_value = false;
                self.is_over = self.is_over || !is_open;
                self.closes_if_over();
            }
            Step::Close => {
                self.receiver.borrow_mut().as_mut().expect("it is there").close();
                if !self.is_over {
                    self.close();
                }
            }
            Step::DropReceiver => {
                drop(self.receiver.take());
                self.has_receiver = false;
                self.has_value = false;
                self.close();
            }
            _ => {}
        }
    }

    fn closes_if_over(&mut self) {
        if self.is_over {
            self.close();
        }
    }

    fn step_of_recv(&mut self, step: &Step) {
        match step {
            Step::PollRecv => {
                let got = self.receiving.step();
                let is_open = self.has_sender && !self.is_closed;
                let expected = if is_open { None } else { Some(self.has_value) };
                assert_eq!(got.map(|got| got.is_ok()), expected);
                self.receiving_at = if is_open { Stage::InLine } else { Stage::Idle };
                self.has_value &= is_open;
                self.is_over = !is_open;
                self.closes_if_over();
            }
            Step::CancelRecv => {
                self.receiving.cancel();
                self.receiving_at = Stage::Idle;
            }
            _ => {}
        }
    }

    fn check(&self) {
        check_wakes(self.closing_at, &self.closing, 0);
        // A receiver that is polled by reference keeps its waker, until it goes or is woken.
        if self.receiving_at != Stage::Idle {
            check_wakes(self.receiving_at, &self.receiving, 1);
        } else if self.is_over || !self.has_receiver || !self.has_sender {
            assert_eq!(self.receiving.kept(), 0);
        }
        assert_eq!(
            self.sent.strong_count(),
            usize::from(self.has_value),
            "the value is there once, or nowhere"
        );
        if self.has_sender && !self.closing.waits() {
            let sender = self.sender.borrow();
            assert_eq!(sender.as_ref().map(Sender::is_closed), Some(self.is_closed));
        }
        if self.has_receiver && !self.receiving.waits() {
            let receiver = self.receiver.borrow();
            let receiver = receiver.as_ref().expect("it is there");
            assert_eq!((receiver.is_empty(), receiver.is_terminated()), (!self.has_value, self.is_over));
        }
    }
}

#[expect(clippy::await_holding_refcell_ref, reason = "one future at a time has the end")]
async fn closed(sender: &RefCell<Option<Sender<Message>>>) {
    sender.borrow_mut().as_mut().expect("it is there").closed().await;
}

#[expect(clippy::await_holding_refcell_ref, reason = "one future at a time has the end")]
async fn receive(receiver: &RefCell<Option<Receiver<Message>>>) -> Result<Message, RecvError> {
    receiver.borrow_mut().as_mut().expect("it is there").await
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_oneshot_channel_does_what_the_plain_one_does(steps in steps()) {
        let (sender, receiver) = oneshot::channel();
        let (sender, receiver) = (RefCell::new(Some(sender)), RefCell::new(Some(receiver)));
        let mut world = World::new(&sender, &receiver);
        for step in &steps {
            world.step(step);
        }
    }
}
