//! Handles on a task: to await its output, to ask it to end.

use super::current::TaskInfo;
use super::done::{self, DoneCallbackId};
use super::error::JoinError;
use super::extras::Extras;
use super::header::Header;
use super::id::Id;
use super::request::Request;
use super::state::{DropJoin, Wake};
use crate::budget;
use crate::prim::cell::UnsafeCell;
use crate::wait::note::{What, note_with};
use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::panic::Location;
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

/// A counted reference to a task.
pub(super) struct TaskRef(NonNull<Header>);

// SAFETY: the header is made for use from any thread (rule 1); what is not Send behind it is touched by the runner
// only.
unsafe impl Send for TaskRef {}
// SAFETY: as above.
unsafe impl Sync for TaskRef {}

impl TaskRef {
    /// # Safety
    /// The task is alive.
    pub(super) unsafe fn retain(task: NonNull<Header>) -> Self {
        // SAFETY: alive by contract.
        unsafe { task.as_ref() }.state.retain();
        Self(task)
    }

    #[inline]
    pub(super) fn header(&self) -> &Header {
        // SAFETY: we have a reference.
        unsafe { self.0.as_ref() }
    }

    fn ask(&self, request: &Arc<Request>) {
        if !self.header().state.is_complete() {
            self.header().extras_or_new().ask(request);
        }
    }

    /// Says who asks and why, then ends the task: whoever sees it ended by a request finds that request.
    pub(super) fn cancel(&self, request: &Arc<Request>) {
        self.ask(request);
        self.end();
    }

    fn request(&self, reason: Option<Cow<'static, str>>, at: &'static Location<'static>) {
        if !self.header().state.is_complete() {
            self.cancel(&Request::new(reason, at));
        }
    }

    fn end(&self) {
        let header = self.header();
        if header.state.cancel() == Wake::Push {
            // SAFETY: the transition gave us the queue entry; our reference keeps scheduler and task for the push.
            unsafe { (header.vtable.schedule)(self.0) };
        }
    }
}

impl Clone for TaskRef {
    fn clone(&self) -> Self {
        // SAFETY: alive: we have a reference.
        unsafe { Self::retain(self.0) }
    }
}

impl Drop for TaskRef {
    fn drop(&mut self) {
        // SAFETY: our reference goes, once.
        unsafe { Header::release(self.0) };
    }
}

/// Awaits the output of a task: `Ok(T)`, or a [`JoinError`] when it was cancelled or panicked.
///
/// Dropping the handle detaches the task: it goes on, and a panic in it is reported by the runtime instead. Say
/// [`detach`](Self::detach) when that is what you want.
///
/// # Cancel safety
/// Awaiting `&mut handle` and dropping that wait loses nothing: the output stays in the handle.
///
/// # Panics
/// When it is polled again after it returned the output.
pub struct JoinHandle<T> {
    task: NonNull<Header>,
    _output: PhantomData<fn() -> T>,
}

// SAFETY: the handle moves a T from the thread of the task to its own, and touches the task through its state word.
unsafe impl<T: Send> Send for JoinHandle<T> {}
// SAFETY: a shared handle only reads the header and asks for cancellation.
unsafe impl<T: Send> Sync for JoinHandle<T> {}

impl<T> Unpin for JoinHandle<T> {}
impl<T> std::panic::UnwindSafe for JoinHandle<T> {}
impl<T> std::panic::RefUnwindSafe for JoinHandle<T> {}

impl<T> JoinHandle<T> {
    /// Takes over the handle's reference of a new task.
    #[inline]
    pub(super) fn new(task: NonNull<Header>) -> Self {
        Self { task, _output: PhantomData }
    }

    #[inline]
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: the handle has a reference.
        unsafe { self.task.as_ref() }
    }

    fn task_ref(&self) -> TaskRef {
        // SAFETY: alive: the handle has a reference.
        unsafe { TaskRef::retain(self.task) }
    }

    /// Asks the task to end: its future is dropped at its next suspension, on its own worker, and whoever joins sees
    /// `Cancelled`, with the place of this call and the task that made it. A finished task is left as it is. May be
    /// called from any thread.
    ///
    /// Of several requests the joiner sees the first. A task that returns in the poll during which it is cancelled has
    /// returned: its output is there.
    #[track_caller]
    pub fn cancel(&self) {
        self.task_ref().request(None, Location::caller());
    }

    /// As [`cancel`](Self::cancel), with a reason that the joiner sees.
    #[track_caller]
    pub fn cancel_with(&self, reason: impl Into<Cow<'static, str>>) {
        self.task_ref().request(Some(reason.into()), Location::caller());
    }

    /// True once the task has ended, in whatever way.
    pub fn is_finished(&self) -> bool {
        self.header().state.is_complete()
    }

    /// The task's id.
    pub fn id(&self) -> Id {
        self.header().id
    }

    /// The task's name, if it was given one.
    pub fn name(&self) -> Option<&str> {
        self.header().extras().and_then(Extras::name)
    }

    /// Where the task was spawned.
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.header().spawned_at
    }

    /// Lets the task go on by itself. A panic in it will be reported by the runtime.
    pub fn detach(self) {
        drop(self);
    }

    /// Has `call` called once when the task has ended, in whatever way; at once and by this thread, if it has ended.
    /// Callbacks are called in the order in which they were added, by the thread that ends the task, with what is known
    /// about it: they should be short. Whoever joins the task may go on before them; a group that the task belongs to
    /// does not. A panic in one is treated as that of a task that nobody joins
    /// ([`PanicPolicy`](crate::runtime::PanicPolicy)), and the others are called.
    ///
    /// ```
    /// # let runtime = raddle_runtime::runtime::Builder::new().worker_threads(2).build().unwrap();
    /// # runtime.block_on(async {
    /// let (tell, told) = std::sync::mpsc::channel();
    /// let task = raddle_runtime::TaskBuilder::new().name("job").spawn(async {});
    /// task.add_done_callback(move |task| tell.send(task.name().map(String::from)).unwrap());
    /// task.await.unwrap();
    /// # raddle_runtime::block_in_place(|| {
    /// assert_eq!(told.recv().unwrap().as_deref(), Some("job"));
    /// # });
    /// # });
    /// ```
    pub fn add_done_callback(&self, call: impl FnOnce(&TaskInfo) + Send + 'static) -> DoneCallbackId {
        // SAFETY: alive: the handle has a reference.
        unsafe { done::add(self.task, Box::new(call)) }
    }

    /// Takes a callback back; returns how many that were: 1, or 0 when it has been called, or is about to be.
    pub fn remove_done_callback(&self, id: DoneCallbackId) -> usize {
        let removed = self.header().extras().and_then(|extras| extras.callbacks.remove(id));
        usize::from(removed.is_some())
    }

    /// A handle that can cancel the task and nothing else; it may be cloned and outlive this one.
    pub fn abort_handle(&self) -> CancelHandle {
        CancelHandle { task: self.task_ref() }
    }

    fn join_waker(&self) -> &UnsafeCell<MaybeUninit<Waker>> {
        // SAFETY: alive: the handle has a reference.
        let cell = unsafe { (self.header().vtable.join_waker)(self.task) };
        // SAFETY: it points into the task.
        unsafe { &*cell.as_ptr() }
    }

    /// Stores `waker` for the task's end; false when the task has ended meanwhile.
    fn store_waker(&self, waker: &Waker) -> bool {
        let state = &self.header().state;
        match state.join_waker_is_set() {
            None => return false,
            Some(true) => {
                // SAFETY: rule 3: while it is set it is only read; if the runner moves it out meanwhile, what we
                // compare is two pointers that nobody overwrites.
                let stored = self.join_waker().with(|cell| unsafe { &*cell });
                // SAFETY: it is set, so it was written.
                if unsafe { stored.assume_init_ref() }.will_wake(waker) {
                    return true;
                }
                if !state.unset_join_waker() {
                    return false;
                }
                // SAFETY: rule 3: unset, so it is ours.
                unsafe { self.drop_join_waker() };
            }
            Some(false) => {}
        }
        let waker = waker.clone();
        self.join_waker().with_mut(|cell| {
            // SAFETY: rule 3: JOIN_WAKER is unset, so the cell is ours.
            unsafe { (*cell).write(waker) };
        });
        if state.set_join_waker() {
            return true;
        }
        // SAFETY: rule 3: it was never set, so the runner does not know of it.
        unsafe { self.drop_join_waker() };
        false
    }

    /// # Safety
    /// The cell holds a waker, and it belongs to the handle (rule 3).
    unsafe fn drop_join_waker(&self) {
        self.join_waker().with_mut(|cell| {
            // SAFETY: ours by contract.
            let cell = unsafe { &mut *cell };
            // SAFETY: written, by contract.
            unsafe { cell.assume_init_drop() };
        });
    }

    /// The output, if the task has ended.
    pub(crate) fn try_take(&mut self) -> Option<Result<T, JoinError>> {
        self.is_finished().then(|| self.take_output())
    }

    /// Has `waker` woken when the task ends; false when it has ended, and the waker will not be used.
    pub(crate) fn watch(&mut self, waker: &Waker) -> bool {
        !self.is_finished() && self.store_waker(waker)
    }

    /// True when the task has ended with a panic, or with an output that it called a failure itself.
    pub(crate) fn has_failed(&self) -> bool {
        self.is_finished() && self.header().extras().is_some_and(Extras::has_failed)
    }

    fn take_output(&mut self) -> Result<T, JoinError> {
        let mut output: Option<Result<T, JoinError>> = None;
        // SAFETY: rule 2: complete, and we are the handle; the place has the type the task was made with.
        unsafe { (self.header().vtable.take_output)(self.task, (&raw mut output).cast::<()>()) };
        output.expect("a JoinHandle was polled again after it had returned the task's output")
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let unit = ready!(budget::poll_unit(cx));
        if !self.header().state.is_complete() && self.store_waker(cx.waker()) {
            note_with(What::Join, self.header().id.low_bits());
            return Poll::Pending;
        }
        unit.spend();
        Poll::Ready(self.take_output())
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        let header = self.header();
        match header.state.drop_join() {
            DropJoin::Left => return,
            // SAFETY: rule 3: unset by the transition, so it is ours.
            DropJoin::DropWaker => unsafe { self.drop_join_waker() },
            // SAFETY: rule 2: complete, and we are the handle.
            DropJoin::DropOutput => unsafe { (header.vtable.drop_output)(self.task) },
        }
        // SAFETY: the handle's reference goes.
        unsafe { Header::release(self.task) };
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle")
            .field("id", &self.id())
            .field("name", &self.name())
            .field("finished", &self.is_finished())
            .finish()
    }
}

/// Cancels a task; from [`JoinHandle::abort_handle`].
#[derive(Clone)]
pub struct CancelHandle {
    task: TaskRef,
}

impl CancelHandle {
    /// A handle on a task seen in the live set.
    pub(crate) fn of(header: &Header) -> Self {
        // The address was exposed when the task was entered in the live set; a pointer made from the reference itself
        // would not reach beyond the header.
        let task = std::ptr::with_exposed_provenance_mut(std::ptr::from_ref(header).addr());
        let task = NonNull::new(task).expect("a reference is not null");
        // SAFETY: alive: we have a reference to its header.
        Self { task: unsafe { TaskRef::retain(task) } }
    }

    /// As [`JoinHandle::cancel`].
    #[track_caller]
    pub fn cancel(&self) {
        self.task.request(None, Location::caller());
    }

    /// As [`JoinHandle::cancel_with`].
    #[track_caller]
    pub fn cancel_with(&self, reason: impl Into<Cow<'static, str>>) {
        self.task.request(Some(reason.into()), Location::caller());
    }

    /// As [`cancel`](Self::cancel), with a request that was made elsewhere.
    pub(crate) fn cancel_for(&self, request: &Arc<Request>) {
        self.task.cancel(request);
    }

    /// Ends the task as part of the end of its runtime.
    pub(crate) fn end(&self) {
        self.task.end();
    }

    /// Tells the task through [`task::cancelled`](super::cancelled) that it should end, and no more.
    pub(crate) fn ask(&self, request: &Arc<Request>) {
        self.task.ask(request);
    }

    /// The scheduler the task belongs to, as its `Schedule::as_ptr` gives it.
    pub(crate) fn scheduler(&self) -> *const () {
        let vtable = self.task.header().vtable;
        // SAFETY: alive: we have a reference.
        unsafe { (vtable.scheduler)(self.task.0) }
    }

    /// Waits for the task's end, whatever it ends with.
    pub(crate) async fn ended(&self) {
        let extras = self.task.header().extras_or_new();
        if !self.task.header().state.watch() {
            return;
        }
        let mut wait = std::pin::pin!(extras.ended.wait());
        std::future::poll_fn(|cx| {
            // The runner completes, then notifies. Enter the queue first, look second: a task that completes in between
            // finds us.
            let notified = wait.as_mut().poll_wait(cx);
            if self.is_finished() {
                return Poll::Ready(());
            }
            note_with(What::Join, self.id().low_bits());
            notified
        })
        .await;
    }

    /// True once the task has ended.
    pub fn is_finished(&self) -> bool {
        self.task.header().state.is_complete()
    }

    /// The task's id.
    pub fn id(&self) -> Id {
        self.task.header().id
    }
}

impl fmt::Debug for CancelHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelHandle").field("id", &self.id()).field("finished", &self.is_finished()).finish()
    }
}
