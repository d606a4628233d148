//! One read and one write of a socket, without the C library in between where there is a way: there each call, in a
//! process with threads, first says and then unsays that the thread may be cancelled, with locked operations.

use rustix::net::{RecvFlags, SendFlags};
use std::io;
use std::os::fd::AsFd;

#[inline]
pub(crate) fn read(socket: &impl AsFd, buf: &mut [u8]) -> io::Result<usize> {
    let (len, _) = rustix::net::recv(socket, buf, RecvFlags::empty())?;
    Ok(len)
}

#[inline]
pub(crate) fn write(socket: &impl AsFd, buf: &[u8]) -> io::Result<usize> {
    Ok(rustix::net::send(socket, buf, send_flags())?)
}

/// A write to a peer that is gone is an error and no signal.
#[cfg(not(target_vendor = "apple"))]
pub(crate) fn send_flags() -> SendFlags {
    SendFlags::NOSIGNAL
}

/// The standard library has set `SO_NOSIGPIPE` there.
#[cfg(target_vendor = "apple")]
pub(crate) fn send_flags() -> SendFlags {
    SendFlags::empty()
}
