//! [`Transport`]: what a protocol, and whoever it lets, does with its connection.

use super::link::{Link, WeakLink};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::ops::RangeInclusive;

/// A connection that is driven by its own task; clones are the same one, and may be used from any task or thread.
///
/// It does not keep the connection open: once `connection_lost` was called the descriptor is closed, and all that is
/// left to a transport is to say so.
///
/// Writing never waits and accepts everything. What the system does not take at once is kept, and sent as the peer
/// reads; [`Protocol::pause_writing`](super::Protocol::pause_writing) tells when that is too much. When the runtime
/// shuts down, the system gets what it takes at once, and the rest is lost: wait for `connection_lost` first.
#[derive(Debug, Clone)]
pub struct Transport {
    link: WeakLink,
    peer: Option<SocketAddr>,
}

impl Transport {
    pub(super) fn new(link: &Link) -> Self {
        Self { link: link.downgrade(), peer: link.peer_addr().ok() }
    }

    #[cfg(feature = "tls")]
    pub(super) fn link(&self) -> Option<Link> {
        self.link.upgrade()
    }

    fn with<R>(&self, gone: R, f: impl FnOnce(&Link) -> R) -> R {
        match self.link.upgrade() {
            Some(link) => f(&link),
            None => gone,
        }
    }

    /// Sends `data` after what was written before. Ignored after [`Transport::write_eof`], [`Transport::close`] and
    /// the loss of the connection, as in asyncio.
    #[inline]
    pub fn write(&self, data: impl AsRef<[u8]>) {
        let data = data.as_ref();
        self.with((), |link| link.write(data));
    }

    /// As [`Transport::write`] for each of `lines`, with nothing of other writers between them.
    pub fn writelines<T: AsRef<[u8]>>(&self, lines: impl IntoIterator<Item = T>) {
        let lines: Vec<_> = lines.into_iter().collect();
        let slices: Vec<_> = lines.iter().map(|line| IoSlice::new(line.as_ref())).collect();
        self.with((), |link| link.writelines(&slices));
    }

    /// Sends the end after what was written; reading goes on.
    pub fn write_eof(&self) {
        self.with((), Link::write_eof);
    }

    /// Whether [`Transport::write_eof`] is possible.
    pub fn can_write_eof(&self) -> bool {
        self.with(false, Link::can_write_eof)
    }

    /// Stops reading, sends what was written, then ends the connection, without waiting for the peer's end.
    /// `connection_lost` is called with `None` then. While a peer reads nothing, what was written stays: see
    /// [`Transport::abort`].
    pub fn close(&self) {
        self.with((), Link::close);
    }

    /// Ends the connection at once: what was written and not yet sent is dropped, and the peer sees a reset.
    pub fn abort(&self) {
        self.with((), Link::abort);
    }

    /// Whether the connection was closed, aborted or lost.
    pub fn is_closing(&self) -> bool {
        self.with(true, Link::is_closing)
    }

    /// Stops reading: the peer is slowed down once the system's buffers are full. Nothing comes after this returns, if
    /// it is called in a callback; from elsewhere, a call that is under way comes to its end.
    pub fn pause_reading(&self) {
        self.with((), |link| link.set_paused(true));
    }

    /// Reads again.
    pub fn resume_reading(&self) {
        self.with((), |link| link.set_paused(false));
    }

    /// Whether it reads: neither paused nor closing.
    pub fn is_reading(&self) -> bool {
        self.with(false, |link| !link.is_paused() && !link.is_closing())
    }

    /// Sets the marks in bytes: above `high` the protocol is told to pause, at `low` or below to resume. One that is
    /// not given follows from the other (a quarter, four times), or is 64 KiB and 16 KiB. `low` is `high` at most.
    pub fn set_write_buffer_limits(&self, high: Option<usize>, low: Option<usize>) {
        self.with((), |link| link.set_write_buffer_limits(high, low));
    }

    /// The low and the high-water mark in bytes.
    pub fn get_write_buffer_limits(&self) -> RangeInclusive<usize> {
        self.with(0..=0, Link::get_write_buffer_limits)
    }

    /// How many bytes are kept because the peer has not taken them yet.
    pub fn get_write_buffer_size(&self) -> usize {
        self.with(0, Link::get_write_buffer_size)
    }

    /// The other side's address, also when the connection has ended.
    ///
    /// # Errors
    /// When it was gone from the start, or has no internet address.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.peer.ok_or_else(|| io::Error::new(io::ErrorKind::NotConnected, "the peer has no known address"))
    }

    /// This side's address.
    ///
    /// # Errors
    /// When the connection has ended, or has no internet address.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let gone = || io::Error::new(io::ErrorKind::NotConnected, "the connection has ended");
        self.link.upgrade().ok_or_else(gone)?.local_addr()
    }
}
