//! An error with a name, and a group's child that waits for ever.

use super::guard::Drops;
use raddle::Group;
use raddle::task::JoinHandle;
use std::error::Error;
use std::fmt;
use std::future::pending;

/// An error with a name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Oops(pub(crate) &'static str);

impl fmt::Display for Oops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Oops {}

/// A child that waits for ever, and is counted as long as its future lives.
pub(crate) fn waits(group: &Group<Oops>, drops: &Drops) -> JoinHandle<()> {
    let guard = drops.guard();
    group.spawn(async move {
        let _guard = guard;
        pending().await
    })
}
