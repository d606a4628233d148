//! What a task waits for, for listings of tasks: the leaf future that says Pending notes it, in a thread-local word,
//! and whoever polled the task moves that word into the task. Nothing here is shared, and nothing is polled again for
//! it.

use std::cell::Cell;
use std::task::Poll;

thread_local! {
    /// What was noted last in this poll: the low bits name it, the high half is the payload.
    static NOTED: Cell<u64> = const { Cell::new(0) };
}

/// Bits of a note that name what is waited for. The payload is the high half; between them is room for a time.
pub(crate) const WHAT_BITS: u32 = 6;
pub(crate) const PAYLOAD_SHIFT: u32 = 32;

/// What a leaf future can wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs, reason = "each is named by `name`")]
pub enum What {
    Foreign,
    Line,
    Sleep,
    Join,
    Tasks,
    Group,
    Cancelled,
    Read,
    Write,
    Ready,
    Lock,
    ReadLock,
    WriteLock,
    Semaphore,
    Event,
    Condition,
    Barrier,
    Notify,
    OnceCell,
    QueueGet,
    QueuePut,
    QueueJoin,
    Send,
    Recv,
    Closed,
    Oneshot,
    Broadcast,
    Watch,
    Promise,
    Callbacks,
    Lookup,
}

/// All, each at the place of its number, with the words for it.
const NAMES: [(What, &str); 31] = [
    (What::Foreign, "a future not of raddle"),
    (What::Line, "wait queue"),
    (What::Sleep, "sleep"),
    (What::Join, "join"),
    (What::Tasks, "several tasks"),
    (What::Group, "task group"),
    (What::Cancelled, "cancelled()"),
    (What::Read, "read"),
    (What::Write, "write"),
    (What::Ready, "readiness"),
    (What::Lock, "lock"),
    (What::ReadLock, "read lock"),
    (What::WriteLock, "write lock"),
    (What::Semaphore, "semaphore"),
    (What::Event, "event"),
    (What::Condition, "condition"),
    (What::Barrier, "barrier"),
    (What::Notify, "notify"),
    (What::OnceCell, "once cell"),
    (What::QueueGet, "queue get"),
    (What::QueuePut, "queue put"),
    (What::QueueJoin, "queue join"),
    (What::Send, "channel send"),
    (What::Recv, "channel recv"),
    (What::Closed, "channel closed"),
    (What::Oneshot, "oneshot"),
    (What::Broadcast, "broadcast recv"),
    (What::Watch, "watch change"),
    (What::Promise, "promise"),
    (What::Callbacks, "callbacks of its loop"),
    (What::Lookup, "name look-up"),
];

const _: () = {
    let mut number = 0;
    while number < NAMES.len() {
        assert!(NAMES[number].0 as usize == number);
        number += 1;
    }
    assert!(NAMES.len() <= 1 << WHAT_BITS);
};

impl What {
    /// The words for it.
    pub(crate) fn name(self) -> &'static str {
        NAMES[self as usize].1
    }

    /// What a note names.
    pub(crate) fn of(note: u64) -> Self {
        let number = note as usize & ((1 << WHAT_BITS) - 1);
        NAMES.get(number).map_or(Self::Foreign, |(what, _)| *what)
    }
}

/// The task that is being polled is about to wait for `what`.
#[inline]
pub fn note(what: What) {
    note_with(what, 0);
}

/// As [`note`], with a descriptor, or the low bits of a task's id.
#[inline]
pub fn note_with(what: What, payload: u32) {
    NOTED.set(what as u64 | u64::from(payload) << PAYLOAD_SHIFT);
}

/// Notes `what` when `poll` is Pending, in the place of what was noted inside.
#[inline]
pub fn noted<T>(what: What, poll: Poll<T>) -> Poll<T> {
    if poll.is_pending() {
        note(what);
    }
    poll
}

/// Puts a note in the place of what was noted before, which is returned: 0 when a poll begins.
#[inline]
pub(crate) fn replace(note: u64) -> u64 {
    NOTED.replace(note)
}

/// Runs `f` with what it notes forgotten: the limit of a wait is not what is waited for.
#[inline]
pub(crate) fn kept<R>(f: impl FnOnce() -> R) -> R {
    let noted = NOTED.get();
    let result = f();
    NOTED.set(noted);
    result
}
