//! The TLS of one connection, without its socket: bytes go in and come out, and nothing waits.

use crate::tls::{Setup, TlsInfo, TlsPeer};
use futures_rustls::rustls::Connection;
use std::fmt;
use std::io::{self, Read, Write};

/// A TLS session in the middle of a connection. It lives behind the lock of the outbox.
pub(super) struct Session {
    connection: Connection,
    peer: TlsPeer,
    /// What was written before the handshake was done, and is still in the clear.
    early: Vec<u8>,
    /// What came and does not fit into the session before someone reads; less than one read of the socket.
    raw: Vec<u8>,
    /// Those of `raw` before it are taken in.
    raw_start: usize,
    /// Why the peer is not listened to any more.
    failed: Option<io::Error>,
}

impl Session {
    pub(super) fn new(setup: Setup) -> Self {
        let Setup { mut connection, peer, .. } = setup;
        // What it has to send is fetched at once, and counted by the outbox.
        connection.set_buffer_limit(None);
        Self { connection, peer, early: Vec::new(), raw: Vec::new(), raw_start: 0, failed: None }
    }

    pub(super) fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    pub(super) fn peer(&self) -> &TlsPeer {
        &self.peer
    }

    /// The peer has said that it sends no more.
    pub(super) fn has_peer_closed(&mut self) -> bool {
        // That is an error only when the session has failed, and then nobody asks.
        self.connection.process_new_packets().is_ok_and(|state| state.peer_has_closed())
    }

    /// How many bytes wait for the end of the handshake.
    pub(super) fn early(&self) -> usize {
        self.early.len()
    }

    /// Encrypts `data`, or keeps it until that can be done.
    pub(super) fn write(&mut self, data: &[u8]) {
        if self.is_handshaking() {
            self.early.extend_from_slice(data);
        } else {
            self.encrypt(data);
        }
    }

    fn encrypt(&mut self, data: &[u8]) {
        // There is no limit that it could run into.
        let _ = self.connection.writer().write_all(data);
    }

    /// Says that nothing comes after what was written.
    pub(super) fn write_end(&mut self) {
        self.connection.send_close_notify();
    }

    pub(super) fn wants_write(&self) -> bool {
        self.connection.wants_write()
    }

    /// Hands all records to `to`, or as many as it takes.
    pub(super) fn send_to(&mut self, to: &mut dyn Write) -> io::Result<()> {
        while self.connection.wants_write() {
            if self.connection.write_tls(to)? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        Ok(())
    }

    /// Takes in what came, as far as it belongs to the handshake; true when that is done now.
    pub(super) fn shake(&mut self, mut raw: &[u8]) -> io::Result<bool> {
        while self.is_handshaking() {
            if raw.is_empty() {
                return Ok(false);
            }
            self.feed(&mut raw).map_err(|error| self.peer.handshake(error))?;
        }
        self.raw.extend_from_slice(raw);
        let early = std::mem::take(&mut self.early);
        self.encrypt(&early);
        Ok(true)
    }

    /// Takes in what came, and reads into `buf`: `None` when more has to come first, 0 at the end that the peer has
    /// announced. Nothing new may come before all of the old is read: before that was answered with `None`.
    pub(super) fn receive(&mut self, raw: &[u8], buf: &mut [u8]) -> io::Result<Option<usize>> {
        if self.raw.is_empty() {
            let mut rest = raw;
            let received = self.receive_from(&mut rest, buf);
            (self.raw, self.raw_start) = (rest.to_vec(), 0);
            return received;
        }
        let kept = std::mem::take(&mut self.raw);
        let mut rest = &kept[self.raw_start..];
        let received = self.receive_from(&mut rest, buf);
        if !rest.is_empty() {
            self.raw_start = kept.len() - rest.len();
            self.raw = kept;
        }
        received
    }

    fn receive_from(&mut self, raw: &mut &[u8], buf: &mut [u8]) -> io::Result<Option<usize>> {
        let mut count = 0;
        while count < buf.len() {
            match self.connection.reader().read(&mut buf[count..]) {
                Ok(0) if count == 0 => return Ok(Some(0)),
                Ok(0) => break,
                Ok(n) => count += n,
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                    self.failed.get_or_insert(self.peer.truncated());
                    break;
                }
                Err(_) if raw.is_empty() || self.failed.is_some() => break,
                Err(_) => {
                    if let Err(error) = self.feed(raw) {
                        self.failed = Some(self.peer.transfer(error));
                    }
                }
            }
        }
        match &self.failed {
            _ if count > 0 => Ok(Some(count)),
            None => Ok(None),
            Some(error) => Err(super::outbox::copy(error)),
        }
    }

    /// One step: a few KiB at most.
    fn feed(&mut self, raw: &mut &[u8]) -> io::Result<()> {
        self.connection.read_tls(raw)?;
        match self.connection.process_new_packets() {
            Ok(_) => Ok(()),
            Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        }
    }

    /// The socket has nothing more, whatever the peer has said before.
    pub(super) fn receive_end(&mut self) {
        // It does not fail: what it could be too full for has been read before.
        let _ = self.connection.read_tls(&mut io::empty());
    }

    /// Why the handshake comes to nothing at the end of what the peer sends.
    pub(super) fn cut_short(&self) -> io::Error {
        self.peer.handshake(io::ErrorKind::UnexpectedEof.into())
    }

    pub(super) fn info(&self) -> TlsInfo {
        TlsInfo::of(&self.connection)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Session");
        out.field("with", &format_args!("{}", self.peer)).finish_non_exhaustive()
    }
}
