//! Holds on paused time: while there is one, time does not jump to the next timer, for something is under way.

use super::Driver;
use super::clock::Jump;
use std::cell::Cell;
use std::ptr;

thread_local! {
    /// The driver whose time the code on this thread holds: a blocking call, a task that blocks in place.
    static HERE: Cell<*const Driver> = const { Cell::new(ptr::null()) };
}

/// The hold of the code that runs on this thread; ends when dropped.
#[derive(Debug)]
#[must_use = "the hold ends when this is dropped"]
pub(crate) struct Hold<'a> {
    driver: &'a Driver,
    /// What `HERE` was.
    outer: *const Driver,
}

/// This thread's hold, let go while it sleeps.
pub(crate) struct LetGo<'a>(Option<&'a Driver>);

impl Driver {
    /// Holds the time for the code that runs on this thread, but for when it sleeps in a `block_on`.
    pub(crate) fn hold_here(&self) -> Hold<'_> {
        self.clock().hold();
        self.adopt_here()
    }

    /// Takes over a hold that was made elsewhere for the code that now runs on this thread.
    pub(crate) fn adopt_here(&self) -> Hold<'_> {
        Hold { driver: self, outer: HERE.replace(self) }
    }

    /// Lets this thread's hold go, if it has one, until the result is dropped: whoever sleeps waits for time to pass.
    pub(crate) fn let_go_here(&self) -> LetGo<'_> {
        if !ptr::eq(HERE.get(), self) {
            return LetGo(None);
        }
        self.release();
        LetGo(Some(self))
    }

    /// Holds the time for a worker that is about to look for work again.
    pub(crate) fn hold_turn(&self) -> TurnHold<'_> {
        TurnHold::new(self)
    }

    /// As [`hold_turn`](Self::hold_turn), for one that has moved the time.
    pub(crate) fn hold_after(&self, jump: Jump<'_>) -> TurnHold<'_> {
        self.clock().hold_after(jump);
        TurnHold(self)
    }

    /// Ends a hold that was made with `clock().hold()`.
    pub(crate) fn release(&self) {
        if self.clock().release() && self.clock().is_paused() {
            // Whoever sleeps in the driver looks whether time may jump now.
            self.wake();
        }
    }
}

/// The hold of a thread that turns the driver. Ending it wakes nobody: a worker that turns goes on to look for work and
/// comes to the question of paused time again; whoever else turns calls [`Driver::wake`] afterwards.
#[derive(Debug)]
#[must_use = "the hold ends when this is dropped"]
pub(crate) struct TurnHold<'a>(&'a Driver);

impl<'a> TurnHold<'a> {
    pub(super) fn new(driver: &'a Driver) -> Self {
        driver.clock().hold();
        Self(driver)
    }
}

impl Drop for TurnHold<'_> {
    fn drop(&mut self) {
        self.0.clock().release();
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        HERE.set(self.outer);
        self.driver.release();
    }
}

impl Drop for LetGo<'_> {
    fn drop(&mut self) {
        if let Some(driver) = self.0 {
            driver.clock().hold();
        }
    }
}
