//! Ctrl-C, and the signals that a scenario sends to this process itself.

use raddle::process::signal::{Signal, SignalKind, signal};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// Interrupts that a scenario sent, and that are none of the user's.
static OWN_INTERRUPTS: AtomicUsize = AtomicUsize::new(0);

/// Sends a signal to this process.
pub(crate) fn raise(kind: SignalKind) {
    if kind == SignalKind::interrupt() {
        OWN_INTERRUPTS.fetch_add(1, SeqCst);
    }
    // SAFETY: kill has no memory of ours to touch.
    let rc = unsafe { libc::kill(std::process::id() as libc::pid_t, kind.as_raw_value()) };
    assert_eq!(rc, 0, "a process may signal itself");
}

/// What the user sends.
#[derive(Debug)]
pub(crate) struct Interrupts(Signal);

impl Interrupts {
    /// Listens from now on.
    pub(crate) fn listen() -> io::Result<Self> {
        signal(SignalKind::interrupt()).map(Self)
    }

    /// Waits until the user wants the tour to end.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(crate) async fn by_user(&mut self) {
        let take = |count: usize| count.checked_sub(1);
        while self.0.recv().await.is_some() {
            if OWN_INTERRUPTS.fetch_update(SeqCst, SeqCst, take).is_err() {
                return;
            }
        }
    }
}
