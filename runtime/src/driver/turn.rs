//! One turn of the driver, flat: find the deadline, poll, hand on the events, expire the timers, wake.
//!
//! One thread at a time turns; the others go on. Nothing is woken while the turn is held.

use super::clock::{Clock, NEVER};
use super::hold::TurnHold;
use super::io::mail::Sorting;
use super::io::sys::Poller;
use super::io::{Dispatched, IoDriver};
use super::time::{Due, Wheel};
use crate::prim::atomic::{AtomicU64, Ordering::Relaxed, Ordering::SeqCst, fence};
use crate::prim::lock::{TryLock, TryLockGuard};
use crate::prim::thread::spin;
use crate::wait::Batch;
use crossbeam_utils::CachePadded;
use std::io;
use std::sync::Arc;

/// How long a turn may wait for an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Not at all.
    Look,
    /// Until the next timer is due.
    Sleep,
}

/// What came of a look at the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Look {
    Done,
    /// Another thread is at it, and soon done.
    Busy,
    /// Another thread sleeps there.
    Asleep,
}

/// The driver of a runtime.
#[derive(Debug)]
pub(crate) struct Driver {
    turn: TryLock<Poller>,
    /// 0 while nobody sleeps in a turn, else when that sleep will end. Whoever enters an earlier timer wakes it.
    sleeping_until: AtomicU64,
    io: Arc<IoDriver>,
    clock: Clock,
    /// One per worker, and a last one for everyone else.
    wheels: Box<[CachePadded<Wheel>]>,
}

/// The right to turn the driver.
pub(crate) struct Turning<'a> {
    driver: &'a Driver,
    poller: TryLockGuard<'a, Poller>,
}

impl Driver {
    /// Makes a driver for so many workers, with a wheel for each of them and of the spare ones, and one more.
    ///
    /// # Errors
    /// When the system has no more descriptors to give.
    pub(crate) fn new(workers: usize, spares: usize, clock: Clock) -> io::Result<Self> {
        let (poller, io) = IoDriver::new(workers)?;
        let wheels = (0..=workers + spares).map(|_| CachePadded::new(Wheel::new())).collect();
        Ok(Self { turn: TryLock::new(poller), sleeping_until: AtomicU64::new(0), io, clock, wheels })
    }

    #[inline]
    pub(crate) fn io(&self) -> &Arc<IoDriver> {
        &self.io
    }

    #[inline]
    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The wheel of worker `index`, or of everyone else for a larger number.
    #[inline]
    pub(crate) fn wheel(&self, index: usize) -> &Wheel {
        &self.wheels[index.min(self.wheels.len() - 1)]
    }

    /// Timers that wait.
    pub(crate) fn timers(&self) -> usize {
        self.wheels.iter().map(|wheel| wheel.len()).sum()
    }

    /// No timer is due before this time.
    pub(crate) fn next_deadline(&self) -> u64 {
        self.wheels.iter().map(|wheel| wheel.next()).min().unwrap_or(NEVER)
    }

    /// Takes the turn, unless another thread has it.
    #[inline]
    pub(crate) fn try_turn(&self) -> Option<Turning<'_>> {
        Some(Turning { driver: self, poller: self.turn.try_lock()? })
    }

    /// Makes the thread that sleeps in a turn, or the next to do so, come back.
    pub(crate) fn wake(&self) {
        // It fails only if the system lost our own descriptor: then no turn can work either, and that one reports.
        let _ = self.io.wake();
    }

    /// A timer was entered that is the earliest of its wheel: a turn that would sleep past it must not (f06).
    pub(crate) fn timer_lowered(&self, deadline: u64) {
        // Pairs with the fence in `sleep_deadline`: either we see that sleep, or it sees the timer.
        fence(SeqCst);
        if deadline < self.sleeping_until.load(Relaxed) {
            self.wake();
        }
    }

    /// Looks for events and due timers if no other thread is at it; wakes whom they concern.
    pub(crate) fn look(&self, sorting: Option<&Sorting<'_>>) -> Look {
        let Some(turning) = self.try_turn() else {
            let sleeps = self.sleeping_until.load(Relaxed) != 0;
            return if sleeps { Look::Asleep } else { Look::Busy };
        };
        drop(turning.run(Turn::Look, sorting));
        Look::Done
    }

    /// Looks at the poll instance of worker `index`, which has one; wakes whom the events concern.
    pub(crate) fn look_at_own(&self, index: usize, sorting: Option<&Sorting<'_>>) -> Look {
        let _hold = self.clock.is_paused().then(|| TurnHold::new(self));
        let mut batch = Batch::new();
        let mut left_at = None;
        for turn in 0.. {
            let looked = self.io.look_at_own(index, sorting, &mut batch);
            batch.wake();
            self.take_back_from_gone(sorting);
            match looked.unwrap_or_else(|error| cannot_poll(&error)) {
                Some(Dispatched::All) => return Look::Done,
                Some(Dispatched::BatchFull) => left_at = Some(turn),
                // The system does not tell again of what was fetched, and whoever has the lock may just want to know
                // whether we are done (`IoDriver::recycle`): the rest is ours.
                None => match left_at {
                    Some(since) => spin(turn - since),
                    None => return Look::Busy,
                },
            }
        }
        Look::Done
    }

    /// Takes back what a turn has left to workers that had gone then.
    fn take_back_from_gone(&self, sorting: Option<&Sorting<'_>>) {
        let gone = sorting.map(Sorting::gone).unwrap_or_default();
        gone.into_iter().for_each(|home| self.take_back(home));
    }

    /// As [`open_mail`](Self::open_mail), for a worker that does not come to it: until there is nothing left. Who
    /// leaves another event after that sees it himself.
    fn take_back(&self, index: usize) {
        let mut turn = 0;
        while self.io.has_mail(index) {
            if self.open_mail(index) == Look::Busy {
                // Whoever is at it runs nothing foreign meanwhile.
                spin(turn);
                turn += 1;
            }
        }
    }

    /// Hands on the events that were left to worker `index`; wakes whom they concern.
    pub(crate) fn open_mail(&self, index: usize) -> Look {
        let mut batch = Batch::new();
        loop {
            let dispatched = self.io.open_mail(index, &mut batch);
            batch.wake();
            match dispatched {
                Some(Dispatched::All) => return Look::Done,
                Some(Dispatched::BatchFull) => {}
                None => return Look::Busy,
            }
        }
    }

    /// Fires the timers that are due, in the order of the wheels. For a busy worker: it needs no turn.
    #[inline]
    pub(crate) fn expire_due(&self, now: u64) {
        if self.next_deadline() <= now {
            let mut batch = Batch::new();
            self.wheels.iter().for_each(|wheel| expire(wheel, now, &mut batch));
        }
    }

    /// Ends all waits for events and timers, now and from now on. No lock may be held.
    pub(crate) fn shut_down(&self) {
        self.io.shut_down();
        let mut batch = Batch::new();
        for wheel in &self.wheels {
            while wheel.close(&mut batch) == Due::More {
                batch.wake();
            }
            batch.wake();
        }
    }

    /// When the next timer is due, exactly: cancelled timers do not count.
    pub(crate) fn exact_next_deadline(&self) -> u64 {
        self.wheels.iter().map(|wheel| wheel.exact_next()).min().unwrap_or(NEVER)
    }
}

/// Fires what is due in a wheel. No lock may be held.
fn expire(wheel: &Wheel, now: u64, batch: &mut Batch) {
    if wheel.next() > now {
        return;
    }
    while wheel.expire(now, batch) == Due::More {
        batch.wake();
    }
    batch.wake();
}

/// Our own descriptors are broken (closed by someone else in this process): say so and stop here, for tasks would
/// otherwise wait for ever.
#[cold]
fn cannot_poll(error: &io::Error) -> ! {
    panic!("raddle: the I/O driver cannot poll: {error}; was one of the runtime's descriptors closed?");
}

impl<'a> Turning<'a> {
    /// One turn, by a worker if there is a `sorting`. Gives the turn up before anyone is woken. With the clock paused,
    /// time is held from then until the result is dropped: what was woken may be where only this thread sees it.
    pub(crate) fn run(self, how: Turn, sorting: Option<&Sorting<'_>>) -> Option<TurnHold<'a>> {
        let driver = self.driver;
        let mut batch = Batch::new();
        let mut hold = None;
        let mut own = Vec::new();
        let mut turning = Some((self, how));
        while let Some((mut this, how)) = turning.take() {
            let dispatched = this.poll(how, sorting, &mut batch);
            own.extend(this.poller.ended_by());
            if hold.is_none() && driver.clock.is_paused() {
                hold = Some(TurnHold::new(driver));
            }
            drop(this);
            batch.wake();
            driver.take_back_from_gone(sorting);
            if dispatched == Dispatched::BatchFull {
                // Whoever has the turn by now hands on the rest.
                turning = driver.try_turn().map(|this| (this, Turn::Look));
            }
        }
        if driver.clock.is_paused() {
            // What has happened comes before what will (f22), wherever it is.
            own = driver.io.with_own().collect();
        }
        for index in own {
            // Whoever is at it hands it on; but paused time does not pass before that (f22).
            let is_under_way =
                || driver.look_at_own(index, sorting) == Look::Busy && driver.clock.is_paused();
            (0..).take_while(|_| is_under_way()).for_each(spin);
        }
        driver.expire_due(driver.clock.now());
        hold
    }

    fn poll(&mut self, how: Turn, sorting: Option<&Sorting<'_>>, batch: &mut Batch) -> Dispatched {
        let driver = self.driver;
        let now = driver.clock.now();
        let deadline = match how {
            Turn::Look => now,
            Turn::Sleep => driver.sleep_deadline(),
        };
        let until = (deadline != NEVER).then_some(deadline);
        let polled = match how {
            Turn::Look => self.poller.poll_until(until, now),
            Turn::Sleep => driver.io.sleep(&mut self.poller, until, now),
        };
        if how == Turn::Sleep {
            driver.sleeping_until.store(0, Relaxed);
        }
        polled.unwrap_or_else(|error| cannot_poll(&error));
        driver.io.dispatch_events(&mut self.poller, sorting, batch)
    }
}

impl Driver {
    /// When a sleep must end, told to those who enter timers.
    fn sleep_deadline(&self) -> u64 {
        // Paused time does not pass while we sleep: whoever moves it wakes us.
        let until = if self.clock.is_paused() { NEVER } else { self.next_deadline() };
        // 0 means that nobody sleeps.
        self.sleeping_until.store(until.max(1), Relaxed);
        fence(SeqCst);
        if self.clock.is_paused() { NEVER } else { self.next_deadline().min(until) }
    }
}
