//! The broadcast channel beside a plain one: all messages in a list, and for each receiver how far it has come.

mod hands;

use hands::now;
use proptest::prelude::*;
use raddle_sync::broadcast::{Receiver, RecvError, Sender, TryRecvError};
use std::sync::{Arc, Weak};
use std::task::Poll;

/// What can be done to a channel; the number chooses the receiver.
#[derive(Debug, Clone)]
enum Step {
    Send,
    Subscribe,
    Resubscribe(usize),
    Drop(usize),
    Recv(usize),
    TryRecv(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let receiver = 0..4_usize;
    let step = prop_oneof![
        4 => Just(Step::Send),
        1 => Just(Step::Subscribe),
        1 => receiver.clone().prop_map(Step::Resubscribe),
        1 => receiver.clone().prop_map(Step::Drop),
        4 => receiver.clone().prop_map(Step::Recv),
        4 => receiver.prop_map(Step::TryRecv),
    ];
    proptest::collection::vec(step, 0..80)
}

struct Plain {
    sender: Sender<Arc<usize>>,
    receivers: Vec<(Receiver<Arc<usize>>, usize)>,
    sent: Vec<Weak<usize>>,
    capacity: usize,
}

impl Plain {
    fn step(&mut self, step: &Step) {
        match *step {
            Step::Send => self.send(),
            Step::Subscribe => self.receivers.push((self.sender.subscribe(), self.sent.len())),
            Step::Resubscribe(at) => {
                let new =
                    self.receivers.get(at).map(|(receiver, _)| (receiver.resubscribe(), self.sent.len()));
                self.receivers.extend(new);
            }
            Step::Drop(at) if at < self.receivers.len() => drop(self.receivers.remove(at)),
            Step::Recv(at) => self.recv(at),
            Step::TryRecv(at) => self.try_recv(at),
            Step::Drop(_) => {}
        }
        self.check();
    }

    fn send(&mut self) {
        let message = Arc::new(self.sent.len());
        let weak = Arc::downgrade(&message);
        let receivers = self.receivers.len();
        let result = self.sender.send(message).map_err(|refused| *refused.0);
        if receivers == 0 {
            assert_eq!(result, Err(self.sent.len()));
        } else {
            assert_eq!(result, Ok(receivers));
            self.sent.push(weak);
        }
    }

    /// What the receiver gets next, and how far it is then.
    fn next(&self, seen: usize) -> (Result<usize, TryRecvError>, usize) {
        let oldest = self.sent.len().saturating_sub(self.capacity);
        match seen {
            _ if seen < oldest => (Err(TryRecvError::Lagged((oldest - seen) as u64)), oldest),
            _ if seen < self.sent.len() => (Ok(seen), seen + 1),
            _ => (Err(TryRecvError::Empty), seen),
        }
    }

    fn try_recv(&mut self, at: usize) {
        let Some(&(_, seen)) = self.receivers.get(at) else { return };
        let (expected, seen) = self.next(seen);
        assert_eq!(self.receivers[at].0.try_recv().map(|message| *message), expected);
        self.receivers[at].1 = seen;
    }

    fn recv(&mut self, at: usize) {
        let Some(&(_, seen)) = self.receivers.get(at) else { return };
        let (expected, seen) = self.next(seen);
        let expected = match expected {
            Ok(message) => Poll::Ready(Ok(message)),
            Err(TryRecvError::Lagged(missed)) => Poll::Ready(Err(RecvError::Lagged(missed))),
            Err(_) => Poll::Pending,
        };
        assert_eq!(now(self.receivers[at].0.recv()).map_ok(|message| *message), expected);
        self.receivers[at].1 = seen;
    }

    /// The numbers; and a message is there while someone has still to see it.
    fn check(&self) {
        let oldest = self.sent.len().saturating_sub(self.capacity);
        let first_unseen = self.receivers.iter().map(|(_, seen)| *seen).min().unwrap_or(self.sent.len());
        assert_eq!(self.sender.len(), self.sent.len() - first_unseen.max(oldest));
        assert_eq!(self.sender.receiver_count(), self.receivers.len());
        for (at, message) in self.sent.iter().enumerate() {
            assert_eq!(message.strong_count() > 0, at >= oldest && at >= first_unseen, "message {at}");
        }
        for (receiver, seen) in &self.receivers {
            assert_eq!(receiver.len(), self.sent.len() - seen);
        }
    }
}

proptest! {
    #[test]
    fn it_does_what_the_plain_one_does(capacity in 1..6_usize, steps in steps()) {
        let sender = Sender::new(capacity);
        let mut plain = Plain { sender, receivers: Vec::new(), sent: Vec::new(), capacity };
        for step in &steps {
            plain.step(step);
        }
    }
}
