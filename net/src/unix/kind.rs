//! Unix sockets as a kind of [`Stream`](crate::socket::Stream) and [`Listener`](crate::socket::Listener).

use super::{addr, fds};
use crate::socket::{Listening, Socket, Transfer, sealed};
use std::io;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

impl sealed::Seal for UnixListener {}

impl sealed::Seal for UnixStream {}

impl Transfer for UnixStream {
    const SHORT_IS_ALL: bool = false;
}

impl Socket for UnixStream {
    type Addr = SocketAddr;

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.peer_addr()
    }

    fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        fds::peek(self, buf)
    }
}

impl Listening for UnixListener {
    type Socket = UnixStream;

    fn accept(&self) -> io::Result<(UnixStream, SocketAddr)> {
        let (socket, peer) = crate::socket::accept(self)?;
        let socket = UnixStream::from(socket);
        // Hardly a client has a name; of one that has, only the standard library reads any name without complaint.
        let named = (!peer.is_unnamed()).then(|| socket.peer_addr().ok()).flatten();
        let peer = named.map_or_else(|| SocketAddr::from_pathname(""), Ok)?;
        Ok((socket, peer))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }

    fn show(addr: &SocketAddr) -> String {
        addr::show(addr)
    }
}
