//! [`RecvBatch`]: datagrams that are received together.

use super::socket::UdpSocket;
use super::sys;
use raddle_runtime::io::Interest;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

/// Packets that one call receives at most.
pub(super) const PACKETS_MAX: usize = 64;
/// No datagram is longer, joined or not.
pub(super) const JOINED_MAX: usize = 65_535;
/// Joined packets that one call receives at most: 64 of them would be 4 MiB.
const JOINED_PACKETS_MAX: usize = 16;

/// Room for datagrams that [`UdpSocket::recv_batch`] receives together. Make one and use it again and again.
///
/// ```no_run
/// # async fn serve(socket: raddle_net::UdpSocket) -> std::io::Result<()> {
/// let mut batch = raddle_net::RecvBatch::new(64, 1500);
/// loop {
///     socket.recv_batch(&mut batch).await?;
///     for (data, from) in &batch {
///         println!("{from} sent {} bytes", data.len());
///     }
/// }
/// # }
/// ```
pub struct RecvBatch {
    datagrams: usize,
    size: usize,
    /// One packet begins at each multiple of `stride`.
    room: Vec<u8>,
    stride: usize,
    /// In the order of their coming, and of their places in `room`.
    pub(super) packets: Vec<Packet>,
    /// Of `mmsg`: what the system's calls write besides data.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) slots: Vec<super::mmsg::Slot>,
}

/// One datagram, or several joined ones.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packet {
    pub(super) len: usize,
    /// The length of each, but for the last.
    pub(super) segment: usize,
    pub(super) from: SocketAddr,
}

impl Packet {
    fn datagrams(&self) -> usize {
        self.len.div_ceil(self.segment.max(1)).max(1)
    }
}

impl RecvBatch {
    /// Room for so many datagrams (1 to 64; other numbers count as the nearest of these) of so many bytes. What is
    /// longer is cut off there and lost.
    ///
    /// From a socket that joins datagrams, see [`UdpSocket::enable_gro`], more than so many may come at once; the first
    /// call then makes the room for them, 64 KiB per datagram and 1 MiB at most.
    pub fn new(datagrams: usize, size: usize) -> Self {
        let datagrams = datagrams.clamp(1, PACKETS_MAX);
        let size = size.min(JOINED_MAX);
        let packets = Vec::with_capacity(datagrams);
        Self {
            datagrams,
            size,
            room: vec![0; datagrams * size],
            stride: size,
            packets,
            #[cfg(any(target_os = "linux", target_os = "android"))]
            slots: (0..datagrams).map(|_| super::mmsg::Slot::default()).collect(),
        }
    }

    /// How many datagrams came last.
    pub fn len(&self) -> usize {
        self.packets.iter().map(Packet::datagrams).sum()
    }

    /// True when none came.
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// The datagrams and their senders, in the order of their coming.
    pub fn iter(&self) -> Datagrams<'_> {
        Datagrams { batch: self, packet: 0, start: 0 }
    }

    /// The places for packets, joined ones or not.
    pub(super) fn places(&mut self, joined: bool) -> impl ExactSizeIterator<Item = &mut [u8]> {
        let stride = if joined { JOINED_MAX } else { self.size };
        let packets = if joined { self.datagrams.min(JOINED_PACKETS_MAX) } else { self.datagrams };
        if self.room.len() < packets * stride {
            self.room = vec![0; packets * stride];
        }
        self.stride = stride;
        let mut rest = &mut self.room[..];
        (0..packets).map(move |_| {
            let (place, behind) = std::mem::take(&mut rest).split_at_mut(stride);
            rest = behind;
            place
        })
    }
}

impl fmt::Debug for RecvBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvBatch")
            .field("len", &self.len())
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl<'a> IntoIterator for &'a RecvBatch {
    type Item = (&'a [u8], SocketAddr);
    type IntoIter = Datagrams<'a>;

    fn into_iter(self) -> Datagrams<'a> {
        self.iter()
    }
}

/// The datagrams of a [`RecvBatch`] and their senders.
#[derive(Debug, Clone)]
pub struct Datagrams<'a> {
    batch: &'a RecvBatch,
    packet: usize,
    /// Where the next datagram begins in its packet.
    start: usize,
}

impl<'a> Iterator for Datagrams<'a> {
    type Item = (&'a [u8], SocketAddr);

    fn next(&mut self) -> Option<Self::Item> {
        let packet = self.batch.packets.get(self.packet)?;
        let begin = self.packet * self.batch.stride;
        let end = (self.start + packet.segment).min(packet.len);
        let datagram = &self.batch.room[begin + self.start..begin + end];
        self.start = end;
        // The datagram of no bytes is a packet, too.
        if end == packet.len {
            self.packet += 1;
            self.start = 0;
        }
        Some((&datagram[..datagram.len().min(self.batch.size)], packet.from))
    }
}

/// Receiving many datagrams at once.
impl UdpSocket {
    /// Waits until there is a datagram, receives what is there as far as the batch has room, and says how many
    /// datagrams that were. What the batch held before is gone.
    ///
    /// Where the system can, that is one call (Linux, `recvmmsg`). See [`UdpSocket::enable_gro`] for more speed, and
    /// [`UdpSocket::send_batch`] for an example.
    ///
    /// # Errors
    /// As for [`UdpSocket::recv`].
    ///
    /// # Cancel safety
    /// Dropping the future loses no datagram.
    pub async fn recv_batch(&self, batch: &mut RecvBatch) -> io::Result<usize> {
        batch.packets.clear();
        self.receiving(|| sys::receive(&self.io, &self.offload, batch)).await?;
        Ok(batch.len())
    }

    /// As [`UdpSocket::recv_batch`], for one task at a time: the one that polled last.
    ///
    /// # Errors
    /// As for [`UdpSocket::recv`].
    pub fn poll_recv_batch(&self, cx: &mut Context<'_>, batch: &mut RecvBatch) -> Poll<io::Result<usize>> {
        batch.packets.clear();
        let received = self.poll_receiving(cx, || sys::receive(&self.io, &self.offload, batch));
        received.map_ok(|()| batch.len())
    }

    /// As [`UdpSocket::recv_batch`], without waiting.
    ///
    /// # Errors
    /// As for [`UdpSocket::try_recv`].
    pub fn try_recv_batch(&self, batch: &mut RecvBatch) -> io::Result<usize> {
        batch.packets.clear();
        let receive = || sys::receive(&self.io, &self.offload, batch);
        let received = self.registration.try_io(Interest::READABLE, receive);
        received.map_err(|error| self.receive_error(error))?;
        Ok(batch.len())
    }

    /// Has the system join datagrams of one length from one sender that follow one another (`UDP_GRO`). `recv_batch`
    /// takes them apart again, several times faster than it receives them one by one.
    ///
    /// From then on the socket receives by `recv_batch` and its `poll` and `try` forms only: the other functions cannot
    /// take apart, and say so by an error of kind `InvalidInput`. There is no way back, for joined datagrams may be
    /// waiting already.
    ///
    /// # Errors
    /// `Unsupported` where the system cannot do that: Linux can from 5.0 on. `recv_batch` works all the same.
    pub fn enable_gro(&mut self) -> io::Result<()> {
        self.offload.join(&self.io)
    }
}
