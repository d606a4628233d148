//! [`DatagramProtocol`] and its transport.

use super::outbox::Marks;
use super::word::{Flags, Word};
use crate::udp::UdpSocket;
use raddle_runtime::prim::lock::Mutex;
use raddle_runtime::wait::Slot;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

/// What happens to a socket for datagrams, told by calls.
///
/// They come one at a time, on whichever core is free: `connection_made` first, `connection_lost` last. What is said
/// of panics and of cancelling at [`Protocol`](super::Protocol) holds here.
pub trait DatagramProtocol: Send {
    /// The socket is there. The transport sends, and is usually kept.
    fn connection_made(&mut self, transport: DatagramTransport) {
        let _ = transport;
    }

    /// A datagram came; it may be empty.
    fn datagram_received(&mut self, data: &[u8], from: SocketAddr) {
        let _ = (data, from);
    }

    /// Sending or receiving one datagram failed, for instance since nobody listens at the peer's port. The next may be
    /// well.
    fn error_received(&mut self, error: io::Error) {
        let _ = error;
    }

    /// The socket was closed: nothing comes after this. `None`, unless a callback panicked or the runtime shut down.
    fn connection_lost(&mut self, error: Option<io::Error>) {
        let _ = error;
    }

    /// As [`Protocol::pause_writing`](super::Protocol::pause_writing).
    fn pause_writing(&mut self) {}

    /// As [`Protocol::resume_writing`](super::Protocol::resume_writing).
    fn resume_writing(&mut self) {}
}

/// A socket for datagrams that is driven by its own task; clones are the same one, and may be used from any task or
/// thread. It does not keep the socket open.
#[derive(Debug, Clone)]
pub struct DatagramTransport {
    shared: Weak<Shared>,
}

/// The socket as its task sees it.
#[derive(Debug)]
pub(super) struct Shared {
    socket: UdpSocket,
    pending: Mutex<Pending>,
    word: Word,
    owner: Slot,
}

#[derive(Debug, Default)]
struct Pending {
    /// What the system has not taken, in order.
    datagrams: VecDeque<(Box<[u8]>, Option<SocketAddr>)>,
    bytes: usize,
    marks: Marks,
    is_closing: bool,
    /// What the protocol is to be told.
    errors: VecDeque<io::Error>,
}

impl Shared {
    pub(super) fn new(socket: UdpSocket) -> Arc<Self> {
        Arc::new(Self { socket, pending: Mutex::default(), word: Word::new(), owner: Slot::new() })
    }

    pub(super) fn flags(&self) -> Flags {
        self.word.load()
    }

    pub(super) fn register_owner(&self, cx: &Context<'_>) {
        self.owner.register(cx.waker());
    }

    pub(super) fn next_error(&self) -> Option<io::Error> {
        self.pending.lock().errors.pop_front()
    }

    pub(super) fn has_errors(&self) -> bool {
        !self.pending.lock().errors.is_empty()
    }

    pub(super) fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        self.socket.poll_recv_from(cx, buf)
    }

    fn send_now(&self, data: &[u8], to: Option<SocketAddr>) -> io::Result<usize> {
        match to {
            Some(to) => self.socket.try_send_to(data, to),
            None => self.socket.try_send(data),
        }
    }

    fn send(&self, data: &[u8], to: Option<SocketAddr>) {
        let mut pending = self.pending.lock();
        if pending.is_closing {
            return;
        }
        if pending.datagrams.is_empty() {
            match self.send_now(data, to) {
                Ok(_) => return,
                Err(error) if is_later(&error) => {}
                Err(error) => {
                    pending.errors.push_back(error);
                    drop(pending);
                    return self.owner.wake();
                }
            }
        }
        pending.bytes += data.len();
        pending.datagrams.push_back((data.into(), to));
        self.note_level(&mut pending);
        drop(pending);
        self.owner.wake();
    }

    fn note_level(&self, pending: &mut Pending) {
        let full = pending.marks.is_full_at(pending.bytes);
        self.word.set_buffer(!pending.datagrams.is_empty(), full);
    }

    /// Sends what is kept; ready when all is sent. An error is that of one datagram, and the next is sent.
    pub(super) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.socket.poll_send_ready(cx))?;
            let mut pending = self.pending.lock();
            let Some((data, to)) = pending.datagrams.front() else { return Poll::Ready(Ok(())) };
            match self.send_now(data, *to) {
                Err(error) if is_later(&error) => continue,
                Err(error) => pending.errors.push_back(error),
                Ok(_) => {}
            }
            let sent = pending.datagrams.pop_front();
            pending.bytes -= sent.map_or(0, |(data, _)| data.len());
            self.note_level(&mut pending);
            if pending.datagrams.is_empty() {
                pending.datagrams = VecDeque::new();
                if pending.is_closing {
                    self.word.set_ended();
                }
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Ends at once, or once what is kept is sent.
    pub(super) fn close(&self, drops_rest: bool) {
        let mut pending = self.pending.lock();
        pending.is_closing = true;
        self.word.set_closing();
        if drops_rest {
            (pending.datagrams, pending.bytes) = (VecDeque::new(), 0);
        }
        if pending.datagrams.is_empty() {
            self.word.set_ended();
        }
        drop(pending);
        self.owner.wake();
    }
}

fn is_later(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

impl DatagramTransport {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::downgrade(shared) }
    }

    /// Sends one datagram to `to`, or to the peer of the endpoint. It never waits: what the system does not take at
    /// once is kept. Ignored when the transport is closing. Failures are told by
    /// [`DatagramProtocol::error_received`].
    pub fn send_to(&self, data: impl AsRef<[u8]>, to: impl Into<Option<SocketAddr>>) {
        if let Some(shared) = self.shared.upgrade() {
            shared.send(data.as_ref(), to.into());
        }
    }

    /// Stops receiving, sends what is kept, then closes.
    pub fn close(&self) {
        if let Some(shared) = self.shared.upgrade() {
            shared.close(false);
        }
    }

    /// Closes at once; what is kept is dropped.
    pub fn abort(&self) {
        if let Some(shared) = self.shared.upgrade() {
            shared.close(true);
        }
    }

    /// Whether it was closed or aborted.
    pub fn is_closing(&self) -> bool {
        self.shared.upgrade().is_none_or(|shared| shared.flags().is_closing())
    }

    /// How many bytes are kept.
    pub fn get_write_buffer_size(&self) -> usize {
        self.shared.upgrade().map_or(0, |shared| shared.pending.lock().bytes)
    }

    /// As [`Transport::set_write_buffer_limits`](super::Transport::set_write_buffer_limits).
    pub fn set_write_buffer_limits(&self, high: Option<usize>, low: Option<usize>) {
        let Some(shared) = self.shared.upgrade() else { return };
        let mut pending = shared.pending.lock();
        pending.marks.set(high, low);
        shared.note_level(&mut pending);
        drop(pending);
        shared.owner.wake();
    }

    /// This side's address.
    ///
    /// # Errors
    /// When the socket is closed.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.shared.upgrade().ok_or_else(closed)?.socket.local_addr()
    }

    /// The peer of the endpoint.
    ///
    /// # Errors
    /// When it has none, or the socket is closed.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.shared.upgrade().ok_or_else(closed)?.socket.peer_addr()
    }
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the socket is closed")
}
