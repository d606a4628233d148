//! `OnceCell`: a value that is made once, by the first who needs it.

use crate::permits::{Permits, Refused};
use raddle_runtime::consume_budget;
use raddle_runtime::wait::What;
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::sync::OnceLock;

/// A cell that is filled once; whoever comes while it is being filled waits for that.
///
/// ```
/// # fn main() { futures_lite::future::block_on(async {
/// use raddle_sync::OnceCell;
/// static CONFIG: OnceCell<String> = OnceCell::new();
/// assert_eq!(CONFIG.get(), None);
/// let read = CONFIG.get_or_init(async || "verbose = true".to_owned()).await;
/// assert_eq!(read, "verbose = true");
/// assert!(CONFIG.initialized());
/// # }) }
/// ```
pub struct OnceCell<T> {
    value: OnceLock<T>,
    /// One permit: the right to fill the cell. Closed once it is full.
    turn: Permits,
}

/// The right to fill the cell; the next in line gets it when it is dropped, be it that whoever had it is done, was
/// cancelled, or panicked.
struct Turn<'a>(&'a Permits);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.release(1);
    }
}

impl<T> OnceCell<T> {
    /// An empty cell.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Self { value: OnceLock::new(), turn: Permits::new(1) }
    }

    /// An empty cell.
    #[cfg(loom)]
    pub fn new() -> Self {
        Self { value: OnceLock::new(), turn: Permits::new(1) }
    }

    /// The value, if there is one.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        self.value.get()
    }

    /// The value, if there is one, to be changed.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.get_mut()
    }

    /// Whether there is a value.
    #[inline]
    pub fn initialized(&self) -> bool {
        self.get().is_some()
    }

    /// Fills the cell.
    ///
    /// # Errors
    /// The value, when there is one already or one is being made.
    pub fn set(&self, value: T) -> Result<(), SetError<T>> {
        let _turn = match self.turn.try_acquire(1) {
            Ok(()) => Turn(&self.turn),
            Err(Refused::Closed) => return Err(SetError::AlreadyInitialized(value)),
            Err(Refused::Taken) => return Err(SetError::Initializing(value)),
        };
        self.fill(value);
        Ok(())
    }

    /// The value; the first who comes makes it with `init`, the others wait for that.
    ///
    /// If whoever makes it is cancelled or panics, the next who waits makes it, with his own `init`. An `init` that
    /// waits for the same cell waits for ever.
    ///
    /// # Cancel safety
    /// Dropping the future drops what `init` has done, and the cell is as before.
    pub async fn get_or_init<F, Fut>(&self, init: F) -> &T
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = T>,
    {
        let made = self.get_or_try_init(async || Ok::<T, Infallible>(init().await)).await;
        match made {
            Ok(value) => value,
        }
    }

    /// As [`get_or_init`](Self::get_or_init); when `init` fails the cell stays empty, and the next makes the value.
    ///
    /// # Errors
    /// What `init` returned.
    ///
    /// # Cancel safety
    /// Dropping the future drops what `init` has done, and the cell is as before.
    pub async fn get_or_try_init<E, F, Fut>(&self, init: F) -> Result<&T, E>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        if let Some(value) = self.get() {
            consume_budget().await;
            return Ok(value);
        }
        let _turn = self.turn.acquire(What::OnceCell, 1).await.map(|()| Turn(&self.turn));
        match self.get() {
            // The line was closed, for there is a value.
            Some(value) => Ok(value),
            // The turn is ours until the value is there, or `init` fails, panics or is dropped.
            None => Ok(self.fill(init().await?)),
        }
    }

    /// To be called by whoever has the turn.
    fn fill(&self, value: T) -> &T {
        let value = self.value.get_or_init(|| value);
        self.turn.close();
        value
    }

    /// Takes the value out; the cell is empty again.
    pub fn take(&mut self) -> Option<T> {
        std::mem::take(self).into_inner()
    }

    /// The value, if there is one, for good.
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }
}

impl<T> Default for OnceCell<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> From<T> for OnceCell<T> {
    fn from(value: T) -> Self {
        let turn = Permits::new(0);
        turn.close();
        Self { value: OnceLock::from(value), turn }
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceCell").field("value", &self.get()).finish()
    }
}

/// Why [`OnceCell::set`] did not fill the cell; it gives the value back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetError<T> {
    /// There is a value already.
    AlreadyInitialized(T),
    /// Somebody is making one.
    Initializing(T),
}

impl<T> SetError<T> {
    /// The value that was not set.
    pub fn into_inner(self) -> T {
        match self {
            Self::AlreadyInitialized(value) | Self::Initializing(value) => value,
        }
    }
}

impl<T> fmt::Display for SetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlreadyInitialized(_) => "the cell has a value already",
            Self::Initializing(_) => "the value of the cell is being made",
        })
    }
}

impl<T: fmt::Debug> Error for SetError<T> {}
