//! [`StreamWriter`].

use super::drain::Draining;
use super::peer::Peer;
use crate::transport::{Link, Plain};
use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::Arc;

/// The sending side of a connection, as asyncio has it.
///
/// Writing never blocks and never fails: what the system does not take at once is kept, and sent as soon as it can be.
/// [`StreamWriter::drain`] waits while too much is kept, and is where errors show; whoever writes without it keeps as
/// much as the peer does not read. All methods take `&self`: an `Arc` of the writer may be written to by many tasks,
/// and each `write` stays whole.
///
/// Dropping the writer is [`StreamWriter::close`]: what was accepted is still sent, then the connection ends, in both
/// directions. A reader that is still there sees the end.
pub struct StreamWriter {
    pub(super) link: Link,
    pub(super) peer: Arc<Peer>,
    /// What `AsyncWrite` waits for.
    pub(super) draining: Draining,
}

/// What is known of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExtraInfo {
    /// The other side's address, also when the connection is gone; `None` where it has none.
    pub peer: Option<SocketAddr>,
    /// This side's address, asyncio's `sockname`; `None` where it has none.
    pub sock: Option<SocketAddr>,
    /// The name of the cipher suite; `None` when the connection is in the clear.
    pub cipher: Option<&'static str>,
    /// Version, cipher and certificates of an encrypted connection; `None` when it is in the clear.
    #[cfg(feature = "tls")]
    pub tls: Option<crate::tls::TlsInfo>,
}

impl StreamWriter {
    pub(super) fn new(link: Link, peer: Arc<Peer>) -> Self {
        Self { link, peer, draining: Draining::default() }
    }

    /// Sends `data`, now or later. It is dropped where nothing can be sent any more, after [`StreamWriter::write_eof`],
    /// [`StreamWriter::close`], or the loss of the connection: [`StreamWriter::drain`] tells.
    pub fn write(&self, data: impl AsRef<[u8]>) {
        self.link.write(data.as_ref());
    }

    /// Sends all `lines`, one after the other and nothing in between, in as few calls of the system as can be. No
    /// newlines are added.
    pub fn writelines<T: AsRef<[u8]>>(&self, lines: impl IntoIterator<Item = T>) {
        let lines: Vec<_> = lines.into_iter().collect();
        let slices: Vec<_> = lines.iter().map(|line| IoSlice::new(line.as_ref())).collect();
        self.link.writelines(&slices);
    }

    /// Waits until what is kept is below the low-water mark, if it is above the high one; else returns at once. See
    /// [`StreamWriter::set_write_buffer_limits`].
    ///
    /// # Errors
    /// When the connection has ended, or something was written after [`StreamWriter::write_eof`] or
    /// [`StreamWriter::close`]. The error names the peer.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing: what was accepted is sent.
    pub async fn drain(&self) -> io::Result<()> {
        self.link.drain().await.map_err(|error| self.peer.name("write to", &error))
    }

    /// Ends the sending after what is kept; the peer sees the end, and reading goes on.
    pub fn write_eof(&self) {
        self.link.write_eof();
    }

    /// Whether [`StreamWriter::write_eof`] works: whether one direction can end alone.
    pub fn can_write_eof(&self) -> bool {
        self.link.can_write_eof()
    }

    /// Ends the connection as soon as what is kept is sent. Nothing more is read or accepted.
    pub fn close(&self) {
        self.link.close();
    }

    /// Ends the connection at once, by a reset; what is kept is dropped.
    pub fn abort(&self) {
        self.link.abort();
    }

    /// Whether the connection is closed, about to be, or lost.
    pub fn is_closing(&self) -> bool {
        self.link.is_closing()
    }

    /// Waits until the connection has ended and what was kept is with the system. It does not end it: call
    /// [`StreamWriter::close`] before.
    ///
    /// # Errors
    /// When the connection was lost. The error names the peer.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn wait_closed(&self) -> io::Result<()> {
        self.link.wait_closed().await.map_err(|error| self.peer.name("write to", &error))
    }

    /// Sets the marks of [`StreamWriter::drain`] in bytes: 64 KiB and 16 KiB at first. What is not given follows from
    /// the other; a low mark above the high one counts as the high one.
    pub fn set_write_buffer_limits(&self, high: Option<usize>, low: Option<usize>) {
        self.link.set_write_buffer_limits(high, low);
    }

    /// The low and the high mark of [`StreamWriter::drain`], in bytes.
    pub fn get_write_buffer_limits(&self) -> RangeInclusive<usize> {
        self.link.get_write_buffer_limits()
    }

    /// How many bytes are kept, because the system did not take them yet.
    pub fn get_write_buffer_size(&self) -> usize {
        self.link.get_write_buffer_size()
    }

    /// The addresses of both sides, and what is known of the encryption. The socket's options are at hand through
    /// [`AsFd`].
    pub fn get_extra_info(&self) -> ExtraInfo {
        #[cfg(feature = "tls")]
        let tls = self.link.tls_info();
        ExtraInfo {
            peer: self.peer.ip(),
            sock: self.local_addr().ok(),
            #[cfg(feature = "tls")]
            cipher: tls.as_ref().and_then(|tls| tls.cipher?.as_str()),
            #[cfg(not(feature = "tls"))]
            cipher: None,
            #[cfg(feature = "tls")]
            tls,
        }
    }

    /// The other side's address, also when the connection is gone.
    ///
    /// # Errors
    /// When it has none.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.peer.ip().map_or_else(|| self.link.peer_addr(), Ok)
    }

    /// This side's address.
    ///
    /// # Errors
    /// When it has none, or the system cannot tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.link.local_addr()
    }
}

impl Drop for StreamWriter {
    fn drop(&mut self) {
        self.link.close();
    }
}

impl AsFd for StreamWriter {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self.link.plain() {
            Plain::Tcp(stream) => stream.as_fd(),
            Plain::Unix(stream) => stream.as_fd(),
        }
    }
}

impl AsRawFd for StreamWriter {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl fmt::Debug for StreamWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("StreamWriter");
        out.field("peer", &format_args!("{}", self.peer)).field("buffered", &self.get_write_buffer_size());
        out.field("is_closing", &self.is_closing()).finish()
    }
}
