//! The watch channel: each receiver sees the last value, and that it has changed.

mod hands;

use futures_lite::future::block_on;
use hands::{Census, Wakes, is_send, is_send_and_sync, now, thread};
use proptest::prelude::*;
use raddle_runtime::runtime::Builder;
use raddle_runtime::spawn;
use raddle_sync::watch::{self, Receiver, RecvError, SendError, Sender};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

#[test]
fn the_first_value_counts_as_seen_and_later_ones_do_not() {
    let (sender, mut receiver) = watch::channel(1);
    assert_eq!((receiver.has_changed(), *receiver.borrow()), (Ok(false), 1));
    sender.send(2).unwrap();
    assert_eq!(receiver.has_changed(), Ok(true));
    assert!(receiver.borrow().has_changed());
    assert!(receiver.borrow_and_update().has_changed());
    assert!(!receiver.borrow_and_update().has_changed());
    assert!(now(receiver.changed()).is_pending());
}

#[test]
fn f27_all_who_wait_are_woken_once_and_see_the_last_value() {
    let (sender, receiver) = watch::channel(0);
    let woken = Wakes::new();
    let mut receivers = vec![receiver; 100];
    let mut waits: Vec<_> = receivers.iter_mut().map(|receiver| Box::pin(receiver.changed())).collect();
    waits.iter_mut().for_each(|wait| assert!(woken.poll(wait.as_mut()).is_pending()));
    sender.send(1).unwrap();
    assert_eq!(woken.count(), 100);
    sender.send(2).unwrap();
    assert_eq!(woken.count(), 100);
    assert!(waits.iter_mut().all(|wait| woken.poll(wait.as_mut()) == Poll::Ready(Ok(()))));
    drop(waits);
    assert!(receivers.iter().all(|receiver| *receiver.borrow() == 2 && receiver.has_changed() == Ok(false)));
    assert_eq!(woken.kept(), 0);
}

/// Uses the channel when it is woken.
struct Sends(Sender<u32>);

impl Wake for Sends {
    fn wake(self: Arc<Self>) {
        self.0.send_modify(|n| *n += 1);
    }
}

#[test]
fn f27_a_waker_may_use_the_channel() {
    let (sender, mut receiver) = watch::channel(0);
    let waker = Waker::from(Arc::new(Sends(sender.clone())));
    {
        let mut wait = pin!(receiver.changed());
        assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        sender.send(1).unwrap();
        assert!(wait.poll(&mut Context::from_waker(&waker)).is_ready());
    }
    assert_eq!(*receiver.borrow(), 2);
}

#[test]
fn f23_a_wait_that_is_dropped_has_seen_nothing() {
    let (sender, mut receiver) = watch::channel(0);
    let woken = Wakes::new();
    {
        let mut wait = pin!(receiver.changed());
        assert!(woken.poll(wait.as_mut()).is_pending());
        sender.send(1).unwrap();
    }
    assert_eq!((woken.count(), woken.kept()), (1, 0));
    assert_eq!(now(receiver.changed()), Poll::Ready(Ok(())));
    assert!(woken.poll(pin!(receiver.changed())).is_pending());
    assert_eq!(woken.kept(), 0, "f27");
}

#[test]
fn the_last_sender_to_go_ends_the_waits_and_the_last_value_stays() {
    let (sender, mut receiver) = watch::channel(0);
    let other = sender.clone();
    assert_eq!(sender.sender_count(), 2);
    let woken = Wakes::new();
    {
        let mut wait = pin!(receiver.changed());
        assert!(woken.poll(wait.as_mut()).is_pending());
        drop(sender);
        assert_eq!(woken.count(), 0);
        drop(other);
        assert_eq!(woken.count(), 1);
        assert_eq!(woken.poll(wait), Poll::Ready(Err(RecvError)));
    }
    assert!(receiver.is_closed());
    assert_eq!((*receiver.borrow(), receiver.has_changed()), (0, Err(RecvError)));
}

#[test]
fn a_value_sent_just_before_the_end_is_seen() {
    let (sender, mut receiver) = watch::channel(0);
    sender.send(1).unwrap();
    drop(sender);
    assert_eq!(now(receiver.changed()), Poll::Ready(Ok(())));
    assert_eq!(now(receiver.changed()), Poll::Ready(Err(RecvError)));
    assert!(block_on(receiver.wait_for(|n| *n == 1)).is_ok());
    assert_eq!(block_on(receiver.wait_for(|n| *n == 2)).err(), Some(RecvError));
}

#[test]
fn without_a_receiver_send_gives_the_value_back() {
    let (sender, receiver) = watch::channel(0);
    drop(receiver);
    assert_eq!(sender.send(1), Err(SendError(1)));
    assert_eq!(*sender.borrow(), 0);
    assert_eq!(sender.send_replace(2), 0);
    sender.send_modify(|n| *n += 1);
    let late = sender.subscribe();
    assert_eq!((*late.borrow(), late.has_changed()), (3, Ok(false)));
    sender.send(4).unwrap();
}

#[test]
fn send_if_modified_tells_only_of_changes() {
    let (sender, receiver) = watch::channel(0);
    assert!(!sender.send_if_modified(|n| {
        *n = 5;
        false
    }));
    assert_eq!((*receiver.borrow(), receiver.has_changed()), (5, Ok(false)));
    assert!(sender.send_if_modified(|_| true));
    assert_eq!(receiver.has_changed(), Ok(true));
}

#[test]
fn a_panic_while_the_value_is_changed_leaves_the_channel_usable() {
    let (sender, mut receiver) = watch::channel(0);
    let modify = |n: &mut u32| {
        *n = 1;
        panic!("in the middle of a change");
    };
    assert!(catch_unwind(AssertUnwindSafe(|| sender.send_modify(modify))).is_err());
    assert_eq!((*receiver.borrow(), receiver.has_changed()), (1, Ok(false)));
    let refuse = |_: &u32| -> bool { panic!("in the middle of a look") };
    assert!(catch_unwind(AssertUnwindSafe(|| block_on(receiver.wait_for(refuse)).is_ok())).is_err());
    sender.send(2).unwrap();
    assert_eq!(*block_on(receiver.wait_for(|n| *n == 2)).unwrap(), 2);
}

#[test]
fn marks_change_what_counts_as_seen() {
    let (sender, mut receiver) = watch::channel(0);
    receiver.mark_changed();
    receiver.mark_changed();
    assert_eq!(receiver.has_changed(), Ok(true));
    assert_eq!(now(receiver.changed()), Poll::Ready(Ok(())));
    sender.send(1).unwrap();
    receiver.mark_unchanged();
    assert!(now(receiver.changed()).is_pending());
}

#[test]
fn wait_for_passes_over_what_is_not_wanted() {
    let (sender, mut receiver) = watch::channel(0);
    let woken = Wakes::new();
    let mut wait = pin!(receiver.wait_for(|n| *n > 2));
    for n in [1, 2] {
        assert!(woken.poll(wait.as_mut()).is_pending());
        sender.send(n).unwrap();
        assert_eq!(woken.count(), n);
    }
    sender.send(3).unwrap();
    let Poll::Ready(Ok(found)) = woken.poll(wait) else { panic!("3 is wanted") };
    assert_eq!((*found, found.has_changed()), (3, true));
}

#[test]
fn f26_closed_waits_for_the_last_receiver_and_the_channel_can_be_used_again() {
    let (sender, receiver) = watch::channel(0);
    let woken = Wakes::new();
    let mut closed = pin!(sender.closed());
    assert!(woken.poll(closed.as_mut()).is_pending());
    drop(receiver.clone());
    assert_eq!((woken.count(), sender.receiver_count(), sender.is_closed()), (0, 1, false));
    drop(receiver);
    assert_eq!(woken.count(), 1);
    let again = sender.subscribe();
    assert!(woken.poll(closed.as_mut()).is_pending());
    drop(again);
    assert!(woken.poll(closed).is_ready());
    assert!(now(sender.closed()).is_ready());
    let mut receiver = sender.subscribe();
    sender.send(1).unwrap();
    assert_eq!(now(receiver.changed()), Poll::Ready(Ok(())));
}

#[test]
fn values_are_dropped_once() {
    let census = Census::default();
    let (sender, receiver) = watch::channel(census.value());
    for sent in 1..5 {
        sender.send(census.value()).unwrap();
        assert_eq!(census.dropped(), sent);
    }
    drop(sender);
    assert_eq!(census.dropped(), 4);
    drop(receiver);
    assert_eq!(census.dropped(), 5);
}

#[test]
fn threads_see_rising_values_and_the_last_one() {
    const LAST: usize = 20_000;
    let (sender, receiver) = watch::channel(0);
    let watching = (0..3).map(|_| {
        let mut receiver = receiver.clone();
        thread(move || {
            let mut seen = 0;
            while block_on(receiver.changed()).is_ok() {
                let value = *receiver.borrow_and_update();
                assert!(value >= seen, "{value} after {seen}");
                seen = value;
            }
            assert_eq!(seen, LAST);
        })
    });
    let watching: Vec<_> = watching.collect();
    for n in 1..=LAST {
        sender.send(n).unwrap();
    }
    drop(sender);
    watching.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn f11_loops_over_changes_that_are_there_let_other_tasks_run() {
    Builder::new().current_thread().build().unwrap().block_on(async {
        let (stop, stopped) = watch::channel(false);
        let busy = spawn(async move {
            let (sender, mut receiver) = watch::channel(0);
            while !*stopped.borrow() {
                sender.send(1).unwrap();
                receiver.changed().await.unwrap();
            }
            while *stopped.borrow() {
                drop(receiver.wait_for(|_| true).await);
            }
        });
        spawn(async move {
            stop.send(true).unwrap();
            futures_lite::future::yield_now().await;
            stop.send(false).unwrap();
        })
        .await
        .unwrap();
        busy.await.unwrap();
    });
}

#[test]
fn ends_may_be_sent_and_shared_and_know_their_channel() {
    let (sender, mut receiver) = watch::channel(0);
    let (stranger, strange) = watch::channel(0);
    is_send_and_sync(&sender);
    is_send_and_sync(&receiver);
    is_send(&sender.closed());
    is_send(&receiver.changed());
    assert!(sender.same_channel(&sender.clone()) && !sender.same_channel(&stranger));
    assert!(receiver.same_channel(&receiver.clone()) && !receiver.same_channel(&strange));
}

/// What can be done to a channel; the number chooses the receiver.
#[derive(Debug, Clone)]
enum Step {
    Send(u32),
    Modify(bool),
    Changed(usize),
    Look(usize),
    LookAndSee(usize),
    WaitFor(usize, u32),
    Mark(usize, bool),
    Clone(usize),
    Subscribe,
    Drop(usize),
    CloneSender,
    DropSender,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let receiver = 0..4_usize;
    let step = prop_oneof![
        (0..4_u32).prop_map(Step::Send),
        any::<bool>().prop_map(Step::Modify),
        receiver.clone().prop_map(Step::Changed),
        receiver.clone().prop_map(Step::Look),
        receiver.clone().prop_map(Step::LookAndSee),
        (receiver.clone(), 0..4_u32).prop_map(|(receiver, n)| Step::WaitFor(receiver, n)),
        (receiver.clone(), any::<bool>()).prop_map(|(receiver, is)| Step::Mark(receiver, is)),
        receiver.clone().prop_map(Step::Clone),
        Just(Step::Subscribe),
        receiver.prop_map(Step::Drop),
        Just(Step::CloneSender),
        Just(Step::DropSender),
    ];
    proptest::collection::vec(step, 0..60)
}

/// The plain thing: a value, and for each receiver whether it has a change to see.
struct Plain {
    senders: Vec<Sender<u32>>,
    receivers: Vec<(Receiver<u32>, bool)>,
    value: u32,
}

impl Plain {
    fn tell(&mut self) {
        self.receivers.iter_mut().for_each(|(_, has_change)| *has_change = true);
    }

    /// The expected answer of `changed`.
    fn news(has_change: bool, is_closed: bool) -> Poll<Result<(), RecvError>> {
        match (has_change, is_closed) {
            (true, _) => Poll::Ready(Ok(())),
            (false, true) => Poll::Ready(Err(RecvError)),
            (false, false) => Poll::Pending,
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Send(n) => self.send(n),
            Step::Modify(is_told) => self.modify(is_told),
            Step::Subscribe => {
                self.receivers.extend(self.senders.first().map(|one| (one.subscribe(), false)))
            }
            Step::CloneSender => self.senders.extend(self.senders.first().cloned()),
            Step::DropSender => drop(self.senders.pop()),
            Step::Clone(at) => self.receivers.extend(self.receivers.get(at).cloned()),
            Step::Drop(at) if at < self.receivers.len() => drop(self.receivers.remove(at)),
            _ => self.receive(step),
        }
    }

    fn send(&mut self, n: u32) {
        let Some(sender) = self.senders.first() else { return };
        assert_eq!(sender.receiver_count(), self.receivers.len());
        assert_eq!(sender.send(n).is_ok(), !self.receivers.is_empty());
        if !self.receivers.is_empty() {
            self.value = n;
            self.tell();
        }
    }

    fn modify(&mut self, is_told: bool) {
        let Some(sender) = self.senders.first() else { return };
        let modify = |n: &mut u32| {
            *n += 1;
            is_told
        };
        assert_eq!(sender.send_if_modified(modify), is_told);
        self.value += 1;
        if is_told {
            self.tell();
        }
    }

    fn receive(&mut self, step: &Step) {
        let (is_closed, value) = (self.senders.is_empty(), self.value);
        let (Step::Changed(at)
        | Step::Look(at)
        | Step::LookAndSee(at)
        | Step::Mark(at, _)
        | Step::WaitFor(at, _)) = *step
        else {
            return;
        };
        let Some((receiver, has_change)) = self.receivers.get_mut(at) else { return };
        match *step {
            Step::Changed(_) => {
                assert_eq!(now(receiver.changed()), Self::news(*has_change, is_closed));
                *has_change = false;
            }
            Step::LookAndSee(_) => {
                let found = receiver.borrow_and_update();
                assert_eq!((*found, found.has_changed()), (value, std::mem::take(has_change)));
            }
            Step::WaitFor(_, n) => {
                let found = now(receiver.wait_for(|value| *value >= n)).map_ok(|found| *found);
                *has_change = false;
                let expected = if value >= n {
                    Poll::Ready(Ok(value))
                } else {
                    Self::news(false, is_closed).map_ok(|()| 0)
                };
                assert_eq!(found, expected);
            }
            Step::Mark(_, false) => {
                receiver.mark_unchanged();
                *has_change = false;
            }
            Step::Mark(_, true) => {
                receiver.mark_changed();
                *has_change = true;
            }
            _ => {
                let found = receiver.borrow();
                assert_eq!((*found, found.has_changed()), (value, *has_change));
            }
        }
    }
}

proptest! {
    #[test]
    fn it_does_what_the_plain_thing_does(steps in steps()) {
        let (sender, receiver) = watch::channel(0);
        let mut plain = Plain { senders: vec![sender], receivers: vec![(receiver, false)], value: 0 };
        for step in &steps {
            plain.step(step);
        }
    }
}
