//! [`Intake`] beside a plain model, with arbitrary bytes in arbitrary chunks, and asked as often as it can be.

use super::error::{IncompleteReadError, LimitOverrunError};
use super::intake::Intake;
use proptest::prelude::*;
use std::io;

const LIMIT: usize = 8;

/// One question.
#[derive(Clone, Debug)]
enum Ask {
    Some(usize),
    Exactly(usize),
    Until(Vec<Vec<u8>>),
    Line,
    All,
}

/// What was answered, in terms that do not depend on the chunks.
#[derive(Debug, PartialEq)]
enum Told {
    Bytes(Vec<u8>),
    Incomplete(Vec<u8>, Option<usize>),
    /// `readuntil` was over the limit; the bytes stay.
    Overrun,
    /// `readline` was, and has dropped so many.
    Dropped(usize),
}

/// Knows all that will come, and looks at every place.
struct Model {
    rest: Vec<u8>,
}

impl Model {
    fn take(&mut self, n: usize) -> Vec<u8> {
        let rest = self.rest.split_off(n);
        std::mem::replace(&mut self.rest, rest)
    }

    /// Of the separator that ends first: where it begins and ends.
    fn separator(&self, separators: &[Vec<u8>]) -> Option<(usize, usize)> {
        (0..=self.rest.len()).find_map(|end| {
            let ending = separators.iter().filter(|separator| self.rest[..end].ends_with(separator));
            ending.map(Vec::len).min().map(|len| (end - len, end))
        })
    }

    /// Whether a search must give up: a separator begins behind the limit, or there is room for none before it.
    fn overruns(&self, separators: &[Vec<u8>]) -> bool {
        let longest = separators.iter().map(Vec::len).max().unwrap_or(0);
        match self.separator(separators) {
            Some((start, _)) => start > LIMIT,
            None => (self.rest.len() + 1).saturating_sub(longest) > LIMIT,
        }
    }

    /// The answer to anything whose answer does not depend on how much has come.
    fn answer(&mut self, ask: &Ask) -> Told {
        match ask {
            Ask::Exactly(n) if self.rest.len() >= *n => Told::Bytes(self.take(*n)),
            Ask::Exactly(n) => Told::Incomplete(std::mem::take(&mut self.rest), Some(*n)),
            Ask::Until(separators) if self.overruns(separators) => Told::Overrun,
            Ask::Until(separators) => match self.separator(separators) {
                Some((_, end)) => Told::Bytes(self.take(end)),
                None => Told::Incomplete(std::mem::take(&mut self.rest), None),
            },
            Ask::All => Told::Bytes(std::mem::take(&mut self.rest)),
            Ask::Line => {
                let end =
                    self.rest.iter().position(|byte| *byte == b'\n').map_or(self.rest.len(), |at| at + 1);
                Told::Bytes(self.take(end))
            }
            Ask::Some(_) => unreachable!("how much comes at once is not the model's to know"),
        }
    }
}

/// Asks until there is an answer, and feeds the next chunk in between.
fn ask(intake: &mut Intake, chunks: &mut std::vec::IntoIter<Vec<u8>>, ask: &Ask) -> io::Result<Vec<u8>> {
    loop {
        let answer = match ask {
            Ask::Some(n) => intake.some(*n),
            Ask::Exactly(n) => intake.exactly(*n),
            Ask::Until(separators) => intake.until(&separators.iter().map(Vec::as_slice).collect::<Vec<_>>()),
            Ask::Line => intake.line(),
            Ask::All => intake.all(),
        };
        if let Some(answer) = answer {
            return answer;
        }
        assert!(!intake.has_ended(), "after the end there is always an answer");
        let longest = match ask {
            Ask::Until(separators) => separators.iter().map(Vec::len).max(),
            Ask::Line => Some(1),
            _ => None,
        };
        assert!(
            longest.is_none_or(|longest| intake.rest().len() < LIMIT + longest),
            "it keeps more than it may"
        );
        match chunks.next() {
            Some(chunk) => intake.feed(&chunk),
            None => intake.feed_end(Ok(())),
        }
    }
}

fn told(ask: &Ask, answer: io::Result<Vec<u8>>) -> Told {
    let error = match answer {
        Ok(bytes) => return Told::Bytes(bytes),
        Err(error) => error,
    };
    let inner = error.get_ref().expect("an error of ours");
    if let Some(IncompleteReadError { partial, expected }) = inner.downcast_ref() {
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        return Told::Incomplete(partial.clone(), *expected);
    }
    let LimitOverrunError { consumed, limit } = inner.downcast_ref().expect("the other error of ours");
    assert!(*limit == LIMIT && consumed > limit && error.kind() == io::ErrorKind::InvalidData);
    if matches!(ask, Ask::Line) { Told::Dropped(*consumed) } else { Told::Overrun }
}

/// Few letters, so that separators are often there, and often nearly.
fn bytes(len: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(&b"ab\n"[..]), len)
}

fn asks() -> impl Strategy<Value = Ask> {
    prop_oneof![
        (0..12_usize).prop_map(Ask::Some),
        (0..12_usize).prop_map(Ask::Exactly),
        prop::collection::vec(bytes(1..4), 1..4).prop_map(Ask::Until),
        Just(Ask::Line),
        Just(Ask::Line),
        Just(Ask::All),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn every_answer_is_the_models(
        chunks in prop::collection::vec(bytes(1..16), 0..12),
        asks in prop::collection::vec(asks(), 1..20),
    ) {
        let mut model = Model { rest: chunks.concat() };
        let mut intake = Intake::new(LIMIT);
        let mut chunks = chunks.into_iter();
        for question in &asks {
            let told = told(question, ask(&mut intake, &mut chunks, question));
            match (question, told) {
                (Ask::Some(n), Told::Bytes(some)) => {
                    prop_assert!(some.len() <= *n && (!some.is_empty() || *n == 0 || model.rest.is_empty()));
                    prop_assert_eq!(&some, &model.take(some.len()));
                }
                (Ask::Line, Told::Dropped(dropped)) => {
                    prop_assert!(!model.take(dropped).contains(&b'\n'));
                    // The newline goes with its line where it had come.
                    let left = chunks.as_slice().concat().len() + intake.rest().len();
                    prop_assert!(model.rest.len() == left || model.take(1) == b"\n");
                }
                (_, told) => prop_assert_eq!(told, model.answer(question)),
            }
            let left = chunks.as_slice().concat();
            prop_assert_eq!([intake.rest(), &left].concat(), model.rest.clone(), "no byte is lost");
        }
    }
}
