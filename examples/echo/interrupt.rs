//! Ctrl-C, and the request to terminate: the first ends the program in good order, a second one at once.

use futures_lite::future;
use raddle::process::signal::{SignalKind, signal};
use raddle::sync::Event;
use std::sync::Arc;

/// The user's wish to end.
#[derive(Debug)]
pub(crate) struct Interrupt(Arc<Event>);

impl Interrupt {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the system does not let it.
    pub(crate) fn listen() -> Result<Self, String> {
        let no_signal = |error| format!("cannot listen for signals: {error}");
        let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signal)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(no_signal)?;
        let event = Arc::new(Event::new());
        let came = event.clone();
        let listening = async move {
            future::or(interrupt.recv(), terminate.recv()).await;
            // The listeners go, and with them what keeps a second signal from ending the process.
            drop((interrupt, terminate));
            came.set();
        };
        raddle::spawn(listening).detach();
        Ok(Self(event))
    }

    /// Waits for it; returns at once when it came before.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub(crate) async fn wait(&self) {
        self.0.wait().await;
    }

    /// Whether it came.
    pub(crate) fn came(&self) -> bool {
        self.0.is_set()
    }
}
