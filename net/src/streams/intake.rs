//! What a reader has received and not yet handed out: all rules of reading, without the waiting.

use super::error::{incomplete, overrun};
use super::search::{Search, earliest, longest};
use std::io;
use std::ops::Range;

/// Bytes in the order they came, and how they end. Each question is answered with `None` while more has to come.
#[derive(Debug)]
pub(super) struct Intake {
    /// Those before `start` are handed out. It owns no memory while there are no others.
    bytes: Vec<u8>,
    start: usize,
    limit: usize,
    end: Option<End>,
    /// None while there is nothing that was looked at in vain.
    search: Option<Box<Search>>,
}

/// Nothing will come any more.
#[derive(Debug)]
enum End {
    Clean,
    /// The system tells an error once; we tell it as often as we are asked.
    Failed(io::Error),
}

/// What a look for separators found.
enum Found {
    At(Range<usize>),
    Overrun { consumed: usize },
    NotYet,
}

pub(super) type Answer = Option<io::Result<Vec<u8>>>;

impl Intake {
    pub(super) fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), start: 0, limit, end: None, search: None }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// What is there.
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.start == self.bytes.len()
    }

    /// Some more has come.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        if self.start > self.bytes.len() / 2 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Nothing more will come.
    pub(super) fn feed_end(&mut self, end: io::Result<()>) {
        self.end = Some(end.map_or_else(End::Failed, |()| End::Clean));
    }

    /// Everything that is there and was not asked for yet.
    #[cfg(feature = "tls")]
    pub(super) fn take_rest(&mut self) -> Vec<u8> {
        self.take(self.rest().len())
    }

    /// Whether nothing more will come, be it the end or a failure.
    pub(super) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Whether everything has come and was handed out.
    pub(super) fn at_eof(&self) -> bool {
        self.is_empty() && matches!(self.end, Some(End::Clean))
    }

    /// `n` bytes at most, and one at least unless it is the end.
    pub(super) fn some(&mut self, n: usize) -> Answer {
        if n == 0 || !self.is_empty() {
            return Some(Ok(self.take(n.min(self.rest().len()))));
        }
        self.ended().map(|ended| ended.map(|()| Vec::new()))
    }

    /// All bytes up to the end.
    pub(super) fn all(&mut self) -> Answer {
        self.ended().map(|ended| ended.map(|()| self.take(self.rest().len())))
    }

    pub(super) fn exactly(&mut self, n: usize) -> Answer {
        if self.rest().len() >= n {
            return Some(Ok(self.take(n)));
        }
        self.cut_short(Some(n))
    }

    /// Everything up to and with the separator that ends first.
    pub(super) fn until(&mut self, separators: &[&[u8]]) -> Answer {
        if separators.iter().any(|separator| separator.is_empty()) || separators.is_empty() {
            let what = "readuntil needs at least one separator, and each needs at least one byte";
            return Some(Err(io::Error::new(io::ErrorKind::InvalidInput, what)));
        }
        match self.find(separators) {
            Found::At(separator) => Some(Ok(self.take(separator.end))),
            Found::Overrun { consumed } => Some(Err(overrun(consumed, self.limit))),
            Found::NotYet => self.cut_short(None),
        }
    }

    /// Everything up to and with the newline, or up to the end. What is over the limit is dropped.
    pub(super) fn line(&mut self) -> Answer {
        match self.find(&[b"\n"]) {
            Found::At(newline) => Some(Ok(self.take(newline.end))),
            Found::Overrun { consumed } => {
                // With the newline, where that is known; else there is none in all that came.
                self.consume((consumed + 1).min(self.rest().len()));
                Some(Err(overrun(consumed, self.limit)))
            }
            Found::NotYet => self.all(),
        }
    }

    fn find(&mut self, separators: &[&[u8]]) -> Found {
        let from = self.search.as_ref().map_or(0, |search| search.from(separators));
        if let Some(found) = earliest(self.rest(), separators, from) {
            let consumed = found.start;
            return if consumed > self.limit { Found::Overrun { consumed } } else { Found::At(found) };
        }
        let len = self.rest().len();
        if len > 0 {
            self.search.get_or_insert_default().remember(separators, len);
        }
        // The bytes after it may be the first of a separator.
        let consumed = (len + 1).saturating_sub(longest(separators));
        if consumed > self.limit { Found::Overrun { consumed } } else { Found::NotYet }
    }

    /// The end, where it came before what was asked for. A failure leaves the bytes where they are.
    fn cut_short(&mut self, expected: Option<usize>) -> Answer {
        self.ended().map(|ended| {
            Err(ended.err().unwrap_or_else(|| incomplete(self.take(self.rest().len()), expected)))
        })
    }

    /// How it ended, if it has.
    pub(super) fn ended(&self) -> Option<io::Result<()>> {
        self.end.as_ref().map(|end| match end {
            End::Clean => Ok(()),
            End::Failed(error) => Err(io::Error::new(error.kind(), error.to_string())),
        })
    }

    fn take(&mut self, n: usize) -> Vec<u8> {
        if self.start == 0 && n == self.bytes.len() {
            self.search = None;
            return std::mem::take(&mut self.bytes);
        }
        let taken = self.rest()[..n].to_vec();
        self.consume(n);
        taken
    }

    /// Drops so many bytes, and the memory with the last one.
    pub(super) fn consume(&mut self, n: usize) {
        self.start += n;
        if self.is_empty() {
            (self.bytes, self.start, self.search) = (Vec::new(), 0, None);
        } else if let Some(search) = &mut self.search {
            search.consumed(n);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drained_owns_no_memory() {
        let mut intake = Intake::new(64);
        for round in 0..4 {
            intake.feed(b"one\ntwo\nthr");
            assert_eq!(intake.line().expect("a line").expect("no error"), b"one\n");
            assert_eq!(intake.line().expect("a line").expect("no error"), b"two\n");
            assert!(intake.line().is_none());
            match round % 2 {
                0 => assert_eq!(intake.exactly(3).expect("they are there").expect("no error"), b"thr"),
                _ => intake.consume(3),
            }
            assert_eq!((intake.bytes.capacity(), intake.start), (0, 0));
        }
    }

    #[test]
    fn a_search_goes_on_where_the_last_one_ended() {
        let begin = |intake: &Intake, separator: &[u8]| {
            intake.search.as_ref().map(|search| search.from(&[separator]))
        };
        let mut intake = Intake::new(1 << 20);
        for fed in 1..1_000 {
            intake.feed(b".");
            assert!(intake.line().is_none());
            assert_eq!(begin(&intake, b"\n"), Some(fed));
        }
        assert!(intake.until(&[b"\r\n", b"."]).is_some(), "another search looks at all");
        assert!(intake.until(&[b"\r\n\r\n"]).is_none());
        assert_eq!(begin(&intake, b"\r\n\r\n"), Some(998 + 1 - 4));
        intake.consume(900);
        assert_eq!(begin(&intake, b"\r\n\r\n"), Some(98 + 1 - 4));
    }

    #[test]
    fn a_failure_is_told_as_often_as_asked_and_leaves_what_came() {
        let mut intake = Intake::new(64);
        intake.feed(b"abc");
        intake.feed_end(Err(io::Error::new(io::ErrorKind::ConnectionReset, "gone")));
        for _ in 0..2 {
            for answer in [intake.exactly(4), intake.until(&[b"x"]), intake.line(), intake.all()] {
                let error = answer.expect("it has ended").expect_err("it failed");
                assert_eq!(
                    (error.kind(), error.to_string().as_str()),
                    (io::ErrorKind::ConnectionReset, "gone")
                );
            }
        }
        assert_eq!(intake.some(9).expect("they are there").expect("no error"), b"abc");
        assert!(intake.some(9).expect("it has ended").is_err() && !intake.at_eof());
    }

    #[test]
    fn a_long_buffer_is_not_moved_for_each_line() {
        let mut intake = Intake::new(64);
        for _ in 0..10_000 {
            intake.feed(b"a line\nand half a");
            intake.line().expect("a line").expect("no error");
            intake.feed(b" line\n");
            intake.line().expect("a line").expect("no error");
        }
        assert!(intake.is_empty());
    }
}
