//! What a member has still to be sent: bytes behind a lock, with a limit.
//!
//! A line is copied into the outbox of every member. That is cheaper than sharing it (some fifty bytes cost less than a
//! reference count that all cores write to), and one plain write sends many lines.

use raddle::sync::{Event, Notify};
use std::sync::{Mutex, MutexGuard};

/// A buffer that has grown beyond this is given back once it is empty.
const KEEP: usize = 16 * 1024;

/// Bytes on their way to one member.
#[derive(Debug)]
pub(crate) struct Outbox {
    limit: usize,
    state: Mutex<State>,
    /// Tells a writer that found nothing that there is something now.
    more: Notify,
    cut: Event,
}

#[derive(Debug, Default)]
struct State {
    queued: Vec<u8>,
    /// How many bytes the writer has taken and not yet written.
    taken: usize,
    phase: Phase,
    /// The writer waits for `more`.
    is_idle: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Open,
    /// Nothing more comes; what is there is still sent.
    Finished,
    /// The limit was passed: nothing more is sent.
    Cut,
}

impl Outbox {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, state: Mutex::default(), more: Notify::new(), cut: Event::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while the outbox is locked")
    }

    /// Adds whole lines. False when that was too much: the outbox is then cut.
    #[must_use]
    pub(crate) fn push(&self, lines: &[u8]) -> bool {
        let mut state = self.lock();
        if state.phase != Phase::Open {
            return true;
        }
        let fits = state.queued.len() + state.taken + lines.len() <= self.limit;
        if fits {
            state.queued.extend_from_slice(lines);
        } else {
            state.queued = Vec::new();
            state.phase = Phase::Cut;
        }
        let wake = std::mem::take(&mut state.is_idle);
        drop(state);
        if wake {
            self.more.notify_one();
        }
        if !fits {
            self.cut.set();
        }
        fits
    }

    /// Takes nothing more; what is there is still sent.
    pub(crate) fn finish(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::Finished;
        }
        drop(state);
        self.more.notify_one();
    }

    /// Waits until the limit has been passed.
    pub(crate) async fn cut(&self) {
        self.cut.wait().await;
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.lock().phase == Phase::Cut
    }

    /// For the writer: exchanges `written`, which has been sent whole, for what is to be sent next. Waits for it; false
    /// when nothing will come.
    pub(crate) async fn swap(&self, written: &mut Vec<u8>) -> bool {
        written.clear();
        written.shrink_to(KEEP);
        loop {
            if let Some(has_more) = self.try_swap(written) {
                return has_more;
            }
            self.more.notified().await;
            // Those who are about to speak get a turn: their lines go out in the same write.
            raddle::yield_now().await;
        }
    }

    fn try_swap(&self, empty: &mut Vec<u8>) -> Option<bool> {
        let mut state = self.lock();
        state.taken = state.queued.len();
        if state.taken > 0 {
            std::mem::swap(&mut state.queued, empty);
            return Some(true);
        }
        state.is_idle = state.phase == Phase::Open;
        (!state.is_idle).then_some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::future::{block_on, poll_once};

    fn swap(outbox: &Outbox, buf: &mut Vec<u8>) -> bool {
        block_on(outbox.swap(buf))
    }

    #[test]
    fn what_is_pushed_comes_out_in_order_and_together() {
        let outbox = Outbox::new(100);
        let mut buf = Vec::new();
        assert!(outbox.push(b"one\n") && outbox.push(b"two\n"));
        assert!(swap(&outbox, &mut buf));
        assert_eq!(buf, b"one\ntwo\n");
        assert!(block_on(poll_once(outbox.swap(&mut buf))).is_none());
    }

    #[test]
    fn the_limit_counts_what_is_being_written_too() {
        let outbox = Outbox::new(8);
        let mut buf = Vec::new();
        assert!(outbox.push(b"12345678"));
        assert!(swap(&outbox, &mut buf));
        assert!(!outbox.push(b"9"), "eight bytes are on their way");
        assert!(outbox.is_cut());
        assert!(outbox.push(b"9"), "it is cut once");
        assert!(!swap(&outbox, &mut buf));
        block_on(outbox.cut());

        let outbox = Outbox::new(8);
        assert!(outbox.push(b"12345678"));
        assert!(swap(&outbox, &mut buf));
        assert!(block_on(poll_once(outbox.swap(&mut buf))).is_none(), "the eight bytes are written");
        assert!(outbox.push(b"12345678"));
    }

    #[test]
    fn a_finished_outbox_gives_what_it_has_and_takes_nothing() {
        let outbox = Outbox::new(100);
        let mut buf = Vec::new();
        assert!(outbox.push(b"last words\n"));
        outbox.finish();
        assert!(outbox.push(b"ignored\n"));
        assert!(swap(&outbox, &mut buf));
        assert_eq!(buf, b"last words\n");
        assert!(!swap(&outbox, &mut buf));
        assert!(!outbox.is_cut());
    }
}
