//! [`Server`]: accepts connections, and knows those that live.

use super::link::{Link, WeakLink};
use super::listen::{Listener, bind_all};
use super::plain::Plain;
use super::unix::SocketFile;
use crate::addr::{ToSocketAddrs, resolve};
use raddle_runtime::task::CancelHandle;
use raddle_runtime::time::sleep;
use raddle_runtime::wait::{Arrival, Queue, QueueGuard, What};
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::mem;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How long a listener that fails waits before it goes on.
const RETRY: Duration = Duration::from_millis(100);

/// Accepts connections and has each served by a task of its own.
///
/// Clones are the same server. Dropping the last does not stop it, as in asyncio: it serves until
/// [`Server::close`] or the end of the runtime. A server that was closed does not start again; start another one, at
/// the same address if you like.
#[derive(Clone)]
pub struct Server {
    shared: Arc<Shared>,
}

/// Who gets a new connection; it spawns a task and returns.
type Serve = dyn Fn(Link) + Send + Sync;

struct Shared {
    /// Whoever waits for something to change here: a place for a connection, the close, the end.
    state: Queue<State>,
    serve: Box<Serve>,
}

struct State {
    is_closed: bool,
    /// Kept by the tasks that accept: where those end, by the end of the runtime too, nobody listens any more.
    listeners: Vec<Weak<Listener>>,
    file: Option<SocketFile>,
    accepting: Vec<CancelHandle>,
    /// How many of the accepting tasks have not ended.
    acceptors: usize,
    connections: HashMap<u64, WeakLink>,
    next_key: u64,
    limit: usize,
    failed_accepts: u64,
    #[cfg(feature = "tls")]
    failed_handshakes: u64,
}

/// A connection's place in its server; gone with the connection.
pub(super) struct Member {
    server: Arc<Shared>,
    key: u64,
    #[cfg(feature = "tls")]
    is_handshaking: bool,
}

impl Server {
    /// Listens at all addresses of `addr`, and calls `serve` for each connection, of which there are `limit` at a time.
    pub(crate) async fn start(
        addr: impl ToSocketAddrs,
        limit: usize,
        serve: impl Fn(Link) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listeners = bind_all(resolve(addr.target()).await?)?;
        Ok(Self::on(listeners.into_iter().map(Listener::Tcp), limit, serve))
    }

    /// Listens at `path`. A socket that is there and that nobody listens at is replaced, and the path is given back
    /// when the server is closed, as in asyncio.
    pub(crate) fn start_unix(
        path: impl AsRef<Path>,
        limit: usize,
        serve: impl Fn(Link) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let (listener, file) = SocketFile::bind(path.as_ref())?;
        let server = Self::on([Listener::Unix(listener)], limit, serve);
        server.lock().file = file;
        Ok(server)
    }

    fn on(
        listeners: impl IntoIterator<Item = Listener>,
        limit: usize,
        serve: impl Fn(Link) + Send + Sync + 'static,
    ) -> Self {
        let listeners: Vec<_> = listeners.into_iter().map(Arc::new).collect();
        let state = State {
            is_closed: false,
            acceptors: listeners.len(),
            listeners: listeners.iter().map(Arc::downgrade).collect(),
            file: None,
            accepting: Vec::new(),
            connections: HashMap::new(),
            next_key: 0,
            limit: limit.max(1),
            failed_accepts: 0,
            #[cfg(feature = "tls")]
            failed_handshakes: 0,
        };
        let shared = Arc::new(Shared { state: Queue::new(state), serve: Box::new(serve) });
        for listener in listeners {
            let acceptor = Acceptor { server: shared.clone(), listener, _told: Told(shared.clone()) };
            let task = raddle_runtime::spawn(acceptor.run());
            shared.state.lock().accepting.push(task.abort_handle());
            task.detach();
        }
        Self { shared }
    }

    fn lock(&self) -> QueueGuard<'_, State> {
        self.shared.state.lock()
    }

    /// Where it listens, with the ports that the system chose; nothing once it is closed.
    ///
    /// A Unix socket has no such address: its server says nothing here.
    pub fn sockets(&self) -> Vec<SocketAddr> {
        let listeners = self.lock().listeners.clone();
        listeners.iter().filter_map(|listener| listener.upgrade()?.local_addr()).collect()
    }

    /// Whether it accepts connections: until [`Server::close`], or the end of the runtime.
    pub fn is_serving(&self) -> bool {
        let state = self.lock();
        !state.is_closed && state.acceptors > 0
    }

    /// How many connections live.
    pub fn connections(&self) -> usize {
        self.lock().connections.len()
    }

    /// Serves so many connections at a time (1 at least); the system keeps further ones waiting. There is no limit at
    /// first.
    pub fn set_connection_limit(&self, limit: usize) {
        let mut state = self.lock();
        state.limit = limit.max(1);
        state.release_all();
    }

    /// How often accepting failed for a reason that the listener could not wait out or pass over.
    pub fn failed_accepts(&self) -> u64 {
        self.lock().failed_accepts
    }

    /// How many connections have ended in a TLS handshake: the client does not speak TLS, trusts somebody else, was too
    /// slow or went away, or the connection was ended on this side. Where it was the first thing on the connection, no
    /// handler and no protocol has heard of it.
    #[cfg(feature = "tls")]
    pub fn failed_handshakes(&self) -> u64 {
        self.lock().failed_handshakes
    }

    /// Stops accepting. Connections live on; see [`Server::close_clients`] and [`Server::wait_closed`].
    pub fn close(&self) {
        let mut state = self.lock();
        if mem::replace(&mut state.is_closed, true) {
            return;
        }
        let (listeners, accepting) = (mem::take(&mut state.listeners), mem::take(&mut state.accepting));
        let file = state.file.take();
        state.release_all();
        if let Some(file) = file {
            file.remove();
        }
        for listener in listeners.iter().filter_map(Weak::upgrade) {
            listener.stop();
        }
        for task in accepting {
            task.cancel();
        }
    }

    /// Closes all connections: each sends what it has kept first.
    pub fn close_clients(&self) {
        self.links().iter().for_each(Link::close);
    }

    /// Ends all connections at once, by a reset; what they have kept is dropped.
    pub fn abort_clients(&self) {
        self.links().iter().for_each(Link::abort);
    }

    /// Those that live now. Dropping one may need the lock.
    fn links(&self) -> Vec<Link> {
        self.lock().connections.values().filter_map(WeakLink::upgrade).collect()
    }

    /// Waits until the server is closed and all its connections have ended, as in asyncio from Python 3.12 on.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn wait_closed(&self) {
        let is_over = |state: &State| state.is_closed && state.acceptors == 0 && state.connections.is_empty();
        self.shared.wait_until(is_over).await;
    }

    /// Waits until someone closes the server.
    ///
    /// # Cancel safety
    /// Dropping the future after it was first polled closes the server, as cancelling does in asyncio.
    pub async fn serve_forever(&self) {
        let _closes = Closes(self);
        self.shared.wait_until(|state| state.is_closed).await;
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (is_serving, connections) = (self.is_serving(), self.connections());
        let mut out = f.debug_struct("Server");
        out.field("sockets", &self.sockets()).field("is_serving", &is_serving);
        out.field("connections", &connections).finish()
    }
}

/// Closes a server whatever happens to whoever serves.
struct Closes<'a>(&'a Server);

impl Drop for Closes<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Shared {
    async fn wait_until(&self, done: impl Fn(&State) -> bool) {
        while let Arrival::Notified(_) =
            self.state.arrive(What::Closed, |state| done(state).then_some(())).await
        {}
    }

    /// Gives a new connection a place, as soon as there is one, and has it served. One that was accepted while the
    /// server was closed is dropped: nobody would close it any more.
    async fn admit(self: &Arc<Self>, plain: Plain) {
        let link = Link::new(plain);
        let enter = |state: &mut QueueGuard<'_, State>| match () {
            () if state.is_closed => Some(false),
            () if state.connections.len() < state.limit => {
                let key = state.enter(link.downgrade());
                // In the same step, for whoever finds the connection may end it.
                link.join(Member {
                    server: self.clone(),
                    key,
                    #[cfg(feature = "tls")]
                    is_handshaking: false,
                });
                Some(true)
            }
            () => None,
        };
        let is_in = loop {
            if let Arrival::Admitted(is_in) = self.state.arrive(What::Semaphore, enter).await {
                break is_in;
            }
        };
        if is_in {
            (self.serve)(link);
        }
    }
}

impl State {
    fn enter(&mut self, link: WeakLink) -> u64 {
        let key = self.next_key;
        self.next_key += 1;
        self.connections.insert(key, link);
        key
    }
}

#[cfg(feature = "tls")]
impl Member {
    /// A handshake has begun, or is done. A connection that ends in between is counted as it leaves.
    pub(super) fn set_handshaking(&mut self, is_handshaking: bool) {
        self.is_handshaking = is_handshaking;
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut state = self.server.state.lock();
        #[cfg(feature = "tls")]
        {
            state.failed_handshakes += u64::from(self.is_handshaking);
        }
        state.connections.remove(&self.key);
        state.release_all();
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Member({})", self.key)
    }
}

/// The task behind one listener.
struct Acceptor {
    server: Arc<Shared>,
    /// Dropped, and with it the descriptor closed, before others are told.
    listener: Arc<Listener>,
    _told: Told,
}

/// Tells that a listener is gone.
struct Told(Arc<Shared>);

impl Acceptor {
    async fn run(self) {
        loop {
            self.server.wait_until(|state| state.connections.len() < state.limit).await;
            match self.listener.accept().await {
                Ok(plain) => self.server.admit(plain).await,
                // The listener has waited out what it could; one bad connection does not end a server.
                Err(_) => {
                    self.server.state.lock().failed_accepts += 1;
                    sleep(RETRY).await;
                }
            }
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.acceptors -= 1;
        state.release_all();
    }
}
