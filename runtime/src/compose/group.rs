//! Task groups: children that end before their parent goes on.

use super::group_error::{ChildError, GroupError, report_panic, report_panics};
use super::members::Members;
use crate::budget;
use crate::context;
use crate::prim::lock::Mutex;
use crate::task::linger::Over;
use crate::task::{self, CancelHandle, Extras, Id, JoinError, JoinHandle, Parent, Request, Spawn, Task};
use crate::time::{self, Instant};
use crate::unwind;
use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// Runs `body`, which spawns children into the group it is given, and returns when the body has returned and every
/// child has ended. (`asyncio.TaskGroup`)
///
/// When a child fails (it returns an error, or panics), the other children are cancelled with a reason that names it,
/// and so is the body: it is dropped where it waits. (Both happen at the same time: a body that is in a poll then may
/// see through a handle that a child was cancelled.) When the body fails, the children are cancelled. A child that is
/// cancelled through its own handle is no failure.
///
/// Children are tasks: they run on all cores. They inherit what tasks inherit, and the time-outs around the group
/// ([`time::deadline`](crate::time::deadline)). A child may spawn siblings through a clone of the group.
///
/// ```
/// raddle_runtime::run(async {
///     let sum = raddle_runtime::task_group(async |group| {
///         let two = group.spawn(async { Ok::<_, std::io::Error>(2) });
///         let three = group.spawn(async { Ok(3) });
///         Ok(two.await.unwrap() + three.await.unwrap())
///     });
///     assert_eq!(sum.await.unwrap(), 5);
///
///     let failed = raddle_runtime::task_group(async |group| {
///         group.spawn_named("slow", std::future::pending::<Result<(), String>>());
///         group.spawn_named("hasty", async { Err::<(), _>("no such host".to_string()) });
///         Ok(())
///     });
///     let error = failed.await.unwrap_err();
///     assert_eq!(error.errors()[0].error().unwrap(), "no such host");
///     assert!(error.to_string().contains("task 'hasty'"));
/// });
/// ```
///
/// # Errors
/// A [`GroupError`] with all that went wrong: of the children and of the body.
///
/// # Cancel safety
/// Dropping it cancels the children at once: with the reason that the calling task is being cancelled for, if it is.
/// The *task* that drops it does not complete before they have ended, though code after a `select!` or a time-out that
/// drops it may run beside their last moments. Outside a task (in the root future of a `block_on`) nobody waits for
/// them. What the children returned is lost; panics among it are reported by the runtime.
///
/// # Panics
/// With the body, when that panics and no child has failed before, after all children have ended; what they failed with
/// is lost then, but for panics, which are reported. Outside a runtime, when a child is spawned.
#[track_caller]
pub fn task_group<V, E, B>(body: B) -> impl Future<Output = Result<V, GroupError<E>>>
where
    B: AsyncFnOnce(&Group<E>) -> Result<V, E>,
    E: Send + 'static,
{
    run(Kind::Group, Location::caller(), body)
}

/// What a group is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Group,
    /// Whoever is done "fails" with its output.
    Race,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Group => "task group",
            Self::Race => "race",
        }
    }
}

/// The body of [`task_group`].
pub(super) async fn run<V, E, B>(
    kind: Kind,
    at: &'static Location<'static>,
    body: B,
) -> Result<V, GroupError<E>>
where
    B: AsyncFnOnce(&Group<E>) -> Result<V, E>,
    E: Send + 'static,
{
    let group = Group::new(kind, at);
    let scope = Scope(&group);
    let value = match attend(&group, body(&group)).await {
        Some(Ok(Ok(value))) => Some(value),
        Some(Ok(Err(error))) => {
            group.shared.fail(ChildError::Body(error), "the group's body failed".into());
            None
        }
        Some(Err(payload)) if group.shared.members.has_failed() => {
            let message = task::message(payload.as_ref()).unwrap_or("(a payload that is not a string)");
            group.shared.fail(ChildError::BodyPanicked(message.into()), "the group's body panicked".into());
            unwind::discard(payload);
            None
        }
        Some(Err(payload)) => {
            let panic = BodyPanic(Some(payload));
            group.shared.members.cancel(&Request::new(Some("the group's body panicked".into()), at));
            group.join().await;
            drop(scope);
            panic.resume()
        }
        None => None,
    };
    group.join().await;
    let errors = group.shared.close();
    match value {
        Some(value) if errors.is_empty() => Ok(value),
        _ => Err(GroupError::new(errors)),
    }
}

/// A group's body, until it returns or panics, or the group fails; it is dropped then.
async fn attend<E, F: Future>(group: &Group<E>, body: F) -> Option<std::thread::Result<F::Output>> {
    let mut body = pin!(body);
    poll_fn(|cx| {
        if group.shared.members.poll_failed(cx).is_ready() {
            return Poll::Ready(None);
        }
        match catch_unwind(AssertUnwindSafe(|| body.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Some(Ok(output))),
            Err(payload) => Poll::Ready(Some(Err(payload))),
        }
    })
    .await
}

/// What the body panicked with, while the children end. Where that is not waited for, the panic is reported.
struct BodyPanic(Option<Box<dyn Any + Send>>);

impl BodyPanic {
    fn resume(mut self) -> ! {
        resume_unwind(self.0.take().expect("taken here only"))
    }
}

impl Drop for BodyPanic {
    fn drop(&mut self) {
        let Some(payload) = self.0.take() else { return };
        let Some(task) = task::try_current() else {
            crate::report::warn(format_args!(
                "the body of a task group panicked, and the group was dropped then"
            ));
            return unwind::discard(payload);
        };
        let error = JoinError::panic(task.into_origin(), payload);
        report_panic(&error);
        unwind::discard(error.into_panic());
    }
}

/// The time in which a group may be left: drops it if that comes before its end.
struct Scope<'a, E: Send + 'static>(&'a Group<E>);

impl<E: Send + 'static> Drop for Scope<'_, E> {
    fn drop(&mut self) {
        self.0.shared.abandon();
    }
}

/// The children of a [`task_group`]. A clone may be given to a child, to spawn siblings.
pub struct Group<E> {
    shared: Arc<Shared<E>>,
}

/// What a group and its children have in common.
struct Shared<E> {
    members: Members,
    outcome: Mutex<Outcome<E>>,
    kind: Kind,
    /// Where it was made.
    at: &'static Location<'static>,
    /// The nearest deadline around it.
    deadline: Option<Instant>,
}

struct Outcome<E> {
    errors: Vec<ChildError<E>>,
    /// Nobody will read the errors that come from now on.
    is_closed: bool,
}

impl<E> Clone for Group<E> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<E> fmt::Debug for Group<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("at", &self.shared.at).field("len", &self.len()).finish()
    }
}

impl<E> Group<E> {
    /// Children that have not ended.
    pub fn len(&self) -> usize {
        self.shared.members.len()
    }

    /// True when all children have ended.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Cancels all children, and those that are spawned from now on, with a reason that their joiners see. The body
    /// goes on; that they are cancelled is no failure.
    #[track_caller]
    pub fn cancel_with(&self, reason: impl Into<Cow<'static, str>>) {
        let request = Request::new(Some(reason.into()), Location::caller());
        self.shared.members.cancel(&request);
    }
}

impl<E: Send + 'static> Group<E> {
    pub(crate) fn new(kind: Kind, at: &'static Location<'static>) -> Self {
        let outcome = Mutex::new(Outcome { errors: Vec::new(), is_closed: false });
        let members = Members::default();
        Self { shared: Arc::new(Shared { members, outcome, kind, at, deadline: time::deadline() }) }
    }

    /// Starts a child. Its handle may be dropped: the group waits for the child all the same, and cares for its errors.
    ///
    /// The handle gives what the future returns with `Ok`. A child that fails is seen through its handle as cancelled,
    /// with a reason that says that the group has its error. Once the group is cancelled, has failed or is over, the
    /// future is dropped unpolled, and the handle says why.
    ///
    /// # Panics
    /// Outside a runtime, and in a process forked off from the one that made it.
    #[track_caller]
    pub fn spawn<F, T>(&self, future: F) -> JoinHandle<T>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
    {
        self.start(None, future, Location::caller())
    }

    /// As [`spawn`](Self::spawn), with a name for the task, which errors and reports show.
    ///
    /// # Panics
    /// As [`spawn`](Self::spawn).
    #[track_caller]
    pub fn spawn_named<F, T>(&self, name: impl Into<Box<str>>, future: F) -> JoinHandle<T>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
    {
        self.start(Some(name.into()), future, Location::caller())
    }

    #[track_caller]
    fn start<F, T>(
        &self,
        name: Option<Box<str>>,
        future: F,
        spawned_at: &'static Location<'static>,
    ) -> JoinHandle<T>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
    {
        context::with_future(future, |inner, future| {
            let extras = Some(self.extras(name));
            let (task, handle) = inner
                .scheduler
                .make(future.map(|future| self.child(future)), Spawn { spawned_at, extras, joiner: None });
            if let Some(task) = self.let_in(task, handle.abort_handle()) {
                // SAFETY: made just now, and Send; the group has a cancel handle and nothing else.
                unsafe { inner.scheduler.admit(task) };
            }
            handle
        })
    }

    /// Enters a new child, or ends it if the group takes no more.
    pub(crate) fn let_in(&self, task: Task, child: CancelHandle) -> Option<Task> {
        match self.shared.members.enter(child) {
            Ok(()) => Some(task),
            Err(request) => {
                task.refuse(&request);
                None
            }
        }
    }

    pub(crate) fn extras(&self, name: Option<Box<str>>) -> Box<Extras> {
        Extras::for_child(name, task::local::inherited(), self.shared.clone())
    }

    pub(crate) fn child<F, T>(&self, future: F) -> Child<F, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        Child { shared: self.shared.clone(), future: Some(future) }
    }

    /// Waits until every child has ended.
    pub(crate) async fn join(&self) {
        let over =
            || Request::new(Some(format!("the {} is over", self.shared.kind.name()).into()), self.shared.at);
        poll_fn(|cx| {
            let unit = ready!(budget::poll_unit(cx));
            ready!(self.shared.members.poll_joined(cx, over));
            unit.spend();
            Poll::Ready(())
        })
        .await;
    }
}

impl<E: Send + 'static> Parent for Shared<E> {
    fn child_ended(&self, id: Id) -> Option<Over> {
        self.members.leave(id)
    }
}

impl<E> Shared<E> {
    /// Takes an error in and cancels the children. Gives it back when nobody would read it.
    fn try_fail(&self, error: ChildError<E>, reason: Cow<'static, str>) -> Result<(), ChildError<E>> {
        let mut outcome = self.outcome.lock();
        if outcome.is_closed {
            return Err(error);
        }
        outcome.errors.push(error);
        drop(outcome);
        self.members.fail(&Request::new(Some(reason), self.at));
        Ok(())
    }

    /// As `try_fail`, for the parent itself.
    fn fail(&self, error: ChildError<E>, reason: Cow<'static, str>) {
        let _ = self.try_fail(error, reason);
    }

    /// A child has failed: tells the group, and ends the child without an output. Gives a panic back that nobody would
    /// hear of.
    fn child_fails(&self, failure: Result<E, Box<dyn Any + Send>>) -> Result<(), Box<dyn Any + Send>> {
        let task = task::current();
        let (did, left) = match (self.kind, &failure) {
            (_, Err(_)) => ("panicked", "the panic"),
            (Kind::Group, Ok(_)) => ("failed", "its error"),
            (Kind::Race, Ok(_)) => ("was done", "its output"),
        };
        let kind = self.kind.name();
        let reason = format!("{task} {did}, in the same {kind}").into();
        let own = format!("it {did}, and the {kind} has {left}").into();
        let error = match failure {
            Ok(error) => ChildError::Failed { task, error },
            Err(payload) => ChildError::Panicked(JoinError::panic(task.into_origin(), payload)),
        };
        // Before the group cancels it with the others: of two reasons the first is seen.
        task::current::cancel(&Request::new(Some(own), self.at));
        match self.try_fail(error, reason) {
            Err(ChildError::Panicked(error)) => Err(error.into_panic()),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Takes the errors out; nobody will read those that come from now on.
    fn close(&self) -> Vec<ChildError<E>> {
        let mut outcome = self.outcome.lock();
        outcome.is_closed = true;
        std::mem::take(&mut outcome.errors)
    }

    /// The parent leaves, perhaps before the end.
    fn abandon(&self) {
        report_panics(&self.close());
        if self.members.is_over() {
            return;
        }
        let of_parent = task::current::cancellation();
        let request = of_parent.unwrap_or_else(|| Request::new(Some(self.why_dropped()), self.at));
        self.members.abandon(&request);
    }

    fn why_dropped(&self) -> Cow<'static, str> {
        let kind = self.kind.name();
        match time::deadline::has_passed() {
            true => format!("the time limit around the {kind} was reached").into(),
            false => format!("the {kind} was dropped before its end").into(),
        }
    }
}

/// The future of a child: what it fails with goes to the group.
pub(crate) struct Child<F, E: Send + 'static> {
    shared: Arc<Shared<E>>,
    /// `None` once it has failed.
    future: Option<F>,
}

impl<F, T, E> Future for Child<F, E>
where
    F: Future<Output = Result<T, E>>,
    E: Send + 'static,
{
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        // SAFETY: `future` is structurally pinned, and not moved; `shared` is not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above.
        let mut future = unsafe { Pin::new_unchecked(&mut this.future) };
        let _inherited = time::deadline::inherit(this.shared.deadline);
        let poll = catch_unwind(AssertUnwindSafe(|| {
            let future = future.as_mut().as_pin_mut().expect("a child that failed is cancelled");
            future.poll(cx)
        }));
        let failure = match poll {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(Ok(output))) => return Poll::Ready(output),
            Ok(Poll::Ready(Err(error))) => Ok(error),
            Err(payload) => Err(payload),
        };
        if let Err(payload) = this.shared.child_fails(failure) {
            resume_unwind(payload);
        }
        // It has cancelled itself, and is dropped next.
        Poll::Pending
    }
}

impl<F, E: Send + 'static> Drop for Child<F, E> {
    fn drop(&mut self) {
        // SAFETY: we are being dropped, so we do not move again.
        let mut future = unsafe { Pin::new_unchecked(&mut self.future) };
        let dropped = catch_unwind(AssertUnwindSafe(|| future.set(None)));
        if let Err(payload) = dropped
            && let Err(payload) = self.shared.child_fails(Err(payload))
        {
            resume_unwind(payload);
        }
    }
}
