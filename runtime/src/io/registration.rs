//! A file descriptor that the driver watches: what every socket is made of.
//!
//! An operation takes a unit of budget, looks at the readiness, and only then calls the system. On `WouldBlock` it
//! takes the readiness back and waits. Readiness is a hint, the system's answer is the truth.

use crate::budget;
use crate::driver::io::IoDriver;
use crate::driver::io::interest::{Direction, Interest, Ready};
use crate::driver::io::source::{ReadyEvent, Source};
use crate::driver::io::watch::Watch;
use crate::wait::note::{What, note_with};
use crate::worker::{self, follow::Looks};
use std::future::poll_fn;
use std::io;
use std::os::fd::RawFd;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// No system transfers more than this in one call; a larger request says nothing when it is cut short.
const TRANSFER_MAX: usize = 0x7fff_f000;

/// The driver's watch over a file descriptor, from `new` to drop.
///
/// It does not own the descriptor. Whoever does keeps it open, and non-blocking, for as long as the registration
/// lives: drop the registration first.
///
/// The `poll_*` functions serve one task per direction at a time, the one that polled last; the async functions serve
/// any number.
#[derive(Debug)]
pub struct Registration {
    driver: Arc<IoDriver>,
    watch: Arc<Watch>,
    looks: Looks,
}

impl Registration {
    /// Has the current runtime's driver watch `fd`.
    ///
    /// # Errors
    /// When the descriptor cannot be watched (a regular file, say), is watched already, or the runtime has shut down.
    /// Nothing is left behind then.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn new(fd: RawFd, interest: Interest) -> io::Result<Self> {
        Self::with_driver(crate::context::current_io(), fd, interest)
    }

    /// Has `driver` watch `fd`.
    pub(crate) fn with_driver(driver: Arc<IoDriver>, fd: RawFd, interest: Interest) -> io::Result<Self> {
        let watch = driver.register(fd, interest)?;
        Ok(Self { driver, watch, looks: Looks::new() })
    }

    #[cfg(loom)]
    pub(crate) fn watch(&self) -> &Watch {
        &self.watch
    }

    #[inline]
    fn source(&self) -> &Source {
        self.watch.source()
    }

    /// Waits until a read would find something. The current task is woken, if it is the last that asked.
    ///
    /// # Errors
    /// When the runtime has shut down.
    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<ReadyEvent>> {
        self.poll_ready(Direction::Read, cx)
    }

    /// Waits until a write would find room. The current task is woken, if it is the last that asked.
    ///
    /// # Errors
    /// When the runtime has shut down.
    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<ReadyEvent>> {
        self.poll_ready(Direction::Write, cx)
    }

    fn poll_ready(&self, direction: Direction, cx: &mut Context<'_>) -> Poll<io::Result<ReadyEvent>> {
        let unit = ready!(budget::poll_unit(cx));
        let event = ready!(self.poll_noted(direction, cx));
        unit.spend();
        Poll::Ready(event)
    }

    #[inline]
    fn poll_noted(&self, direction: Direction, cx: &Context<'_>) -> Poll<io::Result<ReadyEvent>> {
        let ready = self.source().poll_ready(direction, cx);
        if ready.is_pending() {
            self.settle(direction);
            let what = match direction {
                Direction::Read => What::Read,
                Direction::Write => What::Write,
            };
            note_with(what, self.watch.fd() as u32);
        }
        ready
    }

    /// Somebody waits here: tells the driver which worker he runs on.
    #[inline]
    fn settle(&self, direction: Direction) {
        worker::current::with(|worker| {
            let Some(worker) = worker.filter(|worker| worker.turns(&self.driver)) else { return };
            let home = match direction {
                Direction::Read => worker.follow(&self.watch, &self.looks),
                Direction::Write => worker.index(),
            };
            self.driver.settle(&self.watch, home);
        });
    }

    /// Waits until any of `interest` is ready.
    ///
    /// # Errors
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the readiness for the next who asks.
    pub async fn readiness(&self, interest: Interest) -> io::Result<ReadyEvent> {
        let mut wait = pin!(self.source().wait_ready(interest));
        poll_fn(|cx| {
            let unit = ready!(budget::poll_unit(cx));
            let Poll::Ready(event) = wait.as_mut().poll(cx) else {
                self.settle(if interest.is_readable() { Direction::Read } else { Direction::Write });
                note_with(What::Ready, self.watch.fd() as u32);
                return Poll::Pending;
            };
            unit.spend();
            Poll::Ready(event)
        })
        .await
    }

    /// What of `interest` is ready now, without waiting; `None` when nothing is.
    ///
    /// # Errors
    /// When the runtime has shut down.
    pub fn ready_now(&self, interest: Interest) -> io::Result<Option<ReadyEvent>> {
        self.source().ready(interest)
    }

    /// Takes back what `event` said, because the system answered `WouldBlock` after it. News since then stay.
    pub fn clear_readiness(&self, event: ReadyEvent) {
        self.source().clear(event);
    }

    /// Calls `f` when the source is ready in `direction`, again and again until it does not block.
    ///
    /// # Errors
    /// Those of `f`, but for `WouldBlock` and `Interrupted`; and when the runtime has shut down.
    #[inline]
    pub fn poll_io<R>(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
        mut f: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let unit = ready!(budget::poll_unit(cx));
        let (result, _) = ready!(self.poll_event_io(direction, cx, &mut f));
        unit.spend();
        Poll::Ready(result)
    }

    /// As [`Registration::poll_io`] for a stream socket: `f` returns how many bytes of `requested` it moved. Moving
    /// some, but fewer, emptied or filled the socket's buffer, so the readiness is taken back without a second call.
    ///
    /// No edge is lost by that: the tick in `event` was read before the call. Bytes, room or an end that came after
    /// the call are a new event, which moves the tick, before the clear (which then does nothing) or after it (which
    /// then sets the bit again). What came before the call, the call has moved, but for the two things it does not
    /// report: an end or an error behind the bytes keeps its own bit, which is not taken back here; and out-of-band
    /// data cuts a read short with bytes left behind it, so while any is about, a short count proves nothing.
    ///
    /// Only for TCP: other descriptors have further reasons to be short (a terminal's lines, passed descriptors).
    ///
    /// # Errors
    /// As for [`Registration::poll_io`].
    #[inline]
    pub fn poll_stream_io(
        &self,
        direction: Direction,
        cx: &mut Context<'_>,
        requested: usize,
        mut f: impl FnMut() -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let unit = ready!(budget::poll_unit(cx));
        let (result, event) = ready!(self.poll_event_io(direction, cx, &mut f));
        unit.spend();
        self.clear_if_short(&result, requested, event);
        Poll::Ready(result)
    }

    /// The loop under both; gives the event under which `f` did not block, if it came to that.
    #[inline]
    fn poll_event_io<R>(
        &self,
        direction: Direction,
        cx: &Context<'_>,
        f: &mut impl FnMut() -> io::Result<R>,
    ) -> Poll<(io::Result<R>, Option<ReadyEvent>)> {
        loop {
            let event = match ready!(self.poll_noted(direction, cx)) {
                Ok(event) => event,
                Err(error) => return Poll::Ready((Err(error), None)),
            };
            match f() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.clear_readiness(event),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return Poll::Ready((result, Some(event))),
            }
        }
    }

    /// See [`Registration::poll_stream_io`].
    #[inline]
    fn clear_if_short(&self, result: &io::Result<usize>, requested: usize, event: Option<ReadyEvent>) {
        let (Ok(moved), Some(event)) = (result, event) else { return };
        let short = 0 < *moved && *moved < requested && requested <= TRANSFER_MAX;
        if short && !event.saw_priority() {
            self.clear_readiness(event.only(Ready::READABLE | Ready::WRITABLE));
        }
    }

    /// Calls `f` once if any of `interest` is ready; otherwise, or when `f` says so, the answer is `WouldBlock`.
    ///
    /// # Errors
    /// `WouldBlock`, those of `f`, and when the runtime has shut down.
    pub fn try_io<R>(&self, interest: Interest, f: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
        self.try_event_io(interest, f).0
    }

    /// As [`Registration::try_io`], with the short cut of [`Registration::poll_stream_io`].
    ///
    /// # Errors
    /// As for [`Registration::try_io`].
    pub fn try_stream_io(
        &self,
        direction: Direction,
        requested: usize,
        f: impl FnOnce() -> io::Result<usize>,
    ) -> io::Result<usize> {
        let (result, event) = self.try_event_io(direction.into(), f);
        self.clear_if_short(&result, requested, event);
        result
    }

    fn try_event_io<R>(
        &self,
        interest: Interest,
        f: impl FnOnce() -> io::Result<R>,
    ) -> (io::Result<R>, Option<ReadyEvent>) {
        let event = match self.source().ready(interest) {
            Ok(Some(event)) => event,
            Ok(None) => return (Err(io::ErrorKind::WouldBlock.into()), None),
            Err(error) => return (Err(error), None),
        };
        let result = f();
        if matches!(&result, Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
            self.clear_readiness(event);
        }
        (result, Some(event))
    }

    /// Calls `f` when any of `interest` is ready, again and again until it does not block.
    ///
    /// # Errors
    /// Those of `f`, but for `WouldBlock` and `Interrupted`; and when the runtime has shut down.
    ///
    /// # Cancel safety
    /// Between two calls of `f` only: a call that did not block is returned in the same poll.
    pub async fn async_io<R>(
        &self,
        interest: Interest,
        mut f: impl FnMut() -> io::Result<R>,
    ) -> io::Result<R> {
        loop {
            let event = self.readiness(interest).await?;
            match f() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.clear_readiness(event),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    /// Counts one listener that waits because there are no descriptors or no memory; see the runtime's metrics.
    pub fn count_accept_backoff(&self) {
        self.driver.count_accept_backoff();
    }
}

impl Registration {
    /// Ends the watch before the registration goes: the descriptor may be closed from here on. No event comes any more,
    /// and whoever waits for one waits for nothing.
    pub(crate) fn unwatch(&self) {
        self.driver.unwatch(&self.watch);
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.unwatch();
        self.driver.forget(&self.watch);
    }
}
