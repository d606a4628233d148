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

/// No worker of a model has a poll instance of its own, unless the model asks for it.
pub(crate) const HAS_OWN: bool = false;

/// The poll instance for all, among a system's.
const SHARED: usize = 0;

/// A descriptor in a poll instance.
#[derive(Debug)]
struct Watched {
    poll: usize,
    fd: RawFd,
    token: usize,
}

/// What the poll instances share.
#[derive(Debug)]
struct System {
    woken: bool,
    /// What has happened since the last look at each.
    polls: Vec<Vec<Event>>,
    watched: Vec<Watched>,
    /// What holds for descriptors, and is said of them when they are added.
    ready: Vec<(RawFd, Ready)>,
}

#[derive(Debug)]
struct Signal {
    system: Mutex<System>,
    wakes: Condvar,
}

/// The half that waits.
#[derive(Debug)]
pub(crate) struct Poller {
    signal: Arc<Signal>,
    poll: usize,
    pub(super) room: Box<Room>,
    pub(super) sweep: Sweep,
    ended_by: Vec<usize>,
}

/// Where events lie during a turn.
#[derive(Debug, Default)]
pub(crate) struct Room {
    pub(super) fetched: Fetched,
    pub(super) staged: Vec<(usize, Event)>,
}

/// The half that anyone may use.
#[derive(Debug)]
pub(crate) struct Registry {
    signal: Arc<Signal>,
    poll: usize,
}

fn halves(signal: Arc<Signal>, poll: usize) -> (Poller, Registry) {
    let registry = Registry { signal: signal.clone(), poll };
    let (room, sweep) = (Box::default(), Sweep::default());
    (Poller { signal, poll, room, sweep, ended_by: Vec::new() }, registry)
}

pub(crate) fn open() -> io::Result<(Poller, Registry)> {
    let system = System { woken: false, polls: vec![Vec::new()], watched: Vec::new(), ready: Vec::new() };
    let signal = Signal { system: Mutex::new(system), wakes: Condvar::new() };
    Ok(halves(Arc::new(signal), SHARED))
}

pub(crate) fn watched_twice(fd: RawFd) -> io::Error {
    io::Error::other(format!("{fd} is watched already"))
}

impl Poller {
    pub(crate) fn poll_until(&mut self, deadline_ns: Option<u64>, now_ns: u64) -> io::Result<()> {
        self.sleep_until(deadline_ns, now_ns, std::iter::empty())
    }

    pub(crate) fn sleep_until<'a>(
        &mut self,
        deadline_ns: Option<u64>,
        now_ns: u64,
        own: impl Iterator<Item = (usize, &'a Registry)>,
    ) -> io::Result<()> {
        if !self.is_empty() {
            return Ok(());
        }
        let ends =
            deadline_ns.is_some_and(|deadline| Duration::from_nanos(deadline.saturating_sub(now_ns)) < FAR);
        let own: Vec<_> = own.map(|(worker, registry)| (worker, registry.poll)).collect();
        let mut system = self.signal.system.lock();
        let ended_by = loop {
            let ended = own.iter().filter(|&&(_, poll)| !system.polls[poll].is_empty());
            let ended: Vec<_> = ended.map(|&(worker, _)| worker).collect();
            if system.woken || ends || !ended.is_empty() || !system.polls[self.poll].is_empty() {
                break ended;
            }
            system = self.signal.wakes.wait(system);
        };
        self.ended_by.extend(ended_by);
        system.woken &= self.poll != SHARED;
        system.polls[self.poll].drain(..).for_each(|event| self.room.fetched.push(event));
        Ok(())
    }

    pub(crate) fn ended_by(&mut self) -> impl Iterator<Item = usize> {
        self.ended_by.drain(..)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.room.fetched.first().is_none()
    }

    /// A model has no caches.
    pub(super) fn change_rooms(&mut self) {}
}

impl Registry {
    /// Another pair beside this one, for one worker.
    pub(crate) fn open_own(&self) -> io::Result<(Poller, Registry)> {
        let mut system = self.signal.system.lock();
        system.polls.push(Vec::new());
        let poll = system.polls.len() - 1;
        drop(system);
        Ok(halves(self.signal.clone(), poll))
    }

    pub(crate) fn register(&self, fd: RawFd, token: usize, _interest: Interest) -> io::Result<()> {
        let mut system = self.signal.system.lock();
        system.watched.push(Watched { poll: self.poll, fd, token });
        let holds = system.ready.iter().filter(|(ready, _)| *ready == fd).map(|&(_, ready)| ready);
        let events: Vec<_> = holds.map(|ready| Event { token, ready }).collect();
        system.polls[self.poll].extend(events);
        drop(system);
        self.signal.wakes.notify_one();
        Ok(())
    }

    pub(crate) fn deregister(&self, fd: RawFd) {
        let mut system = self.signal.system.lock();
        let is_it = |watched: &Watched| watched.poll == self.poll && watched.fd == fd;
        let tokens: Vec<_> = system.watched.iter().filter(|it| is_it(it)).map(|it| it.token).collect();
        system.watched.retain(|watched| !is_it(watched));
        system.polls[self.poll].retain(|event| !tokens.contains(&event.token));
    }

    pub(crate) fn wake(&self) -> io::Result<()> {
        self.signal.system.lock().woken = true;
        self.signal.wakes.notify_one();
        Ok(())
    }

    /// The descriptor is ready, and stays so.
    pub(crate) fn happen(&self, fd: RawFd, ready: Ready) {
        let mut system = self.signal.system.lock();
        system.ready.push((fd, ready));
        let System { watched, polls, .. } = &mut *system;
        for watched in watched.iter().filter(|watched| watched.fd == fd) {
            polls[watched.poll].push(Event { token: watched.token, ready });
        }
        drop(system);
        self.signal.wakes.notify_one();
    }

    pub(super) fn is_forked(&self) -> bool {
        false
    }

    /// In how many poll instances a descriptor is.
    pub(crate) fn watching(&self, fd: RawFd) -> usize {
        self.signal.system.lock().watched.iter().filter(|watched| watched.fd == fd).count()
    }
}
