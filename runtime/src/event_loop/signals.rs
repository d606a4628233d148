//! Signals that a loop listens for: a callback on the lane for each delivery.

use super::core::Core;
use super::watch::{Repeated, Side};
use crate::prim::lock::Mutex;
use crate::signal::{Signal, SignalKind, signal};
use std::collections::HashMap;
use std::io;
use std::panic::Location;
use std::sync::{Arc, Weak};

/// The signal handlers of one loop.
#[derive(Default)]
pub(super) struct Signals(Mutex<HashMap<SignalKind, Side>>);

/// Waits for deliveries, and gives the callback its turn for each.
async fn attend(core: Weak<Core>, mut signal: Signal, call: Arc<Repeated>) {
    while signal.recv().await.is_some() && call.has_turn(&core).await {}
}

impl Signals {
    /// Has `call` called for each delivery of `kind`, in place of what was there.
    ///
    /// # Errors
    /// When the signal cannot be listened for.
    #[track_caller]
    pub(super) fn add<F>(&self, core: &Arc<Core>, kind: SignalKind, call: F) -> io::Result<()>
    where
        F: FnMut() + Send + 'static,
    {
        let signal = {
            let _entered = core.handle.enter();
            signal(kind)?
        };
        let callback = Repeated::new(call, Location::caller());
        let task = attend(Arc::downgrade(core), signal, callback.clone());
        let side = Side::start(core, format!("handler of {kind:?}"), callback, task);
        let old = self.0.lock().insert(kind, side);
        old.iter().for_each(Side::end);
        Ok(())
    }

    /// Ends what `add` began; false when there was nothing.
    pub(super) fn remove(&self, kind: SignalKind) -> bool {
        let side = self.0.lock().remove(&kind);
        side.iter().for_each(Side::end);
        side.is_some()
    }

    pub(super) fn end_all(&self) {
        let all = std::mem::take(&mut *self.0.lock());
        all.values().for_each(Side::end);
    }
}
