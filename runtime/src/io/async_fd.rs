//! [`AsyncFd`]: any file descriptor that the system can watch.

use super::registration::Registration;
use super::{Interest, Ready, ReadyEvent};
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::task::{Context, Poll, ready};

/// A file descriptor whose readiness can be awaited: an event descriptor, a pipe, a device, a socket of another
/// library.
///
/// The descriptor must be in non-blocking mode: a closure that blocks, blocks its worker. It must stay the same and
/// open for as long as the `AsyncFd` holds `T`.
///
/// Readiness comes in edges: it stays until an operation says `WouldBlock`. Do the operation inside `try_io` or
/// `async_io`, which see that answer; or call [`AsyncFdReadyGuard::clear_ready`] when you have seen it yourself, and
/// never before.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use raddle_runtime::io::{AsyncFd, Interest};
/// use std::io::{Read, Write};
/// use std::os::unix::net::UnixStream;
///
/// raddle_runtime::runtime::Builder::new().worker_threads(1).build()?.block_on(async {
///     let (ours, mut theirs) = UnixStream::pair()?;
///     ours.set_nonblocking(true)?;
///     let ours = AsyncFd::new(ours)?;
///     theirs.write_all(b"hi")?;
///     let mut buf = [0; 8];
///     let n = ours.async_io(Interest::READABLE, |mut socket| socket.read(&mut buf)).await?;
///     assert_eq!(&buf[..n], b"hi");
///     Ok(())
/// })
/// # }
/// ```
pub struct AsyncFd<T: AsRawFd> {
    /// Dropped before `inner`, which closes the descriptor.
    registration: Registration,
    inner: T,
}

impl<T: AsRawFd> AsyncFd<T> {
    /// Watches `inner` for reading and writing.
    ///
    /// # Errors
    /// When the descriptor cannot be watched: a regular file is always ready, so it has no readiness to wait for (use
    /// `spawn_blocking`). `inner` is dropped then.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn new(inner: T) -> io::Result<Self> {
        Self::with_interest(inner, Interest::READABLE | Interest::WRITABLE)
    }

    /// Watches `inner` for `interest` only.
    ///
    /// # Errors
    /// As for [`AsyncFd::new`].
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn with_interest(inner: T, interest: Interest) -> io::Result<Self> {
        let registration = Registration::new(inner.as_raw_fd(), interest)?;
        Ok(Self { registration, inner })
    }

    /// The object.
    pub fn get_ref(&self) -> &T {
        &self.inner
    }

    /// The object. Do not exchange its descriptor.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.inner
    }

    /// Ends the watch and gives the object back.
    pub fn into_inner(self) -> T {
        drop(self.registration);
        self.inner
    }

    /// Waits until any of `interest` is ready.
    ///
    /// # Errors
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the readiness for the next who asks.
    pub async fn ready(&self, interest: Interest) -> io::Result<AsyncFdReadyGuard<'_, T>> {
        let event = self.registration.readiness(interest).await?;
        Ok(AsyncFdReadyGuard { fd: self, event })
    }

    /// As [`AsyncFd::ready`], for operations that need `&mut T`.
    ///
    /// # Errors
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    /// As for [`AsyncFd::ready`].
    pub async fn ready_mut(&mut self, interest: Interest) -> io::Result<AsyncFdReadyMutGuard<'_, T>> {
        let event = self.registration.readiness(interest).await?;
        Ok(AsyncFdReadyMutGuard { fd: self, event })
    }

    /// Waits until there is something to read.
    ///
    /// # Errors
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    /// As for [`AsyncFd::ready`].
    pub async fn readable(&self) -> io::Result<AsyncFdReadyGuard<'_, T>> {
        self.ready(Interest::READABLE).await
    }

    /// As [`AsyncFd::readable`], for operations that need `&mut T`.
    ///
    /// # Errors
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    /// As for [`AsyncFd::ready`].
    pub async fn readable_mut(&mut self) -> io::Result<AsyncFdReadyMutGuard<'_, T>> {
        self.ready_mut(Interest::READABLE).await
    }

    /// Waits until there is room to write.
    ///
    /// # Errors
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    /// As for [`AsyncFd::ready`].
    pub async fn writable(&self) -> io::Result<AsyncFdReadyGuard<'_, T>> {
        self.ready(Interest::WRITABLE).await
    }

    /// As [`AsyncFd::writable`], for operations that need `&mut T`.
    ///
    /// # Errors
    /// When the runtime has shut down.
    ///
    /// # Cancel safety
    /// As for [`AsyncFd::ready`].
    pub async fn writable_mut(&mut self) -> io::Result<AsyncFdReadyMutGuard<'_, T>> {
        self.ready_mut(Interest::WRITABLE).await
    }

    /// Waits until there is something to read, for the task that polled last.
    ///
    /// # Errors
    /// When the runtime has shut down.
    pub fn poll_read_ready<'a>(&'a self, cx: &mut Context<'_>) -> Poll<io::Result<AsyncFdReadyGuard<'a, T>>> {
        let event = ready!(self.registration.poll_read_ready(cx))?;
        Poll::Ready(Ok(AsyncFdReadyGuard { fd: self, event }))
    }

    /// Waits until there is room to write, for the task that polled last.
    ///
    /// # Errors
    /// When the runtime has shut down.
    pub fn poll_write_ready<'a>(
        &'a self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<AsyncFdReadyGuard<'a, T>>> {
        let event = ready!(self.registration.poll_write_ready(cx))?;
        Poll::Ready(Ok(AsyncFdReadyGuard { fd: self, event }))
    }

    /// As [`AsyncFd::poll_read_ready`], for operations that need `&mut T`.
    ///
    /// # Errors
    /// When the runtime has shut down.
    pub fn poll_read_ready_mut<'a>(
        &'a mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<AsyncFdReadyMutGuard<'a, T>>> {
        let event = ready!(self.registration.poll_read_ready(cx))?;
        Poll::Ready(Ok(AsyncFdReadyMutGuard { fd: self, event }))
    }

    /// As [`AsyncFd::poll_write_ready`], for operations that need `&mut T`.
    ///
    /// # Errors
    /// When the runtime has shut down.
    pub fn poll_write_ready_mut<'a>(
        &'a mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<AsyncFdReadyMutGuard<'a, T>>> {
        let event = ready!(self.registration.poll_write_ready(cx))?;
        Poll::Ready(Ok(AsyncFdReadyMutGuard { fd: self, event }))
    }

    /// Calls `f` when any of `interest` is ready, again and again until it does not say `WouldBlock`.
    ///
    /// # Errors
    /// Those of `f`, but for `WouldBlock` and `Interrupted`; and when the runtime has shut down.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: what `f` did is returned in the same poll.
    pub async fn async_io<R>(
        &self,
        interest: Interest,
        mut f: impl FnMut(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        self.registration.async_io(interest, || f(&self.inner)).await
    }

    /// As [`AsyncFd::async_io`], for operations that need `&mut T`.
    ///
    /// # Errors
    /// As for [`AsyncFd::async_io`].
    ///
    /// # Cancel safety
    /// As for [`AsyncFd::async_io`].
    pub async fn async_io_mut<R>(
        &mut self,
        interest: Interest,
        mut f: impl FnMut(&mut T) -> io::Result<R>,
    ) -> io::Result<R> {
        let Self { registration, inner } = self;
        registration.async_io(interest, || f(inner)).await
    }

    /// Calls `f` once if any of `interest` is known to be ready.
    ///
    /// # Errors
    /// `WouldBlock` when nothing is ready or `f` says so, those of `f`, and when the runtime has shut down.
    pub fn try_io<R>(&self, interest: Interest, f: impl FnOnce(&T) -> io::Result<R>) -> io::Result<R> {
        self.registration.try_io(interest, || f(&self.inner))
    }

    /// As [`AsyncFd::try_io`], for operations that need `&mut T`.
    ///
    /// # Errors
    /// As for [`AsyncFd::try_io`].
    pub fn try_io_mut<R>(
        &mut self,
        interest: Interest,
        f: impl FnOnce(&mut T) -> io::Result<R>,
    ) -> io::Result<R> {
        let Self { registration, inner } = self;
        registration.try_io(interest, || f(inner))
    }
}

impl<T: AsRawFd> AsRawFd for AsyncFd<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.inner.as_raw_fd()
    }
}

impl<T: AsRawFd + AsFd> AsFd for AsyncFd<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

impl<T: AsRawFd + fmt::Debug> fmt::Debug for AsyncFd<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncFd").field("inner", &self.inner).finish_non_exhaustive()
    }
}

/// What a guard's `try_io` returns when the operation blocked: wait again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TryIoError(());

impl fmt::Display for TryIoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the operation would have blocked")
    }
}

impl std::error::Error for TryIoError {}

/// Calls `f`; on `WouldBlock` takes `event` back.
fn guarded_io<R>(
    registration: &Registration,
    event: ReadyEvent,
    f: impl FnOnce() -> io::Result<R>,
) -> Result<io::Result<R>, TryIoError> {
    match f() {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            registration.clear_readiness(event);
            Err(TryIoError(()))
        }
        result => Ok(result),
    }
}

/// That an [`AsyncFd`] was ready. Dropping it changes nothing.
#[must_use = "use try_io, or say clear_ready or retain_ready"]
pub struct AsyncFdReadyGuard<'a, T: AsRawFd> {
    fd: &'a AsyncFd<T>,
    event: ReadyEvent,
}

impl<'a, T: AsRawFd> AsyncFdReadyGuard<'a, T> {
    /// What was asked for and is ready.
    pub fn ready(&self) -> Ready {
        self.event.ready()
    }

    /// Takes the readiness back. Only after an operation has said `WouldBlock`; news since then stay.
    pub fn clear_ready(&mut self) {
        self.fd.registration.clear_readiness(self.event);
    }

    /// Takes back only those of `ready`.
    pub fn clear_ready_matching(&mut self, ready: Ready) {
        self.fd.registration.clear_readiness(self.event.only(ready));
    }

    /// Leaves the readiness as it is: the operation did not block.
    pub fn retain_ready(&mut self) {}

    /// Calls `f`; when it blocks, takes the readiness back.
    ///
    /// # Errors
    /// [`TryIoError`] when `f` said `WouldBlock`.
    pub fn try_io<R>(
        &mut self,
        f: impl FnOnce(&'a AsyncFd<T>) -> io::Result<R>,
    ) -> Result<io::Result<R>, TryIoError> {
        guarded_io(&self.fd.registration, self.event, || f(self.fd))
    }

    /// The `AsyncFd`.
    pub fn get_ref(&self) -> &'a AsyncFd<T> {
        self.fd
    }

    /// The object in it.
    pub fn get_inner(&self) -> &'a T {
        self.fd.get_ref()
    }
}

impl<T: AsRawFd> fmt::Debug for AsyncFdReadyGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncFdReadyGuard").field("ready", &self.ready()).finish_non_exhaustive()
    }
}

/// That an [`AsyncFd`] was ready, with exclusive access to it. Dropping it changes nothing.
#[must_use = "use try_io, or say clear_ready or retain_ready"]
pub struct AsyncFdReadyMutGuard<'a, T: AsRawFd> {
    fd: &'a mut AsyncFd<T>,
    event: ReadyEvent,
}

impl<T: AsRawFd> AsyncFdReadyMutGuard<'_, T> {
    /// What was asked for and is ready.
    pub fn ready(&self) -> Ready {
        self.event.ready()
    }

    /// Takes the readiness back. Only after an operation has said `WouldBlock`; news since then stay.
    pub fn clear_ready(&mut self) {
        self.fd.registration.clear_readiness(self.event);
    }

    /// Takes back only those of `ready`.
    pub fn clear_ready_matching(&mut self, ready: Ready) {
        self.fd.registration.clear_readiness(self.event.only(ready));
    }

    /// Leaves the readiness as it is: the operation did not block.
    pub fn retain_ready(&mut self) {}

    /// Calls `f`; when it blocks, takes the readiness back.
    ///
    /// # Errors
    /// [`TryIoError`] when `f` said `WouldBlock`.
    pub fn try_io<R>(
        &mut self,
        f: impl FnOnce(&mut AsyncFd<T>) -> io::Result<R>,
    ) -> Result<io::Result<R>, TryIoError> {
        let result = f(self.fd);
        guarded_io(&self.fd.registration, self.event, || result)
    }

    /// The `AsyncFd`.
    pub fn get_ref(&self) -> &AsyncFd<T> {
        self.fd
    }

    /// The `AsyncFd`.
    pub fn get_mut(&mut self) -> &mut AsyncFd<T> {
        self.fd
    }

    /// The object in it.
    pub fn get_inner(&self) -> &T {
        self.fd.get_ref()
    }

    /// The object in it.
    pub fn get_inner_mut(&mut self) -> &mut T {
        self.fd.get_mut()
    }
}

impl<T: AsRawFd> fmt::Debug for AsyncFdReadyMutGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncFdReadyMutGuard").field("ready", &self.ready()).finish_non_exhaustive()
    }
}
