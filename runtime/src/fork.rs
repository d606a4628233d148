//! Is this still the process that made the runtime? A forked child has the memory and none of the threads.

use crate::prim::statics::{AtomicU32, Ordering};
use std::sync::Once;

static GENERATION: AtomicU32 = AtomicU32::new(0);
static WATCH: Once = Once::new();

extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// Has forks counted from now on. Called when a runtime is built.
pub(crate) fn watch() {
    WATCH.call_once(|| {
        // SAFETY: the handler only adds to an atomic, which is allowed in a forked child.
        let rc = unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
        if rc != 0 {
            crate::report::warn(format_args!("cannot watch for forks (pthread_atfork: error {rc})"));
        }
    });
}

/// How often this process has been forked off, counted from the first runtime: differs between parent and child.
#[inline]
pub(crate) fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}
