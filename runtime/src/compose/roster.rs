//! Which of many tasks have ended, found in time that does not grow with their number.
//!
//! Each task of a roster has a waker of its own as its join waker: the address of the chunk it is in, with its number
//! there in the low bits. Where the one who waits is to hear of each task, one that ends puts itself on a stack, and he
//! takes the whole stack at once. Where he waits for all together, it takes itself off its chunk, and the last of a
//! chunk takes that off the roster. So a task costs its roster one locked operation, there on a word that it shares
//! with a few neighbours only, and nobody looks at tasks that go on.
//!
//! Who owns what: a chunk is freed by its last reference. The roster has one, and so has each waker. A place on the
//! stack has none: only the roster follows the stack, and it keeps all chunks until it goes.

use crate::prim::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use crate::prim::atomic::{AtomicPtr, AtomicUsize};
use crate::wait::Slot;
use crate::wait::note::{What, note, noted};
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

/// Tasks in a chunk; their numbers fit in the low bits of its address.
#[cfg(not(loom))]
const CHUNK: usize = 32;
#[cfg(loom)]
const CHUNK: usize = 2;

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

/// When the one who waits is to hear of an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hear {
    /// Of each, in the order in which they end.
    Each,
    /// When all have ended; and of a failure at once.
    All,
}

/// What the roster shares with its tasks.
#[derive(Debug)]
struct Shared {
    hear: Hear,
    /// The stack of those who have ended: `Node`s linked by `next`.
    ended: AtomicPtr<Node>,
    /// To hear of all: chunks that have not ended, and one for the roster until it is sealed.
    chunks_left: AtomicUsize,
    /// One more than the index of the first task that failed.
    failed: AtomicUsize,
    waiting: Slot,
}

/// A place on the stack.
#[derive(Debug)]
struct Node {
    next: AtomicPtr<Node>,
    /// The task's index in the roster.
    index: usize,
}

impl Node {
    fn new(index: usize) -> Self {
        Self { next: AtomicPtr::new(ptr::null_mut()), index }
    }
}

#[repr(align(64))]
#[derive(Debug)]
struct Chunk {
    /// References: the roster's, one for each task that has not ended, one for each that has yet to be added.
    refs: AtomicUsize,
    /// The roster's index of its first task.
    first: usize,
    shared: Arc<Shared>,
    /// To hear of each: one for each task.
    nodes: Box<[Node]>,
}

impl Chunk {
    /// A chunk for the tasks from `first` on. Its references are the roster's and those of tasks to be added.
    fn create(first: usize, shared: Arc<Shared>) -> NonNull<Self> {
        let nodes = match shared.hear {
            Hear::Each => (first..first + CHUNK).map(Node::new).collect(),
            Hear::All => Box::default(),
        };
        shared.chunks_left.fetch_add(1, Relaxed);
        let chunk = Self { refs: AtomicUsize::new(1 + CHUNK), first, shared, nodes };
        NonNull::from(Box::leak(Box::new(chunk)))
    }

    /// A task of those that are heard of together has ended.
    fn take_off(&self) {
        if self.shared.chunks_left.fetch_sub(1, AcqRel) == 1 {
            self.shared.waiting.wake();
        }
    }

    /// Puts a node on the stack, on which it is not, and wakes who waits.
    fn push(&self, at: usize) {
        let (node, shared) = (&self.nodes[at], &self.shared);
        let mut head = shared.ended.load(Relaxed);
        loop {
            node.next.store(head, Relaxed);
            match shared.ended.compare_exchange(head, ptr::from_ref(node).cast_mut(), AcqRel, Relaxed) {
                Ok(_) => break,
                Err(now) => head = now,
            }
        }
        // Whoever finds others there leaves the wake to the first of them.
        if head.is_null() {
            shared.waiting.wake();
        }
    }

    /// Gives `n` references up; true when that leaves only the roster's.
    ///
    /// # Safety
    /// The caller has them, and uses the chunk no more unless it has others.
    unsafe fn release(chunk: *const Self, n: usize) -> bool {
        // SAFETY: alive, by the caller's references.
        let before = unsafe { &(*chunk).refs }.fetch_sub(n, AcqRel);
        if before == n {
            // SAFETY: those were the last; it came from a Box.
            drop(unsafe { Box::from_raw(chunk.cast_mut()) });
        }
        before == n + 1
    }
}

/// The chunk and the number in it that a waker's pointer says.
fn decode(data: *const ()) -> (*const Chunk, usize) {
    let at = data.addr() & (align_of::<Chunk>() - 1);
    (data.map_addr(|addr| addr - at).cast::<Chunk>(), at)
}

unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: a living waker has a reference.
    let chunk = unsafe { &*decode(data).0 };
    chunk.refs.fetch_add(1, Relaxed);
    RawWaker::new(data, &VTABLE)
}

/// The task has ended.
unsafe fn wake(data: *const ()) {
    let (chunk, at) = decode(data);
    // SAFETY: a living waker has a reference.
    let this = unsafe { &*chunk };
    match this.shared.hear {
        Hear::Each => this.push(at),
        Hear::All => {
            let mut refs = this.refs.load(Acquire);
            // Not the last of its chunk: it only gives its reference up.
            while refs > 2 {
                match this.refs.compare_exchange_weak(refs, refs - 1, AcqRel, Acquire) {
                    Ok(_) => return,
                    Err(now) => refs = now,
                }
            }
            this.take_off();
        }
    }
    // SAFETY: the waker's reference goes with it.
    unsafe { Chunk::release(chunk, 1) };
}

/// The task has ended badly. The runner says so before it says that the task has ended.
unsafe fn wake_by_ref(data: *const ()) {
    let (chunk, at) = decode(data);
    // SAFETY: a living waker has a reference.
    let this = unsafe { &*chunk };
    let _ = this.shared.failed.compare_exchange(0, this.first + at + 1, AcqRel, Relaxed);
    this.shared.waiting.wake();
}

unsafe fn drop_waker(data: *const ()) {
    // SAFETY: its reference goes with it.
    unsafe { Chunk::release(decode(data).0, 1) };
}

/// The tasks that someone waits for, numbered in the order in which they are added.
#[derive(Debug)]
pub(crate) struct Roster {
    shared: Arc<Shared>,
    chunks: Vec<NonNull<Chunk>>,
    /// Tasks added.
    len: usize,
    /// Taken from the stack, and not yet told; the next is the last.
    told: Vec<usize>,
    is_sealed: bool,
}

// SAFETY: the pointers are counted references to what is shared by atomics.
unsafe impl Send for Roster {}
// SAFETY: a shared roster only tells of a failure, from an atomic.
unsafe impl Sync for Roster {}

impl Roster {
    pub(crate) fn new(hear: Hear) -> Self {
        let shared = Arc::new(Shared {
            hear,
            ended: AtomicPtr::new(ptr::null_mut()),
            chunks_left: AtomicUsize::new(1),
            failed: AtomicUsize::new(0),
            waiting: Slot::new(),
        });
        Self { shared, chunks: Vec::new(), len: 0, told: Vec::new(), is_sealed: false }
    }

    /// The join waker for the next task.
    pub(crate) fn add(&mut self) -> Waker {
        let at = self.len % CHUNK;
        if at == 0 {
            self.chunks.push(Chunk::create(self.len, self.shared.clone()));
        }
        self.len += 1;
        let chunk = self.chunks[self.chunks.len() - 1].as_ptr();
        let data = chunk.cast_const().cast::<()>().map_addr(|addr| addr + at);
        // SAFETY: the functions keep the contract of wakers; the reference is the one set apart for this task.
        unsafe { Waker::from_raw(RawWaker::new(data, &VTABLE)) }
    }

    /// The task with this index had ended before it could be given its waker.
    pub(crate) fn has_ended(&mut self, index: usize) {
        self.told.push(index);
    }

    /// No more tasks come.
    pub(crate) fn seal(&mut self) {
        self.is_sealed = true;
        // The next to be told is the last.
        self.told.reverse();
        let missing = self.chunks.len() * CHUNK - self.len;
        if let Some(last) = self.chunks.last().filter(|_| missing > 0) {
            // SAFETY: these references were set apart for tasks that do not come; the roster has one more.
            let only_ours = unsafe { Chunk::release(last.as_ptr(), missing) };
            if only_ours {
                // All that did come have ended, and none of them could know that it was the last.
                self.shared.chunks_left.fetch_sub(1, AcqRel);
            }
        }
        self.shared.chunks_left.fetch_sub(1, AcqRel);
    }

    /// The first task that ended badly, if one did.
    pub(crate) fn failed(&self) -> Option<usize> {
        self.shared.failed.load(Acquire).checked_sub(1)
    }

    /// Of a roster that hears of each: the next task that has ended.
    pub(crate) fn poll_ended(&mut self, cx: &Context<'_>) -> Poll<usize> {
        debug_assert!(self.is_sealed && self.shared.hear == Hear::Each);
        if let Some(index) = self.next_told() {
            return Poll::Ready(index);
        }
        self.shared.waiting.register(cx.waker());
        noted(What::Tasks, self.next_told().map_or(Poll::Pending, Poll::Ready))
    }

    /// Of a roster that hears of all: ready when all have ended. A failure wakes who waits too: ask
    /// [`failed`](Self::failed) when this is Pending.
    pub(crate) fn poll_all(&mut self, cx: &Context<'_>) -> Poll<()> {
        debug_assert!(self.is_sealed && self.shared.hear == Hear::All);
        if self.shared.chunks_left.load(Acquire) > 0 {
            self.shared.waiting.register(cx.waker());
            if self.shared.chunks_left.load(Acquire) > 0 {
                note(What::Tasks);
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }

    fn next_told(&mut self) -> Option<usize> {
        if self.told.is_empty() {
            // Newest first: as it is taken from the end, the oldest is the next.
            let mut node = self.shared.ended.swap(ptr::null_mut(), AcqRel);
            while !node.is_null() {
                // SAFETY: a node is in a chunk, and the roster has a reference to each.
                let Node { next, index } = unsafe { &*node };
                self.told.push(*index);
                node = next.load(Relaxed);
            }
        }
        self.told.pop()
    }
}

impl Drop for Roster {
    fn drop(&mut self) {
        // The tasks may go on for long: the waker of the one who waited must not stay with them.
        drop(self.shared.waiting.take());
        if !self.is_sealed {
            self.seal();
        }
        for chunk in self.chunks.drain(..) {
            // SAFETY: the roster's reference.
            unsafe { Chunk::release(chunk.as_ptr(), 1) };
        }
    }
}
