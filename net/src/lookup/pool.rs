//! The threads that ask the resolver, and the questions they are asked.
//!
//! A question is open from when it is first asked until it is answered; whoever asks for the same host meanwhile joins
//! in. It waits in line until a thread takes it up; if all who asked have gone by then, it is dropped unasked.
//!
//! Each who asks holds the paused time of his runtime until he has been woken with the answer, or has gone (f22).

use crate::error::at;
use raddle_runtime::prim::lock::{Condvar, Mutex};
use raddle_runtime::prim::thread;
use raddle_runtime::time::{self, Hold};
use raddle_runtime::wait::{Arrival, Queue, What};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Look-ups at a time; the others wait their turn. Some may be stuck with a server that does not answer.
const THREADS_MAX: usize = 16;
/// A thread that has had nothing to do for so long ends.
const IDLE: Duration = Duration::from_secs(5);

type Answer = Result<Arc<[SocketAddr]>, Arc<io::Error>>;
/// Asks for the addresses of a host, with any port.
pub(super) type Resolver = Box<dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync>;

/// The addresses of a name, at least one.
pub(crate) async fn lookup(host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
    static POOL: OnceLock<Pool> = OnceLock::new();
    POOL.get_or_init(|| Pool::new(Box::new(ask_system))).lookup(host, port).await
}

fn ask_system(host: &str) -> io::Result<Vec<SocketAddr>> {
    Ok((host, 0).to_socket_addrs()?.collect())
}

/// What is asked. Those who ask and the pool share it.
#[derive(Debug)]
struct Question {
    host: String,
    /// The answer, once there is one, and those who wait for it.
    answer: Queue<Option<Answer>>,
}

impl Question {
    /// To be called with no lock held.
    fn settle(&self, answer: Answer) {
        let mut answered = self.answer.lock();
        *answered = Some(answer);
        answered.release_all();
    }
}

/// A question that is not answered yet.
#[derive(Debug)]
struct Open {
    question: Arc<Question>,
    /// Those who wait for the answer, by number, each with the time of his runtime.
    askers: BTreeMap<u64, Hold>,
    /// Its place in line.
    ticket: u64,
}

pub(super) struct Pool {
    state: Mutex<State>,
    work: Condvar,
    resolver: Resolver,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("state", &self.state).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct State {
    /// By host.
    open: HashMap<String, Open>,
    /// The line: those that no thread has taken up.
    waiting: BTreeMap<u64, Arc<Question>>,
    next_ticket: u64,
    next_asker: u64,
    threads: usize,
    /// Threads that wait for work, counting those notified that have not looked yet.
    idle: usize,
    /// The process the threads are in: a forked child has inherited the numbers and none of the threads.
    process: u32,
}

impl State {
    /// Joins those who ask for `host`, or puts the question in line. Returns the asker's number as well.
    fn ask(&mut self, host: String, hold: Hold) -> (Arc<Question>, u64) {
        let asker = self.next_asker;
        self.next_asker += 1;
        if let Some(open) = self.open.get_mut(&host) {
            open.askers.insert(asker, hold);
            return (open.question.clone(), asker);
        }
        let question = Arc::new(Question { host: host.clone(), answer: Queue::new(None) });
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let askers = BTreeMap::from([(asker, hold)]);
        self.open.insert(host, Open { question: question.clone(), askers, ticket });
        self.waiting.insert(ticket, question.clone());
        (question, asker)
    }

    /// Counts one thread more if the line needs it: it is to be started.
    fn claim_thread(&mut self) -> bool {
        let claimed = self.waiting.len() > self.idle && self.threads < THREADS_MAX;
        self.threads += usize::from(claimed);
        claimed
    }

    fn open_mut(&mut self, question: &Arc<Question>) -> Option<&mut Open> {
        self.open.get_mut(&question.host).filter(|open| Arc::ptr_eq(&open.question, question))
    }
}

/// One who asks, until it is dropped.
#[derive(Debug)]
struct Asking {
    pool: &'static Pool,
    question: Arc<Question>,
    asker: u64,
}

impl Drop for Asking {
    fn drop(&mut self) {
        let mut state = self.pool.state.lock();
        // None: it is answered, or was asked before a fork.
        let Some(open) = state.open_mut(&self.question) else { return };
        // Let go with no lock held: that wakes a runtime's driver.
        let hold = open.askers.remove(&self.asker);
        let (is_wanted, ticket) = (!open.askers.is_empty(), open.ticket);
        if !is_wanted && state.waiting.remove(&ticket).is_some() {
            state.open.remove(&self.question.host);
        }
        drop(state);
        drop(hold);
    }
}

impl Pool {
    pub(super) fn new(resolver: Resolver) -> Self {
        Self { state: Mutex::default(), work: Condvar::default(), resolver }
    }

    pub(super) async fn lookup(&'static self, host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
        let asking = self.ask(host);
        let question = &*asking.question;
        let answer = match question.answer.arrive(What::Lookup, |answer| (**answer).clone()).await {
            Arrival::Admitted(answer) => answer,
            Arrival::Notified(_) => question.answer.lock().clone().expect("the answer comes before the wake"),
        };
        let mut addrs = answer.map_err(|error| at("look up", &question.host, &error))?.to_vec();
        addrs.iter_mut().for_each(|addr| addr.set_port(port));
        Ok(addrs)
    }

    /// Asks, and starts a thread for it if none is free and there may be another.
    fn ask(&'static self, host: String) -> Asking {
        let mut inherited = State { process: std::process::id(), ..State::default() };
        let hold = time::hold();
        let ((question, asker), start) = {
            let mut state = self.state.lock();
            if state.process != inherited.process {
                std::mem::swap(&mut *state, &mut inherited);
            }
            (state.ask(host, hold), state.claim_thread())
        };
        self.work.notify_one();
        if start {
            self.start_thread();
        }
        Asking { pool: self, question, asker }
    }

    /// Starts the thread that was claimed. If there cannot be a single one, the questions in line are answered by that.
    fn start_thread(&'static self) {
        let spec = thread::Spec { name: "raddle-lookup".to_owned(), stack_bytes: None };
        let Err(error) = thread::spawn(&spec, || self.serve()) else { return };
        let mut state = self.state.lock();
        state.threads -= 1;
        if state.threads > 0 {
            // The others will come to it.
            return;
        }
        let orphans = std::mem::take(&mut state.waiting);
        // With the time of those who asked, until they have been told.
        let _open = std::mem::take(&mut state.open);
        drop(state);
        let error =
            Arc::new(io::Error::new(error.kind(), format!("no thread can be started for it: {error}")));
        orphans.into_values().for_each(|question| question.settle(Err(error.clone())));
    }

    /// The life of a thread.
    fn serve(&self) {
        while let Some(question) = self.next() {
            let none = || io::Error::new(io::ErrorKind::NotFound, "the name has no addresses");
            let answer = match (self.resolver)(&question.host) {
                Ok(addrs) if addrs.is_empty() => Err(none()),
                answer => answer,
            };
            // Whoever asks from here on asks anew.
            let mut state = self.state.lock();
            let open = state.open_mut(&question).is_some().then(|| state.open.remove(&question.host));
            drop(state);
            question.settle(answer.map(Arc::from).map_err(Arc::new));
            // The time of those who asked: they have been woken, and keep it themselves.
            drop(open);
        }
    }

    /// The next question, or `None` when this thread is to end.
    fn next(&self) -> Option<Arc<Question>> {
        let mut state = self.state.lock();
        let mut timed_out = false;
        loop {
            if let Some((_, question)) = state.waiting.pop_first() {
                return Some(question);
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
