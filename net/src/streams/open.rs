//! Connections as streams: [`open_connection`], [`start_server`], and [`StreamOptions`] for both.

use super::outcome::Outcome;
use super::peer::Peer;
use super::reader::StreamReader;
use super::writer::StreamWriter;
use crate::addr::ToSocketAddrs;
use crate::tcp::TcpStream;
use crate::transport::{Link, Plain, Server};
use crate::unix::UnixStream;
use raddle_runtime::TaskBuilder;
use raddle_runtime::report::warn;
use std::future::Future;
use std::io;
use std::panic::Location;
use std::path::Path;
use std::sync::Arc;

/// As asyncio.
const LIMIT: usize = 64 * 1024;

/// Connects to `addr`, of several addresses to the first that works.
///
/// # Errors
/// When no address works; the error names it.
///
/// # Panics
/// Outside a runtime.
///
/// # Cancel safety
/// Dropping the future closes what was begun.
pub async fn open_connection(addr: impl ToSocketAddrs) -> io::Result<(StreamReader, StreamWriter)> {
    StreamOptions::new().open_connection(addr).await
}

/// Listens at all addresses of `addr`, and has each connection served by `handler` in a task of its own. The server
/// serves from now on, whether or not the [`Server`] is kept.
///
/// A connection ends when its writer is dropped, which the handler does at its end; what was written is sent. A handler
/// that panics is reported like any task; one that returns an error has that reported on stderr. The server goes on.
///
/// # Errors
/// When an address cannot be listened at; the error names it.
///
/// # Panics
/// Outside a runtime.
///
/// # Cancel safety
/// Dropping the future leaves nothing behind.
#[track_caller]
pub fn start_server<H, F>(handler: H, addr: impl ToSocketAddrs) -> impl Future<Output = io::Result<Server>>
where
    H: Fn(StreamReader, StreamWriter) -> F + Send + Sync + 'static,
    F: Future<Output: Outcome> + Send + 'static,
{
    StreamOptions::new().start_server(handler, addr)
}

/// As [`open_connection`], to the Unix socket at `path`.
///
/// # Errors
/// Names the path.
///
/// # Panics
/// Outside a runtime.
///
/// # Cancel safety
/// Dropping the future closes what was begun.
pub async fn open_unix_connection(path: impl AsRef<Path>) -> io::Result<(StreamReader, StreamWriter)> {
    StreamOptions::new().open_unix_connection(path).await
}

/// As [`start_server`], at the Unix socket `path`. A socket that is there and that nobody listens at is replaced, and
/// the path is given back when the server is closed.
///
/// # Errors
/// Names the path.
///
/// # Panics
/// Outside a runtime.
///
/// # Cancel safety
/// Dropping the future leaves nothing behind.
#[track_caller]
pub fn start_unix_server<H, F>(handler: H, path: impl AsRef<Path>) -> impl Future<Output = io::Result<Server>>
where
    H: Fn(StreamReader, StreamWriter) -> F + Send + Sync + 'static,
    F: Future<Output: Outcome> + Send + 'static,
{
    StreamOptions::new().start_unix_server(handler, path)
}

/// How connections are made that are not as usual.
///
/// ```no_run
/// # async fn connect() -> std::io::Result<()> {
/// let (mut reader, _writer) =
///     raddle_net::StreamOptions::new().limit(1024).open_connection("example.org:7").await?;
/// reader.readline().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing until a connection or a server is made with them"]
pub struct StreamOptions {
    limit: usize,
    connection_limit: Option<usize>,
    marks: Option<(Option<usize>, Option<usize>)>,
    #[cfg(feature = "tls")]
    pub(super) tls: super::secure::Tls,
}

impl StreamOptions {
    /// As [`open_connection`] and [`start_server`] have it.
    pub fn new() -> Self {
        Self {
            limit: LIMIT,
            connection_limit: None,
            marks: None,
            #[cfg(feature = "tls")]
            tls: Default::default(),
        }
    }

    /// How far away a separator may be for the reader, in bytes; 64 KiB at first.
    pub fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// How many connections a server has at a time; the system keeps further ones waiting. There is no limit at first.
    pub fn connection_limit(mut self, connections: usize) -> Self {
        self.connection_limit = Some(connections);
        self
    }

    /// As [`StreamWriter::set_write_buffer_limits`], for each connection.
    pub fn write_buffer_limits(mut self, high: Option<usize>, low: Option<usize>) -> Self {
        self.marks = Some((high, low));
        self
    }

    /// As [`open_connection`].
    ///
    /// # Errors
    /// As [`open_connection`]; and when a limit is 0.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Cancel safety
    /// As [`open_connection`].
    pub async fn open_connection(self, addr: impl ToSocketAddrs) -> io::Result<(StreamReader, StreamWriter)> {
        self.check(Role::Client)?;
        let link = Link::new(Plain::Tcp(TcpStream::connect(addr).await?));
        let peer = Arc::new(Peer::of(&link));
        self.connected(link, peer).await
    }

    /// As [`open_unix_connection`].
    ///
    /// # Errors
    /// As [`open_unix_connection`]; and when a limit is 0.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Cancel safety
    /// As [`open_unix_connection`].
    pub async fn open_unix_connection(
        self,
        path: impl AsRef<Path>,
    ) -> io::Result<(StreamReader, StreamWriter)> {
        self.check(Role::Client)?;
        let link = Link::new(Plain::Unix(UnixStream::connect(&path).await?));
        self.connected(link, Arc::new(Peer::Unix(path.as_ref().into()))).await
    }

    /// As [`start_server`].
    ///
    /// # Errors
    /// As [`start_server`]; and when a limit is 0.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Cancel safety
    /// As [`start_server`].
    #[track_caller]
    pub fn start_server<H, F>(
        self,
        handler: H,
        addr: impl ToSocketAddrs,
    ) -> impl Future<Output = io::Result<Server>>
    where
        H: Fn(StreamReader, StreamWriter) -> F + Send + Sync + 'static,
        F: Future<Output: Outcome> + Send + 'static,
    {
        let started_at = Location::caller();
        async move {
            self.check(Role::Server)?;
            let limit = self.connection_limit.unwrap_or(usize::MAX);
            Server::start(addr, limit, self.serve(handler, Peer::of, started_at)).await
        }
    }

    /// As [`start_unix_server`].
    ///
    /// # Errors
    /// As [`start_unix_server`]; and when a limit is 0.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Cancel safety
    /// As [`start_unix_server`].
    #[track_caller]
    pub fn start_unix_server<H, F>(
        self,
        handler: H,
        path: impl AsRef<Path>,
    ) -> impl Future<Output = io::Result<Server>>
    where
        H: Fn(StreamReader, StreamWriter) -> F + Send + Sync + 'static,
        F: Future<Output: Outcome> + Send + 'static,
    {
        let started_at = Location::caller();
        async move {
            self.check(Role::Server)?;
            let limit = self.connection_limit.unwrap_or(usize::MAX);
            let peer: Arc<Path> = path.as_ref().into();
            let peer = move |_: &Link| Peer::Unix(peer.clone());
            Server::start_unix(path, limit, self.serve(handler, peer, started_at))
        }
    }

    fn check(&self, role: Role) -> io::Result<()> {
        let refuse = |what| Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        #[cfg(feature = "tls")]
        self.tls.check(role)?;
        #[cfg(not(feature = "tls"))]
        let _ = role;
        match (self.limit, self.connection_limit) {
            (0, _) => refuse("StreamOptions::limit: a reader's limit must be 1 byte at least"),
            (_, Some(0)) => refuse("StreamOptions::connection_limit: a server needs 1 connection at least"),
            _ => Ok(()),
        }
    }

    /// The streams of a new connection to a server.
    async fn connected(self, link: Link, peer: Arc<Peer>) -> io::Result<(StreamReader, StreamWriter)> {
        #[cfg(feature = "tls")]
        if let Some(handshake) = self.tls.connect(&link) {
            handshake.await?;
        }
        Ok(self.streams(link, peer))
    }

    fn streams(&self, link: Link, peer: Arc<Peer>) -> (StreamReader, StreamWriter) {
        if let Some((high, low)) = self.marks {
            link.set_write_buffer_limits(high, low);
        }
        (StreamReader::new(link.clone(), self.limit, peer.clone()), StreamWriter::new(link, peer))
    }

    /// What a server does with a new connection. Its task counts as spawned where the server was started.
    fn serve<H, F>(
        self,
        handler: H,
        peer_of: impl Fn(&Link) -> Peer + Send + Sync + 'static,
        started_at: &'static Location<'static>,
    ) -> impl Fn(Link) + Send + Sync
    where
        H: Fn(StreamReader, StreamWriter) -> F + Send + Sync + 'static,
        F: Future<Output: Outcome> + Send + 'static,
    {
        let shared = Arc::new((self, handler));
        move |link| {
            let peer = Arc::new(peer_of(&link));
            let shared = shared.clone();
            // The pair is made in the task: what is captured would be kept beside it.
            let serve = async move {
                let (options, handler) = &*shared;
                #[cfg(feature = "tls")]
                if let Some(handshake) = options.tls.accept(&link)
                    && handshake.await.is_err()
                {
                    // Whoever is at the other end was told by an alert.
                    return;
                }
                let (reader, writer) = options.streams(link, peer.clone());
                if let Some(failure) = handler(reader, writer).await.failure() {
                    // Nobody else gets to see it.
                    warn(format_args!("the handler of the connection of {peer} failed: {failure}"));
                }
            };
            TaskBuilder::new().spawned_at(started_at).spawn(serve).detach();
        }
    }
}

impl Default for StreamOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// Which end of a connection is made.
#[derive(Clone, Copy, Debug)]
pub(super) enum Role {
    Client,
    Server,
}
