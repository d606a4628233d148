//! The operating system of a model: the contract of `sys.rs` kept by a lock and a condvar that loom can see.
//!
//! A model has no clock: a deadline that lies [`FAR`] ahead never comes, any other is there at once. Events come from
//! the model itself, which calls `Source::dispatch`; here only the wake is left.

use super::interest::{Interest, Ready};
use super::source::Wakes;
use crate::prim::FAR;
use crate::prim::lock::{Condvar, Mutex};
use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Duration;

/// What the system says about one source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    pub(crate) token: usize,
    pub(crate) ready: Ready,
}

/// What a wake leaves behind: it is kept until the next wait.
#[derive(Debug, Default)]
struct Signal {
    woken: Mutex<bool>,
    wakes: Condvar,
}

/// The half that waits.
#[derive(Debug)]
pub(crate) struct Poller(Arc<Signal>);

/// The half that anyone may use.
#[derive(Debug)]
pub(crate) struct Registry(Arc<Signal>);

pub(crate) fn open() -> io::Result<(Poller, Registry)> {
    let signal = Arc::new(Signal::default());
    Ok((Poller(signal.clone()), Registry(signal)))
}

impl Poller {
    pub(crate) fn poll_until(&mut self, deadline_ns: Option<u64>, now_ns: u64) -> io::Result<()> {
        let ends =
            deadline_ns.is_some_and(|deadline| Duration::from_nanos(deadline.saturating_sub(now_ns)) < FAR);
        let mut woken = self.0.woken.lock();
        while !*woken && !ends {
            woken = self.0.wakes.wait(woken);
        }
        *woken = false;
        Ok(())
    }

    pub(crate) fn event(&self) -> Option<Event> {
        None
    }

    pub(super) fn take_wakes(&mut self) -> Option<Wakes> {
        None
    }

    pub(super) fn put_wakes(&mut self, _wakes: Wakes) {}

    pub(super) fn advance(&mut self) {}
}

impl Registry {
    pub(crate) fn register(&self, _fd: RawFd, _token: usize, _interest: Interest) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn deregister(&self, _fd: RawFd) {}

    pub(crate) fn wake(&self) -> io::Result<()> {
        *self.0.woken.lock() = true;
        self.0.wakes.notify_one();
        Ok(())
    }
}
