//! A gate: opened once, from anywhere; whoever waits for it goes on. It owes nothing to the runtime.

use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Waker};

/// See the head of this file.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    opened: Condvar,
}

#[derive(Default)]
struct State {
    open: bool,
    polls: usize,
    wakers: Vec<Waker>,
}

impl Gate {
    /// A closed gate.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Opens it for good.
    pub(crate) fn open(&self) {
        let wakers = {
            let mut state = self.0.state.lock().unwrap();
            state.open = true;
            std::mem::take(&mut state.wakers)
        };
        self.0.opened.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// True once it is open.
    pub(crate) fn is_open(&self) -> bool {
        self.0.state.lock().unwrap().open
    }

    /// How often someone has looked and found it shut.
    pub(crate) fn waits(&self) -> usize {
        self.0.state.lock().unwrap().polls
    }

    /// The wakers of those who wait, which forget to wait.
    pub(crate) fn take_wakers(&self) -> Vec<Waker> {
        std::mem::take(&mut self.0.state.lock().unwrap().wakers)
    }

    /// Blocks the calling thread until it is open.
    pub(crate) fn block(&self) {
        let state = self.0.state.lock().unwrap();
        drop(self.0.opened.wait_while(state, |state| !state.open).unwrap());
    }

    /// Waits until it is open.
    pub(crate) fn wait(&self) -> Wait {
        Wait(self.clone())
    }
}

/// The future of [`Gate::wait`].
pub(crate) struct Wait(Gate);

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.0.state.lock().unwrap();
        if state.open {
            return Poll::Ready(());
        }
        state.polls += 1;
        if !state.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            state.wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }
}
