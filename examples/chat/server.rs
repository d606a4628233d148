//! The server: accepts, knows everyone, and says goodbye to all when it ends.

use crate::connection;
use crate::limits::raise_open_files;
use crate::room::{Member, Rooms};
use futures_lite::future;
use raddle::net::{TcpListener, TcpStream};
use raddle::process::signal::{SignalKind, signal};
use raddle::sync::Event;
use raddle::time::{sleep, timeout};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// For a thousand clients and what the process needs itself.
const OPEN_FILES: u64 = 1064;
/// How long those who are told goodbye have to read it.
const GOODBYE: Duration = Duration::from_secs(2);
/// After an accept that failed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// What one client may ask of the server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The longest line, in bytes.
    pub(crate) max_line: usize,
    /// How many bytes may wait for a client to read them.
    pub(crate) backlog: usize,
}

/// The server's state, shared by all its connections.
#[derive(Debug)]
pub(crate) struct Chat {
    pub(crate) limits: Limits,
    pub(crate) rooms: Rooms,
    present: Mutex<Present>,
    /// Set when the last connection has ended after `goodbye`.
    deserted: Event,
}

#[derive(Debug, Default)]
struct Present {
    by_id: HashMap<u64, Arc<Member>>,
    next_id: u64,
    is_closing: bool,
}

impl Chat {
    pub(crate) fn new(limits: Limits) -> Arc<Self> {
        let (rooms, present, deserted) = (Rooms::default(), Mutex::default(), Event::new());
        Arc::new(Self { limits, rooms, present, deserted })
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        self.present.lock().expect("no panic while the list is locked")
    }

    /// Accepts connections for ever.
    pub(crate) async fn accept(self: Arc<Self>, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, addr)) => self.welcome(stream, addr),
                Err(error) => {
                    // The client that went away again, or the system: neither ends the server.
                    eprintln!("chat: a connection could not be accepted: {error}");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn welcome(self: &Arc<Self>, stream: TcpStream, addr: SocketAddr) {
        // A line is wanted now, not when the next one comes; and what the system keeps for a client that does not read
        // is to be bounded too. If the socket refuses, it works all the same.
        let _ = stream.set_nodelay(true);
        let _ = stream.set_send_buffer_size(self.limits.backlog);
        let member = Arc::new(Member::new(addr, self.limits.backlog));
        let mut present = self.present();
        let id = present.next_id;
        present.next_id += 1;
        present.by_id.insert(id, member.clone());
        drop(present);
        let chat = self.clone();
        let conversation = async move {
            connection::converse(stream, &member, &chat).await;
            chat.forget(id);
        };
        raddle::spawn(conversation).detach();
    }

    fn forget(&self, id: u64) {
        let mut present = self.present();
        let gone = present.by_id.remove(&id);
        let is_last = present.is_closing && present.by_id.is_empty();
        drop(present);
        drop(gone);
        if is_last {
            self.deserted.set();
        }
    }

    /// Says goodbye to everyone, and waits until they have it or the time is up; gives how many had not read it.
    pub(crate) async fn goodbye(&self) -> usize {
        let members: Vec<_> = {
            let mut present = self.present();
            present.is_closing = true;
            present.by_id.values().cloned().collect()
        };
        for member in &members {
            member.dismiss("* goodbye: the server ends\n");
        }
        if !members.is_empty() {
            // Running out of time is no error: those who are left are counted.
            let _ = timeout(GOODBYE, self.deserted.wait()).await;
        }
        self.present().by_id.len()
    }
}

/// Listens at `addr`.
pub(crate) async fn listen(addr: &str) -> Result<(TcpListener, SocketAddr), String> {
    let bound = TcpListener::bind(addr).await.and_then(|listener| {
        let local = listener.local_addr()?;
        Ok((listener, local))
    });
    bound.map_err(|error| format!("cannot listen on {addr}: {error}"))
}

/// Serves people at `addr` until Ctrl-C.
pub(crate) async fn serve_people(addr: String, limits: Limits) -> Result<(), String> {
    match raise_open_files(OPEN_FILES) {
        Ok(allowed) if allowed >= OPEN_FILES => {}
        Ok(allowed) => {
            eprintln!("chat: only {allowed} open files are allowed, one for each client (ulimit -n)")
        }
        Err(error) => eprintln!("chat: the limit on open files cannot be raised: {error}"),
    }
    let (listener, local) = listen(&addr).await?;
    let no_signal = |error: io::Error| format!("cannot listen for signals: {error}");
    let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signal)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signal)?;
    println!("listening on {local} (try: nc {} {}); Ctrl-C ends it", local.ip(), local.port());

    let chat = Chat::new(limits);
    let asked_to_end = future::or(interrupt.recv(), terminate.recv());
    let accepting = async {
        chat.clone().accept(listener).await;
        None
    };
    future::or(asked_to_end, accepting).await;
    // From here on a second Ctrl-C ends the process at once.
    drop((interrupt, terminate));

    match chat.goodbye().await {
        0 => println!("everyone has left; goodbye"),
        left => println!("{left} did not read the goodbye in {GOODBYE:?}; goodbye"),
    }
    Ok(())
}
