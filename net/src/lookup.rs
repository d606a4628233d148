//! Names to addresses, by the system's resolver.
//!
//! The resolver blocks, sometimes for half a minute, and cannot be interrupted. It runs on a few threads of its own,
//! which nobody joins: neither the runtime's blocking pool nor its shutdown waits for a name server. A look-up whose
//! future is dropped before a thread took it up is not made.

use crate::addr::{ToSocketAddrs, resolve_any_port};
use crate::error::at;
use raddle_runtime::budget;
use raddle_runtime::prim::lock::{Condvar, Mutex};
use raddle_runtime::prim::thread;
use raddle_runtime::wait::Slot;
use raddle_runtime::wait::note::{What, note};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, OnceLock};
use std::task::{Poll, ready};
use std::time::Duration;

/// Look-ups at a time; the others wait their turn.
const THREADS_MAX: usize = 4;
/// A thread that has had nothing to do for so long ends.
const IDLE: Duration = Duration::from_secs(5);

/// Asks the system's resolver for the addresses of a name, such as `"example.org:443"`, `("example.org", 443)`, or
/// `"example.org"` (the addresses then have port 0). Literal addresses come back as they are.
///
/// # Errors
/// When the name has no address, or the resolver fails: the error names the host.
///
/// # Cancel safety
/// Dropping the future gives the answer up; a thread that is already asking goes on until the resolver answers.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// # raddle_runtime::runtime::Builder::new().worker_threads(1).build()?.block_on(async {
/// let mut addrs = raddle_net::lookup_host("localhost:80").await?;
/// assert!(addrs.all(|addr| addr.ip().is_loopback() && addr.port() == 80));
/// # Ok(())
/// # })
/// # }
/// ```
pub async fn lookup_host(host: impl ToSocketAddrs) -> io::Result<impl Iterator<Item = SocketAddr>> {
    Ok(resolve_any_port(host.target()).await?.into_iter())
}

/// The addresses of a name, at least one.
pub(crate) async fn lookup(host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
    let asking = Asking(Arc::new(Lookup { host, port, answer: Mutex::new(None), asker: Slot::new() }));
    let lookup = &asking.0;
    pool().submit(lookup).map_err(|error| at("start a thread to look up", &lookup.host, &error))?;
    let answer = poll_fn(|cx| {
        let unit = ready!(budget::poll_unit(cx));
        let take = || lookup.answer.lock().take();
        let answer = take().or_else(|| {
            lookup.asker.register(cx.waker());
            // It may have come before we were registered.
            take()
        });
        let Some(answer) = answer else {
            note(What::Lookup);
            return Poll::Pending;
        };
        unit.spend();
        Poll::Ready(answer)
    });
    answer.await.map_err(|error| at("look up", &lookup.host, &error))
}

/// The asker's side. The pool may keep the question for long after the asker has gone, but not the asker's waker.
#[derive(Debug)]
struct Asking(Arc<Lookup>);

impl Drop for Asking {
    fn drop(&mut self) {
        drop(self.0.asker.take());
    }
}

/// One question. The asker and the pool share it.
#[derive(Debug)]
struct Lookup {
    host: String,
    port: u16,
    answer: Mutex<Option<io::Result<Vec<SocketAddr>>>>,
    asker: Slot,
}

impl Lookup {
    fn ask(&self) {
        let answer = (self.host.as_str(), self.port).to_socket_addrs().map(Iterator::collect::<Vec<_>>);
        let answer = answer.and_then(|addrs| {
            let none = || io::Error::new(io::ErrorKind::NotFound, "the name has no addresses");
            if addrs.is_empty() { Err(none()) } else { Ok(addrs) }
        });
        *self.answer.lock() = Some(answer);
        self.asker.wake();
    }
}

#[derive(Debug, Default)]
struct Pool {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Arc<Lookup>>,
    threads: usize,
    /// Threads that wait for work, counting those notified that have not looked yet.
    idle: usize,
    /// The process the threads are in: a forked child has inherited the numbers and none of the threads.
    process: u32,
}

fn pool() -> &'static Pool {
    static POOL: OnceLock<Pool> = OnceLock::new();
    POOL.get_or_init(Pool::default)
}

impl Pool {
    /// Puts a question in line, and starts a thread for it if none is free and there may be another.
    fn submit(&'static self, lookup: &Arc<Lookup>) -> io::Result<()> {
        let mut inherited = State { process: std::process::id(), ..State::default() };
        let start = {
            let mut state = self.state.lock();
            if state.process != inherited.process {
                std::mem::swap(&mut *state, &mut inherited);
            }
            state.waiting.push_back(lookup.clone());
            let start = state.waiting.len() > state.idle && state.threads < THREADS_MAX;
            state.threads += usize::from(start);
            start
        };
        // What a forked child inherited: dropped with the lock released, for there are wakers in it.
        drop(inherited);
        self.work.notify_one();
        if !start {
            return Ok(());
        }
        let spec = thread::Spec { name: "raddle-lookup".to_owned(), stack_bytes: None };
        let Err(error) = thread::spawn(&spec, || self.serve()) else { return Ok(()) };
        let mut state = self.state.lock();
        state.threads -= 1;
        if state.threads > 0 {
            // The others will come to it.
            return Ok(());
        }
        state.waiting.retain(|waiting| !Arc::ptr_eq(waiting, lookup));
        Err(error)
    }

    /// The life of a thread.
    fn serve(&self) {
        while let Some(lookup) = self.next() {
            // Nobody else holds it: the asker has gone.
            if Arc::strong_count(&lookup) > 1 {
                lookup.ask();
            }
        }
    }

    /// The next question, or `None` when this thread is to end.
    fn next(&self) -> Option<Arc<Lookup>> {
        let mut state = self.state.lock();
        let mut timed_out = false;
        loop {
            if let Some(lookup) = state.waiting.pop_front() {
                return Some(lookup);
            }
            if timed_out {
                state.threads -= 1;
                return None;
            }
            state.idle += 1;
            (state, timed_out) = self.work.wait_timeout(state, IDLE);
            state.idle -= 1;
        }
    }
}
