//! One read and one write of a socket, without the C library in between where there is a way: there each call, in a
//! process with threads, first says and then unsays that the thread may be cancelled, with locked operations.

use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags};
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::AsFd;

/// As many buffers as every system takes at once.
const BUFS_MAX: usize = 1024;

#[inline]
pub(crate) fn read(socket: &impl AsFd, buf: &mut [u8]) -> io::Result<usize> {
    let (len, _) = rustix::net::recv(socket, buf, RecvFlags::empty())?;
    Ok(len)
}

#[inline]
pub(crate) fn write(socket: &impl AsFd, buf: &[u8]) -> io::Result<usize> {
    Ok(rustix::net::send(socket, buf, send_flags())?)
}

#[inline]
pub(crate) fn read_vectored(socket: &impl AsFd, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
    let count = bufs.len().min(BUFS_MAX);
    Ok(rustix::io::readv(socket, &mut bufs[..count])?)
}

#[inline]
pub(crate) fn write_vectored(socket: &impl AsFd, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
    let bufs = &bufs[..bufs.len().min(BUFS_MAX)];
    // `writev` has no flags.
    Ok(rustix::net::sendmsg(socket, bufs, &mut SendAncillaryBuffer::default(), send_flags())?)
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
