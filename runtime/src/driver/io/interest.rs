//! What one can wait for on a source, and what the system can say about it.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

/// The half of a source that a wait, or an operation, is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Reading, accepting, out-of-band data.
    Read,
    /// Writing, connecting.
    Write,
}

/// What to wait for; join several with `|`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interest(u8);

impl Interest {
    /// There is something to read, or reading has ended.
    pub const READABLE: Self = Self(1);
    /// There is room to write, or writing has ended.
    pub const WRITABLE: Self = Self(2);
    /// There is out-of-band data (`EPOLLPRI`). Only Linux and Android report it.
    pub const PRIORITY: Self = Self(4);

    /// True when reading is asked for.
    pub const fn is_readable(self) -> bool {
        self.0 & Self::READABLE.0 != 0
    }

    /// True when writing is asked for.
    pub const fn is_writable(self) -> bool {
        self.0 & Self::WRITABLE.0 != 0
    }

    /// True when out-of-band data is asked for.
    pub const fn is_priority(self) -> bool {
        self.0 & Self::PRIORITY.0 != 0
    }

    /// The answers that end a wait for this: the thing itself, or that it will not come any more.
    pub(crate) const fn answers(self) -> Ready {
        let mut bits = 0;
        if self.is_readable() {
            bits |= Ready::READABLE.0 | Ready::READ_CLOSED.0 | Ready::READ_ERROR.0;
        }
        if self.is_writable() {
            bits |= Ready::WRITABLE.0 | Ready::WRITE_CLOSED.0 | Ready::WRITE_ERROR.0;
        }
        if self.is_priority() {
            bits |= Ready::PRIORITY.0 | Ready::READ_CLOSED.0 | Ready::READ_ERROR.0;
        }
        Ready(bits)
    }

    /// True when a wait for this has to stand in the queue of `direction`.
    pub(crate) const fn concerns(self, direction: Direction) -> bool {
        self.answers().0 & Ready::of(direction).0 != 0
    }
}

impl From<Direction> for Interest {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Read => Self::READABLE,
            Direction::Write => Self::WRITABLE,
        }
    }
}

impl BitOr for Interest {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Interest {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl fmt::Debug for Interest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names =
            [(Self::READABLE, "READABLE"), (Self::WRITABLE, "WRITABLE"), (Self::PRIORITY, "PRIORITY")];
        join(f, names.into_iter().filter(|(bit, _)| self.0 & bit.0 != 0).map(|(_, name)| name))
    }
}

/// What the system last said about a source; join several with `|`.
///
/// These are hints: an operation that follows may still find nothing to do. An error or a hang-up is told to both
/// directions, because the next operation of either has to hear of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Ready(u8);

impl Ready {
    /// Nothing.
    pub const EMPTY: Self = Self(0);
    /// There is something to read.
    pub const READABLE: Self = Self(1);
    /// There is out-of-band data.
    pub const PRIORITY: Self = Self(1 << 1);
    /// The other side has ended its writing: a read finds what is left, then the end.
    pub const READ_CLOSED: Self = Self(1 << 2);
    pub(crate) const READ_ERROR: Self = Self(1 << 3);
    /// There is room to write.
    pub const WRITABLE: Self = Self(1 << 4);
    /// Nobody reads any more: a write will fail.
    pub const WRITE_CLOSED: Self = Self(1 << 5);
    pub(crate) const WRITE_ERROR: Self = Self(1 << 6);
    /// An error waits to be fetched by the next operation.
    pub const ERROR: Self = Self(Self::READ_ERROR.0 | Self::WRITE_ERROR.0);
    /// Everything.
    pub const ALL: Self = Self(0x7f);

    /// Every bit that belongs to a direction. Each bit belongs to one, so that each direction can be cleared alone.
    pub(crate) const fn of(direction: Direction) -> Self {
        match direction {
            Direction::Read => Self(0x0f),
            Direction::Write => Self(0x70),
        }
    }

    pub(crate) const fn from_bits(bits: u8) -> Self {
        Self(bits & Self::ALL.0)
    }

    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    /// True when nothing is said.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// True when a read would find data, the end, or an error.
    pub const fn is_readable(self) -> bool {
        self.0 & Interest::READABLE.answers().0 != 0
    }

    /// True when a write would find room, or an error.
    pub const fn is_writable(self) -> bool {
        self.0 & Interest::WRITABLE.answers().0 != 0
    }

    /// True when the other side has ended its writing.
    pub const fn is_read_closed(self) -> bool {
        self.0 & Self::READ_CLOSED.0 != 0
    }

    /// True when nobody reads any more.
    pub const fn is_write_closed(self) -> bool {
        self.0 & Self::WRITE_CLOSED.0 != 0
    }

    /// True when an error waits to be fetched.
    pub const fn is_error(self) -> bool {
        self.0 & Self::ERROR.0 != 0
    }

    /// True when there is out-of-band data.
    pub const fn is_priority(self) -> bool {
        self.0 & Self::PRIORITY.0 != 0
    }

    /// What both say.
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for Ready {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Ready {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (Self::READABLE, "READABLE"),
            (Self::PRIORITY, "PRIORITY"),
            (Self::READ_CLOSED, "READ_CLOSED"),
            (Self::WRITABLE, "WRITABLE"),
            (Self::WRITE_CLOSED, "WRITE_CLOSED"),
            (Self::ERROR, "ERROR"),
        ];
        join(f, names.into_iter().filter(|(bit, _)| self.0 & bit.0 != 0).map(|(_, name)| name))
    }
}

/// Writes flag names as `A | B`, and `EMPTY` for none.
fn join<'a>(f: &mut fmt::Formatter<'_>, names: impl Iterator<Item = &'a str>) -> fmt::Result {
    let mut first = true;
    for name in names {
        if !std::mem::take(&mut first) {
            f.write_str(" | ")?;
        }
        f.write_str(name)?;
    }
    if first { f.write_str("EMPTY") } else { Ok(()) }
}
