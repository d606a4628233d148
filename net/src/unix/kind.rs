//! Unix sockets as a kind of [`Stream`](crate::socket::Stream) and [`Listener`](crate::socket::Listener).

use super::{addr, fds};
use crate::socket::{Listening, Socket, Transfer, bytes, sealed};
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

impl sealed::Seal for UnixListener {}

impl sealed::Seal for UnixStream {}

impl Transfer for UnixStream {
    const SHORT_IS_ALL: bool = false;

    #[inline]
    fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        bytes::read(self, buf)
    }

    fn read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        Read::read_vectored(&mut &*self, bufs)
    }

    #[inline]
    fn write(&self, buf: &[u8]) -> io::Result<usize> {
        bytes::write(self, buf)
    }

    fn write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        Write::write_vectored(&mut &*self, bufs)
    }

    fn close_writing(&self) -> io::Result<()> {
        match self.shutdown(Shutdown::Write) {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            ended => ended,
        }
    }

    fn set_nonblocking(&self) -> io::Result<()> {
        self.set_nonblocking(true)
    }
}

impl Socket for UnixStream {
    type Addr = SocketAddr;

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.shutdown(how)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.peer_addr()
    }

    fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.take_error()
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

    fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.take_error()
    }

    fn set_nonblocking(&self) -> io::Result<()> {
        self.set_nonblocking(true)
    }
}
