//! What the runtime has to say to a person: lines on stderr, each with its name before it. Raddle's other
//! crates speak through it too.

use std::fmt;
use std::io::Write;

/// Something went wrong that no return value can carry.
pub fn warn(what: fmt::Arguments<'_>) {
    // A closed stderr is no reason to panic.
    let _ = writeln!(std::io::stderr().lock(), "raddle: {what}");
}
