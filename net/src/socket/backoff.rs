//! What a listener does about an error of `accept`.
//!
//! With no descriptors left, the connection stays in the queue and the listener stays ready: to try again at once is to
//! spin, and to wait for readiness is to wait for ever. So it waits a little, then a little longer. Connections are
//! not lost by that: the system keeps them until its own queue is full.

use std::io;
use std::time::Duration;

const MIN: Duration = Duration::from_millis(5);
const MAX: Duration = Duration::from_secs(1);

/// What an error of `accept` is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The process or the system is out of descriptors or memory: try again later.
    Exhausted,
    /// A connection that was lost before it was accepted: the next one may be well.
    ThisConnection,
    /// The listener itself.
    Listener,
}

/// Sorts an error of `accept`. Linux passes on errors that the new connection has already met, see accept(2).
pub(crate) fn classify(error: &io::Error) -> Failure {
    let Some(code) = error.raw_os_error() else { return Failure::Listener };
    match code {
        libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM => Failure::Exhausted,
        libc::ECONNABORTED | libc::ECONNRESET | libc::EPROTO | libc::ENOPROTOOPT => Failure::ThisConnection,
        libc::ENETDOWN | libc::ENETUNREACH | libc::EHOSTDOWN | libc::EHOSTUNREACH => Failure::ThisConnection,
        libc::ETIMEDOUT => Failure::ThisConnection,
        #[cfg(any(target_os = "linux", target_os = "android"))]
        libc::ENONET => Failure::ThisConnection,
        _ => Failure::Listener,
    }
}

/// How long to wait next.
#[derive(Debug)]
pub(crate) struct Backoff(Duration);

impl Backoff {
    pub(crate) const fn new() -> Self {
        Self(MIN)
    }

    /// This long now, twice as long the next time, one second at most.
    pub(crate) fn next(&mut self) -> Duration {
        let now = self.0;
        self.0 = (now * 2).min(MAX);
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f36_waits_grow_to_a_second_and_no_further() {
        let mut backoff = Backoff::new();
        let waits_ms: Vec<_> = (0..10).map(|_| backoff.next().as_millis()).collect();
        assert_eq!(waits_ms, [5, 10, 20, 40, 80, 160, 320, 640, 1_000, 1_000]);
    }

    #[test]
    fn f36_only_a_lack_of_means_is_waited_out() {
        let of = |code| classify(&io::Error::from_raw_os_error(code));
        assert_eq!(of(libc::EMFILE), Failure::Exhausted);
        assert_eq!(of(libc::ENOBUFS), Failure::Exhausted);
        assert_eq!(of(libc::ECONNABORTED), Failure::ThisConnection);
        assert_eq!(of(libc::EINVAL), Failure::Listener);
    }
}
