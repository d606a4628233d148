//! Sending, receiving and peeking, one datagram at a time.

use super::socket::UdpSocket;
use crate::addr::{ToSocketAddrs, resolve};
use socket2::SockRef;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

/// Sending.
impl UdpSocket {
    /// Sends a datagram to the connected peer, and says how long it was: all of `buf`.
    ///
    /// # Errors
    /// Names the peer. When the socket is not connected, the datagram is too long (65,507 bytes are possible over
    /// IPv4), or the system refuses; `ConnectionRefused` when nobody listened there for an earlier datagram, and this
    /// one was not sent.
    ///
    /// # Cancel safety
    /// Dropping the future before it is ready means that nothing was sent.
    pub async fn send(&self, buf: &[u8]) -> io::Result<usize> {
        self.sending(None, || self.io.send(buf)).await
    }

    /// As [`UdpSocket::send`], for one task at a time: the one that polled last.
    ///
    /// # Errors
    /// As for [`UdpSocket::send`].
    pub fn poll_send(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_sending(cx, None, || self.io.send(buf))
    }

    /// As [`UdpSocket::send`], without waiting.
    ///
    /// # Errors
    /// `WouldBlock` when there is no room or the driver has not said that there is: wait for `writable`. Else as for
    /// [`UdpSocket::send`].
    pub fn try_send(&self, buf: &[u8]) -> io::Result<usize> {
        self.try_sending(None, || self.io.send(buf))
    }

    /// Sends a datagram to `target`, and says how long it was: all of `buf`. A name stands for its first address of the
    /// socket's own family.
    ///
    /// # Errors
    /// Names the address. When `target` has no address, the datagram is too long (65,507 bytes are possible over
    /// IPv4), or the system refuses.
    ///
    /// # Cancel safety
    /// Dropping the future before it is ready means that nothing was sent.
    pub async fn send_to(&self, buf: &[u8], target: impl ToSocketAddrs) -> io::Result<usize> {
        let to = match target.literal() {
            Some(to) => to,
            None => self.first_of(resolve(target.target()).await?)?,
        };
        self.sending(Some(to), || self.io.send_to(buf, to)).await
    }

    /// The first address of the socket's family, or else the first.
    fn first_of(&self, addrs: Vec<SocketAddr>) -> io::Result<SocketAddr> {
        let is_ipv6 = self.io.local_addr()?.is_ipv6();
        let own = addrs.iter().find(|addr| addr.is_ipv6() == is_ipv6);
        let none = || io::Error::new(io::ErrorKind::InvalidInput, "cannot send: no address was given");
        own.or(addrs.first()).copied().ok_or_else(none)
    }

    /// As [`UdpSocket::send_to`], for one task at a time: the one that polled last.
    ///
    /// # Errors
    /// As for [`UdpSocket::send_to`].
    pub fn poll_send_to(
        &self,
        cx: &mut Context<'_>,
        buf: &[u8],
        target: SocketAddr,
    ) -> Poll<io::Result<usize>> {
        self.poll_sending(cx, Some(target), || self.io.send_to(buf, target))
    }

    /// As [`UdpSocket::send_to`], without waiting.
    ///
    /// # Errors
    /// `WouldBlock` when there is no room or the driver has not said that there is: wait for `writable`. Else as for
    /// [`UdpSocket::send_to`].
    pub fn try_send_to(&self, buf: &[u8], target: SocketAddr) -> io::Result<usize> {
        self.try_sending(Some(target), || self.io.send_to(buf, target))
    }
}

/// Receiving.
impl UdpSocket {
    /// Waits for a datagram and says how long it was. What does not fit into `buf` is cut off and lost.
    ///
    /// # Errors
    /// Names the peer, or where the socket is bound. `ConnectionRefused` when nobody listened for an earlier datagram
    /// of a connected socket; `InvalidInput` on a socket that joins datagrams ([`UdpSocket::enable_gro`]).
    ///
    /// # Cancel safety
    /// Dropping the future loses no datagram.
    pub async fn recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        let io = self.plain()?;
        self.receiving(|| io.recv(buf)).await
    }

    /// As [`UdpSocket::recv`], for one task at a time: the one that polled last.
    ///
    /// # Errors
    /// As for [`UdpSocket::recv`].
    pub fn poll_recv(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let io = self.plain()?;
        self.poll_receiving(cx, || io.recv(buf))
    }

    /// As [`UdpSocket::recv`], without waiting.
    ///
    /// # Errors
    /// `WouldBlock` when there is nothing or the driver has not said that there is: wait for `readable`. Else as for
    /// [`UdpSocket::recv`].
    pub fn try_recv(&self, buf: &mut [u8]) -> io::Result<usize> {
        let io = self.plain()?;
        self.try_receiving(|| io.recv(buf))
    }

    /// Waits for a datagram and says how long it was and who sent it. What does not fit into `buf` is cut off and lost.
    ///
    /// # Errors
    /// As for [`UdpSocket::recv`].
    ///
    /// # Cancel safety
    /// Dropping the future loses no datagram.
    pub async fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let io = self.plain()?;
        self.receiving(|| io.recv_from(buf)).await
    }

    /// As [`UdpSocket::recv_from`], for one task at a time: the one that polled last.
    ///
    /// # Errors
    /// As for [`UdpSocket::recv`].
    pub fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let io = self.plain()?;
        self.poll_receiving(cx, || io.recv_from(buf))
    }

    /// As [`UdpSocket::recv_from`], without waiting.
    ///
    /// # Errors
    /// As for [`UdpSocket::try_recv`].
    pub fn try_recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let io = self.plain()?;
        self.try_receiving(|| io.recv_from(buf))
    }

    /// The socket, if a receive call gives one datagram.
    fn plain(&self) -> io::Result<&std::net::UdpSocket> {
        if self.offload.joins() {
            let text = "the socket joins datagrams (enable_gro), which only recv_batch takes apart";
            return Err(self.receive_error(io::Error::new(io::ErrorKind::InvalidInput, text)));
        }
        Ok(&self.io)
    }
}

/// Looking at the next datagram, which stays to be received.
impl UdpSocket {
    /// As [`UdpSocket::recv`], but the datagram stays to be received.
    ///
    /// # Errors
    /// As for [`UdpSocket::recv`].
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        let io = self.plain()?;
        self.receiving(|| io.peek(buf)).await
    }

    /// As [`UdpSocket::peek`], for one task at a time: the one that polled last.
    ///
    /// # Errors
    /// As for [`UdpSocket::recv`].
    pub fn poll_peek(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let io = self.plain()?;
        self.poll_receiving(cx, || io.peek(buf))
    }

    /// As [`UdpSocket::peek`], without waiting.
    ///
    /// # Errors
    /// As for [`UdpSocket::try_recv`].
    pub fn try_peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        let io = self.plain()?;
        self.try_receiving(|| io.peek(buf))
    }

    /// As [`UdpSocket::recv_from`], but the datagram stays to be received.
    ///
    /// # Errors
    /// As for [`UdpSocket::recv`].
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let io = self.plain()?;
        self.receiving(|| io.peek_from(buf)).await
    }

    /// As [`UdpSocket::peek_from`], for one task at a time: the one that polled last.
    ///
    /// # Errors
    /// As for [`UdpSocket::recv`].
    pub fn poll_peek_from(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let io = self.plain()?;
        self.poll_receiving(cx, || io.peek_from(buf))
    }

    /// As [`UdpSocket::peek_from`], without waiting.
    ///
    /// # Errors
    /// As for [`UdpSocket::try_recv`].
    pub fn try_peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let io = self.plain()?;
        self.try_receiving(|| io.peek_from(buf))
    }

    /// Waits for a datagram and says who sent it; it stays to be received.
    ///
    /// # Errors
    /// As for [`UdpSocket::recv`].
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn peek_sender(&self) -> io::Result<SocketAddr> {
        self.receiving(|| self.sender()).await
    }

    /// As [`UdpSocket::peek_sender`], for one task at a time: the one that polled last.
    ///
    /// # Errors
    /// As for [`UdpSocket::recv`].
    pub fn poll_peek_sender(&self, cx: &mut Context<'_>) -> Poll<io::Result<SocketAddr>> {
        self.poll_receiving(cx, || self.sender())
    }

    /// As [`UdpSocket::peek_sender`], without waiting.
    ///
    /// # Errors
    /// As for [`UdpSocket::try_recv`].
    pub fn try_peek_sender(&self) -> io::Result<SocketAddr> {
        self.try_receiving(|| self.sender())
    }

    fn sender(&self) -> io::Result<SocketAddr> {
        let sender = SockRef::from(&self.io).peek_sender()?;
        sender.as_socket().ok_or_else(|| io::Error::other("the sender has no internet address"))
    }
}
