//! Several tasks as one: gathered, waited for, taken as they complete.

mod as_completed;
mod gather;
mod gather_macro;
mod roster;
mod wait;

pub use as_completed::{AsCompleted, TimedCompleted, as_completed};
pub use gather::{Gather, GatherResults, TryGather, gather, gather_results, try_gather};
#[doc(hidden)]
pub use gather_macro::Part;
pub use wait::{ReturnWhen, Waited, wait};

#[cfg(loom)]
pub(crate) use roster::{Hear, Roster};
