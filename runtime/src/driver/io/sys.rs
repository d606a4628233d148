//! The operating system behind a contract, in two halves that different threads may hold.
//!
//! - [`Poller`], one thread at a time: waits for events, and keeps those it fetched until each has been handed on.
//! - [`Registry`], any thread: adds and removes file descriptors, and wakes the poller.
//!
//! There is one pair for all, and one for each worker besides (see `own.rs`), which can be looked at and not slept in:
//! whoever sleeps in the one for all comes back for the others too.
//!
//! The contract:
//! - Edges: a source is registered once for all it is asked about; an event comes for each change, and says all that
//!   holds at that moment.
//! - `poll_until` comes back when there is an event, when it was woken, when the deadline has passed, or for no reason;
//!   never before it has something to say, or the deadline is there, for good. A signal is no error.
//! - A source may be added to a second poll instance before it is removed from the first: adding it says what holds at
//!   that moment, so nothing is lost between the two, and what is said twice does no harm.
//! - Deadlines are exact: the poll call only counts milliseconds, so on Linux a timer descriptor among the sources ends
//!   it, and elsewhere the call itself takes nanoseconds (kqueue) or rounds up.
//! - A forked child shares the parent's poll instance: it neither adds nor removes nor wakes anything there.

use super::Sweep;
use super::fetched::Fetched;
use super::interest::{Interest, Ready};
use mio::Token;
use mio::unix::SourceFd;
use std::cell::Cell;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

/// Whether workers have poll instances of their own. `poll` knows such descriptors elsewhere too, but nobody has
/// measured it there.
pub(crate) const HAS_OWN: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// How many events one call fetches; more wait for the next call.
const EVENTS: usize = 512;
/// How long a sleep lasts that cannot be ended by all whom it concerns.
const BY_TURNS_NS: u64 = 2_000_000;
/// [`Registry::wake`].
const WAKE: Token = Token(usize::MAX);
/// The timer descriptor.
#[cfg(any(target_os = "linux", target_os = "android"))]
const TIMER: Token = Token(usize::MAX - 1);

/// What the system says about one source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    /// The source, as registered.
    pub(crate) token: usize,
    /// All that holds for it.
    pub(crate) ready: Ready,
}

/// The half that waits.
#[derive(Debug)]
pub(crate) struct Poller {
    poll: mio::Poll,
    pub(super) room: Box<Room>,
    pub(super) sweep: Sweep,
    /// Absent from one that is not slept in.
    timer: Option<Timer>,
    sleep: Sleep,
}

/// What a sleep that is to end for several poll instances needs.
#[derive(Debug, Default)]
struct Sleep {
    asked: Vec<libc::pollfd>,
    /// The workers whose poll instances are asked about, in the same order, after ours.
    workers: Vec<usize>,
    /// Those that ended it.
    ended_by: Vec<usize>,
}

/// Where events lie during a turn. Each thread has its own, which it puts in the place of the poller's while it turns:
/// otherwise this memory would go from core to core at every turn.
#[derive(Debug)]
pub(crate) struct Room {
    buffer: mio::Events,
    /// What the last call fetched, without the driver's own tokens.
    pub(super) fetched: Fetched,
    /// Events to be left to workers, with whom; empty between two turns.
    pub(super) staged: Vec<(usize, Event)>,
}

impl Room {
    fn new() -> Box<Self> {
        let buffer = mio::Events::with_capacity(EVENTS);
        Box::new(Self { buffer, fetched: Fetched::with_capacity(EVENTS), staged: Vec::new() })
    }
}

thread_local! {
    /// Absent before the first turn.
    static OWN: Cell<Option<Box<Room>>> = const { Cell::new(None) };
}

/// The half that anyone may use.
#[derive(Debug)]
pub(crate) struct Registry {
    registry: mio::Registry,
    /// Absent from one that nobody sleeps in.
    waker: Option<mio::Waker>,
    /// The process it was made in, see `fork.rs`.
    generation: u32,
}

/// Makes both halves, for all.
///
/// # Errors
/// When the system has no more descriptors to give.
pub(crate) fn open() -> io::Result<(Poller, Registry)> {
    let (mut poller, mut registry) = halves()?;
    registry.waker = Some(mio::Waker::new(&registry.registry, WAKE)?);
    poller.timer = Some(Timer::new(&registry.registry)?);
    Ok((poller, registry))
}

fn halves() -> io::Result<(Poller, Registry)> {
    let poll = mio::Poll::new()?;
    let registry = poll.registry().try_clone()?;
    let poller =
        Poller { poll, room: Room::new(), sweep: Sweep::default(), timer: None, sleep: Sleep::default() };
    Ok((poller, Registry { registry, waker: None, generation: crate::fork::generation() }))
}

impl Poller {
    /// Waits for events until `deadline_ns`, or for ever; a deadline that is not after `now_ns` only looks. Both are
    /// nanoseconds of one monotonic clock. Returns at once while fetched events have not been handed on.
    ///
    /// It may come back early: the caller looks at its clock and its timers, and comes again.
    ///
    /// # Errors
    /// Those of the poll call that are the driver's own fault, such as a closed descriptor.
    pub(crate) fn poll_until(&mut self, deadline_ns: Option<u64>, now_ns: u64) -> io::Result<()> {
        if !self.is_empty() {
            return Ok(());
        }
        self.change_rooms();
        let timeout = self.timeout(deadline_ns, now_ns)?;
        self.poll(timeout)
    }

    /// As [`poll_until`](Self::poll_until), but comes back also when there is an event in the poll instance of one of
    /// these workers; [`ended_by`](Self::ended_by) then names them.
    ///
    /// # Errors
    /// As for [`poll_until`](Self::poll_until).
    pub(crate) fn sleep_until<'a>(
        &mut self,
        deadline_ns: Option<u64>,
        now_ns: u64,
        own: impl Iterator<Item = (usize, &'a Registry)>,
    ) -> io::Result<()> {
        let asks = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        self.sleep.asked.clear();
        self.sleep.workers.clear();
        self.sleep.asked.push(asks(self.poll.as_raw_fd()));
        for (worker, registry) in own {
            self.sleep.workers.push(worker);
            self.sleep.asked.push(asks(registry.registry.as_raw_fd()));
        }
        if self.sleep.workers.is_empty() || !self.is_empty() {
            return self.poll_until(deadline_ns, now_ns);
        }
        let timeout = self.timeout(deadline_ns, now_ns)?;
        match self.sleep.run(timeout) {
            Ok(true) => self.poll_until(Some(now_ns), now_ns),
            Ok(false) => Ok(()),
            // Fewer descriptors are allowed by now than we ask about: look at the others from time to time.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
                self.sleep.ended_by.extend(&self.sleep.workers);
                let soon = now_ns.saturating_add(BY_TURNS_NS);
                self.poll_until(Some(deadline_ns.map_or(soon, |deadline_ns| deadline_ns.min(soon))), now_ns)
            }
            Err(error) => Err(error),
        }
    }

    /// Workers whose poll instances have ended a sleep since the last call.
    pub(crate) fn ended_by(&mut self) -> impl Iterator<Item = usize> {
        self.sleep.ended_by.drain(..)
    }

    /// True when no fetched event is left.
    pub(super) fn is_empty(&self) -> bool {
        self.room.fetched.first().is_none()
    }

    fn timeout(&mut self, deadline_ns: Option<u64>, now_ns: u64) -> io::Result<Option<Duration>> {
        match (deadline_ns, &mut self.timer) {
            (None, _) => Ok(None),
            (Some(deadline_ns), Some(timer)) if deadline_ns > now_ns => {
                timer.timeout(Duration::from_nanos(deadline_ns - now_ns))
            }
            _ => Ok(Some(Duration::ZERO)),
        }
    }

    /// Puts this thread's own room in the place of the poller's, or back; to be called when the poller's has no events,
    /// so that one room is as good as another. A thread that finishes what somebody else has fetched keeps his; one
    /// that ends, and has no place for its own any more (f08), uses what is there.
    pub(super) fn change_rooms(&mut self) {
        let _ = OWN.try_with(|own| {
            let mine = own.take().unwrap_or_else(Room::new);
            own.set(Some(mem::replace(&mut self.room, mine)));
        });
    }

    fn poll(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let Room { buffer, fetched, .. } = &mut *self.room;
        match self.poll.poll(buffer, timeout) {
            Ok(()) => {}
            // The buffer is empty then; the caller comes again if it still wants to wait.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        for event in &*buffer {
            match event.token() {
                WAKE => {}
                #[cfg(any(target_os = "linux", target_os = "android"))]
                TIMER => self.timer.iter_mut().for_each(Timer::expired),
                Token(token) => fetched.push(Event { token, ready: ready_of(event) }),
            }
        }
        Ok(())
    }
}

impl Sleep {
    /// Sleeps; true when there is an event in the poll instance for all.
    fn run(&mut self, timeout: Option<Duration>) -> io::Result<bool> {
        // Rounded up: the caller has nothing to do before.
        let millis = timeout.map_or(-1, |limit| {
            libc::c_int::try_from(limit.as_micros().div_ceil(1_000)).unwrap_or(libc::c_int::MAX)
        });
        let (fds, len) = (self.asked.as_mut_ptr(), self.asked.len() as libc::nfds_t);
        // SAFETY: the call writes to so many elements of a vector that is ours until it returns.
        if unsafe { libc::poll(fds, len, millis) } < 0 {
            let error = io::Error::last_os_error();
            return if error.kind() == io::ErrorKind::Interrupted { Ok(false) } else { Err(error) };
        }
        let (ours, own) = (&self.asked[0], &self.asked[1..]);
        let ended = self.workers.iter().zip(own).filter(|(_, asked)| asked.revents != 0);
        self.ended_by.extend(ended.map(|(&worker, _)| worker));
        Ok(ours.revents != 0)
    }
}

/// An error is told to both directions: whoever calls next fetches it.
fn ready_of(event: &mio::event::Event) -> Ready {
    let said = [
        (event.is_readable(), Ready::READABLE),
        (event.is_writable(), Ready::WRITABLE),
        (event.is_read_closed(), Ready::READ_CLOSED),
        (event.is_write_closed(), Ready::WRITE_CLOSED),
        (event.is_priority(), Ready::PRIORITY),
        (event.is_error(), Ready::ERROR),
    ];
    said.into_iter().filter(|(is, _)| *is).fold(Ready::EMPTY, |ready, (_, bit)| ready | bit)
}

impl Registry {
    /// Another pair beside this one, for one worker.
    ///
    /// # Errors
    /// When the system has no more descriptors to give.
    pub(crate) fn open_own(&self) -> io::Result<(Poller, Self)> {
        halves()
    }

    /// Adds a descriptor; its events come under `token`.
    ///
    /// # Errors
    /// Says which descriptor and what to do: when it cannot be watched, when it is already, in a forked child, and
    /// when the system is out of memory or watches.
    pub(crate) fn register(&self, fd: RawFd, token: usize, interest: Interest) -> io::Result<()> {
        if self.is_forked() {
            let text = "this runtime was made before the process forked: make a new one in the child";
            return Err(io::Error::other(text));
        }
        let interest = mio_interest(interest)?;
        let added = self.registry.register(&mut SourceFd(&fd), Token(token), interest);
        added.map_err(|error| register_error(fd, &error))
    }

    /// Removes a descriptor. One that is closed already is gone from the system's list, so nothing can fail here that
    /// anyone could do something about.
    pub(crate) fn deregister(&self, fd: RawFd) {
        if !self.is_forked() {
            let _ = self.registry.deregister(&mut SourceFd(&fd));
        }
    }

    /// Makes the current or the next wait of the poller come back.
    ///
    /// # Errors
    /// When the system refuses, which it has no reason to.
    pub(crate) fn wake(&self) -> io::Result<()> {
        match &self.waker {
            Some(waker) if !self.is_forked() => waker.wake(),
            _ => Ok(()),
        }
    }

    /// True in a process forked off from the one that made it.
    pub(super) fn is_forked(&self) -> bool {
        self.generation != crate::fork::generation()
    }
}

fn mio_interest(interest: Interest) -> io::Result<mio::Interest> {
    let asked = [
        (interest.is_readable(), mio::Interest::READABLE),
        (interest.is_writable(), mio::Interest::WRITABLE),
        #[cfg(any(target_os = "linux", target_os = "android"))]
        (interest.is_priority(), mio::Interest::PRIORITY),
    ];
    let asked = asked.into_iter().filter(|(is, _)| *is).map(|(_, interest)| interest);
    asked.reduce(|all, interest| all | interest).ok_or_else(|| {
        let text = format!("{interest:?} cannot be waited for on this platform");
        io::Error::new(io::ErrorKind::Unsupported, text)
    })
}

/// What adding a descriptor says that is in another poll instance already.
pub(crate) fn watched_twice(fd: RawFd) -> io::Error {
    register_error(fd, &io::Error::from_raw_os_error(libc::EEXIST))
}

fn register_error(fd: RawFd, error: &io::Error) -> io::Error {
    let hint = match error.raw_os_error() {
        Some(libc::EPERM) => {
            ": it is a file or directory, which is always ready; read and write it in spawn_blocking"
        }
        Some(libc::EEXIST) => ": it is registered with this runtime already; duplicate it (try_clone) first",
        Some(libc::EBADF) => ": it is not open",
        Some(libc::ENOSPC) => ": see /proc/sys/fs/epoll/max_user_watches",
        _ => "",
    };
    io::Error::new(error.kind(), format!("cannot watch file descriptor {fd}: {error}{hint}"))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod timer {
    //! A timer descriptor: the poll call's own time-out has milliseconds, and a sleep has not.

    use super::TIMER;
    use crate::driver::clock::real_now;
    use mio::Interest;
    use mio::unix::SourceFd;
    use std::io;
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
    use std::ptr;
    use std::time::{Duration, Instant};

    /// A timer that fires this much too late is left alone. Two readings of the clock for one deadline differ by less.
    const SLACK: Duration = Duration::from_micros(1);

    /// The descriptor, and when it is set to fire, in real time: the caller's clock may be moved in between. It is
    /// never read: each expiry is an edge, and setting it anew forgets the last.
    #[derive(Debug)]
    pub(super) struct Timer {
        fd: OwnedFd,
        armed: Option<Instant>,
    }

    impl Timer {
        pub(super) fn new(registry: &mio::Registry) -> io::Result<Self> {
            let flags = libc::TFD_NONBLOCK | libc::TFD_CLOEXEC;
            // SAFETY: no pointers are passed.
            let fd = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, flags) };
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: the call has just made it, and nobody else knows of it.
            let fd = unsafe { OwnedFd::from_raw_fd(fd) };
            registry.register(&mut SourceFd(&fd.as_raw_fd()), TIMER, Interest::READABLE)?;
            Ok(Self { fd, armed: None })
        }

        /// Sees to it that the poll call ends after `wait`, and returns the time-out to call it with.
        ///
        /// A timer that fires earlier is left alone: it costs one turn too many, once, where moving it would cost a
        /// system call each time. Deadlines that are cancelled and move on, as those of time-outs do, cost nothing.
        pub(super) fn timeout(&mut self, wait: Duration) -> io::Result<Option<Duration>> {
            let now = real_now();
            let in_time = |armed: Instant| now < armed && armed.duration_since(now) <= wait + SLACK;
            if !self.armed.is_some_and(in_time) {
                self.arm(wait)?;
                // A deadline beyond the end of time is as good as none: it is armed anew each time.
                self.armed = now.checked_add(wait);
            }
            Ok(None)
        }

        /// Its event has come.
        pub(super) fn expired(&mut self) {
            self.armed = None;
        }

        fn arm(&self, wait: Duration) -> io::Result<()> {
            let it_value = libc::timespec {
                tv_sec: libc::time_t::try_from(wait.as_secs()).unwrap_or(libc::time_t::MAX),
                tv_nsec: wait.subsec_nanos().into(),
            };
            let it_interval = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            let spec = libc::itimerspec { it_interval, it_value };
            // SAFETY: `spec` outlives the call, and no old setting is asked for.
            let rc =
                unsafe { libc::timerfd_settime(self.fd.as_raw_fd(), 0, &raw const spec, ptr::null_mut()) };
            if rc < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod timer {
    //! The poll call's own time-out, which mio rounds up where the system has no nanoseconds.

    use std::io;
    use std::time::Duration;

    #[derive(Debug)]
    pub(super) struct Timer;

    impl Timer {
        pub(super) fn new(_registry: &mio::Registry) -> io::Result<Self> {
            Ok(Self)
        }

        pub(super) fn timeout(&mut self, wait: Duration) -> io::Result<Option<Duration>> {
            Ok(Some(wait))
        }
    }
}

use timer::Timer;
