//! TLS on a [`Link`]: what is written is encrypted on its way to the outbox, what is read decrypted on its way out.
//!
//! The session is behind the lock of the outbox. The socket is read without it, and whoever reads drives the handshake.

use super::super::outbox::Outbox;
use super::super::plain::Plain;
use super::super::session::Session;
use super::{Link, Locked, is_fatal};
use crate::tls::{Setup, TlsInfo};
use raddle_runtime::time::timeout;
use std::cell::Cell;
use std::future::poll_fn;
use std::io::{self, IoSlice, Write};
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// What one read of the socket asks for, in bytes: some records.
const RAW_MAX: usize = 64 * 1024;
/// What is encrypted at once, so that no second copy of a long write is made.
const CHUNK: usize = 64 * 1024;
/// How long the peer's last words are awaited after the end; as in asyncio.
const LINGER: Duration = Duration::from_secs(30);

thread_local! {
    /// Where this thread's reads go first. Absent before the first, and while it is used.
    static RAW: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Records on their way to the system; `WouldBlock` when it takes no more.
struct Direct<'a>(&'a Plain);

impl Write for Direct<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.send(data)
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.send_vectored(&pieces[..pieces.len().min(super::PIECES_MAX)])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Loses the connection when a handshake is given up half-way: neither side could go back.
struct Begun<'a>(&'a Link);

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        if self.0.flags().is_handshaking() {
            self.0.fail(&aborted("the TLS handshake was given up before it was done"));
        }
    }
}

fn aborted(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, text)
}

impl Link {
    /// From now on what is written is encrypted, and what is read decrypted; `received` gives what others have read of
    /// it. What is kept is sent as it is, before the handshake begins.
    ///
    /// # Errors
    /// When the connection is closed, or encrypted already: nothing has changed then. When `received` is no TLS.
    pub(crate) fn begin_tls(&self, setup: Setup, received: impl FnOnce() -> Vec<u8>) -> io::Result<()> {
        let mut outbox = self.lock();
        if outbox.session.is_some() {
            let text = "start_tls: the connection is encrypted already";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        if !outbox.accepts() {
            let text = "start_tls: the connection is closed for writing";
            return Err(io::Error::new(io::ErrorKind::NotConnected, text));
        }
        outbox.session = Some(Box::new(Session::new(setup)));
        self.set_handshaking(&mut outbox, true);
        drop(outbox);
        self.shake(&received())?;
        // An owner has the handshake to drive.
        self.shared.owner.wake();
        Ok(())
    }

    /// Says so to who drives the connection, and to the server that counts those that end meanwhile.
    fn set_handshaking(&self, outbox: &mut Outbox, is_handshaking: bool) {
        if is_handshaking {
            self.shared.word.set_handshaking();
        } else {
            self.shared.word.set_shaken();
        }
        if let Some(member) = &mut outbox.member {
            member.set_handshaking(is_handshaking);
        }
    }

    /// Does a whole handshake.
    ///
    /// # Errors
    /// Those of [`Link::begin_tls`]; when the handshake fails, is not done in time, or the connection is lost or closed
    /// meanwhile.
    ///
    /// # Cancel safety
    /// Dropping the future loses the connection.
    pub(crate) async fn start_tls(&self, setup: Setup, received: impl FnOnce() -> Vec<u8>) -> io::Result<()> {
        let limit = setup.limit;
        self.begin_tls(setup, received)?;
        let _begun = Begun(self);
        self.in_time(limit, poll_fn(|cx| self.poll_handshake(cx))).await
    }

    /// Waits for a handshake that others do.
    ///
    /// # Cancel safety
    /// Dropping the future loses the connection.
    pub(in super::super) async fn wait_shaken(&self, limit: Duration) -> io::Result<()> {
        let _begun = Begun(self);
        let shaken = |outbox: &super::Outbox| match &outbox.session {
            _ if outbox.closing => Some(Err(outbox.lost().unwrap_or_else(closed))),
            Some(session) if session.is_handshaking() => None,
            _ => Some(Ok(())),
        };
        self.in_time(limit, self.wait_in(super::CLOSED, shaken)).await
    }

    /// # Errors
    /// Those of the handshake, and one that says that it took too long, by which the connection is lost.
    pub(in super::super) async fn in_time(
        &self,
        limit: Duration,
        handshake: impl Future<Output = io::Result<()>>,
    ) -> io::Result<()> {
        if let Ok(shaken) = timeout(limit, handshake).await {
            return shaken;
        }
        let peer = self.lock().session.as_ref().map(|session| session.peer().clone());
        let error = peer.map_or_else(closed, |peer| peer.timed_out(limit));
        self.fail(&error);
        Err(error)
    }

    /// Drives the handshake, for one reader at a time.
    pub(in super::super) fn poll_handshake(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        with_raw(|raw| {
            while self.flags().is_handshaking() {
                if self.is_closing() {
                    return Poll::Ready(Err(self.lost().unwrap_or_else(closed)));
                }
                match ready!(self.poll_raw(cx, raw))? {
                    0 if self.is_closing() => {}
                    0 => {
                        let error = self.lock().session.as_ref().map_or_else(closed, |s| s.cut_short());
                        self.fail(&error);
                        return Poll::Ready(Err(error));
                    }
                    count => self.shake(&raw[..count])?,
                }
            }
            Poll::Ready(Ok(()))
        })
    }

    /// One step of the handshake.
    fn shake(&self, raw: &[u8]) -> io::Result<()> {
        let mut outbox = self.lock();
        let (was_full, is_eof) = (outbox.is_full(), outbox.eof);
        let Some(session) = outbox.session.as_mut().filter(|session| session.is_handshaking()) else {
            return Ok(());
        };
        let shaken = session.shake(raw);
        if is_eof && matches!(shaken, Ok(true)) {
            session.write_end();
        }
        let put = self.put(&mut outbox);
        if let Err(error) = shaken.as_ref().and(put.as_ref().map_or_else(Err, |()| Ok(&true))) {
            let error = super::super::outbox::copy(error);
            self.lose(outbox, &error);
            return shaken.and(put);
        }
        if outbox.is_at_end() {
            self.shared.plain.shutdown(std::net::Shutdown::Write);
        }
        let is_done = matches!(shaken, Ok(true));
        if is_done {
            self.set_handshaking(&mut outbox, false);
        }
        let is_news = is_done || was_full && !outbox.is_full();
        self.settle(outbox, is_news);
        Ok(())
    }

    /// As [`Link::poll_read`].
    pub(super) fn poll_read_secure(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if self.flags().is_handshaking() {
            match ready!(self.poll_handshake(cx)) {
                Err(_) if self.is_closing() => return Poll::Ready(self.end_of_reading()),
                shaken => shaken?,
            }
        }
        with_raw(|raw| {
            let mut count = 0;
            loop {
                if let Some(read) = self.receive(&raw[..count], buf)? {
                    return Poll::Ready(Ok(read));
                }
                count = ready!(self.poll_raw(cx, raw))?;
                if self.is_closing() {
                    return Poll::Ready(self.end_of_reading());
                }
                if count == 0 {
                    self.lock().session.iter_mut().for_each(|session| session.receive_end());
                }
            }
        })
    }

    /// Reads the socket. At the end, or when the connection was closed on this side, that is 0.
    fn poll_raw(&self, cx: &mut Context<'_>, raw: &mut [u8]) -> Poll<io::Result<usize>> {
        match self.shared.plain.poll_read(cx, raw) {
            Poll::Pending => {
                // The socket is still read from after the end, so it wakes nobody then: the end itself does.
                self.shared.owner.register(cx.waker());
                if self.is_closing() { Poll::Ready(Ok(0)) } else { Poll::Pending }
            }
            Poll::Ready(Err(_)) if self.is_closing() => Poll::Ready(Ok(0)),
            Poll::Ready(Err(error)) => {
                self.fail(&error);
                Poll::Ready(Err(error))
            }
            read => read,
        }
    }

    /// Takes in what came, answers it where that is called for, and reads.
    fn receive(&self, raw: &[u8], buf: &mut [u8]) -> io::Result<Option<usize>> {
        let mut outbox = self.lock();
        let (was_full, is_eof) = (outbox.is_full(), outbox.eof || outbox.closing);
        let Some(session) = &mut outbox.session else { return Ok(Some(0)) };
        let received = session.receive(raw, buf);
        if session.wants_write() {
            if is_eof {
                // Nothing may follow the end.
                session.send_to(&mut io::sink())?;
            }
            if let Err(error) = self.put(&mut outbox) {
                self.lose(outbox, &error);
                return received;
            }
        }
        match &received {
            // What was cut off can still be answered.
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => self.lose(outbox, error),
            _ => {
                let is_news = was_full && !outbox.is_full();
                self.settle(outbox, is_news);
            }
        }
        received
    }

    /// As [`Link::writelines`], of an outbox that accepts.
    pub(super) fn write_secure(&self, mut outbox: Locked<'_>, pieces: &[IoSlice<'_>]) {
        for chunk in pieces.iter().flat_map(|piece| piece.chunks(CHUNK)) {
            outbox.session.iter_mut().for_each(|session| session.write(chunk));
            if let Err(error) = self.put(&mut outbox) {
                return self.lose(outbox, &error);
            }
        }
        self.settle(outbox, false);
    }

    /// Has the system take what the session has to send, or keeps it.
    fn put(&self, outbox: &mut super::Outbox) -> io::Result<()> {
        let is_sent = outbox.is_sent();
        let Some(session) = outbox.session.as_mut().filter(|_| is_sent) else {
            outbox.keep_records();
            return Ok(());
        };
        match session.send_to(&mut Direct(&self.shared.plain)) {
            Err(error) if is_fatal(&error) => return Err(error),
            _ => outbox.keep_records(),
        }
        Ok(())
    }

    /// Whoever has used the session leaves by here. Those who wait are told `is_news`.
    fn settle(&self, mut outbox: Locked<'_>, is_news: bool) {
        let (is_sent, is_full) = (outbox.is_sent(), outbox.is_full());
        self.shared.word.set_buffer(!is_sent, is_full);
        let owed = self.kept(&mut outbox);
        if is_news {
            outbox.release_all();
        } else {
            drop(outbox);
        }
        self.pay(owed);
    }

    /// The end comes after what was written: says so, unless it was said before. In the handshake that has to wait.
    pub(super) fn say_end(&self, outbox: &mut super::Outbox) -> io::Result<()> {
        match &mut outbox.session {
            Some(session) if outbox.closing && session.early() > 0 => {
                Err(aborted("closed before the TLS handshake was done, with bytes to be sent"))
            }
            Some(session) if outbox.closing || !session.is_handshaking() => {
                session.write_end();
                self.put(outbox)
            }
            _ => Ok(()),
        }
    }

    /// Takes and drops what the peer still sends, for some time. Otherwise the system would answer it with a reset, by
    /// which the peer may lose what was sent to it before: in TLS something always comes, be it the last words.
    pub(super) fn linger(&self) {
        let link = self.clone();
        let listen = async move {
            while let Ok(()) = link.shared.plain.readable().await {
                match link.shared.plain.try_read(&mut [0; 4096]) {
                    Err(error) if !is_fatal(&error) => {}
                    Ok(1..) => {}
                    _ => break,
                }
            }
        };
        self.shared
            .runtime
            .spawn(async {
                // Who keeps silent for so long is not waited for.
                let _ = timeout(LINGER, listen).await;
            })
            .detach();
    }

    /// Whether it is the same connection.
    pub(crate) fn is(&self, other: &Self) -> bool {
        std::sync::Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// What both sides have agreed on, if it is encrypted.
    pub(crate) fn tls_info(&self) -> Option<TlsInfo> {
        self.lock().session.as_ref().map(|session| session.info())
    }
}

fn closed() -> io::Error {
    aborted("the connection was closed before the TLS handshake was done")
}

fn with_raw<R>(f: impl FnOnce(&mut [u8]) -> R) -> R {
    let mut raw = RAW.take();
    raw.resize(RAW_MAX, 0);
    let result = f(&mut raw);
    RAW.set(raw);
    result
}
