//! The task that sends what one connection has kept.

use super::link::Link;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pub(super) struct Flush {
    link: Link,
    is_done: bool,
}

impl Flush {
    pub(super) fn of(link: &Link) -> Self {
        Self { link: link.clone(), is_done: false }
    }
}

impl Future for Flush {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.link.poll_flush(cx));
        self.is_done = true;
        Poll::Ready(())
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        if !self.is_done {
            self.link.abandon();
        }
    }
}
