//! Streams over TLS: [`StreamOptions::tls`], [`StreamOptions::tls_acceptor`], and [`StreamWriter::start_tls`].

use super::open::{Role, StreamOptions};
use super::reader::StreamReader;
use super::writer::StreamWriter;
use crate::tls::{Setup, TlsAcceptor, TlsConnector};
use crate::transport::Link;
use raddle_runtime::report::warn;
use std::future::{Future, ready};
use std::io;
use std::pin::Pin;

/// What the connections of some options do before they are anyone's.
#[derive(Clone, Debug, Default)]
pub(super) enum Tls {
    #[default]
    Off,
    Client(TlsConnector, String),
    Server(TlsAcceptor),
}

impl Tls {
    /// What was to be encrypted must not go out in the clear.
    pub(super) fn check(&self, role: Role) -> io::Result<()> {
        let text = match (self, role) {
            (Self::Client(..), Role::Server) => {
                "StreamOptions::tls is for connections: give a server `tls_acceptor`"
            }
            (Self::Server(_), Role::Client) => {
                "StreamOptions::tls_acceptor is for servers: give a connection `tls`"
            }
            _ => return Ok(()),
        };
        Err(io::Error::new(io::ErrorKind::InvalidInput, text))
    }

    /// What is to be done with a new connection, if anything.
    pub(super) fn connect<'a>(&self, link: &'a Link) -> Option<Handshake<'a>> {
        let Self::Client(connector, name) = self else { return None };
        Some(begin(link, connector.setup(name.as_str())))
    }

    /// What is to be done with an accepted connection, if anything.
    pub(super) fn accept<'a>(&self, link: &'a Link) -> Option<Handshake<'a>> {
        let Self::Server(acceptor) = self else { return None };
        let setup = acceptor.setup(link.peer_addr().ok());
        if let Err(error) = &setup {
            // The fault of the acceptor's settings, and nobody else gets to see it.
            warn(format_args!("{error}"));
        }
        Some(begin(link, setup))
    }
}

/// Boxed, so that connections without TLS, and those whose handshake is done, keep no place for it: two kilobytes.
type Handshake<'a> = Pin<Box<dyn Future<Output = io::Result<()>> + Send + 'a>>;

fn begin(link: &Link, setup: io::Result<Setup>) -> Handshake<'_> {
    match setup {
        Ok(setup) => Box::pin(link.start_tls(setup, Vec::new)),
        Err(error) => Box::pin(ready(Err(error))),
    }
}

impl StreamOptions {
    /// Connections to servers are encrypted from the start; the server has to have a certificate for `name`.
    ///
    /// ```no_run
    /// # async fn fetch() -> std::io::Result<()> {
    /// use raddle_net::{StreamOptions, tls::TlsConnector};
    ///
    /// let options = StreamOptions::new().tls(&TlsConnector::new()?, "example.org");
    /// let (mut reader, writer) = options.open_connection("example.org:443").await?;
    /// writer.write("GET / HTTP/1.0\r\nhost: example.org\r\n\r\n");
    /// println!("{:?}", reader.readline().await?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn tls(mut self, connector: &TlsConnector, name: impl Into<String>) -> Self {
        self.tls = Tls::Client(connector.clone(), name.into());
        self
    }

    /// Connections of a server are encrypted from the start. Each does its handshake in its own task; the handler is
    /// called when that is done. A client that fails it, or takes too long, is dropped without a call, and counted:
    /// [`Server::failed_handshakes`](crate::Server::failed_handshakes).
    pub fn tls_acceptor(mut self, acceptor: &TlsAcceptor) -> Self {
        self.tls = Tls::Server(acceptor.clone());
        self
    }
}

impl StreamWriter {
    /// Goes on encrypted, as the client of the server `name`. `reader` is that of the same connection, and stays the
    /// reader.
    ///
    /// What was written before is sent in the clear, what is written from now on is sent after the handshake. What the
    /// reader has received and not handed out yet is taken for the beginning of the handshake: bytes that somebody on
    /// the way has put after the peer's consent never reach the program, they make the handshake fail.
    ///
    /// ```no_run
    /// # async fn upgrade() -> std::io::Result<()> {
    /// use raddle_net::{open_connection, tls::TlsConnector};
    ///
    /// let (mut reader, writer) = open_connection("mail.example.org:25").await?;
    /// writer.write("STARTTLS\r\n");
    /// reader.readline().await?;
    /// writer.start_tls(&mut reader, &TlsConnector::new()?, "mail.example.org").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`TlsConnector::connect`], after which the connection is lost. `InvalidInput` when `name` is no name, the
    /// reader is that of another connection, or the connection is encrypted already; and an error when it is closed:
    /// these change nothing.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Cancel safety
    /// Dropping the future after it was first polled loses the connection, since neither side could go back.
    pub async fn start_tls(
        &self,
        reader: &mut StreamReader,
        connector: &TlsConnector,
        name: impl Into<String>,
    ) -> io::Result<()> {
        self.secure(reader, connector.setup(name)?).await
    }

    /// As [`StreamWriter::start_tls`], as the server.
    ///
    /// # Errors
    /// As for [`StreamWriter::start_tls`] and [`TlsAcceptor::accept`].
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Cancel safety
    /// As for [`StreamWriter::start_tls`].
    pub async fn start_tls_server(
        &self,
        reader: &mut StreamReader,
        acceptor: &TlsAcceptor,
    ) -> io::Result<()> {
        self.secure(reader, acceptor.setup(self.peer.ip())?).await
    }

    async fn secure(&self, reader: &mut StreamReader, setup: Setup) -> io::Result<()> {
        if !reader.link.is(&self.link) {
            let text = "start_tls: the reader is that of another connection";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        if let Some(ended) = reader.intake.ended() {
            let text = "start_tls: the peer has ended the connection";
            return Err(ended.err().unwrap_or_else(|| io::Error::new(io::ErrorKind::NotConnected, text)));
        }
        Box::pin(self.link.start_tls(setup, || reader.intake.take_rest())).await
    }
}
