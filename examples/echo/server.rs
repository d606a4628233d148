//! The server: sends back what it gets, over whatever it came.

use futures_lite::future;
use raddle::net::{
    RecvBatch, SendBatch, Server, StreamReader, StreamWriter, UdpSocket, start_server, start_unix_server,
};
use raddle::sync::Event;
use raddle::task::JoinHandle;
use raddle::time::{Duration, sleep, timeout};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What one read takes at most, in bytes.
pub(crate) const CHUNK: usize = 64 * 1024;
/// Datagrams that are taken at once.
const DATAGRAMS: usize = 32;
/// How long clients have to read what was sent to them when the server ends.
const GOODBYE: Duration = Duration::from_secs(1);
/// After an error of the listening socket.
pub(crate) const PAUSE: Duration = Duration::from_millis(20);

/// Where a server listens, and how.
#[derive(Debug)]
pub(crate) enum Place {
    Tcp(String),
    Udp(String),
    Unix(String),
    #[cfg(feature = "tls")]
    Tls(String, raddle::net::tls::TlsAcceptor),
}

/// What the server has done.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) connections: AtomicU64,
    /// Connections that failed.
    pub(crate) broken: AtomicU64,
    /// Reads that brought something, or datagrams.
    pub(crate) pieces: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

impl Counts {
    pub(crate) fn note(&self, bytes: usize) {
        self.pieces.fetch_add(1, Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
    }
}

/// A server that runs.
pub(crate) struct Echo {
    /// Where it listens, with the port that the system chose; a Unix socket has its path instead.
    pub(crate) addr: Option<SocketAddr>,
    pub(crate) counts: Arc<Counts>,
    work: Work,
}

enum Work {
    Streams(Server),
    Task { closing: Arc<Event>, serving: JoinHandle<()> },
}

impl Echo {
    /// Listens, and serves from now on.
    ///
    /// # Errors
    /// Names the place.
    pub(crate) async fn start(place: Place) -> io::Result<Self> {
        match place {
            Place::Tcp(addr) => Self::tcp(&addr).await,
            Place::Unix(path) => Self::unix(&path).await,
            Place::Udp(addr) => Self::udp(&addr).await,
            #[cfg(feature = "tls")]
            Place::Tls(addr, acceptor) => Self::tls(&addr, acceptor).await,
        }
    }

    async fn tcp(addr: &str) -> io::Result<Self> {
        let counts = Arc::new(Counts::default());
        let server = start_server(handler(&counts), addr).await?;
        Ok(Self { addr: server.sockets().first().copied(), counts, work: Work::Streams(server) })
    }

    async fn unix(path: &str) -> io::Result<Self> {
        let counts = Arc::new(Counts::default());
        let server = start_unix_server(handler(&counts), path).await?;
        Ok(Self { addr: None, counts, work: Work::Streams(server) })
    }

    async fn udp(addr: &str) -> io::Result<Self> {
        let socket = UdpSocket::bind(addr).await?;
        let bound = socket.local_addr()?;
        Ok(Self::task(bound, |counts, closing| async move {
            future::or(closing.wait(), echo_datagrams(&socket, &counts)).await;
        }))
    }

    #[cfg(feature = "tls")]
    async fn tls(addr: &str, acceptor: raddle::net::tls::TlsAcceptor) -> io::Result<Self> {
        let listener = raddle::net::tls::TlsListener::bind(addr, acceptor).await?;
        let bound = listener.local_addr()?;
        Ok(Self::task(bound, |counts, closing| crate::tls::serve(listener, counts, closing)))
    }

    /// A server that is a task of its own.
    fn task<F: Future<Output = ()> + Send + 'static>(
        bound: SocketAddr,
        serve: impl FnOnce(Arc<Counts>, Arc<Event>) -> F,
    ) -> Self {
        let (counts, closing) = (Arc::new(Counts::default()), Arc::new(Event::new()));
        let serving = raddle::spawn(serve(counts.clone(), closing.clone()));
        Self { addr: Some(bound), counts, work: Work::Task { closing, serving } }
    }

    /// Stops listening, and closes all connections: each gets what was sent to it, if it reads that soon.
    pub(crate) async fn end(self) -> Arc<Counts> {
        match self.work {
            Work::Streams(server) => {
                server.close();
                server.close_clients();
                if timeout(GOODBYE, server.wait_closed()).await.is_err() {
                    server.abort_clients();
                }
            }
            Work::Task { closing, mut serving } => {
                closing.set();
                if timeout(GOODBYE, &mut serving).await.is_err() {
                    serving.cancel();
                }
            }
        }
        self.counts
    }
}

fn handler(
    counts: &Arc<Counts>,
) -> impl Fn(StreamReader, StreamWriter) -> future::Boxed<()> + Send + Sync + 'static {
    let counts = counts.clone();
    move |reader, writer| {
        let counts = counts.clone();
        Box::pin(async move {
            counts.connections.fetch_add(1, Relaxed);
            if echo(reader, writer, &counts).await.is_err() {
                counts.broken.fetch_add(1, Relaxed);
            }
        })
    }
}

/// Serves one client.
async fn echo(mut reader: StreamReader, writer: StreamWriter, counts: &Counts) -> io::Result<()> {
    loop {
        let data = reader.read(CHUNK).await?;
        if data.is_empty() {
            return Ok(());
        }
        writer.write(&data);
        writer.drain().await?;
        counts.note(data.len());
    }
}

/// Sends datagrams back for ever. Those that one call brings go back in one call.
async fn echo_datagrams(socket: &UdpSocket, counts: &Counts) {
    let (mut came, mut answers) = (RecvBatch::new(DATAGRAMS, 65_535), SendBatch::new());
    loop {
        if socket.recv_batch(&mut came).await.is_err() {
            // One that stays must not take a core.
            counts.broken.fetch_add(1, Relaxed);
            sleep(PAUSE).await;
            continue;
        }
        for (data, from) in &came {
            answers.push(data, from);
            counts.note(data.len());
        }
        // An error is that of one datagram, such as a client that has gone.
        while socket.send_batch(&mut answers).await.is_err() {
            counts.broken.fetch_add(1, Relaxed);
            answers.skip();
        }
    }
}
