//! UDP sockets of the runtimes under test.

use std::io;
use std::net::SocketAddr;

use super::{Peer, Raddle, Smol, Tokio};

/// A runtime with UDP sockets.
pub trait Udp: Peer {
    /// A UDP socket.
    type Socket: Send + Sync + 'static;

    /// A socket at a free port of the loopback.
    fn bind_udp() -> impl Future<Output = io::Result<(Self::Socket, SocketAddr)>> + Send;
    /// Has the socket exchange datagrams with this address only.
    fn connect_udp(socket: &Self::Socket, address: SocketAddr)
    -> impl Future<Output = io::Result<()>> + Send;
    /// Sends a datagram to the connected address.
    fn send(socket: &Self::Socket, data: &[u8]) -> impl Future<Output = io::Result<usize>> + Send;
    /// Receives a datagram from the connected address.
    fn recv(socket: &Self::Socket, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> + Send;
    /// Sends a datagram.
    fn send_to(
        socket: &Self::Socket,
        data: &[u8],
        to: SocketAddr,
    ) -> impl Future<Output = io::Result<usize>> + Send;
    /// Receives a datagram.
    fn recv_from(
        socket: &Self::Socket,
        buffer: &mut [u8],
    ) -> impl Future<Output = io::Result<(usize, SocketAddr)>> + Send;
}

impl Udp for Raddle {
    type Socket = raddle::net::UdpSocket;

    async fn bind_udp() -> io::Result<(Self::Socket, SocketAddr)> {
        let socket = raddle::net::UdpSocket::bind("127.0.0.1:0").await?;
        let address = socket.local_addr()?;
        Ok((socket, address))
    }

    async fn connect_udp(socket: &Self::Socket, address: SocketAddr) -> io::Result<()> {
        socket.connect(address).await
    }

    async fn send(socket: &Self::Socket, data: &[u8]) -> io::Result<usize> {
        socket.send(data).await
    }

    async fn recv(socket: &Self::Socket, buffer: &mut [u8]) -> io::Result<usize> {
        socket.recv(buffer).await
    }

    async fn send_to(socket: &Self::Socket, data: &[u8], to: SocketAddr) -> io::Result<usize> {
        socket.send_to(data, to).await
    }

    async fn recv_from(socket: &Self::Socket, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        socket.recv_from(buffer).await
    }
}

impl Udp for Tokio {
    type Socket = tokio::net::UdpSocket;

    async fn bind_udp() -> io::Result<(Self::Socket, SocketAddr)> {
        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await?;
        let address = socket.local_addr()?;
        Ok((socket, address))
    }

    async fn connect_udp(socket: &Self::Socket, address: SocketAddr) -> io::Result<()> {
        socket.connect(address).await
    }

    async fn send(socket: &Self::Socket, data: &[u8]) -> io::Result<usize> {
        socket.send(data).await
    }

    async fn recv(socket: &Self::Socket, buffer: &mut [u8]) -> io::Result<usize> {
        socket.recv(buffer).await
    }

    async fn send_to(socket: &Self::Socket, data: &[u8], to: SocketAddr) -> io::Result<usize> {
        socket.send_to(data, to).await
    }

    async fn recv_from(socket: &Self::Socket, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        socket.recv_from(buffer).await
    }
}

impl Udp for Smol {
    type Socket = smol::net::UdpSocket;

    async fn bind_udp() -> io::Result<(Self::Socket, SocketAddr)> {
        let socket = smol::net::UdpSocket::bind("127.0.0.1:0").await?;
        let address = socket.local_addr()?;
        Ok((socket, address))
    }

    async fn connect_udp(socket: &Self::Socket, address: SocketAddr) -> io::Result<()> {
        socket.connect(address).await
    }

    async fn send(socket: &Self::Socket, data: &[u8]) -> io::Result<usize> {
        socket.send(data).await
    }

    async fn recv(socket: &Self::Socket, buffer: &mut [u8]) -> io::Result<usize> {
        socket.recv(buffer).await
    }

    async fn send_to(socket: &Self::Socket, data: &[u8], to: SocketAddr) -> io::Result<usize> {
        socket.send_to(data, to).await
    }

    async fn recv_from(socket: &Self::Socket, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        socket.recv_from(buffer).await
    }
}
