//! TCP as a kind of [`Stream`](crate::socket::Stream).

use crate::socket::{Socket, Transfer, bytes, sealed};
use raddle_runtime::io::Interest;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};

impl sealed::Seal for TcpListener {}

impl sealed::Seal for TcpStream {}

impl Transfer for TcpStream {
    const SHORT_IS_ALL: bool = true;

    fn interest() -> Interest {
        let both = Interest::READABLE | Interest::WRITABLE;
        // Out-of-band data cuts reads short: `poll_stream_io` has to know that there is some.
        if cfg!(any(target_os = "linux", target_os = "android")) { both | Interest::PRIORITY } else { both }
    }

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

impl Socket for TcpStream {
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
        self.peek(buf)
    }
}
