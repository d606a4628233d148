//! TCP as a kind of [`Stream`](crate::socket::Stream).

use crate::socket::{Socket, Transfer, sealed};
use raddle_runtime::io::Interest;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};

impl sealed::Seal for TcpListener {}

impl sealed::Seal for TcpStream {}

impl Transfer for TcpStream {
    const SHORT_IS_ALL: bool = true;

    fn interest() -> Interest {
        let both = Interest::READABLE | Interest::WRITABLE;
        // Out-of-band data cuts reads short: `poll_stream_io` has to know that there is some.
        if cfg!(any(target_os = "linux", target_os = "android")) { both | Interest::PRIORITY } else { both }
    }
}

impl Socket for TcpStream {
    type Addr = SocketAddr;

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }

    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.peer_addr()
    }

    fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.peek(buf)
    }
}
