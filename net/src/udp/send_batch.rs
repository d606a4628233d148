//! [`SendBatch`]: datagrams that are sent together.

use super::socket::UdpSocket;
use super::sys;
use raddle_runtime::io::{Direction, Interest};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};

/// Datagrams to be sent together by [`UdpSocket::send_batch`].
///
/// What is sent leaves the batch; what could not be sent stays, in its order. An empty batch keeps its memory: fill it
/// again, and nothing is allocated.
///
/// Datagrams of one length to one receiver that follow one another (the last of them may be shorter) are handed to the
/// system as one where it can take them apart again (Linux, `UDP_SEGMENT`), 64 of them at most. That is several times
/// faster than one by one, so put them side by side.
#[derive(Default)]
pub struct SendBatch {
    /// The datagrams one after the other.
    pub(super) bytes: Vec<u8>,
    pub(super) entries: Vec<Entry>,
    /// How many entries, and how many bytes, have left the batch.
    pub(super) gone: usize,
    pub(super) gone_bytes: usize,
    /// Of `mmsg`, here to be allocated once.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) names: Vec<Option<socket2::SockAddr>>,
}

#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) to: Option<SocketAddr>,
    pub(super) len: usize,
}

impl SendBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty batch with memory for so many datagrams of so many bytes in all.
    pub fn with_capacity(datagrams: usize, bytes: usize) -> Self {
        let (bytes, entries) = (Vec::with_capacity(bytes), Vec::with_capacity(datagrams));
        Self { bytes, entries, ..Self::default() }
    }

    /// Adds a datagram to an address, or to the peer of a connected socket (`None`). It is copied.
    pub fn push(&mut self, data: &[u8], to: impl Into<Option<SocketAddr>>) {
        let is_full = self.bytes.len() + data.len() > self.bytes.capacity();
        if is_full && self.gone_bytes > self.bytes.len() / 2 {
            self.bytes.drain(..self.gone_bytes);
            self.entries.drain(..self.gone);
            (self.gone, self.gone_bytes) = (0, 0);
        }
        self.bytes.extend_from_slice(data);
        self.entries.push(Entry { to: to.into(), len: data.len() });
    }

    /// How many datagrams are to be sent.
    pub fn len(&self) -> usize {
        self.entries.len() - self.gone
    }

    /// True when nothing is to be sent.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The datagrams that are to be sent and their receivers, the next one first.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Option<SocketAddr>)> {
        let mut rest = &self.bytes[self.gone_bytes..];
        self.entries[self.gone..].iter().map(move |entry| {
            let (data, behind) = rest.split_at(entry.len);
            rest = behind;
            (data, entry.to)
        })
    }

    /// Takes the next datagram out of the batch, for instance because the system refuses it; false when there is none.
    pub fn skip(&mut self) -> bool {
        let skips = !self.is_empty();
        self.advance(usize::from(skips));
        skips
    }

    /// Takes all datagrams out of the batch.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        (self.gone, self.gone_bytes) = (0, 0);
    }

    /// Takes the next so many datagrams out.
    pub(super) fn advance(&mut self, datagrams: usize) {
        let gone = &self.entries[self.gone..self.gone + datagrams];
        self.gone_bytes += gone.iter().map(|entry| entry.len).sum::<usize>();
        self.gone += datagrams;
        if self.is_empty() {
            self.clear();
        }
    }
}

impl fmt::Debug for SendBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.bytes.len() - self.gone_bytes;
        f.debug_struct("SendBatch").field("len", &self.len()).field("bytes", &bytes).finish_non_exhaustive()
    }
}

/// Sending many datagrams at once.
impl UdpSocket {
    /// Sends all datagrams of the batch, and says how many those were. What is sent leaves the batch.
    ///
    /// Where the system can, dozens go in one call: Linux takes equal ones apart itself (`UDP_SEGMENT`) and others in
    /// a list (`sendmmsg`). What it refuses to take apart, for instance because a datagram is longer than a packet of
    /// the network may be, is sent one by one, and the socket remembers.
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// use raddle_net::{RecvBatch, SendBatch, UdpSocket};
    ///
    /// raddle_runtime::runtime::Builder::new().worker_threads(1).build()?.block_on(async {
    ///     let (ours, theirs) = (UdpSocket::bind("127.0.0.1:0").await?, UdpSocket::bind("127.0.0.1:0").await?);
    ///     let mut batch = SendBatch::new();
    ///     for i in 0..32 {
    ///         batch.push(&[i; 1200], theirs.local_addr()?);
    ///     }
    ///     assert_eq!(ours.send_batch(&mut batch).await?, 32);
    ///
    ///     let mut batch = RecvBatch::new(32, 1500);
    ///     let mut received = 0;
    ///     while received < 32 {
    ///         received += theirs.recv_batch(&mut batch).await?;
    ///         for (data, from) in &batch {
    ///             assert_eq!((data.len(), from), (1200, ours.local_addr()?));
    ///         }
    ///     }
    ///     Ok(())
    /// })
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of sending the datagram that is now the next one, whose receiver the error names. Nothing but that
    /// datagram is in its way: [`SendBatch::skip`] it, or try again. Those before it have been sent and have left the
    /// batch.
    ///
    /// # Cancel safety
    /// Dropping the future leaves in the batch exactly what has not been sent.
    pub async fn send_batch(&self, batch: &mut SendBatch) -> io::Result<usize> {
        let all = batch.len();
        while !batch.is_empty() {
            let send = || sys::send(&self.io, &self.offload, batch);
            let sent = self.registration.async_io(Interest::WRITABLE, send).await;
            sent.map_err(|error| self.batch_error(batch, error))?;
        }
        Ok(all)
    }

    /// Sends what the system takes of the batch in one go, at least one datagram, and says how many; 0 when the batch
    /// is empty. For one task at a time: the one that polled last.
    ///
    /// # Errors
    /// As for [`UdpSocket::send_batch`].
    pub fn poll_send_batch(&self, cx: &mut Context<'_>, batch: &mut SendBatch) -> Poll<io::Result<usize>> {
        if batch.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let send = || sys::send(&self.io, &self.offload, batch);
        let sent = ready!(self.registration.poll_io(Direction::Write, cx, send));
        Poll::Ready(sent.map_err(|error| self.batch_error(batch, error)))
    }

    /// As [`UdpSocket::poll_send_batch`], without waiting.
    ///
    /// # Errors
    /// `WouldBlock` when there is no room or the driver has not said that there is: wait for `writable`. Else as for
    /// [`UdpSocket::send_batch`].
    pub fn try_send_batch(&self, batch: &mut SendBatch) -> io::Result<usize> {
        if batch.is_empty() {
            return Ok(0);
        }
        let send = || sys::send(&self.io, &self.offload, batch);
        let sent = self.registration.try_io(Interest::WRITABLE, send);
        sent.map_err(|error| self.batch_error(batch, error))
    }

    fn batch_error(&self, batch: &SendBatch, error: io::Error) -> io::Error {
        self.send_error(batch.iter().next().and_then(|(_, to)| to), error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    #[test]
    fn what_has_gone_makes_room_for_what_comes() {
        let mut batch = SendBatch::with_capacity(4, 16);
        for i in 0..1_000_u16 {
            batch.push(&[i as u8; 5], to(i));
            if i >= 2 {
                batch.advance(1);
            }
        }
        let left: Vec<_> = batch.iter().collect();
        assert_eq!(left, [(&[230; 5][..], Some(to(998))), (&[231; 5], Some(to(999)))]);
        assert!(batch.bytes.capacity() <= 64, "{} bytes for two datagrams", batch.bytes.capacity());
        assert!(batch.skip() && batch.skip() && !batch.skip());
    }
}
