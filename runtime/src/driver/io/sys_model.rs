//! The operating system of a model: the contract of `sys.rs` kept by a lock and a condvar that loom can see.
//!
//! A model has no clock: a deadline that lies [`FAR`] ahead never comes, any other is there at once. Events come from
//! the model itself, which calls [`Registry::happen`], or `Source::dispatch` where no driver is about.

use super::Sweep;
use super::fetched::Fetched;
use super::interest::{Interest, Ready};
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

/// What has happened since the last wait.
#[derive(Debug, Default)]
struct News {
    woken: bool,
    events: Vec<Event>,
}

/// News are kept until the next wait.
#[derive(Debug, Default)]
struct Signal {
    news: Mutex<News>,
    wakes: Condvar,
}

/// The half that waits.
#[derive(Debug)]
pub(crate) struct Poller {
    signal: Arc<Signal>,
    pub(super) room: Box<Room>,
    pub(super) sweep: Sweep,
}

/// Where events lie during a turn.
#[derive(Debug, Default)]
pub(crate) struct Room {
    pub(super) fetched: Fetched,
    pub(super) staged: Vec<(usize, Event)>,
}

/// The half that anyone may use.
#[derive(Debug)]
pub(crate) struct Registry(Arc<Signal>);

pub(crate) fn open() -> io::Result<(Poller, Registry)> {
    let signal = Arc::new(Signal::default());
    Ok((Poller { signal: signal.clone(), room: Box::default(), sweep: Sweep::default() }, Registry(signal)))
}

impl Poller {
    pub(crate) fn poll_until(&mut self, deadline_ns: Option<u64>, now_ns: u64) -> io::Result<()> {
        let ends =
            deadline_ns.is_some_and(|deadline| Duration::from_nanos(deadline.saturating_sub(now_ns)) < FAR);
        if self.room.fetched.first().is_some() {
            return Ok(());
        }
        let mut news = self.signal.news.lock();
        while !news.woken && news.events.is_empty() && !ends {
            news = self.signal.wakes.wait(news);
        }
        news.woken = false;
        news.events.drain(..).for_each(|event| self.room.fetched.push(event));
        Ok(())
    }

    /// A model has no caches.
    pub(super) fn change_rooms(&mut self) {}
}

impl Registry {
    pub(crate) fn register(&self, _fd: RawFd, _token: usize, _interest: Interest) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn deregister(&self, _fd: RawFd) {}

    pub(crate) fn wake(&self) -> io::Result<()> {
        self.0.news.lock().woken = true;
        self.0.wakes.notify_one();
        Ok(())
    }

    /// The source that was registered as `token` is ready.
    pub(crate) fn happen(&self, token: usize, ready: Ready) {
        self.0.news.lock().events.push(Event { token, ready });
        self.0.wakes.notify_one();
    }
}
