//! Several tasks as one: gathered, waited for, taken as they complete, in groups and races; futures selected from.

mod as_completed;
mod gather;
mod gather_macro;
pub(crate) mod group;
mod group_error;
pub(crate) mod members;
mod race;
mod roster;
#[doc(hidden)]
pub mod select;
mod shield;
mod wait;

pub use as_completed::{AsCompleted, TimedCompleted, as_completed};
pub use gather::{Gather, GatherResults, TryGather, gather, gather_results, try_gather};
#[doc(hidden)]
pub use gather_macro::Part;
pub use group::{Group, task_group};
pub use group_error::{ChildError, GroupError};
pub use race::race;
pub use shield::shield;
pub use wait::{ReturnWhen, Waited, wait};

#[cfg(loom)]
pub(crate) use roster::{Hear, Roster};
