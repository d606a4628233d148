//! The driver's side: steps, and the iterator.

use super::exchange::Exchange;
use super::{Coroutine, Stage, Step};
use crate::budget;
use std::iter::FusedIterator;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

impl<In, Out, Ret, Body> Coroutine<In, Out, Ret, Body>
where
    Body: Future<Output = Ret> + Unpin,
{
    /// Runs the body to its first yield.
    ///
    /// # Panics
    /// If it has been started before; and as [`send`](Self::send).
    #[inline]
    #[track_caller]
    pub fn start(&mut self) -> Step<Out, Ret> {
        self.begin(None);
        self.step()
    }

    /// Answers the last yield and runs the body to the next one.
    ///
    /// # Panics
    /// * If there is no yield to answer: before [`start`](Self::start), after the end (see [`is_done`](Self::is_done)),
    ///   in the middle of a step (see [`resume`](Self::resume)).
    /// * If the body does: the panic comes out here, and the coroutine is done.
    /// * If the body awaits something else than a yield, and that is not ready: it would have to be waited for, with
    ///   [`send_async`](Self::send_async). The coroutine is then in the middle of a step.
    #[inline]
    #[track_caller]
    pub fn send(&mut self, value: In) -> Step<Out, Ret> {
        self.begin(Some(value));
        self.step()
    }

    /// The next poll begins a step: the first, or the one that goes on with this answer.
    #[inline]
    #[track_caller]
    pub(super) fn begin(&mut self, answer: Option<In>) {
        let wanted = if answer.is_some() { Stage::Yielded } else { Stage::New };
        if self.stage != wanted {
            refuse(wanted, self.stage);
        }
        self.kept.answer(answer);
        self.stage = Stage::UnderWay;
    }

    /// Does the step that was begun, without waiting.
    #[inline]
    #[track_caller]
    fn step(&mut self) -> Step<Out, Ret> {
        match self.poll_step(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(step) => step,
            Poll::Pending => self.step_without_budget(),
        }
    }

    /// The body waits for something. If that may be for a unit of the task's budget, which this poll will not see
    /// again, it has to do without.
    #[cold]
    #[track_caller]
    fn step_without_budget(&mut self) -> Step<Out, Ret> {
        if budget::is_exhausted() {
            let cx = &mut Context::from_waker(Waker::noop());
            if let Poll::Ready(step) = budget::without_budget(|| self.poll_step(cx)) {
                return step;
            }
        }
        panic!(
            "the body of a coroutine awaits something other than its yielder, and that is not ready; start, send and \
             next do not wait: use start_async, send_async or into_stream with .await (and resume().await for the step \
             that is under way), or close()"
        )
    }

    /// Polls the body once, on with the step that was begun.
    #[inline]
    pub(super) fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step<Out, Ret>> {
        let ends = CloseOnDrop(self);
        let Coroutine { body, kept, link, .. } = &mut *ends.0;
        let body = Pin::new(body.as_mut().expect("a step that was begun has a body"));
        let exchange = Exchange::new(*link, cx.waker(), kept);
        if let Poll::Ready(value) = exchange.during(|| body.poll(cx)) {
            return Poll::Ready(Step::Returned(value));
        }
        let value = exchange.into_value();
        mem::forget(ends);
        let Some(value) = value else { return Poll::Pending };
        self.stage = Stage::Yielded;
        Poll::Ready(Step::Yielded(value))
    }
}

/// The body has returned or panicked.
struct CloseOnDrop<'a, In, Out, Ret, Body>(&'a mut Coroutine<In, Out, Ret, Body>);

impl<In, Out, Ret, Body> Drop for CloseOnDrop<'_, In, Out, Ret, Body> {
    #[cold]
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn refuse(wanted: Stage, stage: Stage) -> ! {
    match stage {
        Stage::New => panic!("a value was sent to a coroutine that has not started: call start() first"),
        Stage::Yielded => panic!("a coroutine was started twice: go on with send()"),
        Stage::UnderWay => panic!(
            "a coroutine was {} in the middle of a step, which was begun and not awaited to its end: finish it with \
             resume().await, or close()",
            verb(wanted)
        ),
        Stage::Done => panic!(
            "a coroutine was {} after its end (it has returned, panicked or been closed): ask is_done() first",
            verb(wanted)
        ),
    }
}

fn verb(wanted: Stage) -> &'static str {
    if wanted == Stage::New { "started" } else { "sent a value" }
}

/// What it yields; `None` when it has returned or been closed. Panics, as [`Coroutine::send`] does, where the body does
/// or would have to wait.
impl<Out, Body> Iterator for Coroutine<(), Out, (), Body>
where
    Body: Future<Output = ()> + Unpin,
{
    type Item = Out;

    #[inline]
    #[track_caller]
    fn next(&mut self) -> Option<Out> {
        match self.stage {
            Stage::Done => None,
            Stage::New => self.start().yielded(),
            Stage::Yielded | Stage::UnderWay => self.send(()).yielded(),
        }
    }
}

impl<Out, Body> FusedIterator for Coroutine<(), Out, (), Body> where Body: Future<Output = ()> + Unpin {}
