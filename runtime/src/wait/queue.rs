//! The cancellable FIFO wait queue under every primitive: an intrusive list behind one lock, beside the state `S` that
//! the primitive wants to change in the same step.
//!
//! A queue may have several lines side by side, for those who wait for different things of one state.
//!
//! A [`Waiter`] lives in the future that waits, so that waiting allocates nothing. Its node belongs to the queue's
//! lock. Its stage is written under the lock too, but for its owner's last step; a notifier writes it last of all: once
//! it says that the waiter was notified, its owner may free it, without the lock.

use super::batch::{self, Batches};
use super::note::What;
use super::watch;
use crate::prim::atomic::{AtomicU8, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use crate::prim::cell::UnsafeCell;
use crate::prim::lock::{Mutex, MutexGuard};
use std::marker::PhantomPinned;
use std::ops::{Deref, DerefMut};
use std::ptr::{self, NonNull};
use std::task::Waker;

/// How far a waiter has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Stage {
    /// In no queue, and not notified. Its owner alone moves it on.
    New = 0,
    /// In the queue.
    Queued = 1,
    /// Taken out by a notification meant for one: it must be used or passed on.
    One = 2,
    /// Taken out by a notification meant for all.
    All = 3,
    /// Its owner has seen the end of it.
    Done = 4,
    /// In no queue, and yet in line: the first of those who wait for something that happens once.
    Alone = 5,
}

/// What a notification says to the waiter that it takes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was meant for one: it must be used or passed on.
    One,
    /// It was meant for all.
    All,
}

/// One waiting future's place in a queue. Must stay where it is while queued, hence `!Unpin`.
#[derive(Debug)]
pub struct Waiter {
    stage: AtomicU8,
    /// Which of its queue's lines it is for.
    line: u8,
    /// What its task is said to wait for.
    pub(super) what: What,
    node: UnsafeCell<Node>,
    _pinned: PhantomPinned,
}

#[derive(Debug)]
struct Node {
    prev: *const Waiter,
    next: *const Waiter,
    /// How much the waiter asks for (permits); the primitive's business.
    want: usize,
    waker: Option<Waker>,
}

// SAFETY: `node` is only touched under the lock of the queue the waiter is in, or by its owner while it is in none.
unsafe impl Send for Waiter {}
// SAFETY: as above; `stage` is atomic.
unsafe impl Sync for Waiter {}

impl Default for Waiter {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Waiter {
    /// A waiter that is in no queue, for the line with this number.
    pub fn new(line: u8) -> Self {
        let node = Node { prev: ptr::null(), next: ptr::null(), want: 0, waker: None };
        Self {
            stage: AtomicU8::new(Stage::New as u8),
            line,
            what: What::Line,
            node: UnsafeCell::new(node),
            _pinned: PhantomPinned,
        }
    }

    /// How far it has come, without the lock: `Queued` may be over already, all else holds.
    #[inline]
    pub fn stage(&self) -> Stage {
        match self.stage.load(Acquire) {
            0 => Stage::New,
            1 => Stage::Queued,
            2 => Stage::One,
            3 => Stage::All,
            4 => Stage::Done,
            _ => Stage::Alone,
        }
    }

    /// Gives it a waker and a stage, and returns the waker it had.
    ///
    /// # Safety
    /// It is in no queue, and nobody but the caller, its owner, knows of it.
    #[inline]
    pub(super) unsafe fn fill(&self, stage: Stage, waker: Option<Waker>) -> Option<Waker> {
        self.stage.store(stage as u8, Relaxed);
        // SAFETY: by contract the node is the caller's.
        self.node.with_mut(|node| std::mem::replace(unsafe { &mut (*node).waker }, waker))
    }

    /// Notifies a waiter that is in no queue, as one of all who wait; returns its waker.
    ///
    /// # Safety
    /// It is alive until its stage says otherwise, and nobody else touches its node until then.
    #[inline]
    pub(super) unsafe fn notify_alone(waiter: NonNull<Self>) -> Option<Waker> {
        // SAFETY: alive and ours, by contract.
        let waker = unsafe { with_node(waiter.as_ptr(), |node| node.waker.take()) };
        // SAFETY: as above. This store is our last touch: its owner may free the waiter from here on.
        unsafe { (*waiter.as_ptr()).stage.store(Stage::All as u8, Release) };
        waker
    }

    /// Its owner is through with it. Not while it is queued.
    #[inline]
    pub(super) fn finish(&self) {
        if watch::is_on() && self.stage() == Stage::One {
            watch::is_seen(ptr::from_ref(self).addr());
        }
        self.stage.store(Stage::Done as u8, Relaxed);
    }
}

/// First and last of those who wait for one thing.
#[derive(Debug, Clone, Copy)]
struct Line {
    head: *const Waiter,
    tail: *const Waiter,
}

impl Line {
    const EMPTY: Self = Self { head: ptr::null(), tail: ptr::null() };
}

#[derive(Debug)]
struct Inner<S, const LINES: usize> {
    lines: [Line; LINES],
    state: S,
}

// SAFETY: the raw pointers lead to waiters, which are Send, and are only followed under the lock.
unsafe impl<S: Send, const LINES: usize> Send for Inner<S, LINES> {}

/// The queue, and the primitive's own state `S` under the same lock. Most have one line, number 0.
#[derive(Debug)]
pub struct Queue<S = (), const LINES: usize = 1> {
    inner: Mutex<Inner<S, LINES>>,
}

impl<S: Default, const LINES: usize> Default for Queue<S, LINES> {
    fn default() -> Self {
        Self::new(S::default())
    }
}

impl<S, const LINES: usize> Queue<S, LINES> {
    /// An empty queue beside `state`.
    #[cfg(not(loom))]
    pub const fn new(state: S) -> Self {
        let inner = Inner { lines: [Line::EMPTY; LINES], state };
        Self { inner: Mutex::new(inner) }
    }

    /// An empty queue beside `state`.
    #[cfg(loom)]
    pub fn new(state: S) -> Self {
        let inner = Inner { lines: [Line::EMPTY; LINES], state };
        Self { inner: Mutex::new(inner) }
    }

    /// Takes the lock; the guard has the verbs. Wake nothing while it lives.
    #[inline]
    pub fn lock(&self) -> QueueGuard<'_, S, LINES> {
        QueueGuard { inner: self.inner.lock() }
    }

    /// Notifies the longest waiter; false if there was none.
    pub fn notify_one(&self) -> bool {
        let waker = self.lock().pop(Outcome::One);
        waker.map(batch::wake).is_some()
    }

    /// Notifies all who wait now, in one step.
    pub fn notify_all(&self) {
        self.lock().release_all();
    }
}

/// The locked queue.
#[derive(Debug)]
pub struct QueueGuard<'a, S, const LINES: usize = 1> {
    inner: MutexGuard<'a, Inner<S, LINES>>,
}

impl<S, const LINES: usize> Deref for QueueGuard<'_, S, LINES> {
    type Target = S;

    #[inline]
    fn deref(&self) -> &S {
        &self.inner.state
    }
}

impl<S, const LINES: usize> DerefMut for QueueGuard<'_, S, LINES> {
    #[inline]
    fn deref_mut(&mut self) -> &mut S {
        &mut self.inner.state
    }
}

/// Reads or writes the fields of a waiter.
///
/// # Safety
/// The caller holds the lock of the queue that `waiter` is in (or is about to enter), and the waiter is alive.
unsafe fn with_node<R>(waiter: *const Waiter, f: impl FnOnce(&mut Node) -> R) -> R {
    // SAFETY: alive by contract.
    let waiter = unsafe { &*waiter };
    // SAFETY: the lock makes this access exclusive.
    waiter.node.with_mut(|node| f(unsafe { &mut *node }))
}

impl<S, const LINES: usize> QueueGuard<'_, S, LINES> {
    /// How many wait in the first line; counts them.
    pub fn len(&self) -> usize {
        let (mut waiter, mut count) = (self.inner.lines[0].head, 0);
        while !waiter.is_null() {
            count += 1;
            // SAFETY: a queued waiter is alive: its owner takes it out under this lock before it frees it.
            waiter = unsafe { with_node(waiter, |node| node.next) };
        }
        count
    }

    /// True when nobody waits in the first line.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.inner.lines[0].head.is_null()
    }

    /// What the longest waiter of the first line asks for.
    pub fn front_want(&self) -> Option<usize> {
        let head = NonNull::new(self.inner.lines[0].head.cast_mut())?;
        // SAFETY: as in `len`.
        Some(unsafe { with_node(head.as_ptr(), |node| node.want) })
    }

    /// As [`pop_from`](Self::pop_from) the first line.
    #[must_use = "the waiter waits for this waker"]
    #[inline]
    pub fn pop(&mut self, outcome: Outcome) -> Option<Waker> {
        self.pop_from(0, outcome)
    }

    /// Takes the longest waiter of a line out, tells it `outcome`, and returns its waker, to be woken once the lock is
    /// released.
    #[must_use = "the waiter waits for this waker"]
    #[inline]
    pub fn pop_from(&mut self, line: usize, outcome: Outcome) -> Option<Waker> {
        let head = NonNull::new(self.inner.lines[line].head.cast_mut())?.as_ptr();
        self.unlink(head);
        // SAFETY: it was queued, so it is alive until its stage says otherwise.
        let waker = unsafe { with_node(head, |node| node.waker.take()) };
        let stage = match outcome {
            Outcome::One => Stage::One,
            Outcome::All => Stage::All,
        };
        if watch::is_on() && stage == Stage::One {
            watch::is_chosen(head.addr(), waker.as_ref(), !self.inner.lines[line].head.is_null());
        }
        // SAFETY: as above. This store is our last touch: its owner may free the waiter from here on.
        unsafe { (*head).stage.store(stage as u8, Release) };
        waker
    }

    /// Takes up to `most` waiters of a line out in one step, longest first, and adds their wakers to `wakers`.
    pub fn gather(&mut self, line: usize, most: usize, outcome: Outcome, wakers: &mut Batches) {
        for _ in 0..most {
            let Some(waker) = self.pop_from(line, outcome) else { return };
            wakers.push(waker);
        }
    }

    /// Notifies everybody in the queue in one step, so that nobody can come between the first and the last of them;
    /// then releases the lock; then wakes them in order.
    pub fn release_all(mut self) {
        if LINES == 1 {
            // None or one is the common case, and needs no batch.
            let Some(first) = self.pop(Outcome::All) else { return };
            if self.is_empty() {
                drop(self);
                return batch::wake(first);
            }
            let mut wakers = Batches::new();
            wakers.push(first);
            self.gather(0, usize::MAX, Outcome::All, &mut wakers);
            return drop(self);
        }
        // Woken when it is dropped, after `self` is.
        let mut wakers = Batches::new();
        for line in 0..LINES {
            self.gather(line, usize::MAX, Outcome::All, &mut wakers);
        }
        drop(self);
    }

    /// Takes `waiter` out if it is still queued; returns the waker to drop once the lock is released.
    ///
    /// # Safety
    /// If the waiter is queued, it is in this queue.
    pub(super) unsafe fn remove(&mut self, waiter: &Waiter) -> Option<Waker> {
        if waiter.stage() != Stage::Queued {
            return None;
        }
        self.unlink(waiter);
        waiter.stage.store(Stage::New as u8, Relaxed);
        // SAFETY: the caller's reference keeps it alive, and we hold the lock.
        unsafe { with_node(waiter, |node| node.waker.take()) }
    }

    /// True when `waiter` has been notified, or is queued with a waker that wakes the same task: it need not be given
    /// another.
    ///
    /// # Safety
    /// If the waiter is queued, it is in this queue.
    pub(super) unsafe fn is_settled(&self, waiter: &Waiter, waker: &Waker) -> bool {
        let same = |node: &mut Node| node.waker.as_ref().is_some_and(|stored| stored.will_wake(waker));
        // SAFETY: the reference keeps it alive, and we hold the lock.
        waiter.stage() != Stage::Queued || unsafe { with_node(waiter, same) }
    }

    /// Swaps the waker of `waiter`, if it is still queued, with `waker`; drop that with the lock released.
    ///
    /// # Safety
    /// If the waiter is queued, it is in this queue.
    pub(super) unsafe fn replace(&mut self, waiter: &Waiter, waker: &mut Option<Waker>) {
        if waiter.stage() == Stage::Queued {
            // SAFETY: the reference keeps it alive, and we hold the lock.
            unsafe { with_node(waiter, |node| std::mem::swap(&mut node.waker, waker)) };
        }
    }

    /// Puts `waiter`, which is new, at the end of the line.
    ///
    /// # Safety
    /// It is in no queue, stays where it is, and is taken out by [`remove`](Self::remove) before it is freed, unless
    /// its stage says that it has been notified.
    pub(super) unsafe fn enter(&mut self, waiter: &Waiter, want: usize, waker: Option<Waker>) {
        let line = &mut self.inner.lines[usize::from(waiter.line)];
        let tail = std::mem::replace(&mut line.tail, waiter);
        let fill = |node: &mut Node| *node = Node { prev: tail, next: ptr::null(), want, waker };
        // SAFETY: the reference keeps it alive, and we hold the lock of the queue that it enters.
        unsafe { with_node(waiter, fill) };
        if tail.is_null() {
            line.head = waiter;
        } else {
            // SAFETY: the tail is queued, hence alive, and we hold the lock.
            unsafe { with_node(tail, |node| node.next = waiter) };
        }
        waiter.stage.store(Stage::Queued as u8, Relaxed);
    }

    fn unlink(&mut self, waiter: *const Waiter) {
        // SAFETY: both callers pass a queued, hence living, waiter, and we hold the lock.
        let (prev, next) = unsafe { with_node(waiter, |node| (node.prev, node.next)) };
        // SAFETY: as above.
        let line = unsafe { (*waiter).line };
        let line = &mut self.inner.lines[usize::from(line)];
        if prev.is_null() {
            line.head = next;
        } else {
            // SAFETY: neighbours of a queued waiter are queued.
            unsafe { with_node(prev, |node| node.next = next) };
        }
        if next.is_null() {
            line.tail = prev;
        } else {
            // SAFETY: as above.
            unsafe { with_node(next, |node| node.prev = prev) };
        }
    }
}
