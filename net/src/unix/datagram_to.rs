//! Sending to any socket from a [`UnixDatagram`].
//!
//! `EAGAIN` has two causes here. Our send buffer is full: then `EPOLLOUT` comes when there is room. Or the receiver's
//! queue is full: of that our socket hears nothing, unless it is connected to the receiver. Worse, each failed try
//! gives its message's space in our own buffer back, which makes an `EPOLLOUT`: to wait for that is to spin. So another
//! socket that is connected to the receiver, made for this alone, waits in our stead.

use super::addr::{from_path, show};
use super::datagram::UnixDatagram;
use crate::error::{self, at};
use raddle_runtime::budget;
use raddle_runtime::io::{Interest, ReadyEvent};
use std::future::poll_fn;
use std::io;
#[cfg(any(target_os = "linux", target_os = "android"))]
use std::os::fd::AsRawFd;
use std::os::unix::net::SocketAddr;
use std::path::Path;

impl UnixDatagram {
    /// Sends a message to the socket at `path`, waiting for room there.
    ///
    /// # Errors
    /// Names the path: when no socket is there, or it may not be written, or it takes messages of another only, or the
    /// path is too long for an address, or the message is too long for the send buffer, or the receiver is full and no
    /// descriptor is left to wait for it with; and when the runtime has shut down.
    ///
    /// # Cancel safety
    /// When the future is dropped, nothing was sent.
    pub async fn send_to(&self, buf: &[u8], path: impl AsRef<Path>) -> io::Result<usize> {
        self.send_to_addr(buf, &from_path("send to", path.as_ref())?).await
    }

    /// As [`UnixDatagram::send_to`], to an address: that of [`UnixDatagram::recv_from`], say.
    ///
    /// # Errors
    /// As for [`UnixDatagram::send_to`].
    ///
    /// # Cancel safety
    /// As for [`UnixDatagram::send_to`].
    pub async fn send_to_addr(&self, buf: &[u8], addr: &SocketAddr) -> io::Result<usize> {
        self.send_to_unnamed(buf, addr).await.map_err(|error| at("send to", show(addr), &error))
    }

    async fn send_to_unnamed(&self, buf: &[u8], addr: &SocketAddr) -> io::Result<usize> {
        loop {
            poll_fn(|cx| budget::poll_unit(cx)).await.spend();
            // Not waited for: a socket that is connected is writable only while its own receiver has room.
            let event = self.registration.ready_now(Interest::WRITABLE)?;
            match self.io.send_to_addr(buf, addr) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.has_room()? {
                        wait_for_receiver(addr).await?;
                    } else {
                        self.take_back(event);
                        self.registration.readiness(Interest::WRITABLE).await?;
                    }
                }
                sent => return sent,
            }
        }
    }

    /// Sends to the socket at `path` without waiting.
    ///
    /// # Errors
    /// `WouldBlock` when there is no room: wait for `writable` if it is this socket that is full; for a receiver that
    /// is full only [`UnixDatagram::send_to`] waits. Else as for that.
    pub fn try_send_to(&self, buf: &[u8], path: impl AsRef<Path>) -> io::Result<usize> {
        self.try_send_to_addr(buf, &from_path("send to", path.as_ref())?)
    }

    /// As [`UnixDatagram::try_send_to`], to an address.
    ///
    /// # Errors
    /// As for [`UnixDatagram::try_send_to`].
    pub fn try_send_to_addr(&self, buf: &[u8], addr: &SocketAddr) -> io::Result<usize> {
        let event = self.registration.ready_now(Interest::WRITABLE)?;
        let sent = self.io.send_to_addr(buf, addr);
        if matches!(&sent, Err(error) if error.kind() == io::ErrorKind::WouldBlock) && !self.has_room()? {
            self.take_back(event);
        }
        sent.map_err(|error| error::sending(|| Some(show(addr)), error))
    }

    fn take_back(&self, event: Option<ReadyEvent>) {
        if let Some(event) = event {
            self.registration.clear_readiness(event);
        }
    }

    /// Whether our own send buffer has room, so that it is the receiver that has none. `poll` does not say: it answers
    /// for the receiver that this socket is connected to, too.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn has_room(&self) -> io::Result<bool> {
        let mut used: libc::c_int = 0;
        // SAFETY: the call writes a `c_int`.
        let rc = unsafe { libc::ioctl(self.io.as_raw_fd(), libc::TIOCOUTQ, &raw mut used) };
        if rc < 0 {
            return Err(io::Error::last_os_error());
        }
        let size = socket2::SockRef::from(&self.io).send_buffer_size()?;
        Ok(usize::try_from(used).is_ok_and(|used| used < size))
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn has_room(&self) -> io::Result<bool> {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut fds = [PollFd::new(&self.io, PollFlags::OUT)];
        rustix::io::retry_on_intr(|| poll(&mut fds, Some(&Timespec::default())))?;
        Ok(fds[0].revents().contains(PollFlags::OUT))
    }
}

async fn wait_for_receiver(addr: &SocketAddr) -> io::Result<()> {
    let stand_in = std::os::unix::net::UnixDatagram::unbound()?;
    match stand_in.connect_addr(addr) {
        // Watched only now: before, there would be room, and that event would be the first.
        Ok(()) => UnixDatagram::from_std(stand_in)?.writable().await,
        // The receiver is gone since: the next try says so, in the words of `send_to`.
        Err(_) => Ok(()),
    }
}
