//! The cancellable FIFO wait queue under every primitive: an intrusive list behind one lock, beside the state `S` that
//! the primitive wants to change in the same step.
//!
//! A [`Waiter`] lives in the future that waits, so that waiting allocates nothing. Its fields belong to the queue's
//! lock, but for `outcome`, which is the last thing a notifier touches: once it is set the waiter may be freed.

use super::batch::Batch;
use crate::prim::atomic::{AtomicU8, Ordering::Acquire, Ordering::Release};
use crate::prim::cell::UnsafeCell;
use crate::prim::lock::{Mutex, MutexGuard};
use std::future::Future;
use std::marker::PhantomPinned;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::ptr::{self, NonNull};
use std::task::{Context, Poll, Waker};

/// What became of a waiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Outcome {
    /// Not notified; queued or not yet.
    Waiting = 0,
    /// Chosen by a notification meant for one: it must be used or passed on.
    One = 1,
    /// Reached by a notification meant for all.
    All = 2,
}

/// One waiting future's place in a queue. Must stay where it is while queued, hence `!Unpin`.
#[derive(Debug)]
pub struct Waiter {
    outcome: AtomicU8,
    node: UnsafeCell<Node>,
    _pinned: PhantomPinned,
}

#[derive(Debug)]
struct Node {
    prev: *const Waiter,
    next: *const Waiter,
    queued: bool,
    /// How much the waiter asks for (permits); the primitive's business.
    want: usize,
    waker: Option<Waker>,
}

// SAFETY: `node` is only touched under the lock of the queue the waiter is in, or by its owner while it is in none.
unsafe impl Send for Waiter {}
// SAFETY: as above; `outcome` is atomic.
unsafe impl Sync for Waiter {}

impl Default for Waiter {
    fn default() -> Self {
        Self::new()
    }
}

impl Waiter {
    /// A waiter that is in no queue.
    pub fn new() -> Self {
        let node = Node { prev: ptr::null(), next: ptr::null(), queued: false, want: 0, waker: None };
        Self {
            outcome: AtomicU8::new(Outcome::Waiting as u8),
            node: UnsafeCell::new(node),
            _pinned: PhantomPinned,
        }
    }

    /// What became of it, without the lock.
    #[inline]
    pub fn outcome(&self) -> Outcome {
        match self.outcome.load(Acquire) {
            0 => Outcome::Waiting,
            1 => Outcome::One,
            _ => Outcome::All,
        }
    }
}

#[derive(Debug)]
struct Inner<S> {
    head: *const Waiter,
    tail: *const Waiter,
    len: usize,
    state: S,
}

// SAFETY: the raw pointers lead to waiters, which are Send, and are only followed under the lock.
unsafe impl<S: Send> Send for Inner<S> {}

/// The queue, and the primitive's own state `S` under the same lock.
#[derive(Debug)]
pub struct Queue<S = ()> {
    inner: Mutex<Inner<S>>,
}

impl<S: Default> Default for Queue<S> {
    fn default() -> Self {
        Self::new(S::default())
    }
}

impl<S> Queue<S> {
    /// An empty queue beside `state`.
    #[cfg(not(loom))]
    pub const fn new(state: S) -> Self {
        let inner = Inner { head: ptr::null(), tail: ptr::null(), len: 0, state };
        Self { inner: Mutex::new(inner) }
    }

    /// An empty queue beside `state`.
    #[cfg(loom)]
    pub fn new(state: S) -> Self {
        let inner = Inner { head: ptr::null(), tail: ptr::null(), len: 0, state };
        Self { inner: Mutex::new(inner) }
    }

    /// Takes the lock; the guard has the verbs. Wake nothing while it lives.
    #[inline]
    pub fn lock(&self) -> QueueGuard<'_, S> {
        QueueGuard { inner: self.inner.lock() }
    }

    /// Notifies the longest waiter; false if there was none.
    pub fn notify_one(&self) -> bool {
        let waker = self.lock().pop(Outcome::One);
        waker.map(Waker::wake).is_some()
    }

    /// Notifies all who wait now, in one step.
    pub fn notify_all(&self) {
        self.lock().release_all();
    }

    /// Waits for a notification. A `Wait` that is dropped after it was chosen by `notify_one`, and before it could
    /// return, passes the notification on to the next.
    pub fn wait(&self) -> Wait<'_, S> {
        Wait { queue: self, waiter: Waiter::new(), done: false }
    }

    /// Puts `waiter` at the end of the queue, or gives a queued one a new waker. Clones and drops wakers with the
    /// lock released, so it may be called with none held only; `Ready` when the waiter has been notified meanwhile.
    ///
    /// # Safety
    /// The waiter enters no other queue, and is taken out of this one by [`QueueGuard::remove`] before it is dropped,
    /// unless its outcome says that it has been taken out.
    pub unsafe fn poll_waiter(&self, waiter: Pin<&Waiter>, want: usize, cx: &Context<'_>) -> Poll<Outcome> {
        let waiter = waiter.get_ref();
        let settled =
            |outcome| if outcome == Outcome::Waiting { Poll::Pending } else { Poll::Ready(outcome) };
        if waiter.outcome() != Outcome::Waiting {
            return settled(waiter.outcome());
        }
        {
            let guard = self.lock();
            if guard.is_queued_with(waiter, cx.waker()) {
                return Poll::Pending;
            }
        }
        let mut waker = Some(cx.waker().clone());
        let mut guard = self.lock();
        if waiter.outcome() == Outcome::Waiting {
            guard.put(waiter, want, &mut waker);
        }
        drop(guard);
        // `waker` now holds the one that was replaced, if any: dropped here, unlocked.
        drop(waker);
        settled(waiter.outcome())
    }
}

/// The locked queue.
#[derive(Debug)]
pub struct QueueGuard<'a, S> {
    inner: MutexGuard<'a, Inner<S>>,
}

impl<S> Deref for QueueGuard<'_, S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.inner.state
    }
}

impl<S> DerefMut for QueueGuard<'_, S> {
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

impl<S> QueueGuard<'_, S> {
    /// How many wait.
    pub fn len(&self) -> usize {
        self.inner.len
    }

    /// True when nobody waits.
    pub fn is_empty(&self) -> bool {
        self.inner.head.is_null()
    }

    /// What the longest waiter asks for.
    pub fn front_want(&self) -> Option<usize> {
        let head = NonNull::new(self.inner.head.cast_mut())?;
        // SAFETY: a queued waiter is alive: its drop unlinks it under this lock.
        Some(unsafe { with_node(head.as_ptr(), |node| node.want) })
    }

    /// Takes the longest waiter out, tells it `outcome`, and returns its waker, to be woken once the lock is released.
    #[must_use = "the waiter waits for this waker"]
    pub fn pop(&mut self, outcome: Outcome) -> Option<Waker> {
        let head = NonNull::new(self.inner.head.cast_mut())?.as_ptr();
        self.unlink(head);
        // SAFETY: it was queued, so it is alive until `outcome` says otherwise.
        let waker = unsafe { with_node(head, |node| node.waker.take()) };
        // SAFETY: as above. This store is our last touch: its owner may free the waiter from here on.
        unsafe { (*head).outcome.store(outcome as u8, Release) };
        waker
    }

    /// Notifies everybody in the queue in one step, so that nobody can come between the first and the last of them;
    /// then releases the lock; then wakes them in order.
    pub fn release_all(mut self) {
        let mut full = Vec::new();
        let mut batch = Batch::new();
        while let Some(waker) = self.pop(Outcome::All) {
            if batch.is_full() {
                full.push(std::mem::take(&mut batch));
            }
            batch.push(waker);
        }
        drop(self);
        full.iter_mut().for_each(Batch::wake);
        batch.wake();
    }

    /// Takes `waiter` out if it is still queued; returns the waker to drop once the lock is released.
    ///
    /// # Safety
    /// If the waiter is queued, it is in this queue.
    pub unsafe fn remove(&mut self, waiter: Pin<&Waiter>) -> Option<Waker> {
        let waiter: *const Waiter = waiter.get_ref();
        // SAFETY: the caller's reference keeps it alive, and we hold the lock.
        if !unsafe { with_node(waiter, |node| node.queued) } {
            return None;
        }
        self.unlink(waiter);
        // SAFETY: as above.
        unsafe { with_node(waiter, |node| node.waker.take()) }
    }

    /// True when `waiter` is queued and its waker already wakes the same task.
    fn is_queued_with(&self, waiter: &Waiter, waker: &Waker) -> bool {
        let same = |node: &mut Node| {
            node.queued && node.waker.as_ref().is_some_and(|stored| stored.will_wake(waker))
        };
        // SAFETY: the reference keeps it alive, and we hold the lock.
        unsafe { with_node(waiter, same) }
    }

    /// Queues `waiter` with `waker`, or swaps the waker of a queued one.
    fn put(&mut self, waiter: &Waiter, want: usize, waker: &mut Option<Waker>) {
        // SAFETY: the reference keeps it alive, and we hold the lock.
        let queued = unsafe {
            with_node(waiter, |node| {
                std::mem::swap(&mut node.waker, waker);
                node.want = want;
                node.queued
            })
        };
        if !queued {
            self.link(waiter);
        }
    }

    fn link(&mut self, waiter: *const Waiter) {
        let inner = &mut *self.inner;
        // SAFETY: see `put`, the only caller.
        unsafe {
            with_node(waiter, |node| {
                node.prev = inner.tail;
                node.next = ptr::null();
                node.queued = true;
            });
        }
        if inner.tail.is_null() {
            inner.head = waiter;
        } else {
            // SAFETY: the tail is queued, hence alive, and we hold the lock.
            unsafe { with_node(inner.tail, |tail| tail.next = waiter) };
        }
        inner.tail = waiter;
        inner.len += 1;
    }

    fn unlink(&mut self, waiter: *const Waiter) {
        let inner = &mut *self.inner;
        let take_links = |node: &mut Node| {
            node.queued = false;
            (std::mem::replace(&mut node.prev, ptr::null()), std::mem::replace(&mut node.next, ptr::null()))
        };
        // SAFETY: both callers pass a queued, hence living, waiter, and we hold the lock.
        let (prev, next) = unsafe { with_node(waiter, take_links) };
        if prev.is_null() {
            inner.head = next;
        } else {
            // SAFETY: neighbours of a queued waiter are queued.
            unsafe { with_node(prev, |node| node.next = next) };
        }
        if next.is_null() {
            inner.tail = prev;
        } else {
            // SAFETY: as above.
            unsafe { with_node(next, |node| node.prev = prev) };
        }
        inner.len -= 1;
    }
}

/// The future of [`Queue::wait`].
///
/// # Cancel safety
/// Dropping it leaves the queue; a notification it was chosen for and has not returned goes to the next waiter.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Wait<'a, S = ()> {
    queue: &'a Queue<S>,
    waiter: Waiter,
    done: bool,
}

impl<S> Wait<'_, S> {
    /// Enters the queue now, before the first await, with `cx`'s waker; `Ready` once notified.
    pub fn poll_wait(self: Pin<&mut Self>, cx: &Context<'_>) -> Poll<()> {
        // SAFETY: nothing is moved out: the waiter is pinned with us, the rest is plain.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: `this.waiter` is pinned because `self` was.
        let waiter = unsafe { Pin::new_unchecked(&this.waiter) };
        // SAFETY: the waiter is ours, for this queue, and our drop takes it out.
        if this.done || unsafe { this.queue.poll_waiter(waiter, 1, cx) }.is_ready() {
            this.done = true;
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

impl<S> Future for Wait<'_, S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_wait(cx)
    }
}

impl<S> Drop for Wait<'_, S> {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        // SAFETY: we are being dropped where we were pinned.
        let waiter = unsafe { Pin::new_unchecked(&self.waiter) };
        // SAFETY: it enters this queue only.
        let removed = unsafe { self.queue.lock().remove(waiter) };
        drop(removed);
        if self.waiter.outcome() == Outcome::One {
            self.queue.notify_one();
        }
    }
}
