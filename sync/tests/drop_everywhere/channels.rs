//! The four kinds of channel.
#![expect(clippy::await_holding_refcell_ref, reason = "one future at a time has the one receiver")]

use super::Entry;
use raddle_sync::mpsc::Bound;
use raddle_sync::{broadcast, mpsc, oneshot, watch};
use std::cell::{Cell, RefCell};

/// The ends of a channel, each until it is gone.
struct Ends<S, R> {
    sender: RefCell<Option<S>>,
    receiver: RefCell<Option<R>>,
    sent: Cell<usize>,
}

impl<S, R> Ends<S, R> {
    fn new((sender, receiver): (S, R)) -> Self {
        Self {
            sender: RefCell::new(Some(sender)),
            receiver: RefCell::new(Some(receiver)),
            sent: Cell::new(0),
        }
    }

    fn drop_sender(&self) {
        // One that a future borrows stays.
        let sender = self.sender.try_borrow_mut().ok().and_then(|mut sender| sender.take());
        drop(sender);
    }

    fn drop_receiver(&self) {
        let receiver = self.receiver.try_borrow_mut().ok().and_then(|mut receiver| receiver.take());
        drop(receiver);
    }

    /// The number of the next message.
    fn next(&self) -> usize {
        self.sent.replace(self.sent.get() + 1)
    }
}

type Bounded = Ends<mpsc::Sender<&'static str>, mpsc::Receiver<&'static str>>;

fn full() -> Bounded {
    let ends = Ends::new(mpsc::channel(2));
    for _ in 0..2 {
        ends.sender.borrow().as_ref().unwrap().try_send("first").unwrap();
    }
    ends
}

impl Bounded {
    fn receive(&self) {
        let _ = self.receiver.borrow_mut().as_mut().map(mpsc::Receiver::try_recv);
    }

    fn close(&self) {
        if let Some(receiver) = self.receiver.borrow_mut().as_mut() {
            receiver.close();
        }
    }

    fn count(&self) -> String {
        let sender = self.sender.borrow();
        let sender = sender.as_ref().unwrap();
        let len = self.receiver.borrow().as_ref().map(mpsc::Receiver::len);
        format!("{} {} {len:?} {}", sender.capacity(), sender.strong_count(), sender.is_closed())
    }

    fn sender(&self) -> mpsc::Sender<&'static str> {
        self.sender.borrow().clone().unwrap()
    }
}

/// What is sent is in the channel afterwards; a permit goes back.
#[test]
fn mpsc_sender_waits() {
    for close in [Bounded::close, Bounded::drop_receiver] {
        Entry::new(
            "mpsc::Sender::send",
            full,
            |ends, who| {
                let sender = ends.sender();
                Box::pin(async move { format!("{:?}", sender.send(who).await.map_err(|refused| refused.0)) })
            },
            Bounded::receive,
            Bounded::count,
        )
        .closed_by(close)
        .play();
    }
}

#[test]
fn mpsc_permit_waits() {
    for close in [Bounded::close, Bounded::drop_receiver] {
        Entry::new(
            "mpsc::Sender::reserve",
            full,
            |ends, _| {
                let sender = ends.sender();
                Box::pin(async move { format!("{:?}", sender.reserve().await) })
            },
            Bounded::receive,
            Bounded::count,
        )
        .closed_by(close)
        .play();
        Entry::new(
            "mpsc::Sender::reserve_owned",
            full,
            |ends, _| {
                let sender = ends.sender();
                Box::pin(async move { format!("{:?}", sender.reserve_owned().await) })
            },
            Bounded::receive,
            Bounded::count,
        )
        .closed_by(close)
        .play();
        Entry::new(
            "mpsc::Sender::reserve_many",
            full,
            |ends, who| {
                let sender = ends.sender();
                let n = if who == "victim" { 2 } else { 1 };
                Box::pin(async move { format!("{:?}", sender.reserve_many(n).await) })
            },
            Bounded::receive,
            Bounded::count,
        )
        .closed_by(close)
        .play();
    }
}

#[test]
fn mpsc_waits_for_the_end() {
    for close in [Bounded::close, Bounded::drop_receiver] {
        Entry::new(
            "mpsc::Sender::closed",
            full,
            |ends, _| {
                let sender = ends.sender();
                Box::pin(async move {
                    sender.closed().await;
                    "closed".into()
                })
            },
            close,
            Bounded::count,
        )
        .play();
    }
    Entry::new(
        "mpsc::UnboundedSender::closed",
        || Ends::new(mpsc::unbounded::<u8>()),
        |ends, _| {
            let sender = ends.sender.borrow().clone().unwrap();
            Box::pin(async move {
                sender.closed().await;
                "closed".into()
            })
        },
        Ends::drop_receiver,
        |ends| format!("{:?}", ends.sender.borrow()),
    )
    .play();
}

/// Of a channel with a limit, or without.
type Mpsc<B> = Ends<mpsc::Sender<usize, B>, mpsc::Receiver<usize, B>>;

/// The receiver of a channel of either kind, and how one sends to it.
fn mpsc_receiver_waits<B: Bound + 'static>(make: fn() -> Mpsc<B>, send: fn(&Mpsc<B>)) {
    let count: fn(&Mpsc<B>) -> String = |ends| {
        // A finished future that is not dropped has the receiver still.
        let len = ends.receiver.try_borrow().map_or(None, |end| end.as_ref().map(mpsc::Receiver::len));
        format!("{len:?} {}", ends.sent.get())
    };
    Entry::new(
        "mpsc::Receiver::recv",
        make,
        |ends, _| {
            Box::pin(async { format!("{:?}", ends.receiver.borrow_mut().as_mut().unwrap().recv().await) })
        },
        send,
        count,
    )
    .closed_by(Ends::drop_sender)
    .alone()
    .play();
    Entry::new(
        "mpsc::Receiver::recv_many",
        make,
        |ends, _| {
            Box::pin(async {
                let mut buffer = Vec::new();
                let n = ends.receiver.borrow_mut().as_mut().unwrap().recv_many(&mut buffer, 2).await;
                format!("{n} {buffer:?}")
            })
        },
        send,
        count,
    )
    .closed_by(Ends::drop_sender)
    .alone()
    .play();
}

#[test]
fn mpsc_receiver_waits_with_a_limit_and_without() {
    mpsc_receiver_waits(
        || Ends::new(mpsc::channel(8)),
        |ends| {
            let message = ends.next();
            let _ = ends.sender.borrow().as_ref().map(|sender| sender.try_send(message));
        },
    );
    mpsc_receiver_waits(
        || Ends::new(mpsc::unbounded()),
        |ends| {
            let message = ends.next();
            let _ = ends.sender.borrow().as_ref().map(|sender| sender.send(message));
        },
    );
}

type Oneshot = Ends<oneshot::Sender<usize>, oneshot::Receiver<usize>>;

#[test]
fn oneshot_waits() {
    let make: fn() -> Oneshot = || Ends::new(oneshot::channel());
    Entry::new(
        "oneshot::Receiver",
        make,
        |ends, _| {
            Box::pin(async {
                let mut receiver = ends.receiver.borrow_mut();
                let receiver = receiver.as_mut().unwrap();
                if receiver.is_terminated() { "over".into() } else { format!("{:?}", receiver.await) }
            })
        },
        |ends| {
            let sender = ends.sender.borrow_mut().take();
            let _ = sender.map(|sender| sender.send(7));
        },
        |ends| format!("{}", ends.sender.borrow().is_some()),
    )
    .closed_by(Ends::drop_sender)
    .alone()
    .keeping_its_waker()
    .play();
    for close in [Ends::drop_receiver, |ends: &Oneshot| ends.receiver.borrow_mut().as_mut().unwrap().close()]
    {
        Entry::new(
            "oneshot::Sender::closed",
            make,
            |ends, _| {
                Box::pin(async {
                    ends.sender.borrow_mut().as_mut().unwrap().closed().await;
                    "closed".into()
                })
            },
            close,
            |ends| format!("{:?}", ends.receiver.borrow()),
        )
        .alone()
        .play();
    }
}

type Watch = Ends<watch::Sender<usize>, watch::Receiver<usize>>;

#[test]
fn watch_waits() {
    let make: fn() -> Watch = || Ends::new(watch::channel(0));
    let send: fn(&Watch) = |ends| {
        let _ = ends.sender.borrow().as_ref().map(|sender| sender.send(ends.next() + 1));
    };
    let count: fn(&Watch) -> String = |ends| {
        let changed =
            ends.receiver.try_borrow().map_or(None, |end| end.as_ref().map(|end| end.has_changed()));
        format!("{changed:?} {:?}", ends.sent.get())
    };
    Entry::new(
        "watch::Receiver::changed",
        make,
        |ends, _| {
            Box::pin(async {
                let mut receiver = ends.receiver.borrow_mut();
                let receiver = receiver.as_mut().unwrap();
                format!("{:?} {}", receiver.changed().await, *receiver.borrow())
            })
        },
        send,
        count,
    )
    .closed_by(Ends::drop_sender)
    .alone()
    .play();
    Entry::new(
        "watch::Receiver::wait_for",
        make,
        |ends, _| {
            Box::pin(async {
                let mut receiver = ends.receiver.borrow_mut();
                let receiver = receiver.as_mut().unwrap();
                let result = receiver.wait_for(|n| *n > 0).await;
                format!("{:?}", result.map(|value| *value))
            })
        },
        send,
        // What has been refused counts as seen.
        |ends| format!("{:?}", ends.sent.get()),
    )
    .closed_by(Ends::drop_sender)
    .alone()
    .play();
    Entry::new(
        "watch::Sender::closed",
        make,
        |ends, _| {
            let sender = ends.sender.borrow().clone().unwrap();
            Box::pin(async move {
                sender.closed().await;
                "closed".into()
            })
        },
        Ends::drop_receiver,
        |ends| format!("{:?}", ends.sender.borrow().as_ref().map(watch::Sender::sender_count)),
    )
    .play();
}

type Broadcast = Ends<broadcast::Sender<usize>, broadcast::Receiver<usize>>;

#[test]
fn broadcast_waits() {
    Entry::new(
        "broadcast::Receiver::recv",
        || Ends::new(broadcast::channel(2)),
        |ends, _| {
            Box::pin(async { format!("{:?}", ends.receiver.borrow_mut().as_mut().unwrap().recv().await) })
        },
        |ends: &Broadcast| {
            let _ = ends.sender.borrow().as_ref().map(|sender| sender.send(ends.next()));
        },
        |ends| {
            let len = ends.receiver.try_borrow().map_or(None, |end| end.as_ref().map(|end| end.len()));
            format!("{len:?} {}", ends.sent.get())
        },
    )
    .closed_by(Ends::drop_sender)
    .alone()
    .play();
    Entry::new(
        "broadcast::Sender::closed",
        || Ends::new(broadcast::channel(2)),
        |ends, _| {
            let sender = ends.sender.borrow().clone().unwrap();
            Box::pin(async move {
                sender.closed().await;
                "closed".into()
            })
        },
        |ends: &Broadcast| ends.drop_receiver(),
        |ends| format!("{:?}", ends.sender.borrow().as_ref().map(broadcast::Sender::strong_count)),
    )
    .play();
}
