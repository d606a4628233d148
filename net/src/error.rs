//! Errors that say which address they are about.

use std::fmt;
use std::io;
use std::time::Duration;

/// `what` failed at `place`. The kind stays; the text is "connect to 127.0.0.1:80: Connection refused (os error 111)".
pub(crate) fn at(what: &str, place: impl fmt::Display, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what} {place}: {error}"))
}

/// A datagram could not be sent `to` there; `None` is a socket without a peer. `WouldBlock` stays as it is: who tries
/// has the address, and no use for a text.
pub(crate) fn sending<T: fmt::Display>(to: impl FnOnce() -> Option<T>, error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock {
        return error;
    }
    match to() {
        Some(to) => at("send to", to, &error),
        None => at("send to", "no one, for the socket is not connected", &error),
    }
}

/// A datagram could not be received from the peer, or at the local address where there is none. `WouldBlock` as above.
pub(crate) fn receiving<T: fmt::Display>(
    peer: impl FnOnce() -> Option<T>,
    local: impl FnOnce() -> Option<T>,
    error: io::Error,
) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock {
        return error;
    }
    if let Some(peer) = peer() {
        return at("receive from", peer, &error);
    }
    match local() {
        Some(local) => at("receive at", local, &error),
        None => at("receive at", "a socket without address", &error),
    }
}

/// `what` at `place` was given up after `limit`.
pub(crate) fn no_answer(what: &str, place: impl fmt::Display, limit: Duration) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("{what} {place}: no answer within {limit:?}"))
}

/// What remains when no address worked: the last failure, or the texts of all.
#[derive(Debug)]
pub(crate) struct Failures(Vec<io::Error>);

impl Failures {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn push(&mut self, error: io::Error) {
        self.0.push(error);
    }

    /// The error to return; `what` is said when there was not a single address to try.
    pub(crate) fn into_error(mut self, what: &str) -> io::Error {
        match (self.0.pop(), self.0.is_empty()) {
            (None, _) => io::Error::new(io::ErrorKind::InvalidInput, format!("{what}: no address was given")),
            (Some(only), true) => only,
            (Some(last), false) => {
                let kind = last.kind();
                self.0.push(last);
                let texts: Vec<_> = self.0.iter().map(ToString::to_string).collect();
                io::Error::new(kind, texts.join("; "))
            }
        }
    }
}
