//! Passing descriptors: one `sendmsg` or `recvmsg`.

use crate::socket::bytes;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, recvmsg, sendmsg,
};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The most descriptors in one message: `SCM_MAX_FD` of Linux, which is no less than that of others.
const FDS_MAX: usize = 253;

/// What it takes to pass that many.
const SPACE: usize = rustix::cmsg_space!(ScmRights(FDS_MAX));

/// Refuses what no message can carry, before anybody waits for it.
pub(super) fn check(descriptors: usize) -> io::Result<()> {
    if descriptors <= FDS_MAX {
        return Ok(());
    }
    let text = format!("{descriptors} descriptors are too many: one message takes {FDS_MAX} at most");
    Err(io::Error::new(io::ErrorKind::InvalidInput, text))
}

/// One `sendmsg`: how many bytes of `data` were taken. The descriptors, checked before, went with the first of them.
pub(super) fn send(socket: BorrowedFd<'_>, data: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); SPACE];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() {
        let fits = control.push(SendAncillaryMessage::ScmRights(fds));
        debug_assert!(fits, "the space is for FDS_MAX");
    }
    Ok(sendmsg(socket, &[IoSlice::new(data)], &mut control, bytes::send_flags())?)
}

/// One `recvmsg`: how many bytes, and the descriptors that came with them, closed on exec.
pub(super) fn receive(
    socket: BorrowedFd<'_>,
    buf: &mut [u8],
    max: usize,
) -> io::Result<(usize, Vec<OwnedFd>)> {
    // Always room for all that can come: what does not fit, the system would drop, and it rounds the space up.
    let mut space = [MaybeUninit::uninit(); SPACE];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let got = recvmsg(socket, &mut [IoSliceMut::new(buf)], &mut control, recv_flags())?;
    let mut fds = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(passed) = message {
            fds.extend(passed);
        }
    }
    // From here on, an error closes what has come.
    if got.flags.contains(ReturnFlags::CTRUNC) {
        let text = "descriptors came that this process has no room for: it has too many open; all are closed";
        return Err(io::Error::other(text));
    }
    if fds.len() > max {
        let text = format!("{} descriptors came where {max} were expected; they are closed", fds.len());
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    close_on_exec(&fds)?;
    Ok((got.bytes, fds))
}

/// One `recv` that leaves what it reads to be read.
pub(super) fn peek(socket: &impl AsFd, buf: &mut [u8]) -> io::Result<usize> {
    let (_, len) = rustix::net::recv(socket, &mut *buf, RecvFlags::PEEK)?;
    Ok(len.min(buf.len()))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn recv_flags() -> RecvFlags {
    RecvFlags::CMSG_CLOEXEC
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn recv_flags() -> RecvFlags {
    RecvFlags::empty()
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn close_on_exec(_: &[OwnedFd]) -> io::Result<()> {
    Ok(())
}

/// Where `recvmsg` cannot do it: between the two calls a child may be started that has them too.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn close_on_exec(fds: &[OwnedFd]) -> io::Result<()> {
    for fd in fds {
        rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::CLOEXEC)?;
    }
    Ok(())
}
