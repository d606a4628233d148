//! Threads: std's, or loom's in a model.
#![allow(clippy::disallowed_methods, reason = "this is the seam")]

#[cfg(loom)]
pub use loom::thread::{JoinHandle, yield_now};
#[cfg(not(loom))]
pub use std::thread::{JoinHandle, yield_now};

use std::io;

/// Spins this often before a loop gives its time slice away.
#[cfg(not(loom))]
const SPINS: usize = 64;

/// How a thread is to be started.
#[derive(Debug, Clone, Default)]
pub struct Spec {
    /// Its name, as debuggers and `top -H` show it.
    pub name: String,
    /// Stack size in bytes; the platform's default when `None`.
    pub stack_bytes: Option<usize>,
}

/// Starts a thread.
///
/// # Errors
/// When the operating system cannot start one more.
#[cfg(not(loom))]
pub fn spawn<F>(spec: &Spec, f: F) -> io::Result<JoinHandle<()>>
where
    F: FnOnce() + Send + 'static,
{
    let mut builder = std::thread::Builder::new().name(spec.name.clone());
    if let Some(bytes) = spec.stack_bytes {
        builder = builder.stack_size(bytes);
    }
    builder.spawn(f)
}

/// Starts a thread of the model.
#[cfg(loom)]
pub fn spawn<F>(_spec: &Spec, f: F) -> io::Result<JoinHandle<()>>
where
    F: FnOnce() + Send + 'static,
{
    Ok(loom::thread::spawn(f))
}

/// One turn of a wait for another thread that is about to finish a few instructions.
#[cfg(not(loom))]
pub fn spin(turn: usize) {
    if turn < SPINS {
        std::hint::spin_loop();
    } else {
        yield_now();
    }
}

/// One turn of a wait for another thread: loom wants to see each.
#[cfg(loom)]
pub fn spin(_turn: usize) {
    yield_now();
}

/// A wait for another thread that is about to finish a few instructions: it spins.
#[cfg(not(loom))]
#[derive(Debug, Default)]
pub struct Moment;

#[cfg(not(loom))]
impl Moment {
    /// A moment to wait for.
    #[inline]
    pub const fn new() -> Self {
        Self
    }

    /// Waits until `has_passed` says so.
    pub fn wait(&self, has_passed: impl Fn() -> bool) {
        (0..).take_while(|_| !has_passed()).for_each(spin);
    }

    /// What `has_passed` looks at has changed.
    #[inline]
    pub fn pass(&self) {}
}

/// A wait for another thread: loom cannot follow several threads that spin at once, so here it blocks.
#[cfg(loom)]
#[derive(Debug, Default)]
pub struct Moment {
    lock: loom::sync::Mutex<()>,
    passed: loom::sync::Condvar,
}

#[cfg(loom)]
impl Moment {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn wait(&self, has_passed: impl Fn() -> bool) {
        if has_passed() {
            return;
        }
        let mut guard = self.lock.lock().unwrap();
        while !has_passed() {
            guard = self.passed.wait(guard).unwrap();
        }
    }

    pub fn pass(&self) {
        drop(self.lock.lock());
        self.passed.notify_all();
    }
}
