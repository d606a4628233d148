//! What the outside world sends: time and readiness. The driver knows wakers, and no tasks.

pub(crate) mod clock;
mod hold;
pub(crate) mod io;
pub(crate) mod time;
mod turn;

pub(crate) use hold::{Hold, TurnHold};
pub(crate) use io::mail::Sorting;
pub(crate) use turn::{Driver, Look, Turn};
