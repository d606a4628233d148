//! The socket, the peer and the runtime that the models of a connection play.

use loom_tests::block_on;
use raddle_runtime::prim::lock::{Condvar, Mutex, MutexGuard};
use raddle_runtime::wait::Slot;
use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::io::{self, IoSlice};
use std::mem;
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A connected socket, as the link sees it.
#[derive(Debug)]
pub(crate) struct Plain(Arc<Wire>);

/// The socket as the peer and the system see it.
#[derive(Default)]
pub(crate) struct Wire {
    state: Mutex<State>,
    reader: Slot,
    writer: Slot,
}

#[derive(Default)]
struct State {
    /// How many bytes the system still takes.
    room: usize,
    sent: Vec<u8>,
    coming: VecDeque<u8>,
    coming_ends: bool,
    write_ended: bool,
    read_ended: bool,
    /// The peer has reset the connection: told once, to whoever calls first.
    reset: bool,
}

impl Wire {
    pub(crate) fn new(room: usize) -> Arc<Self> {
        let wire = Self::default();
        wire.state.lock().room = room;
        Arc::new(wire)
    }

    fn change(&self, change: impl FnOnce(&mut MutexGuard<'_, State>)) {
        change(&mut self.state.lock());
        self.reader.wake();
        self.writer.wake();
    }

    /// The peer reads: there is room for so many more.
    pub(crate) fn take(&self, bytes: usize) {
        self.change(|state| state.room += bytes);
    }

    /// The peer sends.
    pub(crate) fn feed(&self, bytes: &[u8]) {
        self.change(|state| state.coming.extend(bytes));
    }

    /// The peer sends no more.
    pub(crate) fn finish(&self) {
        self.change(|state| state.coming_ends = true);
    }

    /// The peer resets the connection.
    pub(crate) fn reset(&self) {
        self.change(|state| (state.reset, state.write_ended, state.read_ended) = (true, true, true));
    }

    /// What was sent so far.
    pub(crate) fn sent(&self) -> Vec<u8> {
        self.state.lock().sent.clone()
    }

    /// Ready when `is_ready` is, now or after the caller has registered.
    fn poll(&self, slot: &Slot, cx: &Context<'_>, is_ready: impl Fn(&State) -> bool) -> Poll<()> {
        if !is_ready(&self.state.lock()) {
            slot.register(cx.waker());
            if !is_ready(&self.state.lock()) {
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }
}

impl State {
    fn check_reset(&mut self) -> io::Result<()> {
        if mem::take(&mut self.reset) { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl Plain {
    pub(crate) fn new(wire: &Arc<Wire>) -> Self {
        Self(wire.clone())
    }

    pub(crate) fn prepare(&self) {}

    pub(crate) fn poll_read(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let is_ready = |state: &State| !state.coming.is_empty() || state.coming_ends || state.read_ended;
        std::task::ready!(self.0.poll(&self.0.reader, cx, is_ready));
        let mut state = self.0.state.lock();
        state.check_reset()?;
        let count = buf.len().min(state.coming.len());
        for (to, from) in buf.iter_mut().zip(state.coming.drain(..count)) {
            *to = from;
        }
        Poll::Ready(Ok(count))
    }

    pub(crate) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll(&self.0.writer, cx, |state| state.room > 0 || state.write_ended).map(Ok)
    }

    pub(crate) fn try_send(&self, data: &[u8]) -> io::Result<usize> {
        let mut state = self.0.state.lock();
        state.check_reset()?;
        if state.write_ended {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let count = state.room.min(data.len());
        if count == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        state.room -= count;
        state.sent.extend(&data[..count]);
        Ok(count)
    }

    pub(crate) fn send(&self, data: &[u8]) -> io::Result<usize> {
        self.try_send(data)
    }

    pub(crate) fn send_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.try_send(pieces.first().map_or(&[], |piece| piece))
    }

    pub(crate) fn shutdown(&self, how: Shutdown) {
        self.0.change(|state| {
            state.read_ended |= matches!(how, Shutdown::Read | Shutdown::Both);
            state.write_ended |= matches!(how, Shutdown::Write | Shutdown::Both);
        });
    }

    pub(crate) fn reset(&self) {
        self.shutdown(Shutdown::Both);
    }

    pub(crate) fn peer_addr(&self) -> io::Result<SocketAddr> {
        Err(io::ErrorKind::NotConnected.into())
    }

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        Err(io::ErrorKind::NotConnected.into())
    }
}

type Flush = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The flushers that were spawned and have not begun.
#[derive(Default)]
pub(crate) struct Spawned {
    state: Mutex<(VecDeque<Flush>, bool)>,
    changed: Condvar,
}

thread_local! {
    /// What the link that is made next spawns into.
    static CURRENT: Cell<Option<Arc<Spawned>>> = const { Cell::new(None) };
}

impl Spawned {
    /// The link that is made next spawns into this one.
    pub(crate) fn new() -> Arc<Self> {
        let made = Arc::new(Self::default());
        CURRENT.set(Some(made.clone()));
        made
    }

    fn next(&self) -> Option<Flush> {
        let mut state = self.state.lock();
        loop {
            match state.0.pop_front() {
                None if !state.1 => state = self.changed.wait(state),
                next => return next,
            }
        }
    }

    /// Runs flushers until there will be no more.
    pub(crate) fn run(&self) {
        while let Some(flush) = self.next() {
            block_on(flush);
        }
    }

    /// There will be no more.
    pub(crate) fn close(&self) {
        self.state.lock().1 = true;
        self.changed.notify_all();
    }

    /// Drops the next flusher, as a runtime does that shuts down.
    pub(crate) fn drop_next(&self) {
        drop(self.next());
    }
}

/// The runtime that a link was made in.
#[derive(Clone)]
pub(crate) struct Handle(Arc<Spawned>);

/// What a spawn returns.
pub(crate) struct Detached;

impl Detached {
    pub(crate) fn detach(self) {}
}

impl Handle {
    pub(crate) fn current() -> Self {
        Self(CURRENT.take().expect("made before the link"))
    }

    pub(crate) fn spawn(&self, flush: impl Future<Output = ()> + Send + 'static) -> Detached {
        let mut state = self.0.state.lock();
        assert!(state.0.is_empty(), "one flusher is there, and has not begun");
        state.0.push_back(Box::pin(flush));
        drop(state);
        self.0.changed.notify_all();
        Detached
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle")
    }
}
