//! Two ways in one task.

use std::io;
use std::task::Poll;

/// One of the two ways.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    There,
    Back,
}

/// Whose turn it is to go first. A way that always finds something to do uses up the task's budget; the other is first
/// the next time.
#[derive(Debug, Default)]
pub(super) struct Turns {
    back_first: bool,
}

impl Turns {
    /// Looks at both ways once. A way that has ended says so again each time; an error of either ends both.
    pub(super) fn poll(
        &mut self,
        mut poll: impl FnMut(Way) -> Poll<io::Result<u64>>,
    ) -> Poll<io::Result<(u64, u64)>> {
        self.back_first = !self.back_first;
        let (there, back) = if self.back_first {
            let back = poll(Way::Back)?;
            (poll(Way::There)?, back)
        } else {
            (poll(Way::There)?, poll(Way::Back)?)
        };
        match (there, back) {
            (Poll::Ready(there), Poll::Ready(back)) => Poll::Ready(Ok((there, back))),
            _ => Poll::Pending,
        }
    }
}
