//! Random bodies, driven at random, against an interpreter of the same bodies that is a plain state machine.

use crate::common::panic_text;
use crate::{Log, note, pending_once};
use futures_lite::future::{block_on, poll_once};
use proptest::prelude::*;
use raddle::coroutine::{Coroutine, Step, Yielder};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a body does next. It has a sum, to which it adds what it is told.
#[derive(Debug, Clone)]
enum Action {
    /// Yields the sum, and adds the answer.
    Yield,
    /// Holds something until it ends.
    Hold(u8),
    /// Delegates to another body, and adds what that returns.
    Delegate(Vec<Action>),
    /// Awaits something that is ready at the second poll.
    Wait,
    Panic,
}

/// What is done to the coroutine.
#[derive(Debug, Clone)]
enum Command {
    Start { waits: bool },
    Send { value: u64, waits: bool },
    Resume,
    Close,
}

/// What comes of it.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Step(Step<u64, u64>),
    /// It waits.
    Pending,
    Panic(&'static str),
    Closed,
}

const PANICS: &[&str] = &[NOT_STARTED, STARTED, UNDER_WAY, ENDED, NO_STEP, AWAITS, BODY];
const NOT_STARTED: &str = "has not started";
const STARTED: &str = "started twice";
const UNDER_WAY: &str = "in the middle of a step";
const ENDED: &str = "after its end";
const NO_STEP: &str = "no step under way";
const AWAITS: &str = "awaits something other than its yielder";
const BODY: &str = "the body panics";

/// The real thing: a coroutine for each level.
fn body(actions: Vec<Action>, log: Log) -> Coroutine<u64, u64, u64> {
    Coroutine::new(move |co| act(co, actions, log))
}

async fn act(co: Yielder<u64, u64>, actions: Vec<Action>, log: Log) -> u64 {
    let mut held = Held { names: Vec::new(), log: log.clone() };
    let mut sum: u64 = 0;
    for action in actions {
        match action {
            Action::Yield => sum = sum.wrapping_add(co.yield_(sum).await),
            Action::Hold(name) => held.names.push(name),
            Action::Delegate(actions) => {
                sum = sum.wrapping_add(co.yield_from(body(actions, log.clone())).await);
            }
            Action::Wait => pending_once().await,
            Action::Panic => panic!("{BODY}"),
        }
    }
    sum
}

/// Logs its names when it is dropped, the last first.
struct Held {
    names: Vec<u8>,
    log: Log,
}

impl Drop for Held {
    fn drop(&mut self) {
        for name in self.names.iter().rev() {
            note(&self.log, name.to_string());
        }
    }
}

/// The plain state machine.
struct Model {
    state: State,
    frames: Vec<Frame>,
    log: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Yielded,
    UnderWay,
    Done,
}

struct Frame {
    actions: std::vec::IntoIter<Action>,
    sum: u64,
    held: Vec<u8>,
}

impl Frame {
    fn new(actions: Vec<Action>) -> Self {
        Self { actions: actions.into_iter(), sum: 0, held: Vec::new() }
    }
}

impl Model {
    fn new(actions: Vec<Action>) -> Self {
        Self { state: State::New, frames: vec![Frame::new(actions)], log: Vec::new() }
    }

    fn command(&mut self, command: &Command) -> Outcome {
        let waits = match (command, self.state) {
            (Command::Close, _) => {
                self.unwind();
                return Outcome::Closed;
            }
            (Command::Start { waits }, State::New) => *waits,
            (Command::Send { value, waits }, State::Yielded) => {
                self.add(*value);
                *waits
            }
            (Command::Resume, State::UnderWay) => true,
            (Command::Resume, _) => return Outcome::Panic(NO_STEP),
            (_, State::New) => return Outcome::Panic(NOT_STARTED),
            (_, State::Yielded) => return Outcome::Panic(STARTED),
            (_, State::UnderWay) => return Outcome::Panic(UNDER_WAY),
            (_, State::Done) => return Outcome::Panic(ENDED),
        };
        match self.run() {
            Outcome::Pending if !waits => Outcome::Panic(AWAITS),
            outcome => outcome,
        }
    }

    fn add(&mut self, value: u64) {
        let frame = self.frames.last_mut().expect("the body has not ended");
        frame.sum = frame.sum.wrapping_add(value);
    }

    /// To the next yield, wait, or end.
    fn run(&mut self) -> Outcome {
        loop {
            let frame = self.frames.last_mut().expect("the body has not ended");
            match frame.actions.next() {
                Some(Action::Yield) => {
                    self.state = State::Yielded;
                    return Outcome::Step(Step::Yielded(frame.sum));
                }
                Some(Action::Hold(name)) => frame.held.push(name),
                Some(Action::Delegate(actions)) => self.frames.push(Frame::new(actions)),
                Some(Action::Wait) => {
                    self.state = State::UnderWay;
                    return Outcome::Pending;
                }
                Some(Action::Panic) => {
                    self.unwind();
                    return Outcome::Panic(BODY);
                }
                None => {
                    let sum = frame.sum;
                    self.leave();
                    if self.frames.is_empty() {
                        self.state = State::Done;
                        return Outcome::Step(Step::Returned(sum));
                    }
                    self.add(sum);
                }
            }
        }
    }

    fn leave(&mut self) {
        let frame = self.frames.pop();
        let names = frame.into_iter().flat_map(|frame| frame.held.into_iter().rev());
        self.log.extend(names.map(|name| name.to_string()));
    }

    fn unwind(&mut self) {
        while !self.frames.is_empty() {
            self.leave();
        }
        self.state = State::Done;
    }
}

fn real(coroutine: &mut Coroutine<u64, u64, u64>, command: &Command) -> Outcome {
    let step = catch_unwind(AssertUnwindSafe(|| match *command {
        Command::Start { waits: false } => Some(coroutine.start()),
        Command::Start { waits: true } => block_on(poll_once(coroutine.start_async())),
        Command::Send { value, waits: false } => Some(coroutine.send(value)),
        Command::Send { value, waits: true } => block_on(poll_once(coroutine.send_async(value))),
        Command::Resume => block_on(poll_once(coroutine.resume())),
        Command::Close => {
            coroutine.close();
            None
        }
    }));
    match step {
        Ok(Some(step)) => Outcome::Step(step),
        Ok(None) if matches!(command, Command::Close) => Outcome::Closed,
        Ok(None) => Outcome::Pending,
        Err(payload) => {
            let text = panic_text(payload);
            let known = PANICS.iter().find(|known| text.contains(**known));
            Outcome::Panic(known.unwrap_or_else(|| panic!("an unknown panic: {text}")))
        }
    }
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let leaf = prop_oneof![
        12 => Just(Action::Yield),
        6 => any::<u8>().prop_map(Action::Hold),
        2 => Just(Action::Wait),
        1 => Just(Action::Panic),
    ];
    let action =
        leaf.prop_recursive(3, 40, 8, |inner| prop::collection::vec(inner, 0..8).prop_map(Action::Delegate));
    prop::collection::vec(action, 0..12)
}

fn command() -> impl Strategy<Value = Command> {
    let send = (any::<u64>(), any::<bool>()).prop_map(|(value, waits)| Command::Send { value, waits });
    prop_oneof![
        1 => any::<bool>().prop_map(|waits| Command::Start { waits }),
        20 => send,
        4 => Just(Command::Resume),
        1 => Just(Command::Close),
    ]
}

/// Ends with the coroutine's drop, wherever it is then.
fn compare(actions: Vec<Action>, first: Command, commands: &[Command]) {
    let log = Log::default();
    let mut model = Model::new(actions.clone());
    let mut coroutine = body(actions, log.clone());
    for command in std::iter::once(&first).chain(commands) {
        assert_eq!(real(&mut coroutine, command), model.command(command), "{command:?}");
        assert_eq!(coroutine.is_done(), model.state == State::Done);
        assert_eq!(coroutine.is_under_way(), model.state == State::UnderWay);
        assert_eq!(*log.lock().unwrap(), model.log);
    }
    drop(coroutine);
    model.unwind();
    assert_eq!(*log.lock().unwrap(), model.log);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_coroutine_agrees_with_a_state_machine(
        actions in actions(),
        first in prop_oneof![9 => any::<bool>().prop_map(|waits| Command::Start { waits }), 1 => command()],
        commands in prop::collection::vec(command(), 0..40),
    ) {
        compare(actions, first, &commands);
    }
}
