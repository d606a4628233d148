//! What a coroutine's body may be: a future on the heap, to be sent or not, or a future on the stack.

use super::Coroutine;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A body on the heap that may go from thread to thread; the default, with `'static`.
pub type BoxBody<'a, Ret> = Pin<Box<dyn Future<Output = Ret> + Send + 'a>>;

/// A body on the heap that stays on its thread.
pub type LocalBody<'a, Ret> = Pin<Box<dyn Future<Output = Ret> + 'a>>;

/// A coroutine whose body is not `Send`; from [`Coroutine::new_local`].
pub type LocalCoroutine<In, Out, Ret> = Coroutine<In, Out, Ret, LocalBody<'static, Ret>>;

/// A body on the stack; from [`Coroutine::on_stack`].
pub struct OnStack<'a, F> {
    place: Pin<&'a mut Option<F>>,
}

impl<'a, F> OnStack<'a, F> {
    pub(super) fn new(mut place: Pin<&'a mut Option<F>>, body: F) -> Self {
        place.set(Some(body));
        Self { place }
    }
}

impl<F: Future> Future for OnStack<'_, F> {
    type Output = F::Output;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.place.as_mut().as_pin_mut().expect("filled when made, emptied when dropped").poll(cx)
    }
}

impl<F> Drop for OnStack<'_, F> {
    fn drop(&mut self) {
        self.place.set(None);
    }
}

impl<F> fmt::Debug for OnStack<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnStack").finish_non_exhaustive()
    }
}
