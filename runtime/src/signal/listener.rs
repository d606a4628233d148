//! What runs in the signal handler: one action per listener that writes a byte to its socket, and, before those, one
//! per kind that does what the system would do while nobody listens.
//!
//! `signal-hook` keeps the list of actions that a handler may walk at any moment. It never takes its handler out of the
//! system again, hence the action that does by hand what the system would do.

use super::SignalKind;
use crate::prim::atomic::{AtomicU32, AtomicUsize, Ordering::SeqCst};
use crate::prim::lock::Mutex;
use signal_hook::{SigId, consts::FORBIDDEN, low_level};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::process;
use std::sync::{Arc, OnceLock};

/// The kinds that were ever listened for. Their default actions are installed and stay.
static AUDIENCES: OnceLock<Mutex<BTreeMap<i32, Arc<Audience>>>> = OnceLock::new();

/// Who listens for one kind. Read by the handler without a lock, changed under that of `AUDIENCES`.
#[derive(Debug, Default)]
struct Audience {
    /// The process the listeners belong to: a forked child has a copy of this, but no runtime to read its sockets.
    pid: AtomicU32,
    listeners: AtomicUsize,
}

impl Audience {
    fn is_empty(&self) -> bool {
        self.pid.load(SeqCst) != process::id() || self.listeners.load(SeqCst) == 0
    }
}

/// One listener, until it is dropped.
#[derive(Debug)]
pub(super) struct Listener {
    audience: Arc<Audience>,
    action: SigId,
    pid: u32,
}

impl Listener {
    /// From now on each delivery of `kind` writes a byte to `sender`, which must be non-blocking.
    pub(super) fn new(kind: SignalKind, sender: UnixStream) -> io::Result<Self> {
        let signal = check(kind)?;
        let pid = process::id();
        let mut audiences = AUDIENCES.get_or_init(Mutex::default).lock();
        let audience = match audiences.get(&signal) {
            Some(audience) => audience.clone(),
            None => {
                let audience = install_default(signal)?;
                audiences.insert(signal, audience.clone());
                audience
            }
        };
        let tell = move || {
            if process::id() == pid {
                // A full socket holds deliveries enough, and nothing can be said here.
                let _ = (&sender).write(&[1]);
            }
        };
        // SAFETY: `tell` only asks for the process id and writes to a non-blocking socket: both async-signal-safe.
        let action = unsafe { low_level::register(signal, tell) }?;
        if audience.pid.swap(pid, SeqCst) != pid {
            audience.listeners.store(0, SeqCst);
        }
        audience.listeners.fetch_add(1, SeqCst);
        Ok(Self { audience, action, pid })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _audiences = AUDIENCES.get_or_init(Mutex::default).lock();
        // A listener that came into a forked child was never counted there.
        if self.audience.pid.load(SeqCst) == self.pid {
            self.audience.listeners.fetch_sub(1, SeqCst);
        }
        low_level::unregister(self.action);
    }
}

/// Refuses what `signal-hook` would panic at.
fn check(kind: SignalKind) -> io::Result<i32> {
    let signal = kind.as_raw_value();
    if signal <= 0 || FORBIDDEN.contains(&signal) {
        let text = format!("{kind:?} cannot be listened for");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    Ok(signal)
}

/// Installs the handler, with the action for when nobody listens.
fn install_default(signal: i32) -> io::Result<Arc<Audience>> {
    let audience = Arc::new(Audience::default());
    let seen = audience.clone();
    let act = move || {
        // Those without a name (the real-time signals) end the process by default.
        if seen.is_empty() && low_level::emulate_default_handler(signal).is_err() {
            low_level::exit(128 + signal);
        }
    };
    // SAFETY: `act` reads atomics, asks for the process id and calls two functions made for handlers.
    unsafe { low_level::register(signal, act) }?;
    Ok(audience)
}
