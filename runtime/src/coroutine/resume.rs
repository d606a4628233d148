//! Driving a body that also awaits other things than its yielder.

use super::{BoxBody, Coroutine, Stage, Step};
use crate::budget;
use futures_core::Stream;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

impl<In, Out, Ret, Body> Coroutine<In, Out, Ret, Body>
where
    Body: Future<Output = Ret> + Unpin,
{
    /// As [`start`](Self::start), but waits while the body does.
    ///
    /// # Panics
    /// At once if it has been started before; the future, if the body panics.
    ///
    /// # Cancel safety
    /// The step stays as far as it has come; [`resume`](Self::resume) goes on with it.
    #[track_caller]
    pub fn start_async(&mut self) -> Resume<'_, In, Out, Ret, Body> {
        self.begin(None);
        Resume { coroutine: self }
    }

    /// As [`send`](Self::send), but waits while the body does. The value is sent when this is called.
    ///
    /// # Panics
    /// At once if there is no yield to answer; the future, if the body panics.
    ///
    /// # Cancel safety
    /// The step stays as far as it has come; [`resume`](Self::resume) goes on with it.
    ///
    /// ```
    /// use raddle_runtime::coroutine::{Coroutine, Step, Yielder};
    /// use raddle_runtime::time::{Duration, sleep};
    ///
    /// raddle_runtime::run(async {
    ///     let mut doubler = Coroutine::new(|co: Yielder<u32, u32>| async move {
    ///         let mut n = co.yield_(0).await;
    ///         loop {
    ///             sleep(Duration::from_millis(1)).await;
    ///             n = co.yield_(2 * n).await;
    ///         }
    ///     });
    ///     doubler.start_async().await;
    ///     assert_eq!(doubler.send_async(21).await, Step::<_, ()>::Yielded(42));
    /// });
    /// ```
    #[track_caller]
    pub fn send_async(&mut self, value: In) -> Resume<'_, In, Out, Ret, Body> {
        self.begin(Some(value));
        Resume { coroutine: self }
    }

    /// Goes on with a step whose future was dropped before its end.
    ///
    /// # Panics
    /// At once if no step is under way; the future, if the body panics.
    ///
    /// # Cancel safety
    /// As [`send_async`](Self::send_async).
    #[track_caller]
    pub fn resume(&mut self) -> Resume<'_, In, Out, Ret, Body> {
        assert!(
            self.is_under_way(),
            "a coroutine with no step under way was resumed: resume() goes on with a step of start_async or send_async \
             that was not awaited to its end"
        );
        Resume { coroutine: self }
    }

    /// True in the middle of a step that was not awaited to its end: [`resume`](Self::resume) goes on with it.
    pub fn is_under_way(&self) -> bool {
        self.stage == Stage::UnderWay
    }

    /// As `poll_step`, for a unit of the task's budget.
    fn poll_resume(&mut self, cx: &mut Context<'_>) -> Poll<Step<Out, Ret>> {
        let unit = ready!(budget::poll_unit(cx));
        let step = ready!(self.poll_step(cx));
        unit.spend();
        Poll::Ready(step)
    }
}

/// The rest of a step: the future of [`start_async`](Coroutine::start_async), [`send_async`](Coroutine::send_async) and
/// [`resume`](Coroutine::resume).
#[must_use = "the body does not run until this is awaited"]
pub struct Resume<'a, In, Out, Ret, Body = BoxBody<'static, Ret>> {
    coroutine: &'a mut Coroutine<In, Out, Ret, Body>,
}

impl<In, Out, Ret, Body> Future for Resume<'_, In, Out, Ret, Body>
where
    Body: Future<Output = Ret> + Unpin,
{
    type Output = Step<Out, Ret>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Step<Out, Ret>> {
        assert!(self.coroutine.is_under_way(), "the future of a step was polled after the step had ended");
        self.coroutine.poll_resume(cx)
    }
}

impl<In, Out, Ret, Body> fmt::Debug for Resume<'_, In, Out, Ret, Body> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resume").field("coroutine", &self.coroutine).finish()
    }
}

impl<Out, Body> Coroutine<(), Out, (), Body>
where
    Body: Future<Output = ()> + Unpin,
{
    /// What it yields, as a stream: asyncio's `async for`. The body may await anything.
    ///
    /// (The coroutine itself is an iterator, and with both traits `next` would not say which.)
    ///
    /// ```
    /// use raddle_runtime::coroutine::Coroutine;
    /// use raddle_runtime::time::{Duration, sleep};
    ///
    /// raddle_runtime::run(async {
    ///     let mut ticks = Coroutine::new(|co| async move {
    ///         for n in 1..=3 {
    ///             sleep(Duration::from_millis(1)).await;
    ///             co.yield_(n).await;
    ///         }
    ///     })
    ///     .into_stream();
    ///     let mut sum = 0;
    ///     while let Some(n) = ticks.next().await {
    ///         sum += n;
    ///     }
    ///     assert_eq!(sum, 6);
    /// });
    /// ```
    pub fn into_stream(self) -> CoroutineStream<Out, Body> {
        CoroutineStream { coroutine: self }
    }
}

/// What a coroutine yields, as a stream; from [`Coroutine::into_stream`]. It goes on with a step that is under way.
#[must_use = "a stream does nothing until it is polled"]
pub struct CoroutineStream<Out, Body = BoxBody<'static, ()>> {
    coroutine: Coroutine<(), Out, (), Body>,
}

impl<Out, Body> CoroutineStream<Out, Body>
where
    Body: Future<Output = ()> + Unpin,
{
    /// The next value; `None` when the body has returned.
    ///
    /// # Panics
    /// If the body does.
    ///
    /// # Cancel safety
    /// Nothing is lost: the next call goes on where the body is.
    pub async fn next(&mut self) -> Option<Out> {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Out>> {
        match self.coroutine.stage {
            Stage::Done => return Poll::Ready(None),
            Stage::New => self.coroutine.begin(None),
            Stage::Yielded => self.coroutine.begin(Some(())),
            Stage::UnderWay => {}
        }
        self.coroutine.poll_resume(cx).map(Step::yielded)
    }

    /// The coroutine, as far as it is.
    pub fn into_inner(self) -> Coroutine<(), Out, (), Body> {
        self.coroutine
    }
}

impl<Out, Body> Stream for CoroutineStream<Out, Body>
where
    Body: Future<Output = ()> + Unpin,
{
    type Item = Out;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Out>> {
        self.poll(cx)
    }
}

impl<Out, Body> fmt::Debug for CoroutineStream<Out, Body> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoroutineStream").field("coroutine", &self.coroutine).finish()
    }
}
