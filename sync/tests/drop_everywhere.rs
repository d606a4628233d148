//! Every public future of the crate, dropped after each of its polls: it is as if it had never been.
//!
//! One play is this. A first wait, the victim, is polled so many times; a second comes behind it, where two may wait at
//! once. Something happens: nothing, a hand-over, closing, in both orders. The victim is polled once more, or not, and
//! dropped. Then what was waited for is handed over once more, and a last wait comes. What the waits return and the
//! counts at the end are those of the same play without the victim, so no permit, message, wake-up or count was lost or
//! made (f23). A victim that was ready had its share: then its drop is to change nothing. All along, a wait that has
//! become ready was woken, and no waker is kept of a wait that is gone (f27).

#[path = "drop_everywhere/channels.rs"]
mod channels;
mod common;
#[path = "drop_everywhere/complete.rs"]
mod complete;
#[path = "drop_everywhere/locks.rs"]
mod locks;
#[path = "drop_everywhere/queues.rs"]
mod queues;
#[path = "drop_everywhere/signals.rs"]
mod signals;

use common::task::{Task, Wait};

/// Where two may wait at once, the second stands behind the first; else there is but the victim, and who comes later.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waiters {
    Many,
    /// The future borrows the one receiver, say.
    One,
}

/// One public future. `P` is the primitive, with what is to be handed over.
struct Entry<P> {
    name: &'static str,
    waiters: Waiters,
    /// It is polled by reference, and keeps the waker of its last poll until it goes itself.
    keeps_waker: bool,
    /// Nothing is there to be had.
    make: fn() -> P,
    /// The future, for who has this name; what it gets, in words.
    wait: for<'a> fn(&'a P, &'static str) -> Wait<'a, String>,
    /// Gives what one waits for, if there is some left.
    hand_over: fn(&P),
    /// Closes it, or whatever ends all waits.
    close: fn(&P),
    /// Takes obstacles away that `hand_over` has left, before the others are polled.
    clear_way: fn(&P),
    /// All that can be counted; changes nothing.
    count: fn(&P) -> String,
}

impl<P> Entry<P> {
    /// The parts that are mostly so.
    fn new(
        name: &'static str,
        make: fn() -> P,
        wait: for<'a> fn(&'a P, &'static str) -> Wait<'a, String>,
        hand_over: fn(&P),
        count: fn(&P) -> String,
    ) -> Self {
        let (waiters, keeps_waker) = (Waiters::Many, false);
        Self { name, waiters, keeps_waker, make, wait, hand_over, close: |_| {}, clear_way: |_| {}, count }
    }

    fn closed_by(self, close: fn(&P)) -> Self {
        Self { close, ..self }
    }

    fn cleared_by(self, clear_way: fn(&P)) -> Self {
        Self { clear_way, ..self }
    }

    fn alone(self) -> Self {
        Self { waiters: Waiters::One, ..self }
    }

    fn keeping_its_waker(self) -> Self {
        Self { keeps_waker: true, ..self }
    }

    /// All plays.
    fn play(&self) {
        let mut settled = 0;
        for play in Play::all().filter(|play| !play.is_followed || self.waiters == Waiters::Many) {
            let outcome = self.play_with_victim(&play);
            if let Some(outcome) = outcome {
                assert_eq!(outcome, self.play_without(&play), "{}, {play:?}", self.name);
            } else {
                settled += 1;
            }
        }
        assert!(settled > 0, "{}: the victim is never ready", self.name);
        let plain = Play {
            before: &[],
            polls: 1,
            meanwhile: &[Act::HandOver, Act::HandOver],
            polls_after: 0,
            is_followed: self.waiters == Waiters::Many,
        };
        let outcome = self.play_without(&plain);
        assert!(outcome.next.is_some() || outcome.last.is_some(), "{}: nothing is handed over", self.name);
    }

    fn act(&self, primitive: &P, acts: &[Act]) {
        for act in acts {
            match act {
                Act::HandOver => (self.hand_over)(primitive),
                Act::Close => (self.close)(primitive),
            }
        }
    }

    /// Nothing if the victim was ready.
    fn play_with_victim(&self, play: &Play) -> Option<Outcome> {
        let primitive = (self.make)();
        self.act(&primitive, play.before);
        let mut victim = Task::new((self.wait)(&primitive, "victim"));
        let mut is_ready = (0..play.polls).any(|_| victim.poll().is_some());
        let mut next = self.second(&primitive, play);
        self.act(&primitive, play.meanwhile);
        is_ready = is_ready || (0..play.polls_after).any(|_| victim.poll().is_some());
        if !is_ready {
            victim.cancel();
            if !self.keeps_waker {
                assert_eq!(victim.kept(), 0, "{}, {play:?}: the waker of one who is gone is kept", self.name);
            }
            return Some(self.finish(&primitive, next));
        }
        let state = |next: &Option<Waiter<'_>>| {
            let wakes = next.as_ref().map(|next| next.task.wakes());
            (wakes, (self.count)(&primitive))
        };
        let before = state(&next);
        victim.cancel();
        assert_eq!(state(&next), before, "{}, {play:?}: the drop of one who was ready", self.name);
        (self.clear_way)(&primitive);
        if let Some(next) = &mut next {
            next.run();
        }
        None
    }

    fn play_without(&self, play: &Play) -> Outcome {
        let primitive = (self.make)();
        self.act(&primitive, play.before);
        let next = self.second(&primitive, play);
        self.act(&primitive, play.meanwhile);
        self.finish(&primitive, next)
    }

    fn second<'a>(&self, primitive: &'a P, play: &Play) -> Option<Waiter<'a>> {
        play.is_followed.then(|| Waiter::new((self.wait)(primitive, "next")))
    }

    fn finish(&self, primitive: &P, next: Option<Waiter<'_>>) -> Outcome {
        (self.clear_way)(primitive);
        let mut next = next;
        let run = |next: &mut Option<Waiter<'_>>| {
            if let Some(next) = next {
                next.run();
            }
        };
        run(&mut next);
        let before = (next.as_ref().and_then(|next| next.output.clone()), (self.count)(primitive));
        (self.hand_over)(primitive);
        (self.clear_way)(primitive);
        run(&mut next);
        let mut last = Waiter::new((self.wait)(primitive, "last"));
        let next = next.and_then(|next| next.output);
        last.run();
        let last = last.output;
        Outcome { before, next, last, count: (self.count)(primitive) }
    }
}

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    HandOver,
    Close,
}

/// What the victim lives through.
#[derive(Debug)]
struct Play {
    /// Before it comes.
    before: &'static [Act],
    polls: usize,
    /// Between its polls.
    meanwhile: &'static [Act],
    polls_after: usize,
    /// There is a second behind it.
    is_followed: bool,
}

impl Play {
    fn all() -> impl Iterator<Item = Self> {
        use Act::{Close, HandOver};
        const ACTS: [&[Act]; 6] =
            [&[], &[HandOver], &[HandOver, HandOver], &[Close], &[HandOver, Close], &[Close, HandOver]];
        let plays = ACTS.into_iter().flat_map(|before| ACTS.map(|meanwhile| (before, meanwhile)));
        plays.flat_map(|(before, meanwhile)| {
            let polls = (0..4).flat_map(|polls| [(polls, 0), (polls, 1), (polls, 2)]);
            // What the victim was given, or asked for, when it was closed nobody behind it gets any more.
            let keeps = meanwhile.contains(&Close) && (meanwhile[0] == HandOver || !before.is_empty());
            let followed: &[bool] = if keeps { &[false] } else { &[false, true] };
            polls.flat_map(move |(polls, polls_after)| {
                let play = move |is_followed: &bool| Self {
                    before,
                    polls,
                    meanwhile,
                    polls_after,
                    is_followed: *is_followed,
                };
                followed.iter().map(play)
            })
        })
    }
}

/// What can be seen at the end.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    /// What the second has got before the last hand-over, and the counts then.
    before: (Option<String>, String),
    next: Option<String>,
    last: Option<String>,
    count: String,
}

/// A wait that is polled as a task would be: at the start, and whenever it was woken.
struct Waiter<'a> {
    task: Task<'a, String>,
    output: Option<String>,
}

impl<'a> Waiter<'a> {
    fn new(wait: Wait<'a, String>) -> Self {
        let mut task = Task::new(wait);
        let output = task.step();
        Self { task, output }
    }

    fn run(&mut self) {
        while self.output.is_none() && self.task.wakes() > 0 {
            self.output = self.task.step();
        }
        if self.output.is_none() {
            // Nobody who could go on sleeps: the poll that nobody asked for finds nothing.
            self.output = self.task.step();
            assert!(self.output.is_none(), "what it waits for is there, but it was not woken");
        }
    }
}
