//! The two errors of a [`StreamReader`](super::StreamReader) that are not the system's. Both travel inside an
//! [`io::Error`], from which `get_ref` and `downcast_ref` give them back.

use std::error::Error;
use std::fmt;
use std::io;

/// The connection ended before all that was asked for had come. The kind of the [`io::Error`] around it is
/// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof).
///
/// ```
/// use raddle_net::streams::IncompleteReadError;
///
/// fn what_came(error: &std::io::Error) -> &[u8] {
///     let incomplete = error.get_ref().and_then(|inner| inner.downcast_ref::<IncompleteReadError>());
///     incomplete.map_or(b"", |incomplete| &incomplete.partial)
/// }
/// # assert_eq!(what_came(&std::io::Error::other("x")), b"");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IncompleteReadError {
    /// What came before the end. The reader does not have it any more.
    pub partial: Vec<u8>,
    /// How many bytes were asked for; `None` where a separator was.
    pub expected: Option<usize>,
}

impl fmt::Display for IncompleteReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let came = self.partial.len();
        match self.expected {
            Some(expected) => write!(f, "the connection ended after {came} of {expected} expected bytes"),
            None => write!(f, "the connection ended after {came} bytes, before a separator"),
        }
    }
}

impl Error for IncompleteReadError {}

/// More bytes came without a separator than the reader's limit allows. The kind of the [`io::Error`] around it is
/// [`InvalidData`](io::ErrorKind::InvalidData).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitOverrunError {
    /// How many bytes at the front hold no separator. `readuntil` leaves them in the reader, and
    /// `readexactly(consumed)` gets rid of them; `readline` has dropped them.
    pub consumed: usize,
    /// The limit, in bytes.
    pub limit: usize,
}

impl fmt::Display for LimitOverrunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { consumed, limit } = self;
        write!(f, "{consumed} bytes came without a separator, and the reader's limit is {limit}")
    }
}

impl Error for LimitOverrunError {}

pub(super) fn incomplete(partial: Vec<u8>, expected: Option<usize>) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, IncompleteReadError { partial, expected })
}

pub(super) fn overrun(consumed: usize, limit: usize) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, LimitOverrunError { consumed, limit })
}
